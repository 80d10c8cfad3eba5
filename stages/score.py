"""Score the answers of base and tuned model against the references.

Reads: reports/samples/{base,tuned}.jsonl, data/clean/train.jsonl (random pairs for the baseline), params `score`.
Writes: reports/scores.jsonl (per prompt), reports/metrics.json (means and gains with intervals),
reports/signatures.json (what two revisions must share to be compared), reports/plots/.
Guarantees: the encoder's weights have the published digest; empty and over-long texts are counted.
Does not: run any answer; that two numbers may be subtracted is for the signatures to say.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from codetune import numerics
from codetune.config import load_section
from codetune.errors import run_as_command
from codetune.files import digest_bytes, read_jsonl, write_json, write_jsonl
from codetune.scoring.encoder import locate
from codetune.scoring.params import ScoreParams

if TYPE_CHECKING:
    from codetune.scoring.bertscore import BertScorer

_LIBRARIES = ("bert-score", "sacrebleu", "torch", "transformers")


@dataclass(frozen=True)
class Inputs:
    """What the stage reads."""

    samples: dict[str, Path] = field(
        default_factory=lambda: {name: Path(f"reports/samples/{name}.jsonl") for name in ("base", "tuned")}
    )
    train: Path = Path("data/clean/train.jsonl")


@dataclass(frozen=True)
class Outputs:
    """Where the stage writes."""

    reports: Path = Path("reports")


def _events(samples: dict[str, list[dict[str, Any]]], scorer: BertScorer) -> dict[str, dict[str, int]]:
    """How many answers were empty, and how many texts were cut to what the encoder takes."""
    counts = {}
    for variant, rows in samples.items():
        answers = [row["answer"] for row in rows]
        counts[variant] = {
            "empty": sum(not answer.strip() for answer in answers),
            "cut": sum(scorer.token_count(answer) > scorer.max_tokens for answer in answers),
        }
    references = [row["reference"] for row in samples["base"]]
    counts["reference"] = {
        "empty": sum(not text.strip() for text in references),
        "cut": sum(scorer.token_count(text) > scorer.max_tokens for text in references),
    }
    return counts


def _prompts_digest(rows: list[dict[str, Any]]) -> str:
    return digest_bytes(
        "\x1e".join("\x1f".join([row["id"], row["instruction"], row["reference"]]) for row in rows).encode()
    )


def run(params: ScoreParams, inputs: Inputs, outputs: Outputs, mode: str = "strict") -> dict[str, Any]:
    """The content of reports/metrics.json, after everything has been written.

    :param mode: the numerics in use, for the signature.
    """
    from codetune.scoring.baseline import baseline
    from codetune.scoring.bertscore import BertScorer
    from codetune.scoring.plots import write_plots
    from codetune.scoring.surface import Surface
    from codetune.scoring.table import check_aligned, metrics, score_prompts

    samples = {variant: read_jsonl(path) for variant, path in inputs.samples.items()}
    check_aligned(samples)
    scorer = BertScorer(locate(params.bertscore.model), params.bertscore.layer, params.bertscore.batch_size)
    floor = baseline(scorer, read_jsonl(inputs.train), params)
    surface = Surface()
    rows = score_prompts(samples, scorer, floor, surface)
    report = metrics(rows, samples, surface, params)
    rescaled = "/".join(f"{value:.6f}" for value in floor)
    signatures = {
        "bertscore": f"{scorer.signature}|baseline:{rescaled}|pairs:{params.bertscore.baseline_pairs}",
        **surface.signatures(),
        "prompts_digest": _prompts_digest(samples["base"]),
        "numerics": mode,
        "versions": {name: version(name) for name in _LIBRARIES},
        "texts": _events(samples, scorer),
    }
    write_jsonl(outputs.reports / "scores.jsonl", rows)
    write_plots(outputs.reports / "plots", rows, params)
    write_json(outputs.reports / "signatures.json", signatures)
    write_json(outputs.reports / "metrics.json", report)
    return report


def main() -> None:
    """Run the stage on params.yaml and the files that dvc.yaml names."""

    def action() -> None:
        mode = numerics.fix().mode
        run(load_section(ScoreParams), Inputs(), Outputs(), mode)

    run_as_command(action)


if __name__ == "__main__":
    main()
