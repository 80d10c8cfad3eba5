"""List and read the Python files of a folder, or of a git repository at a revision, and assign each to a group.

All rows of a group go to the same split.
"""

from __future__ import annotations

import os
import stat
import subprocess
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from codetune.core.errors import UserError
from codetune.core.files import split_lines
from codetune.data.ingest.decoding import SourceFile, read_source, storable
from codetune.data.ingest.harvest import Member
from codetune.data.ingest.license_files import (
    Content,
    LicenseFiles,
    has_license_info,
    is_license_file,
    read_license_files,
)

# A group with more than this share of all files is divided, so that even a single project can fill three splits.
_MAX_GROUP_SHARE = 0.1
_REGULAR, _LINK, _SUBMODULE = "100", "120000", "160000"
_TIMEOUT_S = 600
_LIST = "`git log --oneline` lists commits."
_MAX_LICENSE_BYTES = 1 << 20
# The repository is untrusted data: git runs no hooks and no file-system monitor, downloads nothing, writes no lock
# files, and ignores replaced objects.
_GIT = ("git", "--no-replace-objects", "--no-optional-locks", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=")
_GIT_ENVIRONMENT = {"GIT_NO_LAZY_FETCH": "1", "GIT_TERMINAL_PROMPT": "0", "GIT_ALLOW_PROTOCOL": ""}


@dataclass(frozen=True)
class FolderReader:
    """Reads the files below the folder `root`."""

    root: Path

    def read(self, members: Sequence[Member], max_bytes: int, skipped: Counter[str]) -> Iterator[SourceFile]:
        """Yield the members that are readable text; the others are counted in `skipped` by reason. See `Reader`."""
        for member in members:
            try:
                content = self._content(member.path, max_bytes)
            except OSError:
                skipped["unreadable"] += 1
                continue
            if len(content) > max_bytes:
                skipped["too_large"] += 1
            elif source := read_source(member.path, content, skipped):
                yield source

    def _content(self, path: str, max_bytes: int) -> bytes:
        descriptor = os.open(self.root / path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with open(descriptor, "rb") as stream:  # noqa: PTH123
            return stream.read(max_bytes + 1)


def _passed_over(folder: Path) -> str | None:
    """Return the reason to skip a whole folder; None to read it."""
    if folder.is_symlink():
        return "linked_folder"
    if folder.name in {"site-packages", "dist-packages"} or (folder / "pyvenv.cfg").exists():
        return "installed_packages"
    return "hidden_folder" if folder.name.startswith(".") else None


def _file_reason(path: Path, relative: str) -> str | None:
    """Return the reason to skip a file; None to read it.

    Links are skipped: they repeat another file, lead out of the folder, or form a cycle.
    """
    if not storable(relative):
        return "undecodable_name"
    try:
        mode = path.lstat().st_mode
    except OSError:
        return "unreadable"
    if stat.S_ISLNK(mode):
        return "link"
    return None if stat.S_ISREG(mode) else "not_a_file"


def list_folder(root: Path, skipped: Counter[str]) -> list[tuple[str, int]]:
    """List the Python files below `root`.

    :param skipped: counts the files and folders that are not listed, by reason.
    :returns: pairs of path and size in bytes, in path order.
    :raises UserError: when `root` is not a folder that can be read.
    """
    if not root.is_dir() or not os.access(root, os.R_OK | os.X_OK):
        raise UserError(f"{root} is not a folder that can be read", "Correct `path` in ingest.sources.")
    found: list[tuple[str, int]] = []

    def unreadable(_: OSError) -> None:
        skipped["unreadable_folder"] += 1

    for folder, folders, files in os.walk(root, onerror=unreadable):
        reasons = {name: _passed_over(Path(folder, name)) for name in folders if name != "__pycache__"}
        skipped.update(reason for reason in reasons.values() if reason)
        folders[:] = sorted(name for name, reason in reasons.items() if not reason)
        for name in files:
            if name.endswith(".py"):
                path = Path(folder, name)
                relative = path.relative_to(root).as_posix()
                if reason := _file_reason(path, relative):
                    skipped[reason] += 1
                else:
                    found.append((relative, path.lstat().st_size))
    return sorted(found)


def _license_content(path: Path) -> Content:
    """Return the content of a file with licence information; the target path of a link; None if it cannot be read."""
    try:
        if path.is_symlink():
            return os.fsencode(path.readlink())
        if not path.is_file():
            return None
        with path.open("rb") as stream:
            content = stream.read(_MAX_LICENSE_BYTES + 1)
    except OSError:
        return None
    return content if is_license_file(path.name) or len(content) <= _MAX_LICENSE_BYTES else None


def _has_license_info(path: Path) -> bool:
    return has_license_info(path.as_posix()) and storable(path.as_posix()) and (path.is_symlink() or not path.is_dir())


def _license_paths(folder: Path, names: Iterable[str]) -> list[Path]:
    """Return the files of a folder that contain licence information; one of them is in the hidden folder `.reuse`."""
    return [
        path for path in (*(folder / name for name in names), folder / ".reuse" / "dep5") if _has_license_info(path)
    ]


def _repository_top(root: Path) -> Path:
    """Return the top folder of the repository that contains `root`; `root` itself if it is in no repository.

    It also returns `root` for the repository that codetune runs in: the licence of that repository does not apply to
    the sources that users put into it.
    """
    top = next((folder for folder in (root, *root.parents) if (folder / ".git").exists()), root)
    return root if Path.cwd().resolve().is_relative_to(top) else top


def licenses_below(root: Path) -> LicenseFiles:
    """Read the licence information below `root`, and in the folders above it up to the top of its repository."""
    root = root.resolve()
    top = _repository_top(root)
    paths: list[Path] = []
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if not _passed_over(Path(folder, name)))
        paths += _license_paths(Path(folder), names)
    for above in root.parents:
        if above.is_relative_to(top) and os.access(above, os.R_OK):
            paths += _license_paths(above, (path.name for path in above.iterdir()))
    files = {path.relative_to(top).as_posix(): _license_content(path) for path in paths if os.path.lexists(path)}
    return read_license_files(files, _prefix(root.relative_to(top).as_posix()))


def _prefix(folder: str) -> str:
    return "" if folder in {"", "."} else f"{folder.rstrip('/')}/"


def _git(folder: Path, *arguments: str, feed: bytes = b"") -> bytes:
    """Run git in a folder.

    :param feed: standard input.
    :returns: standard output.
    :raises UserError: when git is missing, takes too long, or fails; then with the first line of git's own message.
    """
    command = [*_GIT, "-C", str(folder), *arguments]
    # If a git hook runs codetune, git has set GIT_DIR to the repository of the hook.
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    try:
        done = subprocess.run(
            command, input=feed, capture_output=True, check=False, timeout=_TIMEOUT_S, env=inherited | _GIT_ENVIRONMENT
        )
    except FileNotFoundError:
        raise UserError("git is not installed", "Install it, or leave out `revision`.") from None
    except subprocess.TimeoutExpired:
        raise UserError(f"git {arguments[0]} in {folder} took over {_TIMEOUT_S} s", "Check the repository.") from None
    if done.returncode != 0:
        complaint = (split_lines(done.stderr.decode(errors="replace").strip()) or ["no reason given"])[0]
        raise UserError(f"git {arguments[0]} in {folder} failed: {complaint[:200]}", "Correct `path` or `revision`.")
    return done.stdout


@dataclass(frozen=True)
class GitReader:
    """Reads files from the objects of a git repository, not from its working tree. A member's key is its blob id."""

    repository: Path

    def read(self, members: Sequence[Member], max_bytes: int, skipped: Counter[str]) -> Iterator[SourceFile]:
        """Yield the members that are readable text; the others are counted in `skipped` by reason. See `Reader`.

        :raises UserError: when git fails.
        """
        wanted = [member for member in members if member.size <= max_bytes]
        skipped["too_large"] += len(members) - len(wanted)
        feed = "".join(f"{member.key}\n" for member in wanted).encode()
        blobs = _blobs(_git(self.repository, "cat-file", "--batch", feed=feed)) if wanted else iter(())
        for member, content in zip(wanted, blobs, strict=True):
            if content is None:
                skipped["unreadable"] += 1
            elif source := read_source(member.path, content, skipped):
                yield source


def _blobs(output: bytes) -> Iterator[bytes | None]:
    """Yield the contents of the objects in the output of `git cat-file --batch`; None for a missing object."""
    position = 0
    while position < len(output):
        end = output.index(b"\n", position)
        header = output[position:end].split(b" ")
        position = end + 1
        if header[-1] == b"missing":
            yield None
            continue
        size = int(header[2])
        yield output[position : position + size]
        position += size + 1


def resolve_revision(folder: Path, revision: str) -> str:
    """Return the id of the commit that `revision` names.

    :param revision: a commit, tag or branch.
    :returns: 40 hexadecimal digits.
    :raises UserError: when `folder` is in no repository or the revision is unknown.
    """
    if not folder.is_dir():
        raise UserError(f"{folder} is not a folder", "Correct `path` in ingest.sources.")
    _git(folder, "rev-parse", "--git-dir")
    try:
        found = _git(folder, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    except UserError:
        shallow = _git(folder, "rev-parse", "--is-shallow-repository").strip() == b"true"
        remedy = "The clone is shallow: run `git fetch --unshallow --tags` there." if shallow else _LIST
        raise UserError(f"{folder}: git knows no revision {revision!r}", remedy) from None
    return found.decode().strip()


def _entries(folder: Path, commit: str, *options: str) -> Iterator[tuple[str, str, str, str]]:
    """Yield mode, blob id, size in bytes and path of every entry of a commit below `folder`."""
    for line in _git(folder, "ls-tree", "-r", "-z", "--long", *options, commit).split(b"\0"):
        if line:
            facts, _, name = line.partition(b"\t")
            mode, _, blob, size = facts.decode().split()
            yield mode, blob, size, os.fsdecode(name)


def licenses_at(folder: Path, commit: str) -> LicenseFiles:
    """Read the licence information in all files of a commit, also in those outside of `folder`.

    :raises UserError: when git fails.
    """
    blobs = {
        path: blob
        for mode, blob, _, path in _entries(folder, commit, "--full-tree")
        if (mode.startswith(_REGULAR) or mode == _LINK) and has_license_info(path) and storable(path)
    }
    feed = "".join(f"{blob}\n" for blob in blobs.values()).encode()
    contents = _blobs(_git(folder, "cat-file", "--batch", feed=feed)) if blobs else iter(())
    prefix = _prefix(os.fsdecode(_git(folder, "rev-parse", "--show-prefix").rstrip(b"\n")))
    return read_license_files(dict(zip(blobs, contents, strict=True)), prefix)


def list_revision(folder: Path, commit: str, skipped: Counter[str]) -> list[tuple[str, int, str]]:
    """List the Python files of a commit below `folder`.

    :param skipped: counts the files and submodules that are not listed, by reason.
    :returns: triples of path, size in bytes and blob id, in path order.
    :raises UserError: when git fails.
    """
    found: list[tuple[str, int, str]] = []
    for mode, blob, size, path in _entries(folder, commit):
        if mode == _SUBMODULE:
            skipped["submodule"] += 1
        elif path.endswith(".py"):
            reason = "link" if mode == _LINK else None if mode.startswith(_REGULAR) else "not_a_file"
            reason = reason or (None if storable(path) else "undecodable_name")
            if reason:
                skipped[reason] += 1
            else:
                found.append((path, 0 if size == "-" else int(size), blob))
    return sorted(found)


def groups_of(paths: Iterable[str]) -> dict[str, str]:
    """Assign a group to every path.

    A group is a top-level folder or file. A folder with more than a tenth of all files is divided into the folders and
    files that it contains, and so on. So most packages stay in one split, and a single project can still fill train,
    val and test.

    :returns: the group by path.
    """
    everything = list(paths)
    largest = max(1, int(len(everything) * _MAX_GROUP_SHARE))
    groups: dict[str, str] = {}
    pending = [("", everything)]
    while pending:
        prefix, inside = pending.pop()
        children: defaultdict[str, list[str]] = defaultdict(list)
        for path in inside:
            head, slash, _ = path[len(prefix) :].partition("/")
            children[f"{prefix}{head}{slash}"].append(path)
        for child, members in children.items():
            if child.endswith("/") and len(members) > largest:
                pending.append((child, members))
            else:
                groups |= dict.fromkeys(members, child.rstrip("/"))
    return groups
