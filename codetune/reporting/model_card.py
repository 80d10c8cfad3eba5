"""The model card, put together from the files of the run: no number, name or licence in it is typed by hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from codetune.core.markdown import escaped, fenced, table
from codetune.evaluation.metrics.registry import catalogue
from codetune.export.merge import MergeCheck

Json = dict[str, Any]


@dataclass(frozen=True)
class CardFacts:
    """The contents of the files that the card is made of; None where a file does not exist."""

    params: Json
    check: MergeCheck
    example: str
    metrics: Json | None = None
    signatures: Json | None = None
    data: Json | None = None
    augmentation: Json | None = None
    training: Json | None = None
    provenance: Json | None = None


def model_card(facts: CardFacts) -> str:
    """README.md of the export: front matter for model hubs, then use, training, data, licences and evaluation."""
    sections = [
        _front_matter(facts),
        _summary(facts),
        _use(facts),
        _training(facts),
        _data(facts),
        _evaluation(facts),
        _base(facts),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def _front_matter(facts: CardFacts) -> str:
    lines = ["---", "library_name: transformers", "pipeline_tag: text-generation", "language: code"]
    base = facts.provenance or {}
    lines += [f"base_model: {base.get('original', facts.params['model']['base'])}", "base_model_relation: finetune"]
    lines += [f"license: {base['license'].lower()}"] if "license" in base else []
    lines += ["tags:", "- code", "- python", "- lora", "- codetune", "---"]
    return "\n".join(lines)


def _summary(facts: CardFacts) -> str:
    base = (facts.provenance or {}).get("title", "its base")
    return (
        f"# {facts.params['model']['base']}, tuned\n\n"
        "A causal language model that writes Python functions from an instruction: a LoRA adapter, merged into "
        f"{base}. {_merging(facts.check)} Weights are stored as {facts.params['export']['dtype']}, as safetensors."
    )


def _merging(check: MergeCheck) -> str:
    """How the merged model compares with base plus adapter."""
    differ = f"{check.ties} differ, where the two best are a rounding apart" if check.ties else "none differs"
    return (
        f"On {check.prompts} held-out rows and greedy answers to them ({check.logits:,} logits) the merged model "
        f"differs from base plus adapter by {check.max_difference:.1e} at the most; rounding makes up to "
        f"{check.allowed:.1e}. "
        f"Of the {check.tokens:,} tokens of these answers {differ}."
    )


_TAUGHT = {
    "fenced": "\n\nAnswers are one Markdown block that says Python.",
    "bare": "\n\nAnswers are Python code and nothing else.",
}


def _use(facts: CardFacts) -> str:
    taught = _TAUGHT.get((facts.training or {}).get("answer_form", ""), "")
    return (
        "## Use\n\nThe prompt template is stored with the tokenizer (`apply_chat_template`); it reads:\n\n"
        f"{fenced(facts.example.rstrip(chr(10)), 'text')}{taught}"
    )


def _training(facts: CardFacts) -> str:
    rows = [[f"`{key}`", _cell(value)] for key, value in sorted(_flat(facts.params["train"]).items())]
    parts = ["## Training", table(["parameter", "value"], rows)]
    training = facts.training
    if training is not None:
        trainable, best = training["trainable"], training["best"]
        dropped = ", ".join(f"{count} {reason}" for reason, count in training["dropped"].items()) or "none"
        parts.append(
            f"{training['rows']:,} rows ({training['tokens']:,} tokens; dropped: {dropped}) in {training['steps']:,} "
            f"steps. Trained: {trainable['parameters']:,} parameters, {trainable['share']:.2%} of all, in "
            f"{', '.join(trainable['modules'])}. Validation loss {training['first_val_loss']:.4f} before training, "
            f"{best['val_loss']:.4f} at step {best['step']:,}, which is the one kept. "
            f"Numerics: {training['numerics']}."
        )
    return "\n\n".join(parts)


def _data(facts: CardFacts) -> str:
    if facts.data is None:
        return ""
    data = facts.data
    parts = ["## Data"]
    splits = ", ".join(f"{count:,} {split}" for split, count in data.get("splits", {}).items())
    if splits:
        parts.append(f"Documented functions of open-source packages, split by package: {splits}.")
    counts = {key: count for key, count in (facts.augmentation or {}).items() if isinstance(count, int)}
    if counts:
        described = ", ".join(f"{key.replace('_', ' ')} {count:,}" for key, count in counts.items())
        parts.append(f"Augmentation by paraphrased instructions: {described}.")
    if data.get("licenses"):
        parts.append("Licences of the rows:")
        parts.append(table(["licence", "rows"], [[name, f"{count:,}"] for name, count in data["licenses"].items()]))
    return "\n\n".join(parts)


def _evaluation(facts: CardFacts) -> str:
    if facts.metrics is None:
        return ""
    base, tuned, gain = (facts.metrics[key] for key in ("base", "tuned", "gain"))
    rows = []
    for metric in catalogue():
        values = [_at(scores, metric.key) for scores in (base, tuned)]
        if None not in values:
            gained = metric.show_interval(gain[metric.gain]) if metric.gain in gain else ""
            rows.append([metric.label, *map(metric.show, values), gained])
    confidence = facts.params.get("score", {}).get("confidence")
    interval = "bootstrap interval" if confidence is None else f"{confidence:.0%} bootstrap interval"
    asked = (
        f"Greedy answers to {facts.metrics['prompts']:,} prompts from packages that are in no training data, of the "
        "base and of this model: means over the prompts; where it says corpus, of all answers as one text. The gain is "
        f"the difference of the means, with its {interval}."
    )
    parts = ["## Evaluation", asked, table(["metric", "base", "tuned", "gain"], rows)]
    if facts.signatures is not None:
        signed = [[name, _cell(value)] for name, value in facts.signatures.items() if isinstance(value, str)]
        parts += [
            "Signatures, which tell what these numbers can be compared with:",
            table(["of", "signature"], signed),
        ]
    return "\n\n".join(parts)


def _base(facts: CardFacts) -> str:
    if facts.provenance is None:
        return ""
    flat = _flat({key: value for key, value in facts.provenance.items() if key != "files"})
    rows = [[f"`{key}`", _cell(value)] for key, value in flat.items()]
    return "## Base model\n\n" + table(["provenance", "value"], rows)


def _at(values: Json, key: str) -> Any:
    """The value at a dotted key, or None."""
    current: Any = values
    for part in key.split("."):
        current = current.get(part) if isinstance(current, dict) else None
    return current


def _flat(values: Json, prefix: str = "") -> Json:
    """Nested mappings as one, with dotted keys."""
    flat: Json = {}
    for key, value in values.items():
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return flat


def _cell(value: Any) -> str:
    """A value as text that cannot break a table."""
    text = f"{value:.4g}" if isinstance(value, float) else str(value)
    return escaped(text)
