"""The `serve` section of params.yaml."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from codetune.core.config import Section
from codetune.generation.engines.names import EngineName


class ServeParams(Section):
    """How `codetune serve`, `codetune chat` and the page Try answer. No stage reads this section."""

    section: ClassVar[str] = "serve"
    engine: EngineName = Field(
        description="torch: exactly the model that was measured, in float32. llama.cpp: several times as fast, with "
        "the weights of a GGUF base as they are; needs the package xllamacpp. auto: llama.cpp if it is installed and "
        "can load the models, else torch"
    )
    port: int = Field(ge=0, le=65535, description="port on the loopback address; 0: any free one")
    slots: int = Field(
        ge=1,
        le=64,
        description="number of answers that are generated at the same time; more requests wait. Each slot needs memory "
        "for its context",
    )
    context: int = Field(
        ge=0,
        description="largest number of tokens of a prompt with its answer; 0: as many as the model allows. A longer "
        "prompt is refused",
    )
    max_tokens: int = Field(
        ge=1, description="largest number of tokens of an answer, for requests that do not say it themselves"
    )
    revisions: list[str] = Field(
        description="revisions whose tuned models are served too, as tuned@REVISION: branches, tags, experiments or "
        "commits"
    )
    prompt_lookup: bool = Field(
        description="llama.cpp guesses tokens where an answer repeats text of its prompt, and checks several at once. "
        "This can be faster where answers repeat long parts of given code. The engine torch ignores it"
    )
    allowed_hosts: list[str] = Field(
        description="names of this machine that a client may use, besides localhost and addresses; protects against "
        "web pages that point a name of theirs at this machine (DNS rebinding)"
    )
    allowed_origins: list[str] = Field(
        description="origins of web pages that may use the server from a browser, such as http://localhost:3000; all "
        "others are refused"
    )
