"""Make the tokenizer of a GGUF file. It gives the same token ids as llama.cpp."""

from __future__ import annotations

from typing import Any

from codetune.core.errors import UserError, error_text
from codetune.models.gguf.header import GgufFile
from codetune.models.gguf.keys import CONTROL, END_IDS, SPECIAL_IDS, UNKNOWN, USER_DEFINED
from codetune.models.gguf.pre_tokenizers import PRE_TOKENIZERS, PreTokenizer

END_NAMES = frozenset(
    {
        "<|im_end|>", "<|eot_id|>", "<|eom_id|>", "<|end|>", "<|end_of_turn|>", "<end_of_turn>", "<|endoftext|>",
        "<|end_of_text|>", "</s>", "<EOT>", "<|EOT|>", "<｜end▁of▁sentence｜>",
    }
)  # fmt: skip
"""Chat models end a turn with one of these tokens, even if the file declares another one as its end token."""


def load_gguf_tokenizer(file: GgufFile) -> Any:
    """Return the tokenizer of `file` with its special tokens and its chat template.

    :raises UserError: when the file has no tokenizer, or one of a type that is not supported.
    """
    from transformers import PreTrainedTokenizerFast

    kind = file.metadata.get("tokenizer.ggml.model")
    tokens = file.metadata.get("tokenizer.ggml.tokens")
    if kind is None or not tokens:
        raise file.make_error("holds no tokenizer", "Use a file with which llama.cpp can generate text.")
    if kind == "gpt2":
        found = _pre_tokenizer(file)
        backend, begins = _byte_level(file, tokens, found), found.begins
    elif kind == "llama":
        backend, begins = _sentence_piece(file), True
    else:
        raise file.make_error(f"has a tokenizer of the type {kind}, expected gpt2 or llama", "Use another model.")
    return PreTrainedTokenizerFast(
        tokenizer_object=backend,
        add_bos_token=bool(file.metadata.get("tokenizer.ggml.add_bos_token", begins)),
        add_eos_token=bool(file.metadata.get("tokenizer.ggml.add_eos_token", False)),
        chat_template=file.metadata.get("tokenizer.chat_template"),
        clean_up_tokenization_spaces=False,
        model_max_length=file.get("context_length"),
        **_special_tokens(file, tokens),
    )


def end_ids(file: GgufFile) -> list[int]:
    """Return the ids that end an answer: those that the file declares, and every known end-of-turn token it has."""
    declared = {file.metadata[key] for key in END_IDS if key in file.metadata}
    tokens = file.metadata.get("tokenizer.ggml.tokens") or []
    kinds = file.metadata.get("tokenizer.ggml.token_type") or []
    named = {
        place
        for place, (token, kind) in enumerate(zip(tokens, kinds, strict=False))
        if token in END_NAMES and kind in {CONTROL, USER_DEFINED}
    }
    return sorted(declared | named)


def _pre_tokenizer(file: GgufFile) -> PreTokenizer:
    """Return the pre-tokenizer of the file.

    :raises UserError: when its type is unknown. A guess would silently give other token ids.
    """
    kind = file.metadata.get("tokenizer.ggml.pre", "default")
    if kind not in PRE_TOKENIZERS:
        raise file.make_error(
            f"has the pre-tokenizer {kind} (tokenizer.ggml.pre), expected one of {', '.join(sorted(PRE_TOKENIZERS))}",
            "Use another model, or a folder with its tokenizer.json and safetensors.",
        )
    return PRE_TOKENIZERS[kind]


def _byte_level(file: GgufFile, tokens: list[str], pre: PreTokenizer) -> Any:
    """Return a byte-level BPE tokenizer of the `tokenizers` library."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers

    vocabulary = {token: place for place, token in enumerate(tokens)}
    if len(vocabulary) != len(tokens):
        raise file.make_error("has a token twice in its vocabulary", "Download the file again, or use another one.")
    merges = [_pair(merge) for merge in file.metadata.get("tokenizer.ggml.merges") or []]
    try:
        model = models.BPE(vocabulary, merges, ignore_merges=pre.whole_words)
    except Exception as error:
        raise UserError(
            f"model.base: the tokenizer of {file.path} is damaged: {error_text(error)}",
            "Download the file again, or use another one.",
        ) from None
    backend = Tokenizer(model)
    cuts = [pre_tokenizers.Split(Regex(pattern), "isolated") for pattern in pre.patterns]
    bytes_alone = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    backend.pre_tokenizer = pre_tokenizers.Sequence([*cuts, bytes_alone])
    backend.decoder = decoders.ByteLevel()
    _add_whole_tokens(backend, file, tokens)
    return backend


def _pair(merge: str) -> tuple[str, str]:
    """Return the two tokens that one entry of the merges joins. The first token may begin with a space."""
    place = merge.find(" ", 1)
    return merge[:place], merge[place + 1 :]


def _add_whole_tokens(backend: Any, file: GgufFile, tokens: list[str]) -> None:
    """Add special tokens and user-defined tokens, which are found in a text as a whole and never split."""
    from tokenizers import AddedToken

    for token, kind in zip(tokens, file.metadata.get("tokenizer.ggml.token_type") or [], strict=False):
        if kind in {UNKNOWN, CONTROL}:
            backend.add_special_tokens([AddedToken(token, normalized=False, special=True)])
        elif kind == USER_DEFINED:
            backend.add_tokens([AddedToken(token, normalized=False)])


def _sentence_piece(file: GgufFile) -> Any:
    """Return a SentencePiece tokenizer, converted by transformers from the pieces and their scores.

    As in llama.cpp and SentencePiece, a space is put before every text, even if the text begins with a space.
    """
    from tokenizers import decoders, normalizers
    from transformers.integrations.gguf import GGUF_TOKENIZER_MAPPING, convert_gguf_tokenizer

    renamed = GGUF_TOKENIZER_MAPPING["tokenizer"]
    values = {
        name: file.metadata[f"tokenizer.{key}"] for key, name in renamed.items() if f"tokenizer.{key}" in file.metadata
    }
    try:
        backend = convert_gguf_tokenizer(file.architecture, values)[0]
    except Exception as error:
        raise UserError(
            f"model.base: the tokenizer of {file.path} cannot be read: {error_text(error)}",
            "Download the file again, or use another one.",
        ) from None
    spaced = values.get("add_prefix_space", True)
    mark = normalizers.Replace(" ", "▁")
    backend.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), mark]) if spaced else mark
    backend.pre_tokenizer = None
    text = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    backend.decoder = decoders.Sequence([*text, decoders.Strip(" ", 1, 0)] if spaced else text)
    return backend


def _special_tokens(file: GgufFile, tokens: list[str]) -> dict[str, str]:
    """Return the special tokens by their names in transformers.

    Some files declare an ordinary token, such as a comma, when the model has no token for that purpose. Such a token is
    ignored, because as a special token it would be removed from texts. The end token is always used: without one,
    answers would never stop.
    """
    kinds = dict(enumerate(file.metadata.get("tokenizer.ggml.token_type") or []))
    found = {name: file.metadata.get(f"tokenizer.ggml.{key}_token_id") for name, key in SPECIAL_IDS.items()}
    return {
        name: tokens[place]
        for name, place in found.items()
        if place is not None
        and place < len(tokens)
        and (name == "eos_token" or kinds.get(place) in {UNKNOWN, CONTROL, USER_DEFINED})
    }
