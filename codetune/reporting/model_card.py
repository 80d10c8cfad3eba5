"""The model card. All its numbers, names and licences are read from the files of the run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codetune.core.markdown import escaped, fenced, table
from codetune.evaluation.metrics.registry import catalogue
from codetune.export.merge import MergeCheck
from codetune.export.ollama import OllamaPrompt
from codetune.reporting.gguf_card import gguf_section

Json = dict[str, Any]


@dataclass(frozen=True)
class CardFacts:
    """Contents of the files that the card is made from; None for a file that does not exist.

    :param params: params.yaml.
    :param check: how far the merged model differs from base plus adapter.
    :param example: a prompt in the format of the prompt template.
    :param provenance: title, original, license and other facts about the base model.
    :param gguf: the GGUF files that were written, and those that were not, with the reason.
    :param ollama: the prompt template in ollama's form.
    """

    params: Json
    check: MergeCheck
    example: str
    metrics: Json | None = None
    signatures: Json | None = None
    data: Json | None = None
    augmentation: Json | None = None
    training: Json | None = None
    provenance: Json | None = None
    gguf: Json | None = None
    ollama: OllamaPrompt | None = None


def model_card(facts: CardFacts) -> str:
    """The text of README.md of the exported model.

    It has front matter for model hubs, then sections on use, training, data with licences, evaluation and base model.
    """
    sections = [
        _front_matter(facts),
        _summary(facts),
        _use(facts),
        gguf_section(facts.gguf, facts.ollama, _license(facts)),
        _training(facts),
        _data(facts),
        _evaluation(facts),
        _base(facts),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def _front_matter(facts: CardFacts) -> str:
    lines = ["---", "library_name: transformers", "pipeline_tag: text-generation", "language: code"]
    if base := _base_on_a_hub(facts):
        lines += [f"base_model: {base}", "base_model_relation: finetune"]
    lines += [f"license: {name}"] if (name := _license(facts)) else []
    lines += ["tags:", "- code", "- python", "- lora", "- codetune", "---"]
    return "\n".join(lines)


def _base_on_a_hub(facts: CardFacts) -> str | None:
    """Return the hub id of the base model; None for a model on this machine, whose path stays private."""
    model = facts.params["model"]
    known = (facts.provenance or {}).get("original")
    return known or (model["base"] if model.get("revision") else None)


def _license(facts: CardFacts) -> str | None:
    """Return the licence of the base model as model hubs write it."""
    name = (facts.provenance or {}).get("license")
    return None if name is None else str(name).lower()


def _summary(facts: CardFacts) -> str:
    base = (facts.provenance or {}).get("title", "its base")
    model = facts.params["model"]
    name = model["base"] if model.get("revision") else Path(model["base"]).name
    return (
        f"# {name}, tuned\n\n"
        "A causal language model that writes Python functions from an instruction: a LoRA adapter, merged into "
        f"{base}. {_merging(facts.check)} Weights are stored as {facts.params['export']['dtype']}, as safetensors."
    )


def _merging(check: MergeCheck) -> str:
    """Sentences on how far the merged model differs from base plus adapter."""
    differ = (
        f"{check.ties} differ, all where the two best logits are equal up to rounding" if check.ties else "none differs"
    )
    return (
        f"On {check.prompts} held-out rows and greedy answers to them ({check.logits:,} logits) the merged model "
        f"differs from base plus adapter by at most {check.max_difference:.1e}; rounding explains differences of up to "
        f"{check.allowed:.1e}. "
        f"Of the {check.tokens:,} tokens of these answers {differ}."
    )


_TAUGHT = {
    "fenced": "\n\nAnswers are one Markdown code block, marked as Python.",
    "bare": "\n\nAnswers are Python code only.",
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
            f"{best['val_loss']:.4f} at step {best['step']:,}, whose weights are kept. "
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
        f"Base model and this model answered {facts.metrics['prompts']:,} prompts with greedy decoding. The prompts "
        "come from packages that are not in the training data. The values are means over the prompts; a corpus metric "
        f"is computed from all answers together. The gain is the difference of the means, with its {interval}."
    )
    parts = ["## Evaluation", asked, table(["metric", "base", "tuned", "gain"], rows)]
    if facts.signatures is not None:
        signed = [[name, _cell(value)] for name, value in facts.signatures.items() if isinstance(value, str)]
        parts += [
            "Signatures. Numbers can be compared only if their signatures are equal:",
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
    """Nested mappings as one mapping with dotted keys."""
    flat: Json = {}
    for key, value in values.items():
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return flat


def _cell(value: Any) -> str:
    """A value as text, escaped for a Markdown table."""
    text = f"{value:.4g}" if isinstance(value, float) else str(value)
    return escaped(text)
