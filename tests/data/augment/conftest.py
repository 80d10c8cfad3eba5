"""Fixtures of the augmentation tests: tiny models, and one shared phrase table and paraphraser (slow to make)."""

from pathlib import Path
from typing import Any

import pytest

from codetune.data.augment.params import AugmentParams
from codetune.data.augment.paraphrase import Paraphrase, Paraphraser, isolated_draws, seed_draws
from codetune.data.augment.table import PhraseTable, load_table

_WORDS = (
    "return returns give the a list of rows values sort compute sum new all from with first string name file read write "
    "given data class object type key number text index array check whether model input output create method function"
)
WORDS = _WORDS.split()


@pytest.fixture(scope="session")
def table() -> PhraseTable:
    return load_table()


@pytest.fixture(scope="session")
def paraphraser(table) -> Paraphraser:
    return Paraphraser(table, change_share=0.6, min_changes=2)


def make_params(**changes: Any) -> AugmentParams:
    """Return a section `augment` without models. `changes` are by key; a nested section is replaced as a whole."""
    values: dict[str, Any] = {
        "seed": 7, "method": "phrases", "share": 1.0, "per_row": 1, "change_share": 0.6, "min_changes": 2,
        "max_shared_words": 0.85, "max_attempts": 4, "workers": 1,
        "meaning": {"encoder": {"model": "minilm"}, "min_similarity": 0.92, "max_tokens": 96},
        "contextual": {"change_share": 0.3, "top_k": 8},
        "back_translation": {"forward": {}, "back": {}, "temperature": 0.7, "max_tokens": 48},
        "chat": {"temperature": 0.7, "max_tokens": 16},
    }  # fmt: skip
    return AugmentParams.model_validate({**values, **changes})


def all_alike(pairs: Any) -> list[float]:
    """Return similarity 1 for every pair, as if nothing had changed."""
    return [1.0] * len(pairs)


def text_before_changes(drawn: Paraphrase) -> str:
    """Return the text before the changes."""
    text = drawn.text
    for old, new in reversed(drawn.changes):
        at = text.rindex(new)
        text = text[:at] + old + text[at + len(new) :]
    return text


def draw(paraphraser: Any, text: str, seed: int = 1) -> Paraphrase:
    with isolated_draws():
        seed_draws(seed)
        return paraphraser.draw(text)


@pytest.fixture(scope="session")
def masked_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random BERT for masked words, with words of instructions as its vocabulary; its predictions have no meaning."""
    import torch
    from transformers import BertConfig, BertForMaskedLM, BertTokenizerFast

    letters = "abcdefghijklmnopqrstuvwxyz0123456789`_.,()*':-"
    pieces = [*WORDS, *letters, *(f"##{letter}" for letter in letters)]
    vocabulary = dict.fromkeys(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *pieces])
    torch.manual_seed(7)
    config = BertConfig(
        vocab_size=len(vocabulary), hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32,
        max_position_embeddings=300, initializer_range=1.0,
    )  # fmt: skip
    folder = tmp_path_factory.mktemp("models") / "masked"
    BertForMaskedLM(config).save_pretrained(folder)
    BertTokenizerFast(vocab={word: place for place, word in enumerate(vocabulary)}).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def translation_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random BART; its translations have no meaning."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
    from transformers import BartConfig, BartForConditionalGeneration, PreTrainedTokenizerFast

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {piece: place for place, piece in enumerate(["<s>", "<pad>", "</s>", "<unk>", *alphabet])}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[], unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    torch.manual_seed(7)
    config = BartConfig(
        vocab_size=len(vocabulary), d_model=16, encoder_layers=1, decoder_layers=1, encoder_attention_heads=2,
        decoder_attention_heads=2, encoder_ffn_dim=32, decoder_ffn_dim=32, max_position_embeddings=400, init_std=0.5,
        bos_token_id=0, pad_token_id=1, eos_token_id=2, decoder_start_token_id=2, forced_eos_token_id=None,
    )  # fmt: skip
    folder = tmp_path_factory.mktemp("models") / "translation"
    BartForConditionalGeneration(config).save_pretrained(folder)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", pad_token="<pad>", unk_token="<unk>"
    )
    fast.save_pretrained(folder)
    return folder
