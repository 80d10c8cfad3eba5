"""The code of an answer, as a person reads it: one row for each form that answers take."""

import ast

import pytest

from codetune.evaluation import answers
from codetune.evaluation.answers import extract_code, is_code_final, read_answer
from codetune.python_source.tree import parse_or_none

ADD = "def add(a, b):\n    return a + b"
LOOP = "for x in y:\n    print(add(x, x)"
SUB = "def sub(a, b):\n    return a - b"
NEWER = "def add(a, b):\n    return f'{a['x']}{b}'"  # from Python 3.12 on
USE = "print(add(1, 2))"
LIMIT = "def add(a, b):\n    return (a +"
DOCUMENTED = 'def add(a, b):\n    """Add.\n\n    ```python\n    add(1, 2)\n    ```\n    """\n    return a + b'
IN_LIST = "\n".join(f"   {line}" for line in ADD.splitlines())
HEAD, BODY = ADD.split("\n")
GLUED = "defadd(a, b):"
INDENTED = "\n".join(f"    {line}" for line in ADD.splitlines())

BARE = {
    # the whole answer is code
    "bare": ADD,
    "bare, with white space around": f"\n{ADD}\n\n",
    "the body of a function": "    return a + b\n",
    "bare, with a fence in its docstring": DOCUMENTED,
    "a call alone": USE,
    # code with a fault, and nothing else
    "cut short": LIMIT,
    "an import, and a function that is cut short": f"import math\n\n{LIMIT}",
    "a function, and one that is cut short": f"{ADD}\n\n\ndef sub(a, b",
    "a function, and a head that is cut short": f"{ADD}\n\n\ndef sub:",
    "a function, and a call that is cut short": f"{ADD}\n\nprint(add(1,",
    "a function, and a broken call": f"{ADD}\nprint add(1)",
    "a function, and a statement with a capital": f"{ADD}\nReturn x",
    "a broken class with a method that is right": f"class A(:\n{INDENTED}",
    "a wrong word for class": f"clas A:\n{INDENTED}",
    "a class with a capital": f"Class A:\n{INDENTED}",
    "a wrong line in the middle": f"{ADD}\n    x y\n{USE}",
    "a wrong first line": f"{GLUED}\n{BODY}",
    "a wrong first line that reads as a sentence": f"Add two numbers:\n{BODY}",
    "a wrong first line, and a function": f"{GLUED}\n{BODY}\n\n\n{ADD}",
    "a head without its colon": f"{GLUED[:-1]}\n{BODY}",
    "a wrong import": f"improt math\n\n{ADD}",
    "an import with a capital": f"From math import pi\n\n{ADD}",
    "a wrong assignment": f"x = [1, 2\n\n{ADD}",
    "a broken statement": "return (a b",
    "a broken call": "add(1, 2",
    "a body whose end is wrong": f"{BODY}\n)",
    "a body, and less indented code": f"{BODY}\nx = 1",
    "a docstring that never ends": f'"""Add.\n\nIt adds.\n\n{ADD}',
    "a line of prose inside of a function": f"{HEAD}\n    Adds them.\n{BODY}",
    "a wrong end far below": "x = 1\n" * 500 + ")",
}
TABLE = {
    **{name: (text, text, "bare") for name, text in BARE.items()},
    # the opening fence stood in the prompt
    "a closing fence alone": (f"{ADD}\n```", ADD, "opened"),
    "a closing fence, then prose": (f"{ADD}\n```\nThis adds.", ADD, "opened"),
    "a closing fence, then another block": (f"{ADD}\n```\nUse:\n```python\n{USE}\n```", ADD, "opened"),
    "fences in a docstring before the closing one": (f"{DOCUMENTED}\n```\nThis adds.", DOCUMENTED, "opened"),
    "code, then prose without a fence": (f"{ADD}\n\nThis function adds.", ADD, "prose"),
    "a broken function before the closing fence": (f"{LIMIT}\n```\nThis adds.", LIMIT, "opened"),
    "code, then prose, then a block": (f"{ADD}\n\nUse:\n```python\n{USE}\n```", ADD, "opened"),
    # fenced
    "fenced": (f"```python\n{ADD}\n```", ADD, "fenced"),
    "prose before and after": (f"Here it is:\n\n```python\n{ADD}\n```\n\nIt adds.", ADD, "fenced"),
    "no language": (f"Here:\n```\n{ADD}\n```", ADD, "fenced"),
    "py": (f"```py\n{ADD}\n```", ADD, "fenced"),
    "capitals": (f"```Python3\n{ADD}\n```", ADD, "fenced"),
    "an info string of several words": (f'```python title="a.py"\n{ADD}\n```', ADD, "fenced"),
    "an info string in braces": (f"```{{.python .numberLines}}\n{ADD}\n```", ADD, "fenced"),
    "a space before the language": (f"``` python\n{ADD}\n```", ADD, "fenced"),
    "tildes": (f"~~~python\n{ADD}\n~~~", ADD, "fenced"),
    "tildes are not closed by backticks": (f"~~~\n{ADD}\n```\n~~~", f"{ADD}\n```", "fenced"),
    "four backticks": (f"````python\n{DOCUMENTED}\n````", DOCUMENTED, "fenced"),
    "indented, in a list": (f"1. First:\n   ```python\n{IN_LIST}\n   ```", ADD, "fenced"),
    "line breaks of Windows": (f"```python\n{ADD}\n```".replace("\n", "\r\n"), ADD, "fenced"),
    "a form feed": (f"```python\n{ADD}\n\f\n{USE}\n```", f"{ADD}\n\f\n{USE}", "fenced"),
    "never closed": (f"Sure:\n```python\n{ADD}\n", ADD, "fenced"),
    "never closed, and cut short": (f"Sure:\n```python\n{LIMIT}", LIMIT, "fenced"),
    "closed, and wrong": (f"```python\n{LIMIT}\n```", LIMIT, "fenced"),
    "a version of Python": (f"```python3.11\n{ADD}\n```", ADD, "fenced"),
    "code behind the fence": (f"```python {HEAD}\n{BODY}\n```", ADD, "fenced"),
    "code at the fence": (f"```{HEAD}\n{BODY}\n```", ADD, "fenced"),
    # several blocks
    "the first that defines": (f"```python\n{USE}\n```\nand\n```python\n{ADD}\n```", ADD, "fenced"),
    "a definition, then its use": (f"```python\n{ADD}\n```\nUse:\n```python\n{USE}\n```", ADD, "fenced"),
    "the first of two definitions": (f"```python\n{ADD}\n```\n```python\ndef sub(): pass\n```", ADD, "fenced"),
    "one that corrects another": (f"```python\n{LIMIT}\n```\nBetter:\n```python\n{ADD}\n```", ADD, "fenced"),
    "one that does something else": (f"```python\n{LIMIT}\n```\nand\n```python\n{SUB}\n```", LIMIT, "fenced"),
    "a wrong head before its use": (
        f"```python\n{GLUED}\n{BODY}\n```\n```python\n{SUB}\n```",
        f"{GLUED}\n{BODY}",
        "fenced",
    ),
    "a name without its head before its use": (f"```\ndef add\n```\n```python\n{USE}\n```", "def add", "fenced"),
    "a loop that uses before what it uses": (f"```python\n{LOOP}\n```\n```python\n{ADD}\n```", ADD, "fenced"),
    "a session before a function": (f"```\n>>> add(1, 2)\n3\n```\n```\n{ADD}\n```", ADD, "fenced"),
    "one that says Python before one that says nothing": (f"```\nx = 1\n```\n```python\n{USE}\n```", USE, "fenced"),
    "output after code": (f"```python\n{USE}\n```\nprints\n```\n3\n```", USE, "fenced"),
    "a broken function before its use": (f"```python\n{LIMIT}\n```\nUse:\n```python\n{USE}\n```", LIMIT, "fenced"),
    "a function in a block without a language": (f"```python\n{USE}\n```\n```\n{ADD}\n```", ADD, "fenced"),
    "an empty block": (f"```python\n```\n```python\n{ADD}\n```", ADD, "fenced"),
    "another language first": (f"```bash\npip install x\n```\n```python\n{ADD}\n```", ADD, "fenced"),
    "another language without an end": (f"```python\n{ADD}\n```\n```json\n{{}}", ADD, "fenced"),
    # nested
    "a block of Markdown": (f"````markdown\n# Add\n```python\n{ADD}\n```\n````", ADD, "fenced"),
    "a block of Markdown with the same fence": (f"```markdown\n# Add\n```python\n{ADD}\n```\n```", ADD, "fenced"),
    "code, then a block of Markdown": (
        f"```python\n{ADD}\n```\n````markdown\n```python\n{SUB}\n```\n````",
        ADD,
        "fenced",
    ),
    "what only a later Python parses, then a correction": (
        f"```python\n{NEWER}\n```\n```python\n{ADD}\n```",
        ADD,
        "fenced",
    ),
    # no block of Python
    "another language alone": ("```javascript\nconst f = (a) => a;\n```", "", "none"),
    "another language, and code in the prose": (f"```bash\npip install x\n```\n{ADD}\nIt adds.", ADD, "prose"),
    "prose around code": (f"The function is\n{ADD}\nand it adds.", ADD, "prose"),
    "an indented block": (f"The function is:\n\n{INDENTED}\n\nIt adds.", ADD, "prose"),
    "imports, a blank line, a function": (f"Use\nimport math\n\n\n{ADD}\nDone.", f"import math\n\n\n{ADD}", "prose"),
    "a decorator": (f"So:\n@cache\n{ADD}\nDone.", f"@cache\n{ADD}", "prose"),
    "an assignment in prose": ("Just write\nx = 1\nthere.", "x = 1", "prose"),
    "prose, then code that is cut short": (f"The function is\n{LIMIT}", LIMIT, "prose"),
    "a list, and code in it": (f"1. First:\n   - Write\n{IN_LIST}\n   It adds.", ADD, "prose"),
    "a title and prose before code": (f"# Add\nThe function is\n{ADD}", ADD, "prose"),
    "a use before the function": (f"Use\n{USE}\nof this function:\n\n{ADD}", ADD, "prose"),
    "a broken function, then its use": (f"{LIMIT}\n\nUse it so:\n\n{USE}", LIMIT, "prose"),
    "prose that ends in a quotation": (f"{ADD}\n\nThis adds. It's done.\n\n{LIMIT}", ADD, "prose"),
    "a sentence in other letters": (f"関数です。\n\n{ADD}", ADD, "prose"),
    "two backticks": (f"``python\n{ADD}\n``", ADD, "prose"),
    "a wrong function under a sentence": (f"So:\n\n{GLUED}\n{BODY}", f"{GLUED}\n{BODY}", "prose"),
    # no code
    "nothing": ("", "", "none"),
    "white space": (" \n\t\n", "", "none"),
    "one word": ("Yes", "", "none"),
    "a number": ("42", "", "none"),
    "prose": ("I cannot answer that. Please say more about it.", "", "none"),
    "prose with a code span": ("Use the function `sum`, for example `sum([1, 2])`.", "", "none"),
    "a sentence that begins as a statement does": ("For each of them, import duties apply.", "", "none"),
    "an empty fence": ("```python\n```", "", "none"),
    "fences in one line": ("```sum(x)```", "", "none"),
    "null bytes": ("\x00", "", "none"),
    "nested too deep to parse": ("(" * 5000, "", "none"),
}


