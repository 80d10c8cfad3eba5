"""Make the tokenizer metadata of a GGUF file: the inverse of `codetune.models.gguf.tokenizer`."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from codetune.models.gguf.header import GgufFile
from codetune.models.gguf.keys import (
    BYTE,
    CONTROL,
    END_IDS,
    NORMAL,
    SPECIAL_IDS,
    UNKNOWN,
    UNUSED,
    USER_DEFINED,
)
from codetune.models.gguf.pre_tokenizers import PRE_TOKENIZERS, PreTokenizer
from codetune.models.gguf.tokenizer import END_NAMES
from codetune.models.gguf_writing.failure import NotConvertibleError

_PREFIX = "tokenizer."
_TEMPLATE = "tokenizer.chat_template"
_KINDS = "tokenizer.ggml.token_type"
_SPACE = "▁"
# Texts on which all pre-tokenizers of `PRE_TOKENIZERS` that differ at all give different pieces.
PROBES = (
    "it's I'M you'LL we've he'D 'tis ''''", "12 345 1234567 1.5e-10 0x1F 1_000 ½ ² Ⅷ ٣٤ ١٢٣٤٥", "    1\n    1 + 22\n",
    "def f(x):\n    return a+1\n\n\n# ok\tx\t\ty", "a_b__c ___ --- !!! $100 €200 <=> ^~|` a`=`b /// ;;;\n;;",
    " \n \n\n      \n x   trailing   ", "a\r\nb\r\n\r\n  c", "héllo wörld ñandú 日本語のテキスト 한국어 123 😀👍🏽",
    "x\u00a0y\u3000z\u2028w", 'values = {"a": 1, \'b\': 22,\n          \'c\': 333}\n', ".append(x) _n #tag @user x;y",
)  # fmt: skip


def tokenizer_metadata(tokenizer: Any, end_ids: frozenset[int], rows: int, base: GgufFile | None) -> dict[str, Any]:
    """Return the metadata of a tokenizer, with its chat template and end tokens.

    The metadata of a base that came as GGUF are taken over; only the chat template is that of the tuned model.

    :param tokenizer: the tokenizer of the tuned model.
    :param end_ids: the token ids that end an answer.
    :param rows: number of rows of the embedding matrix; ids without a token get a name that occurs in no text.
    :param base: the base model, if it came as a GGUF file.
    :raises NotConvertibleError: when the tokenizer is of a kind that cannot be identified.
    """
    if base is not None:
        values = {key: value for key, value in base.metadata.items() if key.startswith(_PREFIX)}
    else:
        values = _made(tokenizer, rows)
    values[_TEMPLATE] = tokenizer.chat_template
    return _with_ends(values, end_ids)


def _with_ends(values: dict[str, Any], end_ids: frozenset[int]) -> dict[str, Any]:
    """Declare the end tokens that a reader would not find by their names."""
    declared = {values[key] for key in END_IDS if key in values}
    tokens, kinds = values["tokenizer.ggml.tokens"], values.get(_KINDS, [])
    missing = [
        end
        for end in sorted(end_ids - declared)
        if tokens[end] not in END_NAMES or not kinds or kinds[end] not in {CONTROL, USER_DEFINED}
    ]
    free = [key for key in END_IDS if key not in values]
    if len(missing) > len(free):
        names = ", ".join(tokens[end] for end in missing)
        raise NotConvertibleError(f"GGUF has no place for all end tokens of the model ({names})")
    return values | dict(zip(free, missing, strict=False))


def _made(tokenizer: Any, rows: int) -> dict[str, Any]:
    """Return the metadata of a tokenizer that came as tokenizer.json."""
    content = json.loads(tokenizer.backend_tokenizer.to_str())
    if content["model"]["type"] != "BPE":
        raise NotConvertibleError(f"a tokenizer of the type {content['model']['type']} cannot be converted to GGUF")
    make = _sentence_piece if content["model"].get("byte_fallback") else _byte_level
    values = make(tokenizer, content, rows)
    ids = {name: getattr(tokenizer, f"{name}_id") for name in SPECIAL_IDS}
    values |= {
        f"tokenizer.ggml.{SPECIAL_IDS[name]}_token_id": place for name, place in ids.items() if place is not None
    }
    sample = tokenizer("a")["input_ids"]
    return values | {
        "tokenizer.ggml.add_bos_token": tokenizer.bos_token_id is not None and sample[0] == tokenizer.bos_token_id,
        "tokenizer.ggml.add_eos_token": tokenizer.eos_token_id is not None and sample[-1] == tokenizer.eos_token_id,
    }


def _vocabulary(tokenizer: Any, rows: int, kind: Callable[[str], int]) -> tuple[list[str], list[int]]:
    """Return all tokens by id, and their kinds.

    :param kind: returns the kind of a token that is part of the model's own vocabulary.
    """
    known = {place: token for token, place in tokenizer.get_vocab().items()}
    added = tokenizer.added_tokens_decoder
    tokens, kinds = [], []
    for place in range(rows):
        token = known.get(place)
        tokens.append(f"[PAD{place}]" if token is None else token)
        if token is None:
            kinds.append(UNUSED)
        elif place in added:
            kinds.append(CONTROL if added[place].special else USER_DEFINED)
        else:
            kinds.append(kind(token))
    return tokens, kinds


def _merges(content: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the merges of tokenizer.json, which stores them as pairs or as text."""
    pairs = (merge.split(" ", 1) if isinstance(merge, str) else merge for merge in content["model"]["merges"])
    return [(first, second) for first, second in pairs]


