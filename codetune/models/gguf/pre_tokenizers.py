"""Pre-tokenizers of GGUF files: how each value of `tokenizer.ggml.pre` splits a text before byte pairs are merged.

A type is a list of patterns that are applied in order. Each pattern splits the pieces that the previous pattern made.
Text between two matches is a piece as well. The order matters: it decides how much white space before a digit stays
in one piece. The types have the same meaning as in llama.cpp; only types that were compared with it are listed.
"""

from __future__ import annotations

from dataclasses import dataclass

_WORDS = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
_DIGIT = r"\p{N}"
_THREE_DIGITS = r"[0-9][0-9][0-9]"
_PUNCTUATION = r"\p{P}\$\+<=>\^~\|"
_LATER_WORDS = (  # of Llama 3 and Qwen 2, which differ in the number of digits per piece
    r"'(?:[sStTmMdD]|[rRvV][eE]|[lL][lL])|[^\r\n\p{L}\p{N}]?\p{L}+|DIGITS"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


@dataclass(frozen=True)
class PreTokenizer:
    """A type of pre-tokenizer.

    :param patterns: regular expressions that split a text, in order.
    :param whole_words: a piece that is in the vocabulary becomes that token, without applying merges.
    :param begins: whether a text begins with the begin-of-text token, if the file does not say.
    """

    patterns: tuple[str, ...]
    whole_words: bool = False
    begins: bool = False


_GPT2 = PreTokenizer((_WORDS,))
_SINGLE_DIGITS = PreTokenizer((_DIGIT, _WORDS))
_QWEN2 = PreTokenizer((_LATER_WORDS.replace("DIGITS", _DIGIT),))
_LLAMA3 = _LATER_WORDS.replace("DIGITS", r"\p{N}{1,3}")

PRE_TOKENIZERS: dict[str, PreTokenizer] = {
    "default": PreTokenizer((rf"[{_PUNCTUATION}]+", _WORDS, r"\p{N}+", _THREE_DIGITS)),
    "deepseek-coder": PreTokenizer((r"[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+", "[一-龥ࠀ-一가-\ud7ff]+", _DIGIT)),
    "falcon": PreTokenizer((rf"[{_PUNCTUATION}`]+", _WORDS, _THREE_DIGITS)),
    **dict.fromkeys(("gpt-2", "mpt", "olmo", "phi-2", "mellum"), _GPT2),
    **dict.fromkeys(("starcoder", "refact", "command-r", "smollm", "codeshell", "exaone", "minerva-7b"),
                    _SINGLE_DIGITS),
    **dict.fromkeys(("qwen2", "deepseek-r1-qwen", "megrez", "stablelm2"), _QWEN2),
    **dict.fromkeys(("dbrx", "smaug-bpe"), PreTokenizer((_LLAMA3,))),
    **dict.fromkeys(("llama-bpe", "llama3", "llama-v3", "falcon3"),
                    PreTokenizer((_LLAMA3,), whole_words=True, begins=True)),
}  # fmt: skip
