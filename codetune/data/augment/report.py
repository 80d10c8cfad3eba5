"""Make reports/augmentation.json: counts and examples of the paraphrases."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from codetune.core.files import stable_seed
from codetune.data.augment.meaning import KEPT_SHARE, Calibration
from codetune.data.augment.params import AugmentParams
from codetune.data.augment.rows import Augmentation
from codetune.data.augment.table import PhraseTable

_MOST_USED = 20
_EXAMPLES = 5
_SHARES = (0.0, 0.01, 0.05, 0.25, 0.5, 0.75, 1.0)


def augmentation_report(result: Augmentation, table: PhraseTable, params: AugmentParams) -> dict[str, Any]:
    """Count rows, paraphrases, rejected drafts by reason, changes and phrases, and draw examples by the seed."""
    changes = [len(pairs) for pairs in result.changes]
    with_paraphrase = {row["parent"] for row in result.paraphrases}
    return {
        "method": params.method,
        "rows_in": len(result.originals),
        "rows_chosen": result.chosen,
        "rows_without_paraphrase": result.chosen - len(with_paraphrase),
        "paraphrases": len(result.paraphrases),
        "rows_out": len(result.rows),
        "rejected": dict(sorted(result.rejected.items())),
        "similarity": quantiles(result.similarities),
        "changes": {
            "mean": round(sum(changes) / len(changes), 4) if changes else 0.0,
            "paraphrases_by_changes": {str(count): often for count, often in sorted(Counter(changes).items())},
        },
        "table": table.size(),
        "most_used": _most_used(result),
        "examples": _examples(result, params.seed),
    }


def wordings_report(result: Augmentation, table: PhraseTable) -> dict[str, Any]:
    """Count the test prompts that were reworded with phrases that training does not see."""
    return {
        "rows_in": len(result.originals),
        "paraphrases": len(result.paraphrases),
        "rejected": dict(sorted(result.rejected.items())),
        "similarity": quantiles(result.similarities),
        "table": table.size(),
    }


def meaning_report(found: Calibration, signature: str) -> dict[str, Any]:
    """Report the similarity threshold, and how well it separates the labelled pairs.

    :param signature: settings of the encoder.
    """
    return {
        "encoder": signature,
        "min_similarity": found.threshold,
        "labelled": {
            "good": len(found.good),
            "bad": len(found.bad),
            f"threshold_keeping_{KEPT_SHARE:g}_of_good": found.calibrated_threshold,
            "false_rejects": round(found.false_rejects, 4),
            "false_accepts": round(found.false_accepts, 4),
            "bad_accepted_by_kind": {kind: f"{took} of {of}" for kind, (took, of) in found.accepted_by_kind().items()},
            "similarity_of_good": quantiles(found.good),
            "similarity_of_bad": quantiles([value for _, value in found.bad]),
        },
    }


def quantiles(values: Sequence[float]) -> dict[str, float]:
    """Return the minimum, the maximum and some quantiles between them, by share; an empty dictionary for no values."""
    ranked = sorted(values)
    return {str(share): ranked[round(share * (len(ranked) - 1))] for share in _SHARES} if ranked else {}


def _most_used(result: Augmentation) -> list[dict[str, Any]]:
    """Return the most frequent replacements; those with equal counts are in alphabetical order."""
    used = Counter((old.strip(". "), new.strip(". ")) for pairs in result.changes for old, new in pairs)
    ranked = sorted(used.items(), key=lambda item: (-item[1], item[0]))
    return [{"phrase": old, "replacement": new, "count": count} for (old, new), count in ranked[:_MOST_USED]]


def _examples(result: Augmentation, seed: int) -> list[dict[str, str]]:
    originals = {row["id"]: row["instruction"] for row in result.originals}
    drawn = sorted(result.paraphrases, key=lambda row: stable_seed(seed, row["id"], "example"))[:_EXAMPLES]
    return [{"id": row["id"], "original": originals[row["parent"]], "paraphrase": row["instruction"]} for row in drawn]
