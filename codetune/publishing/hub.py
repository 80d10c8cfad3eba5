"""Push the exported model to the model hub. The token comes from the environment or from `hf auth login` only."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from codetune.core.errors import UserError, error_text
from codetune.publishing.exported import exported_folder

if TYPE_CHECKING:
    from huggingface_hub.errors import HfHubHTTPError

MESSAGE = "Upload the model that codetune exported"
_LOGIN = "Run `hf auth login`, or set HF_TOKEN to a token with write permission."
_NO_TOKEN, _FORBIDDEN, _MISSING = 401, 403, 404


def exported_files(root: Path) -> list[tuple[str, int]]:
    """Return path and size in bytes of each file that `push_export` sends.

    :raises UserError: when there is no exported model yet.
    """
    folder = exported_folder(root)
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return [(path.relative_to(folder).as_posix(), path.stat().st_size) for path in paths]


def check_repository_name(name: str) -> None:
    """Check a name of a repository.

    :param name: `OWNER/NAME`, or `NAME` for a repository of the user.
    :raises UserError: when no repository of the hub can have this name.
    """
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils._validators import validate_repo_id

    try:
        validate_repo_id(name)
    except HFValidationError as error:
        raise UserError(f"{name!r} is not the name of a repository: {error_text(error)}", "Give OWNER/NAME.") from None


def push_export(root: Path, name: str, *, private: bool = False, revision: str | None = None) -> str:
    """Push models/export to a repository, which is created if it does not exist.

    Files that the repository already has and the export has not stay there.

    :param private: whether a new repository is private; an existing one stays as it is, and is refused if it is public.
    :param revision: the branch, which is created if it does not exist; None: the main branch.
    :returns: the address of the commit.
    :raises UserError: when there is no exported model or no token, or when the hub refuses.
    """
    from huggingface_hub import HfApi, get_token

    folder = exported_folder(root)
    check_repository_name(name)
    if get_token() is None:
        raise UserError("there is no token for the model hub", _LOGIN)
    api = HfApi()
    with _explained(name, api.endpoint):
        repository = api.create_repo(name, private=private or None, exist_ok=True).repo_id
        if private and not api.repo_info(repository).private:
            raise UserError(
                f"{repository} is a public repository that exists already, so --private cannot hold",
                "Make it private in its settings, or give another name.",
            )
        if revision is not None:
            api.create_branch(repository, branch=revision, exist_ok=True)
        commit = api.upload_folder(repo_id=repository, folder_path=folder, revision=revision, commit_message=MESSAGE)
    return str(commit.commit_url)


@contextmanager
def _explained(name: str, endpoint: str) -> Iterator[None]:
    """Turn every failure of the hub's client into a UserError."""
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

    try:
        yield
    except UserError:
        raise
    except OfflineModeIsEnabled:
        raise UserError("HF_HUB_OFFLINE is set, so nothing is sent", "Unset HF_HUB_OFFLINE.") from None
    except HfHubHTTPError as error:
        raise _refusal(name, error) from None
    except Exception as error:
        raise UserError(
            f"pushing to {name} at {endpoint} failed: {error_text(error)}",
            "Check the network and run it again: what was sent already is not sent again.",
        ) from None


def _refusal(name: str, error: HfHubHTTPError) -> UserError:
    """Return what the user can do about an answer of the hub."""
    status = error.response.status_code
    said = error.server_message or error_text(error)
    if status == _NO_TOKEN:
        return UserError("the hub does not accept the token", _LOGIN)
    if status == _FORBIDDEN:
        return UserError(
            f"the token may not write to {name} (403: {said})",
            "Check the owner in the name, and use a token with write permission.",
        )
    if status == _MISSING:
        return UserError(f"the hub has no repository or branch for {name} (404: {said})", "Check the name.")
    return UserError(f"the hub refused to take the files for {name} (status {status}: {said})", "Try again later.")
