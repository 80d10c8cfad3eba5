"""Load the models that paraphrase: from a folder or a pinned hub id, only safetensors, without running their code."""

from __future__ import annotations

from typing import Any

from codetune.core.errors import UserError, error_text
from codetune.data.augment.params import LanguageModelParams
from codetune.models.encoders.locate import locate_encoder
from codetune.models.encoders.params import EncoderParams


def load_model(params: LanguageModelParams, key: str, kind: str) -> tuple[Any, Any]:
    """Load a model for inference, and its tokenizer.

    :param params: location of the model.
    :param key: key of `params` in params.yaml.
    :param kind: the class of transformers that loads it, such as `AutoModelForMaskedLM`.
    :returns: model and tokenizer.
    :raises UserError: if the model is missing, cannot be loaded, or lacks weights that this class needs.
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
            "Use a model of that class.",
        ) from None
    if info["missing_keys"]:
        raise UserError(
            f"{key}.model: {files.folder} has no weights for {min(info['missing_keys'])}, which {kind} needs",
            "Use a model that was trained for that class.",
        )
    return model.eval(), tokenizer
