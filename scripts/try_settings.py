"""Try settings on validation rows, so that held-out rows are not used to choose settings.

    python -m scripts.try_settings                                      # params.yaml unchanged
    python -m scripts.try_settings train.learning_rate=1e-3 train.answer_form=bare

Trains with these settings, generates answers of base and tuned model to validation prompts, and prints the gains. The
outputs are in .cache/validation, in one folder for each choice of settings. Nothing else in the project changes.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from codetune import numerics
from codetune.cli.sections import SECTIONS
from codetune.core.config import PARAMS_FILE, problems_in, raise_problems, read_params
from codetune.core.errors import UserError, run_as_command
from codetune.core.files import write_jsonl
from codetune.numerics import NumericsParams

_PROMPTS = 96
_SAMPLES = tuple(f"{model}{part}" for part in ("", ".reworded", ".benchmarks") for model in ("base", "tuned"))


def _chosen(settings: list[str]) -> dict[str, Any]:
    """Return the content of params.yaml with some values replaced.

    :param settings: texts of the form `section.key=value`.
    :raises UserError: if a setting has another form, or if params.yaml has no such key.
    """
    content = read_params()
    for setting in settings:
        path, equals, value = setting.partition("=")
        *parents, key = path.split(".")
        place: Any = content
        for parent in parents:
            place = place.get(parent) if isinstance(place, dict) else None
        if not equals or not parents or not isinstance(place, dict) or key not in place:
            raise UserError(f"{setting}: params.yaml has no such value", "Write it like train.learning_rate=1e-3.")
        place[key] = YAML(typ="safe", pure=True).load(value)
    return content


def main() -> None:
    """Train, answer and score. A killed training continues from its last checkpoint."""
    settings = sys.argv[1:]
    content = _chosen(settings)
    raise_problems(PARAMS_FILE, problems_in(content, *SECTIONS))
    arithmetic = numerics.fix(NumericsParams.model_validate(content["numerics"]))
    from codetune.evaluation.metrics.params import ScoreParams
    from codetune.generation.params import GenerateParams
    from codetune.models.answer_form import taught_form
    from codetune.models.params import ModelParams
    from codetune.training.params import TrainParams
    from stages import generate, score, train

    folder = Path(".cache/validation") / ("_".join(settings).replace("/", "-") or "default")
    none = folder / "none.jsonl"
    write_jsonl(none, [])
    no_benchmarks = folder / "no_benchmarks"
    task = content["clean"].get("task", "python")
    model = ModelParams.model_validate(content["model"])
    taught = TrainParams.model_validate(content["train"])
    adapter = folder / "adapter"
    outputs = train.Outputs(adapter, folder / "training", folder / "checkpoints")
    train.run(train.Params(taught, model, arithmetic, task), train.Inputs(), outputs)
    asked = GenerateParams.model_validate(content["generate"] | {"max_prompts": _PROMPTS, "reworded_prompts": 0})
    answers = generate.Inputs(
        test=train.Inputs().val, problems=none, benchmarks=no_benchmarks, reworded=none, adapter=adapter
    )
    variants: tuple[generate.Variant, ...] = ("base", "tuned")
    for variant in variants:
        places = generate.Outputs(folder / "samples", folder / "journals")
        generate.run(generate.Params(asked, model, arithmetic, task), answers, places, variant)
    samples = {name.replace(".", "_"): folder / "samples" / f"{name}.jsonl" for name in _SAMPLES}
    written = {name: folder / f"scored.{name}" for name in ("scores", "metrics", "signatures", "scoring")}
    judged = ScoreParams.model_validate(content["score"])
    report = score.run(
        score.Params(judged, arithmetic, taught_form(task, taught.answer_form)),
        replace(score.Inputs(), benchmarks=no_benchmarks, **samples),
        score.Outputs(**written, kept=folder / "kept"),
    )
    for name, gain in report["gain"].items():
        print(f"{name:18} {gain['mean']:+8.3f}   {gain['low']:+.3f} to {gain['high']:+.3f}")


if __name__ == "__main__":
    run_as_command(main)
