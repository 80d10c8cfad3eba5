"""Names that a source uses and nobody binds, and those that it binds at its top level."""

import pytest

from codetune.python_source.names import bound_names, unbound_names
from codetune.python_source.tree import parse_tree

HEAD = 'def f(x):\n    """Say."""\n'


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


def test_names_of_the_top_level():
    text = "import a.b\nfrom c import d as e\nF = 1\ndef g(): h = 1\nclass I: J = 2\nfor k in []: pass\nprint(l)\n"
    assert bound_names(parse_tree(text)) == {"a", "e", "F", "g", "I", "k"}
