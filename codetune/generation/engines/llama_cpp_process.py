"""Run the server of llama.cpp on a Unix socket; the engine `llama.cpp` starts this file as a process of its own.

A process of its own, because a failed check in llama.cpp (`GGML_ASSERT`) ends its process. The file imports nothing of
codetune, so that it starts fast.

Standard input has one line of JSON with the settings. When the model is loaded, `ready` is printed. The process ends
when its standard input is closed, so it never outlives the process that started it.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import xllamacpp

READY = "ready"
_ERRORS_ONLY = 1
# Prompt lookup: if the last `_MATCHED` tokens stand earlier in the same prompt and answer, up to `_GUESSED` tokens that
# follow there are checked at once. Shorter matches are wrong more often and make answers slower.
_MATCHED, _GUESSED = 8, 16


def parameters(settings: dict[str, Any]) -> Any:
    """Return the parameters of llama.cpp.

    :param settings: `model`, `adapters` (paths), `socket`, `key`, `slots`, `context` (tokens of one slot), `threads`,
        `template` (the chat template; empty: that of the model), `prompt_lookup` (whether tokens are guessed).
    """
    params = xllamacpp.CommonParams()
    params.verbosity = _ERRORS_ONLY
    params.model.path = settings["model"]
    params.lora_adapters = [xllamacpp.CommonAdapterLoraInfo(path, 1.0) for path in settings["adapters"]]
    params.lora_init_without_apply = True
    params.n_parallel = settings["slots"]
    params.n_ctx = settings["slots"] * settings["context"]
    params.fit_params = False
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = settings["threads"]
    params.n_gpu_layers = 0
    params.warmup = False
    params.chat_template = settings["template"]
    params.cache_ram_mib = 0
    params.hostnames = [settings["socket"]]
    params.n_threads_http = settings["slots"] + 2
    params.api_keys = [settings["key"]]
    params.cors_origins = ""
    params.cors_credentials = False
    params.ui = params.endpoint_slots = params.endpoint_props = False
    params.offline = True
    if settings["prompt_lookup"]:
        params.speculative.types = [xllamacpp.common_speculative_type.COMMON_SPECULATIVE_TYPE_NGRAM_SIMPLE]
        params.speculative.ngram_simple.size_n = _MATCHED
        params.speculative.ngram_simple.size_m = _GUESSED
    return params


def main() -> None:
    """Load the model, serve until standard input is closed, and end without waiting for running answers."""
    settings = json.loads(sys.stdin.readline())
    server = xllamacpp.Server(parameters(settings))
    sys.stdout.write(f"{READY}\n")
    sys.stdout.flush()
    sys.stdin.read()
    del server
    os._exit(0)


if __name__ == "__main__":
    main()
