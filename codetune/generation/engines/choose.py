"""Choose an engine and open it."""

from __future__ import annotations

from importlib.util import find_spec

from codetune.core.errors import UserError
from codetune.generation.engines.engine import Engine, EngineLimits, EngineModels
from codetune.generation.engines.names import EngineName

_PACKAGE = "xllamacpp"


def open_engine(name: EngineName, models: EngineModels, limits: EngineLimits) -> tuple[Engine, str]:
    """Load the models into an engine.

    :param name: the engine. `auto`: llama.cpp if its package is installed and it can load the models, else torch.
    :returns: the engine, and one line that says why `auto` did not choose llama.cpp; empty if it did, or was not asked.
    :raises UserError: when the engine is not installed, or cannot load the models.
    """
    from codetune.generation.engines.llama_cpp import LlamaCppEngine
    from codetune.generation.engines.torch_engine import TorchEngine

    if name == "torch":
        return TorchEngine(models, limits), ""
    try:
        check_llama_cpp(models)
        return LlamaCppEngine(models, limits), ""
    except UserError as error:
        if name == "llama.cpp":
            raise
        return TorchEngine(models, limits), fallback_note(error)


def fallback_note(error: UserError) -> str:
    """Return the line that says why torch answers.

    :param error: why llama.cpp does not.
    """
    return f"torch answers, because {error}"


def check_llama_cpp(models: EngineModels) -> None:
    """Check what can be known about llama.cpp and the models before they are loaded.

    :raises UserError: when its package is not installed, or it cannot use the models.
    """
    from codetune.generation.engines.llama_cpp import check_models

    if find_spec(_PACKAGE) is None:
        raise UserError(
            f"the engine llama.cpp is not installed: there is no package {_PACKAGE}",
            f"Run `pip install {_PACKAGE}`, or set serve.engine: torch.",
        )
    check_models(models)
