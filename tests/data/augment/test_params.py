"""The section `augment`: a method names its models."""

import pytest
from pydantic import ValidationError

from tests.data.augment.conftest import make_params


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"method": "contextual"}, r"method contextual needs contextual\.model, found null"),
        ({"method": "back_translation"},
         r"method back_translation needs back_translation\.forward\.model and back_translation\.back\.model"),
        ({"method": "synonyms"}, "method"),
        ({"contextual": {"model": "a/b", "revision": "main", "change_share": 0.1, "top_k": 5}}, "revision"),
        ({"meaning": {"encoder": {"model": "minilm"}, "min_similarity": 1.1, "max_tokens": 96}}, "min_similarity"),
    ],
)  # fmt: skip
def test_what_is_refused(changes, named):
    with pytest.raises(ValidationError, match=named):
        make_params(**changes)


def test_models_that_the_method_does_not_use_may_be_named():
    given = make_params(contextual={"model": "some/model", "change_share": 0.1, "top_k": 5})
    assert given.method == "phrases"
