"""What a page says, and choosing in it, for the tests of several pages."""

from __future__ import annotations

import re

from streamlit.testing.v1 import AppTest


def words(page: AppTest) -> str:
    """All that the page says, tables included; a page that shows a traceback or failed has failed the test."""
    assert not page.exception
    html = [re.sub(r"<script>.*?</script>", "", element.proto.body, flags=re.DOTALL) for element in page.get("html")]
    parts = [*page.title, *page.markdown, *page.caption, *page.info, *page.warning, *page.error, *page.code]
    text = "\n".join([*(part.value for part in parts), *html]).replace("\\", "")
    assert "This page failed" not in text
    return text


def choose(page: AppTest, side: str, name: str) -> AppTest:
    """The page after a revision has been chosen by name."""
    box = page.selectbox(key=side)
    return box.select(next(option for option in box.options if f" {name} " in option)).run()
