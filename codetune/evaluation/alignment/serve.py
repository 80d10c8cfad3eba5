"""The process that aligns: a line of JSON in, a line of JSON out, until nobody asks any more.

Each request names the encoder as the `score` section of the revision does; models are kept, the last two of them.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from dataclasses import asdict
from functools import lru_cache
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from codetune import numerics
from codetune.core.errors import UserError
from codetune.evaluation.metrics.params import BertScoreParams
from codetune.models.encoders.locate import locate_encoder
from codetune.numerics import NumericsParams

if TYPE_CHECKING:
    from codetune.evaluation.alignment.matching import Aligner

IDLE_S = 300


@lru_cache(maxsize=2)
def _aligner(params: BertScoreParams) -> Aligner:
    files = locate_encoder(params, "score.bertscore")
    # Imported late: torch must not come before the numerics are fixed.
    from codetune.evaluation.alignment.matching import Aligner

    return Aligner(files, params.layer)


def respond(line: str) -> dict[str, Any]:
    """The answer to one request: the parts of an `Alignment`, or what is wrong as `error` and its `remedy`."""
    try:
        request = json.loads(line)
        params = BertScoreParams.model_validate(request["bertscore"])
        return asdict(_aligner(params).align(request["reference"], request["answer"]))
    except UserError as error:
        return {"error": error.what, "remedy": error.remedy}
    except (ValidationError, KeyError, TypeError, ValueError):
        what = "params.yaml of this revision names no encoder that can be read (score.bertscore)"
        return {"error": what, "remedy": "Choose another revision."}


def main(respond_to: Callable[[str], dict[str, Any]] = respond) -> None:
    """Answer requests on standard input until it is closed, or nobody asks for some minutes."""
    os.environ["HF_HUB_OFFLINE"] = "1"  # what is not on this machine is said to be missing, not fetched
    numerics.fix(NumericsParams(mode="portable", threads=1))
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what libraries print is no answer
    while wait([sys.stdin], IDLE_S):
        line = sys.stdin.readline()
        if not line:
            return
        answers.write(json.dumps(respond_to(line)) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
