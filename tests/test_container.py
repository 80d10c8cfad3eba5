"""The container names what there is; building it needs Docker, which tests do without."""

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
STEPS = re.sub(r"\\\n\s*", "", DOCKERFILE).splitlines()


def steps(name):
    return [step.split(maxsplit=1)[1] for step in STEPS if step.startswith(f"{name} ")]


def test_what_is_copied_exists():
    copied = [source for step in steps("COPY") for source in step.split()[1:-1]]
    assert len(copied) > 5
    assert all((ROOT / source).exists() for source in copied)


def test_the_packages_are_installed_from_all_that_the_setup_reads():
    """Else that layer fails, or a change of a lock goes unnoticed."""
    before = " ".join(
        step for step in STEPS[: STEPS.index("RUN make install && rm -rf ~/.cache/uv")] if step.startswith("COPY")
    )
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    needed = re.search(r"^\$\(STAMP\): (.*)$", makefile, re.MULTILINE).group(1).split()
    assert set(needed) <= set(before.split())
    assert {"Makefile", "scripts", "codetune/__init__.py", "README.md", "LICENSE"} <= set(before.split())


def test_it_runs_the_first_command_of_the_readme_as_an_ordinary_user():
    assert steps("CMD") == ['["make", "repro"]']
    assert steps("USER") == ["codetune"]
    assert STEPS.index("USER codetune") < STEPS.index("RUN make install && rm -rf ~/.cache/uv")


@pytest.mark.parametrize("needed", ["git", "make", "python3", "python3-pip", "bubblewrap", "ca-certificates"])
def test_it_has_what_the_setup_needs(needed):
    (installed,) = [step for step in steps("RUN") if "apt-get" in step]
    assert needed in installed.split()


def test_the_development_container_is_made_of_it():
    folder = ROOT / ".devcontainer"
    found = json.loads((folder / "devcontainer.json").read_text(encoding="utf-8"))
    assert (folder / found["build"]["dockerfile"]).resolve() == ROOT / "Dockerfile"
    assert found["remoteUser"] == "codetune"


def test_outputs_and_caches_stay_outside():
    ignored = set((ROOT / ".dockerignore").read_text(encoding="utf-8").split())
    assert {".venv", ".cache", "data/raw", "models/export"} <= ignored
    assert ".git" not in ignored  # DVC needs it
