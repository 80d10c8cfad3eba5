"""Choose how a question is answered: the engine and the sampling."""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

import streamlit as st

from codetune.app import project
from codetune.core.config import PARAMS_FILE, load_section
from codetune.generation.engines.names import EngineName
from codetune.generation.sampling import SamplingSettings
from codetune.serving.params import ServeParams

_SAMPLING = {"temperature": 0.0, "top_p": 1.0, "top_k": 0, "tokens": 160, "seed": 7}


@dataclass(frozen=True)
class How:
    """How a question is answered.

    :param engine: the engine that the user chose.
    :param settings: how tokens are chosen, and how many.
    :param params: the limits of engines.
    """

    engine: EngineName
    settings: SamplingSettings
    params: ServeParams


def choose_how() -> How:
    """Draw the choosers.

    :raises UserError: if the section `serve` of params.yaml is not valid.
    """
    params = load_section(ServeParams, project.project_root() / PARAMS_FILE)
    return How(_engine(params.engine), _settings(), params)


def _engine(default: EngineName) -> EngineName:
    st.session_state.setdefault("engine", default)
    chosen: EngineName = st.radio(
        "Engine",
        get_args(EngineName),
        key="engine",
        horizontal=True,
        help="auto: llama.cpp if it is installed and can load the models, otherwise torch.",
    )
    st.caption(
        "torch computes exactly as when the models were measured. llama.cpp is faster and rounds differently, so its "
        "answers can differ."
    )
    return chosen


def _settings() -> SamplingSettings:
    for name, value in _SAMPLING.items():
        st.session_state.setdefault(f"sampling_{name}", value)
    with st.expander("Sampling", icon=":material/tune:"):
        columns = st.columns(5)
        temperature = columns[0].number_input(
            "Temperature", 0.0, 2.0, step=0.1, key="sampling_temperature",
            help="0 always takes the most likely token (greedy), as in the reports.",
        )  # fmt: skip
        greedy = temperature == 0
        top_p = columns[1].number_input(
            "Top-p", 0.05, 1.0, step=0.05, key="sampling_top_p", disabled=greedy,
            help="Sample the most likely tokens that sum to this value.",
        )  # fmt: skip
        top_k = columns[2].number_input(
            "Top-k", 0, 1000, key="sampling_top_k", disabled=greedy,
            help="Sample from this number of the most likely tokens; 0: all.",
        )  # fmt: skip
        tokens = columns[3].number_input(
            "Max. new tokens", 1, 1024, step=16, key="sampling_tokens", help="Longer answers are cut."
        )
        seed = columns[4].number_input(
            "Seed", 0, 2**31, key="sampling_seed", disabled=greedy, help="Same seed, same answer."
        )
    return SamplingSettings(float(temperature), float(top_p), int(top_k), int(tokens), int(seed))
