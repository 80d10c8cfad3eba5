"""Read and write the query of the address: written once, and only if it changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import streamlit as st

_KNOWN = "address_known"


def is_link(names: Iterable[str]) -> bool:
    """Return whether the address names something that this session has neither written nor read, as a new link does.

    What is found counts as read, so that the next call returns False.

    :param names: names of parameters of the query.
    """
    known = st.session_state.setdefault(_KNOWN, {})
    query = {name: st.query_params[name] for name in names if name in st.query_params}
    new = any(known.get(name) != value for name, value in query.items())
    known.update(query)
    return new


def write_query(values: Mapping[str, str]) -> None:
    """Write values into the query of the address; other values stay.

    :param values: values by the name of the parameter.
    """
    st.session_state.setdefault(_KNOWN, {}).update(values)
    if any(st.query_params.get(name) != value for name, value in values.items()):
        st.query_params.update(values)
