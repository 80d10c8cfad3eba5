"""Settings that cannot be tried are refused before anything is trained."""

import pytest

from codetune.core.errors import UserError
from scripts.try_settings import _chosen


@pytest.mark.parametrize(
    "setting", ["train.learning_rat=1", "train.seed.x=1", "nothing.at.all=1", "train.seed", "seed=1"]
)
def test_a_setting_that_does_not_exist_is_one_line(setting):
    with pytest.raises(UserError, match=f"{setting}: params.yaml has no such value"):
        _chosen([setting])


def test_a_setting_takes_the_place_of_the_one_in_the_file():
    assert _chosen(["train.lora.rank=4"])["train"]["lora"]["rank"] == 4
