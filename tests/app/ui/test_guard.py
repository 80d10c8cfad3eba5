from __future__ import annotations

import pytest

from codetune.app.ui.guard import escape_lines, escape_markdown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain words", "plain words"),
        ("run `make repro` now", "run `make repro` now"),
        ("a `<b>` tag", "a `<b>` tag"),
        ("<b>bold</b>", r"\<b\>bold\</b\>"),
        ("an odd ` backtick <i>", r"an odd \` backtick \<i\>"),
        ("[link](http://x)", r"\[link\]\(http\://x\)"),
        (":red[text] $x$ ~~y~~", r"\:red\[text\] \$x\$ \~\~y\~\~"),
        ("C:\\path", r"C\:\\path"),
    ],
)
def test_only_code_is_markup(text: str, shown: str) -> None:
    assert escape_markdown(text) == shown


def test_lines_and_their_indentation_stay():
    text = "Make it.\n\n>>> @once\n... def f(`a`):\n  0"
    assert escape_lines(text) == ("Make it\\.  \n  \n\\>\\>\\> @once  \n\\.\\.\\. def f\\(`a`\\)\\:  \n&nbsp;&nbsp;0")
