"""The LoRA adapter: choose its target modules, add it to a model, and save it."""

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
from codetune.training.params import Layers, LoraParams

_PRESETS = ("attention", "mlp", "all-linear")
_FUSED_DIMENSIONS = 3  # experts, outputs and inputs


def linear_modules(model: Any) -> list[str]:
    """Return the full names of the linear modules in the model's layers, in model order, without the output layer."""
    from transformers.pytorch_utils import Conv1D

    output = model.get_output_embeddings()
    return [
        name
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.Linear | Conv1D) and module is not output and _layer(name) is not None
    ]


def _layer(name: str) -> int | None:
    """Return the number of the layer that contains a module, or None."""
    return next((int(part) for part in name.split(".") if part.isdigit()), None)


def _in_attention(name: str) -> bool:
    return any("attn" in part or "attention" in part for part in name.split("."))


def _matches(name: str, target: str) -> bool:
    """Return whether `target` selects the module.

    A target is a preset, a pattern, a full name, or the end of a name (peft's rule).
    """
    if target == "all-linear":
        return True
    if target in ("attention", "mlp"):
        return _in_attention(name) == (target == "attention")
    return fnmatchcase(name, target) or name.endswith(f".{target}")


def target_modules(model: Any, targets: str | list[str], layers: Layers = None) -> list[str]:
    """Return the full names of the modules that `targets` selects, in model order.

    :param targets: the value of `train.lora.target_modules`.
    :param layers: the value of `train.lora.layers_to_transform`.
    :raises UserError: when a target or a layer matches no linear module (the message suggests similar names), or when
        peft cannot adapt a selected module.
    """
    modules, refused = linear_modules(model), left_out(model)
    known = sorted({layer for name in modules if (layer := _layer(name)) is not None})
    if layers == "upper-half":
        layers = known[len(known) // 2 :]
    if unknown := [layer for layer in layers or () if layer not in known]:
        raise UserError(
            f"train.lora.layers_to_transform: the model has no layer {unknown[0]}",
            f"Use numbers from 0 to {len(known) - 1}, upper-half, or null.",
        )
    inside = [name for name in modules if layers is None or _layer(name) in layers]
    wanted = [targets] if isinstance(targets, str) else targets
    chosen = _chosen(inside, wanted, "target_modules", "linear module", _PRESETS, _no_experts(model))
    by_name = [target for target in wanted if target not in _PRESETS]
    adapted = [name for name in chosen if name not in refused or any(_matches(name, each) for each in by_name)]
    if wrong := [name for name in adapted if name in refused] or ([] if adapted else chosen):
        raise UserError(
            f"train.lora.target_modules: peft cannot adapt {wrong[0]} of this model: {refused[wrong[0]]}",
            "Use attention, or names of other modules.",
        )
    return adapted


def left_out(model: Any) -> dict[str, str]:
    """Return the linear modules that peft cannot adapt, each with the reason. Presets do not select them.

    There are three cases. Routers of experts belong to a subclass of Linear but compute more than a matrix product. In
    families with fused experts, peft reads the names of the former expert modules as names of the experts, and so also
    confuses other modules with the same names. Some layers of Mamba use a weight without calling its module, so peft
    refuses them.

    :param model: without an adapter.
    """
    from peft import LoraConfig
    from peft.tuners.tuners_utils import _check_lora_target_modules_mamba
    from peft.utils.transformers_weight_conversion import convert_peft_config_for_transformers

    found: dict[str, str] = {}
    for name in linear_modules(model):
        module = model.get_submodule(name)
        if not _is_product(module):
            found[name] = f"{type(module).__name__} computes something else than a matrix product"
            continue
        config = LoraConfig(target_modules=[name])
        try:
            _check_lora_target_modules_mamba(config, model, name.rsplit(".", 1)[-1])
            convert_peft_config_for_transformers(config, model, None)
        except ValueError as error:
            found[name] = error_text(error)
        if name not in found and name not in config.target_modules:
            found[name] = "peft confuses its name with that of the fused experts"
    return found


def _is_product(module: Any) -> bool:
    """Return whether a module computes a plain matrix product.

    A module of a subclass of Linear is tested with one row of numbers.
    """
    if type(module).forward is torch.nn.Linear.forward or not isinstance(module, torch.nn.Linear):
        return True
    given = torch.linspace(-1, 1, module.in_features, dtype=module.weight.dtype, device=module.weight.device)[None]
    try:
        with torch.no_grad():
            found: Any = module(given)
    except Exception:  # a module can raise any exception
        return False
    expected = torch.nn.functional.linear(given, module.weight, module.bias)
    same_shape = isinstance(found, torch.Tensor) and found.shape == expected.shape
    return same_shape and torch.allclose(found, expected, atol=1e-3)


def frozen_experts(model: Any) -> list[str]:
    """Return the names of expert weights that are fused into one tensor, so that no linear module contains them.

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


def weights_without_adapter(model: Any, targets: str | list[str]) -> dict[str, list[str]]:
    """Return the weights that get no adapter, although the targets may seem to include them.

    :param model: without an adapter.
    :param targets: the value of `train.lora.target_modules`.
    :returns: names by reason, `frozen_experts` or `left_out`; reasons without names are missing.
    """
    wanted = [targets] if isinstance(targets, str) else targets
    refused = [name for name in left_out(model) if any(_matches(name, each) for each in wanted)]
    experts = frozen_experts(model) if {"mlp", "all-linear"} & set(wanted) else []
    return {reason: names for reason, names in (("frozen_experts", experts), ("left_out", refused)) if names}


def _no_experts(model: Any) -> str:
    """Return a remark for the error message about a target that matches nothing, if the model has fused experts."""
    experts = frozen_experts(model)
    return f" (its experts are {len(experts)} fused tensors, which are not adapted)" if experts else ""


def modules_to_train_fully(model: Any, names: list[str]) -> list[str]:
    """Return the full names of the modules that `names` selects. Only modules with their own weights can be selected.

    :param names: the value of `train.lora.modules_to_save`.
    :raises UserError: when a name matches nothing, or matches a module that shares its weights with another module.
        After training, the two copies would differ.
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
                    "Remove it: the adapter cannot train tied weights.",
                )
    return chosen