@pytest.mark.parametrize("case", TABLE)
def test_the_code_of_an_answer(case):
    answer, code, form = TABLE[case]
    found = read_answer(answer)
    assert (found.code, found.form) == (code, form)
    assert extract_code(answer) == code


@pytest.mark.parametrize("case", TABLE)
def test_code_that_was_read_is_read_the_same_again(case):
    code = extract_code(TABLE[case][0])
    if case != "tildes are not closed by backticks":
        assert extract_code(code) == code


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("", "blank"),
        (" \n", "blank"),
        ("```javascript\nf()\n```", "other_language"),
        ("Yes", "no_code"),
        ("```python\n```", "no_code"),
        (ADD, ""),
        (LIMIT, ""),
    ],
)
def test_why_there_is_no_code(answer, reason):
    assert read_answer(answer).reason == reason


FAULTS = [
    ("def ", "def"),
    ("def ", "Def "),
    ("def ", "deff "),
    (":\n", "\n"),
    ("(", "(("),
    ("return ", "retrun "),
    (")", ""),
]


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("around", ["{}", "```python\n{}\n```", "{}\n```", "So:\n\n{}\n\nIt adds them.", "```\n{}"])
def test_an_answer_never_gains_by_being_broken(around, fault):
    source = f"import math\n\n\n{ADD}\n\n\nclass Adder:\n{INDENTED}\n\n\n{USE}"
    broken = source.replace(*fault, 1)
    ast.parse(extract_code(around.format(source)))
    with pytest.raises(SyntaxError):
        ast.parse(broken)
    with pytest.raises(SyntaxError):
        ast.parse(extract_code(around.format(broken)))


