"""Requirements are those of the modules, with all that these packages need, as the lock files pin them."""

from codetune.core.imports import PROJECT
from codetune.publishing.requirements import LOCKS, distributions, read_lock, space_requirements, with_dependencies
from tests.conftest import one_line

LOCK = """# Written by `make lock`.
alpha==1.0 ; sys_platform == 'linux' \\
    --hash=sha256:aa \\
    --hash=sha256:bb
    # via codetune
Beta.Two==2.0 \\
    --hash=sha256:cc
    # via alpha, zeta
gamma==3.0 \\
    --hash=sha256:dd
    # via beta-two
zeta==4.0 \\
    --hash=sha256:ee
    # via codetune
"""


def test_what_the_packages_need_is_added(tmp_path):
    (tmp_path / "lock").write_text(LOCK)
    locked = read_lock(tmp_path / "lock")
    assert [package.name for package in locked] == ["alpha", "beta-two", "gamma", "zeta"]
    assert with_dependencies({"alpha"}, locked) == {"alpha", "beta-two", "gamma"}
    assert locked[0].lines == "alpha==1.0 ; sys_platform == 'linux' \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb"


def test_imports_become_packages_of_the_lock(tmp_path):
    module = tmp_path / "module.py"
    module.write_text("import os, yaml\nfrom codetune import core\ndef f():\n    from ruamel.yaml import YAML\n")
    assert distributions([module]) == {"pyyaml", "ruamel-yaml"}
    text = space_requirements([module], PROJECT, without=frozenset({"pyyaml"}))
    names = [line.split("==")[0] for line in text.splitlines()[1:] if not line.startswith(" ")]
    assert names == ["ruamel-yaml"]


def test_the_lock_files_give_all_that_an_installed_package_needs():
    import re
    from importlib.metadata import requires

    from packaging.requirements import Requirement

    from codetune.publishing.requirements import normalised

    locked = [package for name in LOCKS for package in read_lock(PROJECT / name)]
    named = with_dependencies({"streamlit"}, locked)
    direct = {
        normalised(need.name)
        for need in map(Requirement, requires("streamlit") or [])
        if need.marker is None or need.marker.evaluate({"extra": ""})
    }
    assert direct <= named
    assert all(re.fullmatch(r"[a-z0-9-]+", name) for name in named)


def test_a_package_that_is_not_locked(tmp_path):
    for name in LOCKS:
        (tmp_path / name).write_text(LOCK)
    module = tmp_path / "module.py"
    module.write_text("import yaml\n")
    with one_line("requirements.lock lacks pyyaml", "make lock"):
        space_requirements([module], tmp_path)
    with one_line("requirements.lock does not exist"):
        space_requirements([module], tmp_path / "elsewhere")
