"""`codetune serve`: answer programs that speak OpenAI's API."""

from __future__ import annotations

from pathlib import Path

import click

from codetune.generation.engines.names import ENGINE_NAMES

_EXAMPLE = (
    "Examples: codetune serve · codetune serve --revision HEAD~1 --port 8001 · "
    "CODETUNE_KEY=… codetune serve --host 0.0.0.0"
)


@click.command(epilog=_EXAMPLE)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on; others need a key.")
@click.option("--port", type=click.IntRange(0, 65535), help="Port; the default is serve.port.")
@click.option("--key", envvar="CODETUNE_KEY", help="Key that clients must send; better set CODETUNE_KEY.")
@click.option("--engine", type=click.Choice(ENGINE_NAMES), help="The default is serve.engine.")
@click.option("--slots", type=click.IntRange(1, 64), help="Answers at the same time; the default is serve.slots.")
@click.option("--revision", "revisions", multiple=True, help="Serve tuned@REVISION too; may be given several times.")
def serve(
    host: str, port: int | None, key: str | None, engine: str | None, slots: int | None, revisions: tuple[str, ...]
) -> None:
    """Serve the base model and the tuned models on this machine, in the form of OpenAI's API.

    The models are `base`, `tuned` and `tuned@REVISION`. Parameters are in the section `serve` of params.yaml.
    """
    from codetune import numerics
    from codetune.core.config import load_section
    from codetune.serving.params import ServeParams

    fixed = numerics.fix(load_section(numerics.NumericsParams))
    given = {"engine": engine, "port": port, "slots": slots}
    params = load_section(ServeParams).model_copy(
        update={name: value for name, value in given.items() if value is not None}
    )
    # After the numerics are fixed: these modules import torch.
    from codetune.serving.api import make_app
    from codetune.serving.guard import Access
    from codetune.serving.models import find_models, open_models
    from codetune.serving.run import open_port, run_server, url_of

    opened = open_port(host, params.port, key or None)
    files, missing = find_models(Path(), [*params.revisions, *revisions])
    models, notes, closing = open_models(files, params, Path(), fixed.threads)
    with closing, opened:
        for line in (*missing, *notes):
            click.echo(f"note: {line}", err=True)
        names = ", ".join(f"{name} ({it.engine.name})" for name, it in models.items())
        click.echo(f"Serving {names} at {url_of(opened)}. Ctrl-C ends.")
        access = Access(host, key or None, tuple(params.allowed_hosts), tuple(params.allowed_origins))
        run_server(make_app(models, params.slots, params.max_tokens, access), opened)