def _byte_level(tokenizer: Any, content: dict[str, Any], rows: int) -> dict[str, Any]:
    """Return the metadata of a byte-level BPE tokenizer."""
    tokens, kinds = _vocabulary(tokenizer, rows, lambda _: NORMAL)
    return {
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": identify_pre_tokenizer(tokenizer.backend_tokenizer, content),
        "tokenizer.ggml.tokens": tokens,
        _KINDS: kinds,
        "tokenizer.ggml.merges": [" ".join(pair) for pair in _merges(content)],
    }


def identify_pre_tokenizer(backend: Any, content: dict[str, Any]) -> str:
    """Return the name in GGUF of the pre-tokenizer that cuts the texts of `PROBES` into the same pieces.

    :param backend: a tokenizer of the `tokenizers` library.
    :param content: its tokenizer.json.
    :raises NotConvertibleError: when no known pre-tokenizer does.
    """
    if content.get("normalizer") not in (None, {"type": "NFC"}):  # llama.cpp does not normalise; code rarely differs
        raise NotConvertibleError(f"the normalizer {content['normalizer']['type']} cannot be converted to GGUF")
    whole = bool(content["model"].get("ignore_merges"))
    if backend.pre_tokenizer is not None:
        found = [_pieces(backend.pre_tokenizer, text) for text in PROBES]
        for name, kind in PRE_TOKENIZERS.items():
            if kind.whole_words == whole and [_pieces(_splitter(kind), text) for text in PROBES] == found:
                return name
    raise NotConvertibleError(
        "the pre-tokenizer of tokenizer.json is none of those with a name in GGUF "
        f"({', '.join(sorted(PRE_TOKENIZERS))}), so llama.cpp would give other token ids"
    )


def _splitter(kind: PreTokenizer) -> Any:
    """Return a pre-tokenizer of the `tokenizers` library."""
    from tokenizers import Regex, pre_tokenizers

    cuts = [pre_tokenizers.Split(Regex(pattern), "isolated") for pattern in kind.patterns]
    return pre_tokenizers.Sequence([*cuts, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])


def _pieces(pre_tokenizer: Any, text: str) -> list[str]:
    return [piece for piece, _ in pre_tokenizer.pre_tokenize_str(text)]


def _sentence_piece(tokenizer: Any, content: dict[str, Any], rows: int) -> dict[str, Any]:
    """Return the metadata of a SentencePiece tokenizer that was converted to tokenizer.json.

    GGUF has scores instead of merges: llama.cpp joins the pair with the highest score first. The rank of the first
    merge that makes a piece, negated, gives the same order.
    """
    unknown = content["model"].get("unk_token")
    ranks: dict[str, int] = {}
    for rank, pair in enumerate(_merges(content)):
        ranks.setdefault("".join(pair), rank)
    is_byte = {f"<0x{value:02X}>" for value in range(256)}.__contains__
    tokens, kinds = _vocabulary(tokenizer, rows, lambda token: BYTE if is_byte(token) else NORMAL)
    if unknown in tokens:
        kinds[tokens.index(unknown)] = UNKNOWN
    last = float(len(ranks) + 1)
    scores = [
        -float(ranks.get(token, last)) if kind == NORMAL else 0.0 for token, kind in zip(tokens, kinds, strict=True)
    ]
    return {
        "tokenizer.ggml.model": "llama",
        "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.scores": scores,
        _KINDS: kinds,
        "tokenizer.ggml.add_space_prefix": _adds_space(tokenizer.backend_tokenizer),
    }


def _adds_space(backend: Any) -> bool:
    """Return whether a space is put before a text.

    :raises NotConvertibleError: when spaces are marked in another way than SentencePiece does.
    """
    text = "a  b"
    marked = backend.normalizer.normalize_str(text) if backend.normalizer is not None else text
    if backend.pre_tokenizer is not None:
        marked = "".join(_pieces(backend.pre_tokenizer, marked))
    if marked not in (f"a{_SPACE * 2}b", f"{_SPACE}a{_SPACE * 2}b"):
        raise NotConvertibleError(f"the tokenizer marks spaces in an unknown way: {text!r} becomes {marked!r}")
    return marked.startswith(_SPACE)
