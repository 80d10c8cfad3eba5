from __future__ import annotations

import errno
import json
import os
import shutil
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from codetune.core.errors import UserError
from codetune.core.files import write_json, write_text
from codetune.history.listing import Kind, Revision, require_revision
from codetune.history.models import ModelFiles, model_files
from codetune.history.repository import Repository
from codetune.models.load import load_model
from tests.support.model_revisions import ADAPTER, cached, lock
from tests.support.sample_project import Project, commit, git


def find(project: Project, name: str, role: str = "tuned") -> ModelFiles:
    repository = Repository(project.root)
    return model_files(repository, require_revision(repository, name), role)  # type: ignore[arg-type]


def weights(folder: Path | str | None) -> bytes:
    assert folder is not None
    name = next(Path(folder).glob("*.safetensors")).name
    return (Path(folder) / name).read_bytes()


def test_the_adapter_of_a_revision_is_the_one_that_its_lock_names(models: Project) -> None:
    low, high, workspace = (find(models, name) for name in ("low", "high", "workspace"))
    assert weights(low.adapter) != weights(high.adapter) == weights(workspace.adapter)
    assert weights(low.base) == weights(workspace.base)
    assert Path(low.base).is_relative_to(models.root / ".cache")
    assert find(models, "low", "base") == ModelFiles(low.base, None)


def test_the_models_of_a_revision_load(models: Project) -> None:
    files = find(models, "low")
    loaded = load_model(files.base, files.adapter, files.revision)
    assert loaded.model.config.hidden_size == 32


def test_a_revision_is_asked_with_its_own_system_text(copied_models: Project) -> None:
    params = copied_models.root / "params.yaml"
    assert find(copied_models, "low").system == find(copied_models, "workspace").system == "keep"
    content = YAML().load(params.read_text())
    content["model"]["system"] = "none"
    with params.open("w") as stream:
        YAML().dump(content, stream)
    made = commit(copied_models.root, "Ask without a system text", 9)
    assert find(copied_models, made).system == find(copied_models, "workspace", "base").system == "none"
    assert find(copied_models, "low").system == "keep"


def test_the_base_of_a_revision_is_not_what_lies_on_the_disk(copied_models: Project) -> None:
    before = weights(find(copied_models, "high", "base").base)
    (copied_models.root / "models/base/model.safetensors").write_bytes(b"another")
    assert weights(find(copied_models, "workspace", "base").base) == b"another"
    shutil.rmtree(copied_models.root / ".cache", ignore_errors=True)
    assert weights(find(copied_models, "high", "base").base) == before


@pytest.mark.parametrize("lost", ["list", "file"])
def test_what_the_cache_lacks_is_told_with_the_command_that_brings_it(copied_models: Project, lost: str) -> None:
    for path in (copied_models.root / ".dvc/cache").rglob("*"):
        if path.is_file() and (path.suffix == ".dir") == (lost == "list"):
            path.unlink()
    shutil.rmtree(copied_models.root / ".cache", ignore_errors=True)
    with pytest.raises(UserError, match=r"not in the DVC cache. `dvc fetch --all-tags models/adapter` fetches it"):
        find(copied_models, "low")


def test_an_experiment_is_brought_by_dvc_and_its_name_is_quoted(copied_models: Project) -> None:
    root = copied_models.root
    parent = git(root, "rev-parse", "HEAD")
    name = "x;touch${IFS}hacked"
    git(root, "update-ref", f"refs/exps/{parent[:2]}/{parent[2:]}/{name}", "low^{commit}")
    shutil.rmtree(root / ".dvc/cache")
    shutil.rmtree(root / ".cache", ignore_errors=True)
    experiment = Revision(Kind.EXPERIMENT, name, copied_models.commits["low"], parent=parent)
    with pytest.raises(UserError) as error:
        model_files(Repository(root), experiment, "tuned")
    assert f"`dvc exp apply '{name}'`" in str(error.value)


@pytest.mark.parametrize(
    ("name", "role", "told"),
    [
        ("first", "tuned", "is neither in git nor among the outputs of its dvc.lock"),
        ("readme", "base", "is neither in git nor"),
    ],
)
def test_a_revision_without_a_model_is_a_sentence(models: Project, name: str, role: str, told: str) -> None:
    with pytest.raises(UserError, match=told):
        find(models, models.commits[name], role)


def test_a_workspace_without_models_says_what_to_run(copied_models: Project) -> None:
    shutil.rmtree(copied_models.root / ADAPTER)
    with pytest.raises(
        UserError, match=r"no adapter in the workspace yet. Run `make repro`.* `dvc pull models/adapter`"
    ):
        find(copied_models, "workspace")
    shutil.rmtree(copied_models.root / "models/base")
    with pytest.raises(UserError, match=r"There is no base model models/base. Set model.base to one that exists"):
        find(copied_models, "workspace", "base")


