"""`codetune chat`: talk with one model in the terminal."""

from __future__ import annotations

from pathlib import Path

import click

from codetune.generation.engines.names import ENGINE_NAMES

_EXAMPLE = "Examples: codetune chat · codetune chat base · codetune chat tuned@HEAD~1 --temperature 0.7 --seed 3"


@click.command(epilog=_EXAMPLE)
@click.argument("model", default="tuned")
@click.option("--engine", type=click.Choice(ENGINE_NAMES), help="The default is serve.engine.")
@click.option("--system", help="System text; without it, the prompt is that of the pipeline.")
@click.option("--temperature", type=float, default=0.0, show_default=True, help="0: greedy decoding.")
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=7, show_default=True, help="Seed of the sampling.")
@click.option("--max-tokens", type=click.IntRange(1), help="Tokens of an answer; the default is serve.max_tokens.")
def chat(
    model: str, engine: str | None, system: str | None, temperature: float, seed: int, max_tokens: int | None
) -> None:
    """Talk with a model. MODEL is `base`, `tuned` or `tuned@REVISION`."""
    from codetune import numerics
    from codetune.core.config import load_section
    from codetune.serving.params import ServeParams

    fixed = numerics.fix(load_section(numerics.NumericsParams))
    params = load_section(ServeParams)
    params = params.model_copy(update={"slots": 1} | ({"engine": engine} if engine else {}))
    # After the numerics are fixed: these modules import torch.
    from codetune.generation.sampling import SamplingSettings
    from codetune.serving.models import find_model, open_models
    from codetune.serving.terminal import HELP, converse

    settings = SamplingSettings(temperature=temperature, seed=seed, max_new_tokens=max_tokens or params.max_tokens)
    files = {model: find_model(Path(), model)}
    models, notes, closing = open_models(files, params, Path(), fixed.threads, shorten=True)
    with closing:
        for line in notes:
            click.echo(f"note: {line}", err=True)
        chosen = models[model].engine
        click.echo(f"{model} answers with {chosen.name}. {HELP}", err=True)
        converse(
            chosen, model, settings, system, read=lambda: input("> "), write=lambda text: click.echo(text, nl=False)
        )
