"""The LoRA adapter: which modules it sits on, how it is made and how it is stored."""

from __future__ import annotations

import difflib
import json
import warnings
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import torch

from codetune.core.errors import UserError, error_text
from codetune.core.files import write_json
from codetune.training.params import LoraParams

_PRESETS = ("attention", "mlp", "all-linear")
_FUSED_DIMENSIONS = 3  # of experts, outputs and inputs


def linear_modules(model: Any) -> list[str]:
    """The full names of the linear modules inside the model's layers, in model order; never the output layer."""
    from transformers.pytorch_utils import Conv1D

    output = model.get_output_embeddings()
    return [
        name
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.Linear | Conv1D) and module is not output and _layer(name) is not None
    ]


def _layer(name: str) -> int | None:
    """The number of the layer that a module sits in."""
    return next((int(part) for part in name.split(".") if part.isdigit()), None)


def _in_attention(name: str) -> bool:
    return any("attn" in part or "attention" in part for part in name.split("."))


def _matches(name: str, target: str) -> bool:
    """Whether `target` names this module: a preset, a pattern, its full name, or the end of it (peft's rule)."""
    if target == "all-linear":
        return True
    if target in ("attention", "mlp"):
        return _in_attention(name) == (target == "attention")
    return fnmatchcase(name, target) or name.endswith(f".{target}")


def target_modules(model: Any, targets: str | list[str], layers: list[int] | None = None) -> list[str]:
    """The full names of the modules that `targets` stands for, in model order.

    :param layers: the layers they may sit in; None: all.
    :raises UserError: when a target or a layer matches no linear module; the nearest names are given.
    """
    modules, refused = linear_modules(model), left_out(model)
    known = sorted({layer for name in modules if (layer := _layer(name)) is not None})
    if unknown := [layer for layer in layers or () if layer not in known]:
        raise UserError(
            f"train.lora.layers_to_transform: the model has no layer {unknown[0]}",
            f"Use numbers from 0 to {len(known) - 1}, or null.",
        )
    inside = [name for name in modules if layers is None or _layer(name) in layers]
    wanted = [targets] if isinstance(targets, str) else targets
    chosen = _chosen(inside, wanted, "target_modules", "linear module", _PRESETS, _no_experts(model))
    by_name = [target for target in wanted if target not in _PRESETS]
    adapted = [name for name in chosen if name not in refused or any(_matches(name, each) for each in by_name)]
    if wrong := [name for name in adapted if name in refused] or ([] if adapted else chosen):
        raise UserError(
            f"train.lora.target_modules: peft does not adapt {wrong[0]} of this model as it stands: "
            f"{refused[wrong[0]]}",
            "Use attention, or names of other modules.",
        )
    return adapted


def left_out(model: Any) -> dict[str, str]:
    """The linear modules that peft refuses, or takes for others, each with the reason; presets leave them out.

    Routers of experts are of classes that are linear by name, and answer with more than a product.
    Where a family has fused experts, peft takes the names of their old modules for the experts, and with them those of
    other modules that are called alike; of Mamba's layers it refuses some, whose weights are read without the module.
    """
    from peft import LoraConfig
    from peft.tuners.tuners_utils import _check_lora_target_modules_mamba
    from peft.utils.transformers_weight_conversion import convert_peft_config_for_transformers

    found: dict[str, str] = {}
    for name in linear_modules(model):
        module = model.get_submodule(name)
        if not _is_product(module):
            found[name] = f"{type(module).__name__} gives something else than a product"
            continue
        config = LoraConfig(target_modules=[name])
        try:
            _check_lora_target_modules_mamba(config, model, name.rsplit(".", 1)[-1])
            convert_peft_config_for_transformers(config, model, None)
        except ValueError as error:
            found[name] = error_text(error)
        if name not in found and name not in config.target_modules:
            found[name] = "it takes the name for that of the fused experts"
    return found


def _is_product(module: Any) -> bool:
    """Whether a module of a class of its own gives what a linear one would; tried on one row of numbers."""
    if type(module).forward is torch.nn.Linear.forward or not isinstance(module, torch.nn.Linear):
        return True
    given = torch.linspace(-1, 1, module.in_features, dtype=module.weight.dtype, device=module.weight.device)[None]
    try:
        with torch.no_grad():
            found: Any = module(given)
    except Exception:  # models raise what they like
        return False
    expected = torch.nn.functional.linear(given, module.weight, module.bias)
    same_shape = isinstance(found, torch.Tensor) and found.shape == expected.shape
    return same_shape and torch.allclose(found, expected, atol=1e-3)


def frozen_experts(model: Any) -> list[str]:
    """The names of the weights of experts that are fused to one tensor each, which no linear module holds.

    :param model: without an adapter.
    """
    return [
        f"{name}.{part}"
        for name, module in model.named_modules()
        if not isinstance(module, torch.nn.Linear | torch.nn.modules.conv._ConvNd)  # noqa: SLF001
        for part, weight in module.named_parameters(recurse=False)
        if (weight.ndim == _FUSED_DIMENSIONS and min(weight.shape) > 1)
        or (weight.ndim > 1 and any("expert" in place for place in name.split(".")))
    ]


def unreached(model: Any, targets: str | list[str]) -> dict[str, list[str]]:
    """What an adapter is not put on though the targets may seem to name it, by reason; no reason without such a weight.

    :param model: without an adapter.
    """
    wanted = [targets] if isinstance(targets, str) else targets
    refused = [name for name in left_out(model) if any(_matches(name, each) for each in wanted)]
    experts = frozen_experts(model) if {"mlp", "all-linear"} & set(wanted) else []
    return {reason: names for reason, names in (("frozen_experts", experts), ("left_out", refused)) if names}


