"""Heads of functions, where a written body ends, and whether its names are bound."""

import pytest

from codetune.assessment.bodies import function_text, has_body, head_of, top_level_names
from codetune.names import unbound_names

HEAD = 'def f(x):\n    """Say."""\n'


@pytest.mark.parametrize(
    ("code", "head"),
    [
        (HEAD + "    return x\n", HEAD),
        ('    def f(x):\n        """Say."""\n        return x\n', HEAD),
        (
            '@wraps\ndef f(x):\n    """Say\n\n    more."""\n    return x',
            '@wraps\ndef f(x):\n    """Say\n\n    more."""\n',
        ),
        ('async def f():\n    """Say."""\n    return 1', 'async def f():\n    """Say."""\n'),
        (HEAD, None),
        ('def f(): "Say."; return 1', None),
        ("def f(:", None),
        ("x = 1", None),
    ],
)
def test_head(code, head):
    assert head_of(code) == (head and head.rstrip("\n"))  # the line break is the model's


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        ("\n    return x\n", "\n    return x\n"),
        ("\n    return x\n\n\ndef g():\n    pass\n", "\n    return x\n\n\n"),
        ("\n    return x", "\n    return x"),
        ("\nreturn x", "\n"),
        ("", ""),
    ],
)
def test_function_ends_where_the_text_goes_left(answer, body):
    assert function_text(HEAD[:-1], answer) == HEAD[:-1] + body


@pytest.mark.parametrize(
    ("body", "good"),
    [
        ("    return x\n", True),
        ("    pass", True),
        ("", False),
        ("    return (x\n", False),
        ("    # soon\n", False),
        ("    def g(a, a): pass", False),
    ],
)
def test_body(body, good):
    assert has_body(HEAD + body) is good


@pytest.mark.parametrize(
    ("body", "unbound"),
    [
        ("    return x", []),
        ("    return y", ["y"]),
        ("    return len(x)", []),
        ("    y = 1\n    return y", []),
        ("    import os\n    return os.path", []),
        ("    return [z for z in x]", []),
        ("    return [w for z in x]", ["w"]),
        ("    def g():\n        return x, q\n    return g", ["q"]),
        ("    try:\n        pass\n    except E as e:\n        raise e", ["E"]),
        ("    return f(x)", []),
        ("    return np.array(x)", []),
        ("    return lambda a, *b, **c: (a, b, c, d)", ["d"]),
    ],
)
def test_unbound_names(body, unbound):
    assert unbound_names(HEAD + body, frozenset({"np"})) == unbound


def test_names_of_decorators_and_defaults_count():
    assert unbound_names("@deco\ndef f(x=DEFAULT) -> Kind:\n    return x", frozenset()) == ["DEFAULT", "Kind", "deco"]


def test_top_level_names():
    text = "import a.b\nfrom c import d as e\nF = 1\ndef g(): h = 1\nclass I: J = 2\nfor k in []: pass\nprint(l)\n"
    assert top_level_names(text) == {"a", "e", "F", "g", "I", "k"}
    assert top_level_names("def f(:") == frozenset()
