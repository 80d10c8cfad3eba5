"""The LoRA adapter: which modules it sits on, how it is made and how it is stored."""

from __future__ import annotations

import difflib
import json
import warnings
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import torch

from codetune.core.errors import UserError
from codetune.core.files import write_json
from codetune.training.params import LoraParams

_PRESETS = ("attention", "mlp", "all-linear")


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
    modules = linear_modules(model)
    known = sorted({layer for name in modules if (layer := _layer(name)) is not None})
    if unknown := [layer for layer in layers or () if layer not in known]:
        raise UserError(
            f"train.lora.layers_to_transform: the model has no layer {unknown[0]}",
            f"Use numbers from 0 to {len(known) - 1}, or null.",
        )
    inside = [name for name in modules if layers is None or _layer(name) in layers]
    return _chosen(
        inside, [targets] if isinstance(targets, str) else targets, "target_modules", "linear module", _PRESETS
    )


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


def _chosen(modules: list[str], wanted: list[str], key: str, kind: str, presets: tuple[str, ...]) -> list[str]:
    for target in wanted:
        if not any(_matches(name, target) for name in modules):
            known = sorted({name.rsplit(".", 1)[-1] for name in modules})
            close = difflib.get_close_matches(target, [*known, *presets], n=1)
            hint = f" (did you mean {close[0]}?)" if close else ""
            raise UserError(
                f"train.lora.{key}: {target!r} matches no {kind} of the model{hint}",
                f"Use {', '.join([*presets, 'a pattern'])}, or names out of {', '.join(known)}.",
            )
    return [name for name in modules if any(_matches(name, target) for target in wanted)]


def add_adapter(model: Any, params: LoraParams, seed: int) -> Any:
    """`model` as a PeftModel with a fresh adapter; only the adapter, and what is named besides, can be trained.

    The seed is set here, before the adapter's first weights are drawn: set later, as is often done, it does not
    reach them (https://github.com/huggingface/trl/issues/6688).

    :raises UserError: when a target matches nothing.
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
        adapted = get_peft_model(model, config)
    fuse(adapted)
    return adapted


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
