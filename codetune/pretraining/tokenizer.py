"""A byte-level BPE made for Python source."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

END, PAD = "<|end|>", "<|pad|>"
# Words with a leading space, single digits so that numbers generalise, runs of punctuation, and runs of white space:
# a line break with the indentation after it is one piece, and so can become one token.
_PIECES = r" ?[\p{L}_][\p{L}\p{M}_]*|\p{N}| ?[^\s\p{L}\p{N}_]+|\s+(?!\S)|\s+"


def train_tokenizer(texts: Iterator[str], vocab_size: int, context: int) -> PreTrainedTokenizerFast:
    """A tokenizer with `vocab_size` entries; every byte is representable, decoding is exact.

    :param context: the largest number of tokens the model takes, kept with the tokenizer.
    """
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_PIECES), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=[PAD, END],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token=END,
        pad_token=PAD,
        model_max_length=context,
        clean_up_tokenization_spaces=False,
        padding_side="left",
    )


def save_tokenizer(tokenizer: PreTrainedTokenizerFast, folder: Path, chat_template: str) -> None:
    """Write the tokenizer with the project's prompt template."""
    tokenizer.chat_template = chat_template
    tokenizer.save_pretrained(str(folder))
