"""Loading the models that paraphrase: from a folder or a pinned hub id, safetensors only, no code of theirs."""

from __future__ import annotations

from typing import Any

from codetune.core.errors import UserError, error_text
from codetune.data.augment.params import LanguageModelParams
from codetune.models.encoders.locate import locate_encoder
from codetune.models.encoders.params import EncoderParams


def load_model(params: LanguageModelParams, key: str, kind: str) -> tuple[Any, Any]:
    """The model, ready to run, and its tokenizer.

    :param key: where `params` stands in params.yaml.
    :param kind: the class of transformers that loads it, such as `AutoModelForMaskedLM`.
    :raises UserError: when there is no such model, it cannot be loaded, or it lacks the weights of its kind.
    """
    import transformers

    files = locate_encoder(EncoderParams(model=str(params.model), revision=params.revision), key)
    transformers.utils.logging.disable_progress_bar()
    options: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(files.folder, **options)
        model, info = getattr(transformers, kind).from_pretrained(
            files.folder, use_safetensors=True, output_loading_info=True, **options
        )
    except Exception as error:
        raise UserError(
            f"{key}.model: {files.folder} cannot be loaded as {kind}: {type(error).__name__}: {error_text(error)}",
            "Name a model of that kind.",
        ) from None
    if info["missing_keys"]:
        raise UserError(
            f"{key}.model: {files.folder} has no weights for {min(info['missing_keys'])}, which {kind} needs",
            "Name a model that was trained for it.",
        )
    return model.eval(), tokenizer
