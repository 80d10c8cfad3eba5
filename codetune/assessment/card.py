"""The card of the embedded base model, made from what was measured."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]
_NAMES = {
    "model": "this model",
    "ngram": "5-grams of the same tokens (Witten-Bell)",
    "xz": "`xz -9e`",
    "zstd": "`zstd -19`",
}


def base_card(provenance: Json, report: Json, samples: list[str]) -> str:
    """Markdown: how the model was made, how well it predicts code, and functions it wrote, unedited."""
    return "\n\n".join([_made(provenance), _bits(report), _functions(report), *_shown(samples)]) + "\n"


def _made(provenance: Json) -> str:
    recipe, corpus = provenance["recipe"], provenance["corpus"]
    licenses = ", ".join(f"{name} {count:,}" for name, count in provenance["licenses"].items())
    return (
        "# The embedded base model\n\n"
        f"A Llama with {provenance['parameters']:,} parameters ({recipe['layers']} layers of width "
        f"{recipe['hidden_size']}, {recipe['vocab_size']:,} tokens, context {recipe['context']:,}), trained from "
        f"scratch on {provenance['tokens_seen']:,} tokens out of {corpus['tokens']:,}: {corpus['files']:,} source "
        f"files of the train packages and single functions of them. It took "
        f"{provenance['seconds'] / 3600:.1f} hours on {provenance['hardware']}.\n\nLicences of the files: {licenses}."
    )


def _bits(report: Json) -> str:
    columns = {"held_out": "held-out files of train packages", "unseen": "files of unseen packages"}
    lines = [
        "## Bits per byte",
        "",
        "| predicted by | " + " | ".join(columns.values()) + " |",
        "|---|" + "---:|" * len(columns),
    ]
    for key, name in _NAMES.items():
        lines.append(
            f"| {name} | " + " | ".join(f"{report['bits_per_byte'][part][key]:.3f}" for part in columns) + " |"
        )
    density = report["bits_per_byte"]["held_out"]["bytes_per_token"]
    lines += ["", f"A token is {density:.2f} bytes. The compressors see all files as one text."]
    return "\n".join(lines)


def _functions(report: Json) -> str:
    found = report["functions"]
    unbound = ", ".join(f"`{name}` {count}" for name, count in found["unbound"].items()) or "none"
    return (
        "## Functions\n\n"
        f"Greedy bodies below the signature and docstring of {found['functions']:,} functions of unseen packages: "
        f"{found['parses']:.1%} parse and do something, {found['names_bound']:.1%} also use only names that are bound, "
        f"imported by their file, or built in; {found['ended']:.1%} end. Commonest unbound names: {unbound}."
    )


def _shown(samples: list[str]) -> list[str]:
    fenced = [f"````python\n{source.rstrip()}\n````" for source in samples]
    return ["## Samples", "Drawn by seed, as they came.", *fenced] if fenced else []
