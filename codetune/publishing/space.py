"""Write a folder that runs as a Hugging Face Space: the pages Try and Compare on the tuned model and its reports.

The model is the base as it came with the adapter, not the merged one: it is the model that was measured, it needs less
space, and llama.cpp answers with it where the base is a GGUF file.

A Space is a git repository whose README.md begins with its configuration. The Streamlit SDK of Spaces is deprecated, so
the Space is a Docker image: https://huggingface.co/docs/hub/spaces-sdks-docker. The folder holds everything but the
packages of requirements.txt, which are installed when the image is built. When it starts, nothing is downloaded.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

from codetune.core.config import PARAMS_FILE, load_section, read_params
from codetune.core.errors import UserError
from codetune.core.files import read_json, write_json
from codetune.core.imports import PROJECT, import_closure
from codetune.core.yaml_text import read_yaml
from codetune.history.listing import WORKSPACE
from codetune.history.models import ADAPTER, USED_FILES
from codetune.history.report_files import read_files
from codetune.history.repository import Repository
from codetune.history.whole_adapter import require_whole_adapter
from codetune.models.locate import locate_model, model_files
from codetune.models.params import ModelParams
from codetune.publishing.exported import exported_folder, new_folder
from codetune.publishing.requirements import space_requirements

PAGE = "codetune.app.space"
PORT = 7860
_BASE = "models/base"
# The keys of sections that the pages read.
_READ = {
    "numerics": ("mode", "threads"),
    "model": ("system",),
    "clean": ("task",),
    "score": ("seed", "bootstrap_samples", "confidence"),
    "serve": ("engine", "slots", "context", "max_tokens", "prompt_lookup"),
}
# The Space serves no other revision, and no server of its own.
_FIXED = {"serve": {"port": 0, "revisions": [], "allowed_hosts": [], "allowed_origins": []}}
_NOT_USED = frozenset({"dvc"})  # the page imports it to read other revisions; a Space has none
_USER = 1000  # the user that Spaces run containers as
_DOCKERFILE = f"""FROM python:{sys.version_info.major}.{sys.version_info.minor}-slim
RUN useradd --create-home --uid {_USER} user
USER user
ENV HOME=/home/user PATH=/home/user/.local/bin:$PATH HF_HUB_OFFLINE=1 PYTHONUNBUFFERED=1
WORKDIR /home/user/app
COPY --chown=user requirements.txt ./
RUN pip install --no-cache-dir --require-hashes --requirement requirements.txt
COPY --chown=user . .
CMD ["python", "-m", "streamlit", "run", "app.py", "--server.address=0.0.0.0", "--server.port={PORT}"]
"""
_APP = f'"""The page of the Space."""\n\nfrom {PAGE} import main\n\nmain()\n'
_LARGE = "".join(f"*.{suffix} filter=lfs diff=lfs merge=lfs -text\n" for suffix in ("safetensors", "gguf"))
_TEXTS = {"Dockerfile": _DOCKERFILE, "app.py": _APP, ".gitattributes": _LARGE, ".dockerignore": ".git\n"}


def write_space(root: Path, folder: Path, title: str) -> int:
    """Write the folder of the Space.

    Only code, models, reports and the parameters that the pages need are written: no other file of the project, and no
    environment variable.

    :param root: the folder of the project.
    :param folder: a folder that does not exist or is empty.
    :param title: the title of the Space.
    :returns: the number of bytes.
    :raises UserError: when there is no exported model, base model or adapter, when params.yaml lacks a parameter
        that the pages read, or when `folder` is not empty.
    """
    export = exported_folder(root)
    require_whole_adapter(root, ADAPTER)
    base = load_section(ModelParams, root / PARAMS_FILE)
    with new_folder(folder) as temporary:
        _write_code(temporary)
        place = locate_model(_from(root, base.base), base.revision)
        name = _BASE if place.is_dir() else f"{_BASE}.gguf"
        _write_texts(temporary, root, title, export, name)
        _copy(place, temporary / name)
        _copy(root / ADAPTER, temporary / ADAPTER)
        _name_base(temporary / ADAPTER / "adapter_config.json", name)
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _from(root: Path, base: str) -> str:
    """Return `model.base` as a path if it is one in the project."""
    return str(root / base) if (root / base).exists() else base


def _copy(model: Path, place: Path) -> None:
    """Copy a GGUF file, or the files of a folder that are used: neither pickles nor notes."""
    if model.is_file():
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(model, place)
        return
    place.mkdir(parents=True)
    for path in model_files(model):
        if USED_FILES.fullmatch(path.name):
            shutil.copyfile(path, place / path.name)


def _name_base(path: Path, base: str) -> None:
    """Replace the place of the base model in the configuration of an adapter, which may be a path of this machine."""
    write_json(path, read_json(path) | {"base_model_name_or_path": base})


def _write_code(folder: Path) -> None:
    """Write the modules of the page, what it needs beside Python, and the requirements."""
    modules = import_closure([PAGE])
    packages = {parent for path in modules for parent in path.parents if parent.is_relative_to(PROJECT / "codetune")}
    beside = [PROJECT / "LICENSE", PROJECT / ".streamlit/config.toml", PROJECT / "codetune/app/ui/icon.svg"]
    for path in sorted(modules | {package / "__init__.py" for package in packages} | set(beside)):
        place = folder / path.relative_to(PROJECT)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, place)
    (folder / "requirements.txt").write_text(space_requirements(modules, PROJECT, without=_NOT_USED), encoding="utf-8")


def _write_texts(folder: Path, root: Path, title: str, export: Path, base: str) -> None:
    """Write the configuration of the Space, the parameters and the reports."""
    for path, content in read_files(Repository(root), WORKSPACE, ("reports",)).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    texts = _TEXTS | {"README.md": _readme(title, export), str(PARAMS_FILE): _yaml(_params(root, base))}
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")


def _yaml(values: dict[str, Any]) -> str:
    """Return a mapping as YAML, of which JSON is a part: one line per key."""
    return "".join(f"{key}: {json.dumps(value, ensure_ascii=False)}\n" for key, value in values.items())


def _params(root: Path, base: str) -> dict[str, Any]:
    """Return the parameters that the pages read. The sources of the data, for example, are not among them."""
    content = read_params(root / PARAMS_FILE)

    def read(name: str, key: str) -> Any:
        section = content.get(name)
        if not isinstance(section, dict) or key not in section:
            raise UserError(f"{PARAMS_FILE} has no {name}.{key}", "Add it, as in the params.yaml of a new clone.")
        return section[key]

    parts = {name: {key: read(name, key) for key in keys} | _FIXED.get(name, {}) for name, keys in _READ.items()}
    return parts | {"model": parts["model"] | {"base": base, "revision": None}}


def _readme(title: str, export: Path) -> str:
    """Return README.md with the configuration: https://huggingface.co/docs/hub/spaces-config-reference."""
    facts: dict[str, Any] = {"title": title, "emoji": "🧪", "colorFrom": "blue", "colorTo": "yellow", "sdk": "docker"}
    facts |= {"app_port": PORT, "pinned": False}
    if license_name := _license(export):
        facts["license"] = license_name
    return (
        f"---\n{_yaml(facts)}---\n\n# {title}\n\nTry asks the tuned model and its base model. Compare shows "
        "what tuning gained on prompts that training never saw. Both were made with codetune.\n"
    )


def _license(export: Path) -> str | None:
    """Return the licence in the front matter of the model card; None if it has none."""
    start, _, rest = (export / "README.md").read_text(encoding="utf-8").partition("---\n")
    front = {} if start or not rest else read_yaml(rest.partition("\n---")[0])
    found = front.get("license") if isinstance(front, dict) else None
    return None if found is None else str(found)
