"""Read a git repository without changing it: no lock, no checkout, no fetch."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from codetune.core.errors import UserError
from codetune.core.files import split_lines

MAX_NAME_CHARS = 200
MAX_FILE_MB = 64
TIMEOUT_S = 30
# Names that `git check-ref-format` allows, except those that could be an option, a range or a reflog selector.
_NAME = re.compile(r"(?!-)(?!.*\.\.)(?!.*//)(?!.*@\{)[\w./+@#=-]+(?:[~^]\d{0,4})*")


def is_name(text: str) -> bool:
    """Whether `text`, which may come from a link, can be the name of a branch, tag, commit or experiment."""
    return len(text) <= MAX_NAME_CHARS and _NAME.fullmatch(text) is not None


@dataclass(frozen=True)
class Blob:
    """One file of a commit.

    :param path: path relative to the project.
    :param oid: id of the git object with the content.
    :param size: size in bytes.
    """

    path: str
    oid: str
    size: int


@dataclass(frozen=True)
class Repository:
    """The git repository that holds the project.

    :param root: the folder of the project, which has params.yaml; it may be a subfolder of the repository.
    """

    root: Path

    def git(self, *arguments: str, stdin: bytes = b"") -> bytes:
        """Run git in the folder of the project.

        :param arguments: the arguments of git.
        :param stdin: the bytes to send to git.
        :returns: the bytes that git prints.
        :raises UserError: when git is missing, takes longer than `TIMEOUT_S`, or fails.
        """
        environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
        command = ["git", "--no-pager", "-c", "core.quotePath=false", *arguments]
        try:
            done = subprocess.run(
                command,
                cwd=self.root,
                env=environment,
                input=stdin,
                capture_output=True,
                timeout=TIMEOUT_S,
                check=False,
            )
        except FileNotFoundError:
            raise UserError(
                f"git was not found, or the folder {self.root} does not exist",
                "Install git, and start again in the folder of the project.",
            ) from None
        except subprocess.TimeoutExpired:
            raise UserError(
                f"git {arguments[0]} took longer than {TIMEOUT_S} s", "Run `git gc` and reload the page."
            ) from None
        if done.returncode:
            said = split_lines(done.stderr.decode(errors="replace").strip())
            reason = said[0].removeprefix("fatal: ") if said else f"status {done.returncode}"
            raise UserError(f"git {arguments[0]} failed: {reason}", "Repair the repository and reload the page.")
        return done.stdout

    def lines(self, *arguments: str) -> list[str]:
        """Run git and return the non-empty lines that it prints."""
        return [line for line in split_lines(self.git(*arguments).decode(errors="replace")) if line]

    def exists(self) -> bool:
        """Whether the project is in a git repository."""
        try:
            return self.lines("rev-parse", "--is-inside-work-tree") == ["true"]
        except UserError:
            return False

    def is_shallow(self) -> bool:
        """Whether the clone is shallow, which means that it does not have the older commits."""
        return self.exists() and self.lines("rev-parse", "--is-shallow-repository") == ["true"]

    def resolve(self, name: str) -> str | None:
        """The full commit id that `name` stands for, or None if this clone has no such commit.

        :param name: a branch, tag, full reference or commit id, from the user or from a link.
        """
        if not is_name(name):
            return None
        try:
            found = self.lines("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
        except UserError:
            return None
        return found[0] if found else None

    def prefix(self) -> str:
        """The folder of the project within the repository, such as `sub/folder/`; empty if it is the top folder."""
        return self.git("rev-parse", "--show-prefix").removesuffix(b"\n").decode()

    def blobs(self, commits: Sequence[str], paths: Sequence[str]) -> dict[tuple[str, str], Blob]:
        """Find files of many commits with one git process.

        :param commits: commit ids.
        :param paths: paths relative to the project.
        :returns: the files that exist, by commit and path.
        """
        wanted = [(commit, path) for commit in commits for path in paths]
        if not wanted:
            return {}
        prefix = self.prefix()
        names = "".join(f"{commit}:{prefix}{path}\n" for commit, path in wanted)
        found = split_lines(self.git("cat-file", "--batch-check", stdin=names.encode()).decode(errors="replace"))
        blobs = {}
        for (commit, path), line in zip(wanted, found, strict=True):
            fields = line.split(" ")
            if len(fields) == 3 and fields[1] == "blob":  # noqa: PLR2004 - object, type, size
                blobs[commit, path] = Blob(path, fields[0], int(fields[2]))
        return blobs

    def tree(self, commit: str, paths: Sequence[str]) -> list[Blob]:
        """List the files of a commit.

        :param paths: files and folders, relative to the project; folders are listed recursively.
        """
        prefix = self.prefix()
        listing = self.git("ls-tree", "-r", "-z", "--long", "--full-tree", commit, "--", *(prefix + p for p in paths))
        blobs = []
        for record in listing.decode(errors="replace").split("\0"):
            head, _, path = record.partition("\t")
            fields = head.split()
            if len(fields) == 4 and fields[1] == "blob":  # noqa: PLR2004 - mode, type, object, size
                blobs.append(Blob(path.removeprefix(prefix), fields[2], int(fields[3])))
        return blobs

    def notes(self) -> dict[str, str]:
        """The texts that `git notes` keeps, by commit id."""
        pairs = [line.split() for line in self.lines("notes", "list")]
        if not pairs:
            return {}
        names = "".join(f"{note}\n" for note, _ in pairs).encode()
        fields = [line.split() for line in split_lines(self.git("cat-file", "--batch-check", stdin=names).decode())]
        read = self.objects(Blob("", field[0], int(field[2])) for field in fields if len(field) == 3)  # noqa: PLR2004
        return {commit: read[note].decode(errors="replace").strip() for note, commit in pairs if note in read}

    def contents(self, blobs: Iterable[Blob]) -> dict[str, bytes]:
        """Read the bytes of files of one commit, by path, with one git process.

        Files over `MAX_FILE_MB` are left out.
        """
        wanted = list(blobs)
        read = self.objects(wanted)
        return {blob.path: read[blob.oid] for blob in wanted if blob.oid in read}

    def objects(self, blobs: Iterable[Blob]) -> dict[str, bytes]:
        """Read the bytes of files by object id, each object once, with one git process.

        Files over `MAX_FILE_MB` are left out.
        """
        wanted = {blob.oid: blob for blob in blobs if blob.size <= MAX_FILE_MB << 20}
        if not wanted:
            return {}
        stream = self.git("cat-file", "--batch", stdin="".join(f"{oid}\n" for oid in wanted).encode())
        contents: dict[str, bytes] = {}
        position = 0
        for oid, blob in wanted.items():
            start = stream.index(b"\n", position) + 1
            contents[oid] = stream[start : start + blob.size]
            position = start + blob.size + 1
        return contents
