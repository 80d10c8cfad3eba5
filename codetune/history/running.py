"""Find the pipelines that run now (`dvc repro` or an experiment), their stages, and the progress of training.

DVC records in `.dvc/tmp/rwlock` which process writes which outputs, and in `.dvc/tmp/exps/**/*.run` the folders of
experiments that run in a separate folder. Training writes its learning curves into a temporary folder beside
reports/training, which it replaces when it ends (`codetune.core.files.atomic_folder`). Its checkpoint has the total
number of steps.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from codetune.history.reading import curve_of
from codetune.history.reports import Curve

_LOCK = Path(".dvc/tmp/rwlock")
_RUNS = Path(".dvc/tmp/exps")
_LIVE = "reports/.training.*.part"
_CURVES = Path("plots/metrics")
_CHECKPOINT = Path(".cache/training/training.safetensors")
_RUNNING = (1, 2)  # preparing and running (dvc/repo/experiments/executor/base.py, TaskStatus)
_COMMAND = re.compile(r"\b(repro|exp(eriments)? (run|exec-run)|queue)\b")
_STAGE = re.compile(r"-m stages (\w+)( [\w.-]+)?")
_MAX_HEADER_BYTES = 1 << 24
_CLOCK_SLACK_S = 2.0


@dataclass(frozen=True)
class Run:
    """A pipeline that runs now.

    :param name: name of the experiment; empty for `dvc repro`.
    :param command: the command that the user typed.
    :param stage: the stage that runs, such as `train` or `generate base`; empty if it is not known.
    :param writes: the outputs that the stage makes, relative to the project.
    :param seconds: how long the stage has been running.
    :param curves: learning curves of a training so far.
    :param step: the last step in the curves; None without curves.
    :param steps: the total number of training steps; None if it is not known.
    :param here: whether it writes into the workspace, and not into a folder of its own.
    """

    name: str
    command: str
    stage: str
    writes: tuple[str, ...]
    seconds: float
    curves: tuple[Curve, ...] = ()
    step: int | None = None
    steps: int | None = None
    here: bool = True


def _json(path: Path) -> dict[str, Any]:
    """The JSON object in a file; empty if it cannot be read, for example because another process is writing it."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _folders(root: Path) -> dict[Path, str]:
    """The folders in which pipelines of the project may run, each with the name of its experiment."""
    found = {root: ""}
    for path in sorted((root / _RUNS).glob("**/run/*/*.run")):
        info = _json(path)
        texts = [info.get(key) for key in ("root_dir", "dvc_dir", "name")]
        if info.get("status") not in _RUNNING or not all(isinstance(text, str) for text in texts[:2]):
            continue
        folder = (Path(str(texts[0])) / str(texts[1])).parent.resolve()
        # DVC keeps the records of finished experiments in the workspace, but removes `workspace` when it ends.
        if folder != root or path.parent.name == "workspace":
            found[folder] = str(texts[2] or "")
    return found


def _writers(folder: Path) -> dict[int, tuple[str, list[str]]]:
    """Command and outputs of each process that writes outputs in a folder according to DVC, by process id."""
    writers: dict[int, tuple[str, list[str]]] = {}
    written = _json(folder / _LOCK).get("write")
    for path, info in written.items() if isinstance(written, dict) else ():
        if isinstance(info, dict) and isinstance(info.get("pid"), int) and _COMMAND.search(str(info.get("cmd"))):
            name = Path(path).relative_to(folder).as_posix() if Path(path).is_relative_to(folder) else path
            writers.setdefault(info["pid"], (str(info["cmd"]), []))[1].append(name)
    return writers


def _stage(process: psutil.Process) -> tuple[str, float]:
    """Name and start time of the stage that a DVC process runs; an empty name and its own start time if none runs."""
    with suppress(psutil.Error):
        for child in process.children(recursive=True):
            with suppress(psutil.Error):
                if match := _STAGE.search(" ".join(child.cmdline())):
                    return f"{match[1]}{match[2] or ''}", child.create_time()
    return "", process.create_time()


def _curves(folder: Path) -> tuple[Curve, ...]:
    """The learning curves of the training that runs in a folder.

    The newest temporary folder is used, because a killed training leaves its own behind.
    """
    parts = sorted(folder.glob(_LIVE), key=lambda part: part.stat().st_ctime)
    found = []
    for path in sorted((parts[-1] / _CURVES).rglob("*.tsv")) if parts else ():
        with suppress(OSError, ValueError):
            name = path.relative_to(parts[-1] / _CURVES).with_suffix("").as_posix()
            # The text after the last line break is ignored: training may still be writing that line.
            found.append(curve_of(name, path.read_text(encoding="utf-8").split("\n")[1:-1]))
    return tuple(curve for curve in found if curve.steps)


def _steps(folder: Path, since: float) -> int | None:
    """The total number of optimizer steps, from the last checkpoint.

    :param since: start time of the training, as a Unix time in seconds. An older checkpoint belongs to another run.
    :returns: the number, or None if there is no checkpoint of this run.
    """
    path = folder / _CHECKPOINT
    try:
        if path.stat().st_mtime < since - _CLOCK_SLACK_S:
            return None
        with path.open("rb") as stream:  # safetensors: the length of a JSON header, then the header
            size = int.from_bytes(stream.read(8), "little")
            header = json.loads(stream.read(min(size, _MAX_HEADER_BYTES)))
        return int(json.loads(header["__metadata__"]["progress"])["steps"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _runs(folder: Path, name: str, *, here: bool) -> Iterator[Run]:
    for pid, (command, writes) in _writers(folder).items():
        try:
            process = psutil.Process(pid)
            if process.create_time() > (folder / _LOCK).stat().st_mtime + _CLOCK_SLACK_S:
                continue  # the recorded process was killed, and another process has its id now
            stage, since = _stage(process)
            curves = _curves(folder) if stage in ("train", "") else ()
        except (psutil.Error, OSError):
            continue
        step = max((curve.steps[-1] for curve in curves), default=None)
        steps = _steps(folder, since) if curves else None
        shown = f"dvc {command.split('dvc ', 1)[-1]}"
        called = name if shown.startswith("dvc exp") else ""
        seconds = max(0.0, time.time() - since)
        yield Run(called, shown, stage, tuple(sorted(writes)), seconds, curves, step, steps, here)


def running(root: Path) -> list[Run]:
    """List the pipelines that run in a project now, the one in the workspace first.

    :param root: the folder of the project.
    """
    home = root.resolve()
    return [run for folder, name in _folders(home).items() for run in _runs(folder, name, here=folder == home)]


def duration_text(seconds: float) -> str:
    """A duration in its two largest units, such as `3 min 20 s`."""
    whole = int(seconds)
    if whole < 60:  # noqa: PLR2004 - seconds in a minute
        return f"{whole} s"
    minutes = whole // 60
    return f"{minutes} min {whole % 60} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"  # noqa: PLR2004
