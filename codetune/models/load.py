"""Load models, tokenizers and adapters from safetensors or GGUF files.

Code from a model repository is never run. Every failure is a `UserError` of one line.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError

from codetune.core.errors import UserError, error_text
from codetune.models.gguf.header import is_gguf, read_gguf
from codetune.models.locate import locate_model, weight_files
from codetune.models.memory import choose_dtype, count_weights
from codetune.models.prompt import KEEP_SYSTEM, check_template, end_id, ensure_template, set_system

_ADAPTER_FILES = ("adapter_config.json", "adapter_model.safetensors")
_TEMPLATE_FILE = "chat_template.jinja"
POSITIONS = ("max_position_embeddings", "n_positions", "n_ctx", "max_seq_len", "seq_length")
"""The names that model families use for the context length in their configuration."""
_LOADING_ERRORS = (OSError, ValueError, KeyError, TypeError, AttributeError, ImportError, RuntimeError, SafetensorError)


@dataclass(frozen=True)
class LoadedModel:
    """A model in evaluation mode, its tokenizer, and its name in messages."""

    model: Any
    tokenizer: Any
    name: str

    @property
    def dtype(self) -> str:
        """Return the number type of the weights: `float32`, or `bfloat16` when only that fits into memory."""
        return str(self.model.dtype).removeprefix("torch.")

    @cached_property
    def end_ids(self) -> frozenset[int]:
        """Return the token ids that end an answer.

        They come from the tokenizer, the chat template and the generation configuration of the model.
        """
        return all_end_ids(self.tokenizer, self.model.generation_config)

    @property
    def context(self) -> int:
        """Return the context length of the model, in tokens: prompt and answer together."""
        configs = self.model.config.get_text_config(decoder=True), self.model.config
        told = (getattr(config, name, None) for config in configs for name in POSITIONS)
        return int(next((size for size in told if size), self.tokenizer.model_max_length))

    def require_context(self, max_tokens: int) -> None:
        """Check that rows of `max_tokens` tokens fit into the model's context.

        :raises UserError: when they do not.
        """
        if max_tokens > self.context:
            raise UserError(
                f"train.max_tokens: found {max_tokens}, expected at most {self.context}, the context of {self.name}",
                "Lower train.max_tokens; train.too_long says what happens to longer rows.",
            )


def all_end_ids(tokenizer: Any, generation_config: Any) -> frozenset[int]:
    """Return the token ids that end an answer, from the tokenizer, its chat template and the generation configuration.

    :param generation_config: the configuration of transformers, whose `eos_token_id` is an id, a list of ids or None.
    """
    declared = getattr(generation_config, "eos_token_id", None)
    several = declared if isinstance(declared, list) else [declared]
    own = (tokenizer.eos_token_id, end_id(tokenizer))
    return frozenset(end for end in (*own, *several) if end is not None)


def load_tokenizer(
    base: str | Path, revision: str | None = None, system: str = KEEP_SYSTEM, adapter: Path | None = None
) -> Any:
    """Load the tokenizer of a model. The result always has a pad token and a prompt template.

    :param base: a value of `model.base`.
    :param revision: the commit, when `base` is a hub id.
    :param system: the system text, as for `codetune.models.prompt.set_system`.
    :param adapter: the folder of the model's adapter, whose chat template is used if it has one.
    :raises UserError: when it cannot be loaded, has no end token, or has a chat template that cannot be used.
    """
    return _load_tokenizer(locate_model(str(base), revision), str(base), system, adapter)


def load_model(
    base: str | Path, adapter: Path | None = None, revision: str | None = None, system: str = KEEP_SYSTEM
) -> LoadedModel:
    """Load a model for use. With `adapter`, the adapter is merged into the weights, in the same way as in the export.

    :param base: a value of `model.base`.
    :param adapter: the folder of a trained adapter.
    :param revision: the commit, when `base` is a hub id.
    :param system: the system text, as for `set_system`. `KEEP_SYSTEM` keeps the one stored with the adapter.
    :raises UserError: when a file is missing or damaged, when model, tokenizer and adapter do not fit together, or when
        there is not enough memory.
    """
    folder = locate_model(str(base), revision)
    tokenizer = _load_tokenizer(folder, str(base), system, adapter)
    model = _load_weights(folder, str(base))
    rows = model.get_input_embeddings().weight.shape[0]
    if len(tokenizer) > rows:
        raise UserError(
            f"model.base: {base}: the tokenizer has {len(tokenizer)} tokens, but the model only {rows}",
            "Use a folder whose tokenizer belongs to its model.",
        )
    if adapter is None:
        return LoadedModel(model, tokenizer, str(base))
    return LoadedModel(attach_adapter(model, adapter).merge_and_unload().eval(), tokenizer, f"{base} + {adapter}")


def attach_adapter(model: Any, adapter: Path) -> Any:
    """Return `model` as a PeftModel with a trained adapter that is not merged, in evaluation mode.

    :param adapter: the folder of the adapter.
    :raises UserError: when the adapter is incomplete, damaged, or made for another model.
    """
    missing = [name for name in _ADAPTER_FILES if not (adapter / name).is_file()]
    if missing:
        raise UserError(f"{adapter} holds no {' and no '.join(missing)}", "Run `dvc repro train` to make the adapter.")
    from peft import PeftModel

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # from peft about transformers; users cannot act on it
            warnings.filterwarnings("error", message="Found missing adapter keys")
            return PeftModel.from_pretrained(model, str(adapter), torch_device="cpu").eval()
    except (*_LOADING_ERRORS, UserWarning) as error:
        raise UserError(
            f"{adapter} does not fit the base model: {error_text(error)}", "Run `dvc repro train` to make it again."
        ) from None


def _quiet() -> None:
    """Turn off log messages and progress bars of transformers. Errors that matter are raised in this module."""
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()


def _load_tokenizer(place: Path, base: str, system: str, adapter: Path | None = None) -> Any:
    _quiet()
    if place.is_file():
        from codetune.models.gguf.tokenizer import load_gguf_tokenizer

        tokenizer = load_gguf_tokenizer(read_gguf(place))
    else:
        tokenizer = _tokenizer_of_folder(place, base)
    if tokenizer.eos_token_id is None:
        raise UserError(
            f"model.base: the tokenizer of {base} has no end token, so answers would never stop",
            "Set eos_token in its tokenizer_config.json.",
        )
    if tokenizer.pad_token_id is None:
        # Masks are made from row lengths, not from the pad id. So real end tokens are not masked.
        tokenizer.pad_token = tokenizer.eos_token
    ensure_template(tokenizer)
    if adapter is not None and (adapter / _TEMPLATE_FILE).is_file():
        tokenizer.chat_template = (adapter / _TEMPLATE_FILE).read_text(encoding="utf-8")
    set_system(tokenizer, system, base)
    check_template(tokenizer, base)
    return tokenizer


def _tokenizer_of_folder(folder: Path, base: str) -> Any:
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
    except _LOADING_ERRORS as error:
        raise UserError(
            f"model.base: the tokenizer of {base} cannot be loaded: {error_text(error)}", "Restore its files."
        ) from None
    for key in ("is_local", "local_files_only"):  # options of this call, which must not be saved with the tokenizer
        tokenizer.init_kwargs.pop(key, None)
    return tokenizer


def _load_weights(place: Path, base: str) -> Any:
    _quiet()
    first = weight_files(place)[0]
    dtype = choose_dtype(count_weights(place), base)
    if is_gguf(first):
        from codetune.models.gguf.weights import load_gguf_model

        return load_gguf_model(read_gguf(first), dtype)
    return _weights_of_folder(place, base, dtype)


def _weights_of_folder(folder: Path, base: str, dtype: torch.dtype) -> Any:
    from transformers import AutoModelForCausalLM

    try:
        model, found = AutoModelForCausalLM.from_pretrained(
            folder,
            dtype=dtype,
            use_safetensors=True,
            trust_remote_code=False,
            local_files_only=True,
            output_loading_info=True,
        )
    except _LOADING_ERRORS as error:
        raise UserError(
            f"model.base: {base} cannot be loaded as a causal language model: {error_text(error)}",
            "Use a model of a family that transformers supports, with complete files.",
        ) from None
    if found["missing_keys"]:
        absent = sorted(found["missing_keys"])
        raise UserError(
            f"model.base: the weights of {base} lack {len(absent)} tensors, such as {absent[0]}",
            "Restore its safetensors files.",
        )
    if _keeps_state(model):
        raise UserError(
            f"model.base: {base} is a model of the family {model.config.model_type}, whose layers are recurrent; "
            "expected a model with attention layers only, because only attention masks keep the rows of a batch "
            "independent",
            "Use a base of a family that works (docs/families.md).",
        )
    return model.eval()


def _keeps_state(model: Any) -> bool:
    """Return whether the model has recurrent layers, as Mamba and RWKV do.

    The model class must declare a state, and its list of layer types, if any, must contain more than attention layers.
    """
    config = model.config.get_text_config(decoder=True)
    types = getattr(config, "layer_types", None) or getattr(config, "layers_block_type", None) or ["unknown"]
    return bool(getattr(model, "_is_stateful", False)) and any(
        kind not in ("attention", "full_attention", "sliding_attention") for kind in types
    )
