"""Write the learning curve with DVCLive: `metrics.json` and one table per curve, which `dvc plots` reads."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from codetune.training.progress import Log

_SIGNIFICANT_DIGITS = 6


@contextmanager
def learning_curve(folder: Path) -> Iterator[Log]:
    """Yield a function that adds a point to the curves in `folder`.

    DVCLive features that differ from run to run are off: no time stamps, no experiment, and no dvc.yaml or report.
    """
    from dvclive import Live

    logging.getLogger("dvclive").setLevel(logging.WARNING)
    with Live(dir=str(folder), save_dvc_exp=False, dvcyaml=None, report=None, monitor_system=False) as live:

        def log(step: int, values: dict[str, float]) -> None:
            live.step = step
            for name, value in values.items():
                live.log_metric(name, float(f"{value:.{_SIGNIFICANT_DIGITS}g}"), timestamp=False)

        try:
            yield log
        finally:
            # DVCLive opens the DVC repository, though it does not need it here, and leaves its files open.
            if live._dvc_repo is not None:  # noqa: SLF001
                live._dvc_repo.close()  # noqa: SLF001