def _chosen(
    modules: list[str], wanted: list[str], key: str, kind: str, presets: tuple[str, ...], remark: str = ""
) -> list[str]:
    """Return the modules that at least one target matches, in model order.

    :param key: the parameter in `train.lora`, for the error message.
    :param kind: what the targets select, for the error message.
    :param presets: targets that are not names of modules.
    :param remark: added to the error message if there is no similar name.
    :raises UserError: when a target matches none of the modules.
    """
    for target in wanted:
        if not any(_matches(name, target) for name in modules):
            known = sorted({name.rsplit(".", 1)[-1] for name in modules})
            close = [] if target in presets else difflib.get_close_matches(target, [*known, *presets], n=1)
            hint = f" (did you mean {close[0]}?)" if close else remark
            raise UserError(
                f"train.lora.{key}: {target!r} matches no {kind} of the model{hint}",
                f"Use {', '.join([*presets, 'a pattern'])}, or names such as {', '.join(known)}.",
            )
    return [name for name in modules if any(_matches(name, target) for target in wanted)]


def add_adapter(model: Any, params: LoraParams, seed: int) -> Any:
    """Return `model` as a PeftModel with a new adapter. Only the adapter and `modules_to_save` can be trained.

    The seed is set here, before the initial weights of the adapter are drawn. If it is set later, as often happens, it
    has no effect on them (https://github.com/huggingface/trl/issues/6688).

    :param seed: the seed for the initial weights.
    :raises UserError: when a target matches nothing, or peft adapts other modules than the selected ones.
    """
    from peft import LoraConfig, get_peft_model
    from transformers.pytorch_utils import Conv1D

    from codetune.training.fused import fuse
    from codetune.training.layers import MergedLinear

    modules = target_modules(model, params.target_modules, params.layers_to_transform)
    whole = modules_to_train_fully(model, params.modules_to_save)
    if both := sorted(set(modules) & set(whole)):
        raise UserError(
            f"train.lora: {both[0]} is in both target_modules and modules_to_save",
            "Remove it from one of them.",
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
                f"train.lora: the adapter cannot be added to this model: {error_text(error)}",
                "Change train.lora.target_modules, or use another base.",
            ) from None
    _require_asked(adapted, modules)
    fuse(adapted)
    return adapted


def _require_asked(adapted: Any, asked: list[str]) -> None:
    """Check that exactly the requested modules are adapted.

    :raises UserError: when they are not.
    """
    weights = [name for name, _ in adapted.named_parameters() if ".lora_" in name]
    found = {name.partition(".lora_")[0].removeprefix("base_model.model.") for name in weights}
    if wrong := sorted(found.symmetric_difference(asked)):
        what = "adapted but not requested" if wrong[0] in found else "requested but not adapted"
        raise UserError(
            f"train.lora.target_modules: {len(asked)} modules were requested, but {len(found)} are adapted; "
            f"{wrong[0]} is {what}",
            "Use attention, or names of other modules.",
        )


def trainable_report(model: Any) -> dict[str, Any]:
    """Return a summary of the trained parameters: number, share of all, and the kinds and number of modules."""
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
    """Write adapter_model.safetensors and adapter_config.json. Equal adapters give equal bytes.

    peft adds an empty model card, and lists modules in the order of a set of strings, which differs between processes.
    The card is deleted and the lists are sorted.

    :param base: the value of `model.base`, which the configuration names as the base model.
    :param revision: the value of `model.revision`.
    """
    model.save_pretrained(folder, safe_serialization=True, save_embedding_layers=False)
    (folder / "README.md").unlink(missing_ok=True)
    path = folder / "adapter_config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    config |= {"base_model_name_or_path": base, "revision": revision}
    write_json(path, {key: sorted(value) if _is_names(value) else value for key, value in sorted(config.items())})


def _is_names(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)
