"""Damage in outputs and in the DVC cache is found by computing digests again."""

import subprocess
import sys

import pytest

from codetune.core.errors import UserError
from codetune.history.verification import recorded_outputs, verify_cache, verify_outputs
from tests.history.dvc_project import copied, flip, make_dvc_project


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return make_dvc_project(tmp_path_factory.mktemp("dvc") / "project")


@pytest.fixture
def project(made, tmp_path):
    return copied(made, tmp_path)


def objects(project):
    return sorted(path for path in (project / ".dvc/cache/files/md5").glob("??/*"))


def test_digests_are_those_of_dvc(project):
    found = verify_outputs(project)
    assert (found.checked, found.missing, found.damaged) == (3, (), ())
    assert {output.path: output.cached for output in recorded_outputs(project)[0]} == {
        "folder": True,
        "text": False,
        "last": True,
    }


def test_files_that_dvc_ignores_are_no_part_of_a_folder(project):
    for name in ("new.tmp", "scratch/new", ".git/new", "__pycache__/one.pyc", ".cache/new", ".venv/new"):
        (project / "folder" / name).parent.mkdir(exist_ok=True)
        (project / "folder" / name).write_text("new\n")
    subprocess.run([sys.executable, "-m", "dvc", "commit", "-q", "-f"], cwd=project, check=True)
    assert verify_outputs(project).damaged == ()


@pytest.mark.parametrize(("path", "stage"), [("folder/two", "first"), ("text", "first"), ("last", "second@key")])
def test_a_damaged_output_is_named_with_its_stage(project, path, stage):
    flip(project / path)
    (damage,) = verify_outputs(project).damaged
    assert damage.what.startswith(f"{path.split('/')[0]} is not what stage {stage} wrote")
    assert "`dvc repro`" in damage.remedy


def test_a_missing_output_is_no_damage(project):
    (project / "last").unlink()
    found = verify_outputs(project)
    assert (found.checked, found.missing, found.damaged) == (2, ("last",), ())


@pytest.mark.parametrize("everything", [False, True])
def test_each_damaged_object_is_found(project, everything):
    # The file in both folder and text, the list of the folder, and the last output.
    assert verify_cache(project, everything=everything).checked == len(objects(project)) == 3
    for path in objects(project):
        before = path.read_bytes()
        flip(path, len(before) - 1)
        (damage,) = verify_cache(project, everything=everything).damaged
        assert str(path) in damage.what
        assert "--single-item" in damage.remedy
        path.chmod(0o644)
        path.write_bytes(before)


def test_an_object_of_another_revision_is_found_only_among_all(project):
    path = project / ".dvc/cache/files/md5/00/00000000000000000000000000000f"
    path.parent.mkdir()
    path.write_text("not what its name says")
    assert not verify_cache(project, everything=False).damaged
    (damage,) = verify_cache(project, everything=True).damaged
    assert "dvc fetch --all-commits" in damage.remedy


def test_a_missing_object_is_no_damage(project):
    for path in objects(project):
        path.unlink()
    found = verify_cache(project, everything=False)
    assert (found.checked, len(found.missing), found.damaged) == (0, 2, ())


def test_a_list_of_commands_that_a_power_cut_emptied_is_told(project):
    (project / ".dvc/tmp/rwlock").write_bytes(b"")
    (damage,) = verify_outputs(project).damaged
    assert damage.remedy == "If no `dvc` command is running, remove .dvc/tmp/rwlock."


def test_a_damaged_lock_file_is_one_line(project):
    (project / "dvc.lock").write_text("stages: {first: [\n")
    with pytest.raises(UserError, match=r"git checkout dvc\.lock"):
        verify_outputs(project)


def test_outside_a_project_is_one_line(tmp_path):
    with pytest.raises(UserError, match="not a DVC project"):
        verify_outputs(tmp_path)


@pytest.fixture
def frozen(project):
    """Return a project whose first stage is frozen, and committed."""
    pipeline = project / "dvc.yaml"
    pipeline.write_text(pipeline.read_text().replace("    deps: [source]", "    frozen: true\n    deps: [source]"))
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org"]
    for command in (["add", "-A"], ["commit", "-qm", "all"]):
        subprocess.run([*git, *command], cwd=project, check=True)
    return project


def test_a_damaged_entry_of_a_frozen_stage_is_found(frozen):
    lock = frozen / "dvc.lock"
    text = lock.read_text()
    entry = text[text.index("  first:") : text.index("  second@")]
    assert verify_outputs(frozen).damaged == ()
    for right, wrong in (
        ("md5: ", "md5: 0"),
        ("size: ", "size: 1"),
        ("one: 1", "one: 3"),
        ("source", "sourcf"),
        ("cp", "bp"),
    ):
        lock.write_text(text.replace(entry, entry.replace(right, wrong, 1)))
        damaged = verify_outputs(frozen).damaged
        assert any("frozen stage first" in damage.what for damage in damaged), right


def test_a_frozen_stage_that_ran_again_is_not_damaged(frozen):
    (frozen / "source").write_text("another text\n")
    assert verify_outputs(frozen).damaged == ()
    for command in (["unfreeze", "first"], ["repro", "-q", "first"], ["freeze", "first"]):
        subprocess.run([sys.executable, "-m", "dvc", *command], cwd=frozen, check=True, capture_output=True)
    assert verify_outputs(frozen).damaged == ()
