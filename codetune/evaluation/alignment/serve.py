"""The process that computes alignments: it reads requests as lines of JSON and writes one line of JSON for each.

Each request contains `score.bertscore` from params.yaml of a revision, which names the encoder. The two encoders used
last stay in memory. The process ends after some minutes without a request.
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
"""Seconds without a request after which the process ends."""


@lru_cache(maxsize=2)
def _aligner(params: BertScoreParams) -> Aligner:
    files = locate_encoder(params, "score.bertscore")
    # Imported here because `main` must fix the numerics before torch is imported.
    from codetune.evaluation.alignment.matching import Aligner

    return Aligner(files, params.layer)


def respond(line: str) -> dict[str, Any]:
    """Compute the alignment for one request.

    :param line: a JSON object with `bertscore` (the parameters of the encoder), `reference` and `answer`.
    :returns: the fields of an `Alignment`; or `error` and `remedy`, the two parts of a `UserError`.
    """
    try:
        request = json.loads(line)
        params = BertScoreParams.model_validate(request["bertscore"])
        return asdict(_aligner(params).align(request["reference"], request["answer"]))
    except UserError as error:
        return {"error": error.what, "remedy": error.remedy}
    except (ValidationError, KeyError, TypeError, ValueError):
        what = "score.bertscore in params.yaml of this revision does not describe a valid encoder"
        return {"error": what, "remedy": "Choose another revision."}


def main(respond_to: Callable[[str], dict[str, Any]] = respond) -> None:
    """Answer requests on standard input until it is closed, or no request comes for `IDLE_S` seconds.

    :param respond_to: computes the reply to a line; tests replace it.
    """
    os.environ["HF_HUB_OFFLINE"] = "1"  # report a missing encoder rather than download it
    numerics.fix(NumericsParams(mode="portable", threads=1))
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # keeps the output of libraries out of the replies
    while wait([sys.stdin.fileno()], IDLE_S):
        line = sys.stdin.readline()
        if not line:
            return
        answers.write(json.dumps(respond_to(line)) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