def add(project: Project, files: dict[str, bytes]) -> dict[str, object]:
    """Another adapter, as if it had been trained, with the given files besides or instead."""
    folder = project.root / ADAPTER
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return cached(project.root, folder)


def test_pickles_and_code_are_left_behind(copied_models: Project) -> None:
    root = copied_models.root
    lock(root, add(copied_models, {"adapter_model.bin": b"pickle", "modeling.py": b"raise", "x.pkl": b"pickle"}))
    (root / "models/base/pytorch_model.bin").write_bytes(b"pickle")
    (root / "models/base/modeling.py").write_text("raise SystemExit")
    files = find(copied_models, commit(root, "Add pickles", 9))
    names = {path.name for folder in (files.base, files.adapter) for path in Path(str(folder)).iterdir()}
    assert {"model.safetensors", "adapter_model.safetensors", "config.json"} <= names
    assert not {name for name in names if name.endswith((".bin", ".py", ".pkl"))}


def test_an_adapter_that_is_a_pickle_is_refused(copied_models: Project) -> None:
    root = copied_models.root
    (root / ADAPTER / "adapter_model.safetensors").unlink()
    lock(root, add(copied_models, {"adapter_model.bin": b"pickle"}))
    files = find(copied_models, commit(root, "Pickle it", 9))
    with pytest.raises(UserError, match=r"holds no adapter_model\.safetensors"):
        load_model(files.base, files.adapter)


def test_a_cache_that_was_changed_is_not_believed(copied_models: Project) -> None:
    root = copied_models.root
    shutil.rmtree(root / ".cache", ignore_errors=True)
    size = (root / ADAPTER / "adapter_model.safetensors").stat().st_size
    for path in (root / ".dvc/cache").rglob("*"):
        if path.is_file() and path.stat().st_size == size:
            path.write_bytes(b"x" * size)
    with pytest.raises(
        UserError, match=r"adapter_model.safetensors in the DVC cache was changed: its md5 .* dvc.lock of low"
    ):
        find(copied_models, "low")
    assert not list((root / ".cache/models").glob("*/adapter_config.json"))


def test_folders_that_nobody_asked_for_lately_are_removed(copied_models: Project) -> None:
    folders = copied_models.root / ".cache/models"
    shutil.rmtree(folders, ignore_errors=True)
    for number in range(30):
        (folders / f"{number:032x}").mkdir(parents=True)
        os.utime(folders / f"{number:032x}", (number, number))
    (folders / "notes").mkdir()
    low = find(copied_models, "low")
    kept = {path.name for path in folders.iterdir()}
    assert {Path(low.base).name, Path(str(low.adapter)).name, "notes"} < kept
    assert kept & {f"{number:032x}" for number in range(30)} == {f"{number:032x}" for number in range(12, 30)}
    assert load_model(low.base, low.adapter).model is not None


@pytest.mark.parametrize("name", ["../escaped.json", "/var/escaped.json", "a/../../escaped.json"])
def test_a_cached_file_stays_in_its_folder(copied_models: Project, name: str) -> None:
    root = copied_models.root
    entry = cached(root, root / ADAPTER)
    listing = root / ".dvc/cache/files/md5" / str(entry["md5"])[:2] / str(entry["md5"])[2:]
    items = json.loads(listing.read_bytes())
    listing.write_text(json.dumps([{**items[0], "relpath": name}]))
    shutil.rmtree(root / ".cache", ignore_errors=True)
    with pytest.raises(UserError, match="of the DVC cache is damaged"):
        find(copied_models, "high")
    assert not list(root.rglob("escaped.json"))


def test_a_folder_that_cannot_be_written_is_a_sentence(copied_models: Project) -> None:
    shutil.rmtree(copied_models.root / ".cache", ignore_errors=True)
    (copied_models.root / ".cache").write_text("a file is in the way")
    with pytest.raises(UserError, match="cannot be written"):
        find(copied_models, "low")


OUTPUT = "stages: {train: {outs: [{path: models/adapter, hash: md5, md5: %s}]}}"
DIGESTS = ("../../../../etc/passwd", "-o", "''", "null", "f" * 31, "f" * 32 + "/..", "[x]")
LOCKS = ("[", "- a", "stages: 1", "stages: {train: {outs: [models/adapter]}}")
SECTIONS = ("model: {base: ''}", "model: {base: 7}", "model: x", "x: 1", "[", "model: {base: a, revision: x}")