def _no_experts(model: Any) -> str:
    """What to say beside a target that matches nothing, where experts are out of reach."""
    experts = frozen_experts(model)
    return f" (its experts are {len(experts)} fused tensors, which are not adapted)" if experts else ""


def whole_modules(model: Any, names: list[str]) -> list[str]:
    """The full names of the modules that `names` stands for, out of those that have weights of their own.

    :raises UserError: when a name matches none, or one that shares its weights with another: they would part.
    """
    owners = [
        name for name, module in model.named_modules() if next(module.parameters(recurse=False), None) is not None
    ]
    chosen = _chosen(owners, names, "modules_to_save", "module with weights", ()) if names else []
    embedding, output = model.get_input_embeddings(), model.get_output_embeddings()
    if output is not None and embedding.weight is output.weight:
        for name in chosen:
            if model.get_submodule(name) in (embedding, output):
                raise UserError(
                    f"train.lora.modules_to_save: {name} shares its weights with another module of this model",
                    "Take it out: the adapter cannot train tied weights.",
                )
    return chosen


def _chosen(
    modules: list[str], wanted: list[str], key: str, kind: str, presets: tuple[str, ...], remark: str = ""
) -> list[str]:
    for target in wanted:
        if not any(_matches(name, target) for name in modules):
            known = sorted({name.rsplit(".", 1)[-1] for name in modules})
            close = [] if target in presets else difflib.get_close_matches(target, [*known, *presets], n=1)
            hint = f" (did you mean {close[0]}?)" if close else remark
            raise UserError(
                f"train.lora.{key}: {target!r} matches no {kind} of the model{hint}",
                f"Use {', '.join([*presets, 'a pattern'])}, or names out of {', '.join(known)}.",
            )
    return [name for name in modules if any(_matches(name, target) for target in wanted)]


def add_adapter(model: Any, params: LoraParams, seed: int) -> Any:
    """`model` as a PeftModel with a fresh adapter; only the adapter, and what is named besides, can be trained.

    The seed is set here, before the adapter's first weights are drawn: set later, as is often done, it does not
    reach them (https://github.com/huggingface/trl/issues/6688).

    :raises UserError: when a target matches nothing, or the modules that are adapted are not those that were asked for.
    """
    from peft import LoraConfig, get_peft_model
    from transformers.pytorch_utils import Conv1D

    from codetune.training.fused import fuse
    from codetune.training.layers import MergedLinear

    modules = target_modules(model, params.target_modules, params.layers_to_transform)
    whole = whole_modules(model, params.modules_to_save)
    if both := sorted(set(modules) & set(whole)):
        raise UserError(
            f"train.lora: {both[0]} is both adapted and trained whole",
            "Take it out of target_modules, or of modules_to_save.",
        )
    conv1d = any(isinstance(model.get_submodule(name), Conv1D) for name in modules)
    config = LoraConfig(
        r=params.rank,
        lora_alpha=params.alpha,
        lora_dropout=params.dropout,
        target_modules=modules,
        modules_to_save=whole or None,
        use_rslora=params.use_rslora,
        use_dora=params.use_dora,
        fan_in_fan_out=conv1d,
        task_type="CAUSAL_LM",
    )
    if not conv1d:
        config._register_custom_module({torch.nn.Linear: MergedLinear})  # noqa: SLF001 - as peft's documentation says to
    torch.manual_seed(seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        try:
            adapted = get_peft_model(model, config)
        except (ValueError, NotImplementedError, TypeError, RuntimeError, AttributeError) as error:
            raise UserError(
                f"train.lora: the adapter cannot be put on this model: {error_text(error)}",
                "Change train.lora.target_modules, or use another base.",
            ) from None
    _require_asked(adapted, modules)
    fuse(adapted)
    return adapted


def _require_asked(adapted: Any, asked: list[str]) -> None:
    """:raises UserError: when other modules are adapted than were asked for."""
    weights = [name for name, _ in adapted.named_parameters() if ".lora_" in name]
    found = {name.partition(".lora_")[0].removeprefix("base_model.model.") for name in weights}
    if wrong := sorted(found.symmetric_difference(asked)):
        what = "adapted unasked" if wrong[0] in found else "asked for and not adapted"
        raise UserError(
            f"train.lora.target_modules: {len(asked)} modules were asked for, {len(found)} are adapted; {wrong[0]} is "
            f"{what}",
            "Use attention, or names of other modules.",
        )


def trainable_report(model: Any) -> dict[str, Any]:
    """What is trained: number of parameters, their share of all, the kinds of modules, and the number of these."""
    weights = dict(model.named_parameters())
    trained = {name: weight.numel() for name, weight in weights.items() if weight.requires_grad}
    adapted = {name.partition(".lora_")[0].partition(".modules_to_save")[0] for name in trained}
    kinds = {".".join(part for part in name.split(".")[-3:] if not part.isdigit()) for name in adapted}
    parameters = sum(trained.values())
    total = sum(weight.numel() for weight in weights.values())
    return {
        "parameters": parameters,
        "share": round(parameters / total, 6),
        "modules": sorted(kinds),
        "module_count": len(adapted),
    }


def save_adapter(model: Any, folder: Path, base: str, revision: str | None) -> None:
    """Write adapter_model.safetensors and adapter_config.json: the same bytes for the same adapter.

    peft adds a model card without content, and lists modules in the order of a set of strings, which changes from one
    process to the next; both are mended. The base is named as in params.yaml.
    """
    model.save_pretrained(folder, safe_serialization=True, save_embedding_layers=False)
    (folder / "README.md").unlink(missing_ok=True)
    path = folder / "adapter_config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    config |= {"base_model_name_or_path": base, "revision": revision}
    write_json(path, {key: sorted(value) if _is_names(value) else value for key, value in sorted(config.items())})


def _is_names(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)