def test_the_work_of_reading_an_answer_grows_with_its_length(monkeypatch):
    sizes = []
    monkeypatch.setattr(answers, "parse_or_none", lambda text: (sizes.append(len(text)), parse_or_none(text))[1])
    work = []
    for repeats in (50, 100, 200):
        sizes.clear()
        assert extract_code("def f(:\n\nIt is prose.\n\n" * repeats) == "def f(:"
        work.append(sum(sizes))
    assert work[2] - work[1] < 2.2 * (work[1] - work[0])  # characters parsed; 4 times were the square


SETTLED = {
    "a closed block that defines": (f"Sure:\n```python\n{ADD}\n```\n", True),
    "its last line may go on": (f"Sure:\n```python\n{ADD}\n```", False),
    "not closed": (f"Sure:\n```python\n{ADD}\n\n", False),
    "wrong code": (f"```python\n{LIMIT}\n```\n", False),
    "a use alone": (f"```python\n{USE}\n```\n", False),
    "no language": (f"```\n{ADD}\n```\n", False),
    "another language": (f"```java\n{ADD}\n```\n", False),
    "the one that parses": (f"```python\n{LIMIT}\n```\nBetter:\n```python\n{ADD}\n```\n", True),
    "a block in code": (f"{DOCUMENTED}\n", False),
    "a block in a string": (f'"""\n```python\n{ADD}\n```\n', False),
    "Markdown": (f"````markdown\n```python\n{ADD}\n```\n", False),
    "no fence": (f"{ADD}\n", False),
}
GOES_ON = [
    "It adds.",
    f"```python\n{USE}\n```\n",
    "```python\ndef sub(): pass\n```\n",
    "```\ndef f(): pass\n```",
    "````markdown\n```python\ndef f(): pass\n```\n````\n",
    '"""',
    "```",
]


@pytest.mark.parametrize("case", SETTLED)
def test_an_answer_is_settled(case):
    answer, settled = SETTLED[case]
    assert is_code_final(answer) is settled


@pytest.mark.parametrize("case", TABLE)
@pytest.mark.parametrize("more", GOES_ON)
def test_nothing_that_follows_changes_a_settled_answer(case, more):
    answer = f"{TABLE[case][0]}\n{more}"
    ends = [at for at in range(len(answer) + 1) if is_code_final(answer[:at])]
    assert {extract_code(answer[:at]) for at in ends} <= {extract_code(answer)}
