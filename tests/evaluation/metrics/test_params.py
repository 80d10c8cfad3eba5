import pytest
from pydantic import ValidationError

from tests.evaluation.metrics.conftest import changed, shipped


def test_params_yaml_holds_a_valid_section():
    params = shipped()
    assert params.bertscore.model == "minilm"
    assert params.bertscore.baseline_pairs >= 10_000


@pytest.mark.parametrize(
    "bad",
    [
        {"seed": -1},
        {"layer": -1},
        {"layer": 6.0},
        {"model": ""},
        {"revision": "main"},
        {"baseline_pairs": 0},
        {"confidence": 1.0},
        {"confidence": 95},
        {"bootstrap_samples": 99},
        # The page reads the section too, and takes no more than this.
        {"bootstrap_samples": 100_001},
    ],
)
def test_values_out_of_range_are_refused(bad):
    with pytest.raises(ValidationError):
        changed(**bad)
