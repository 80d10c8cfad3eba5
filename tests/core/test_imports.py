"""The closure of imports: lazy ones count, those for type checking alone do not."""

import pytest

from codetune.core.imports import PROJECT, import_closure

FILES = {
    "codetune/__init__.py": '"""A library."""\n\n__version__ = "1"\n',
    "codetune/a/__init__.py": '"""A package."""\n',
    "codetune/a/top.py": (
        "import typing\nfrom codetune.a import lazy_user\nfrom typing import TYPE_CHECKING\n"
        "if TYPE_CHECKING:\n    from codetune.a import hint\nelse:\n    from codetune.a import at_run_time\n"
        "if typing.TYPE_CHECKING:\n    import codetune.a.hint\n"
    ),
    "codetune/a/lazy_user.py": (
        "def use():\n    if True:\n        import codetune.b.lazy\n"
        "PROGRAM = Path(__file__).with_name('at_work.py')\nDATA = Path(__file__).with_name('data.yaml')\n"
    ),
    "codetune/a/hint.py": "",
    "codetune/a/at_work.py": "import codetune.a.for_work\n",
    "codetune/a/for_work.py": "",
    "codetune/a/at_run_time.py": "",
    "codetune/a/unused.py": "",
    "codetune/b/__init__.py": "print('set up')\n",
    "codetune/b/lazy.py": "import torch\nfrom codetune.a.top import nothing\n",
}


def test_what_a_module_runs_with(tmp_path):
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    found = import_closure(["codetune.a.top"], tmp_path)
    assert {path.relative_to(tmp_path / "codetune").as_posix() for path in found} == {
        "a/top.py", "a/lazy_user.py", "a/at_run_time.py", "a/at_work.py", "a/for_work.py", "b/__init__.py", "b/lazy.py",
    }  # fmt: skip
    (tmp_path / "codetune/a/lazy_user.py").write_text("from codetune.a import unused\n")
    assert tmp_path / "codetune/a/unused.py" in import_closure(["codetune.a.top"], tmp_path)


def test_a_name_that_is_no_module_is_refused():
    with pytest.raises(ValueError, match=r"codetune\.gone is not a module"):
        import_closure(["codetune.gone"])


def test_pages_and_wording_are_reached_by_no_module_that_makes_what_is_kept():
    makers = (
        "stages.train", "stages.generate", "codetune.data.augment.chat", "codetune.evaluation.execution.answering",
        "codetune.evaluation.metrics.baseline", "codetune.evaluation.metrics.matching",
    )  # fmt: skip
    reached = {path.relative_to(PROJECT).parts[1] for path in import_closure(makers)}
    assert not reached & {"app", "reporting", "compare", "ledger", "history", "cli"}