@pytest.mark.parametrize(
    ("file", "content", "told"),
    [
        *(("dvc.lock", OUTPUT % digest, r"dvc.lock of .* is damaged") for digest in DIGESTS),
        *(("dvc.lock", content, r"is damaged|lists none") for content in LOCKS),
        *(("params.yaml", content, r"has no model: its params.yaml has no valid model.base") for content in SECTIONS),
    ],
)
def test_a_commit_that_says_something_else_is_a_sentence(
    copied_models: Project, file: str, content: str, told: str
) -> None:
    write_text(copied_models.root / file, content)
    with pytest.raises(UserError, match=told):
        find(copied_models, commit(copied_models.root, "Lead astray", 9))


def test_a_base_that_is_a_dvc_output_comes_from_the_cache(copied_models: Project) -> None:
    root = copied_models.root
    lock(root, cached(root, root / "models/base", "models/large"))
    write_text(root / "params.yaml", "model: {base: models/large, revision: null}")
    assert weights(find(copied_models, commit(root, "Take a large base", 9), "base").base) == weights(
        root / "models/base"
    )


@pytest.fixture
def named(copied_models: Project) -> tuple[Project, str]:
    """The project after a commit whose base has a name and lies in the DVC cache, which nobody may write to."""
    root = copied_models.root
    base = root / "models/base"
    shutil.rmtree(root / ".cache", ignore_errors=True)
    write_json(base / "provenance.json", {"name": "small"})
    lock(root, cached(root, base, "models/base"))
    for path in (root / ".dvc/cache").rglob("*"):
        path.chmod(0o555 if path.is_dir() else 0o444)
    write_text(root / "params.yaml", "model: {base: small, revision: null}")
    return copied_models, commit(root, "Take a base that has a name", 9)


def test_a_base_that_has_a_name_is_linked_to_the_cache(named: tuple[Project, str]) -> None:
    project, made = named
    files = find(project, made, "base")
    laid_out = Path(files.base) / "model.safetensors"
    assert weights(files.base) == weights(project.root / "models/base")
    assert laid_out.stat().st_nlink == 2
    assert laid_out.stat().st_mode & 0o777 == 0o444
    assert load_model(files.base).model is not None


def test_a_base_is_copied_where_it_cannot_be_linked(
    named: tuple[Project, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise OSError(errno.EXDEV, "another file system")

    monkeypatch.setattr(Path, "hardlink_to", refused)
    project, made = named
    laid_out = Path(find(project, made, "base").base) / "model.safetensors"
    assert laid_out.stat().st_nlink == 1
    assert laid_out.read_bytes() == weights(project.root / "models/base")


def test_the_base_of_the_workspace_is_the_one_that_has_the_name(named: tuple[Project, str]) -> None:
    project, _ = named
    assert find(project, "workspace", "base") == ModelFiles(str(project.root / "models/base"), None)
    write_json(project.root / "models/base/provenance.json", {"name": "other"})
    with pytest.raises(UserError, match=r"models/base holds other, expected small. Run `dvc repro base`"):
        find(project, "workspace", "base")


@pytest.mark.parametrize(
    ("room", "linked", "kept"),
    [(750, False, 9), (0, False, 8), (750, True, 12)],  # eight stay in any case, and what is linked takes no room
)
def test_copies_take_no_more_than_so_much_room(
    copied_models: Project, monkeypatch: pytest.MonkeyPatch, room: int, linked: bool, kept: int
) -> None:
    shutil.rmtree(copied_models.root / ".cache", ignore_errors=True)
    low = find(copied_models, "low")  # its base is a copy out of git, its adapter is linked to the cache
    copied = sum(path.stat().st_size for path in Path(low.base).iterdir())
    monkeypatch.setattr("codetune.history.models._KEPT_BYTES", copied + room)
    folders = copied_models.root / ".cache/models"
    for number in range(10):
        file = folders / f"{number:032x}" / "model.gguf"
        file.parent.mkdir(parents=True)
        file.write_bytes(bytes(100))
        if linked:
            (copied_models.root / f"file{number}").hardlink_to(file)
        os.utime(file.parent, (number, number))
    find(copied_models, "low")
    assert len(list(folders.iterdir())) == kept


def test_a_base_of_the_hub_keeps_its_name_and_commit(copied_models: Project) -> None:
    write_text(copied_models.root / "params.yaml", f"model: {{base: owner/name, revision: {'a' * 40}}}")
    made = commit(copied_models.root, "Take a base of the hub", 9)
    assert find(copied_models, made, "base") == ModelFiles("owner/name", "a" * 40)


def test_a_file_that_is_replaced_has_another_fingerprint(tmp_path: Path) -> None:
    file = tmp_path / "model.gguf"
    file.write_bytes(b"GGUF")
    before = ModelFiles(str(file), None).fingerprint()
    assert "model.gguf" in before
    file.write_bytes(b"GGUF and more")
    assert ModelFiles(str(file), None).fingerprint() != before
