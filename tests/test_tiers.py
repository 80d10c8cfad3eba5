"""The tiers name files and folders that exist; one that was moved would change its tier or place without a word."""

from pathlib import Path

import pytest

from tests.tiers import FIRST, FUZZ, LONG, SLOW


@pytest.mark.parametrize("place", [*LONG, *SLOW, *FIRST, FUZZ])
def test_a_tier_names_what_exists(place):
    path = Path(__file__).parent / place
    assert path.is_dir() if place.endswith("/") else path.is_file()
