import numpy as np
import pytest
import torch

from codetune.core.errors import UserError
from codetune.models.encoders.locate import EncoderFiles, locate_encoder
from codetune.models.encoders.params import EncoderParams
from codetune.models.encoders.sentences import SentenceEncoder

TEXTS = ["Sort the rows.", "Order the rows by size.", "Delete the file.", "Sort the rows.", ""]


@pytest.fixture(scope="module")
def encoder() -> SentenceEncoder:
    return SentenceEncoder(locate_encoder(EncoderParams(model="minilm"), "test"), "test", 64)


def test_vectors_are_the_masked_mean_of_the_last_layer(encoder):
    """The recipe of the model's card: mean pooling with the attention mask, then length one, on a padded batch."""
    found = encoder.embed(TEXTS, "test")
    batch = encoder._tokenizer(TEXTS, padding=True, return_tensors="pt")
    with torch.inference_mode():
        hidden = encoder._model(**batch).last_hidden_state
    mask = batch["attention_mask"].unsqueeze(-1)
    mean = (hidden * mask).sum(1) / mask.sum(1)
    expected = torch.nn.functional.normalize(mean, dim=-1).numpy()
    assert np.abs(found - expected).max() < 1e-5


def test_what_means_the_same_is_nearer(encoder):
    sort, order, delete, again, _ = encoder.embed(TEXTS, "test")
    assert sort @ order > sort @ delete + 0.2
    assert (sort == again).all()


def test_order_of_the_texts_plays_no_part(encoder):
    forward, backward = encoder.embed(TEXTS, "test"), encoder.embed(TEXTS[::-1], "test")[::-1]
    assert (forward == backward).all()


def test_what_is_over_the_limit_is_not_read(encoder):
    long = "sort " * 200
    assert (encoder.embed([long, long + "delete"], "test")[0] == encoder.embed([long + "delete"], "test")[0]).all()


def test_damaged_files_are_named(tmp_path):
    for name in ("config.json", "tokenizer.json", "model.safetensors"):
        (tmp_path / name).write_text("{}")
    files = EncoderFiles("broken", tmp_path, "", "")
    with pytest.raises(UserError, match=r"here\.model: .* cannot be loaded"):
        SentenceEncoder(files, "here", 64)


def test_words_rule_out_what_has_none_in_common(encoder):
    sort, order, delete, again, empty = encoder.embed_bag_of_words(TEXTS)
    assert sort @ again > 0.99
    assert sort @ order > sort @ delete
    assert abs(empty @ sort) <= 1
