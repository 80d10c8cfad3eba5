"""One phrase table and one paraphraser for all tests of the topic: they take a second to make."""

import pytest

from codetune.augmentation.paraphrase import Paraphraser
from codetune.augmentation.table import PhraseTable, load_table


@pytest.fixture(scope="session")
def table() -> PhraseTable:
    return load_table()


@pytest.fixture(scope="session")
def paraphraser(table) -> Paraphraser:
    return Paraphraser(table, change_share=0.6, min_changes=2)
