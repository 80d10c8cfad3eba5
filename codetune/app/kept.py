"""Keep what the user chose and typed when another page is opened, and when the page is loaded again.

Streamlit forgets a widget as soon as another page is shown, and a whole session when the browser loads the page again.
A cookie names the browser; it holds a random text and nothing else. What was chosen stays in the memory of the server.
"""

from __future__ import annotations

import re
import secrets
import threading
from collections import OrderedDict
from typing import Any

import streamlit as st

from codetune.app.project import project_root

COOKIE = "codetune_browser"
MAX_BROWSERS = 50
SENT_MS = 1000  # the longest time until a browser sends the text of a field that lost the focus
PATIENCE_MS = 5000  # the longest wait until the server handles it
_STATE = "kept_state"
_NAME = re.compile(r"[0-9a-f]{32}")
# Widgets by their keys, and other entries of the session, that are kept.
_KEYS = {
    "baseline", "candidate", "chosen", "data_revision", "data_chosen", "data_query", "data_group", "data_text",
    "data_page", "data_table", "instruction", "example", "left_revision", "left_role", "right_revision", "right_role",
    "models", "engine", "question", "experiments_picked",
}  # fmt: skip
_PREFIXES = ("sampling_", "sample_", "experiments_")
# Buttons cannot be set, tables and sections have states of their own, and counts belong to one session.
_NEVER = ("sample_table", "experiments_table", "experiments_commands", "experiments_running", "sample_written")
# A page adds no entry to the history of the browser when only its query changes, so that Back leaves the page.
# Streamlit sends a text when its field loses the focus. A click on a link takes the focus away, and the text would be
# sent after the link, with the old page: the link is lost, or the text. So the script delays such a click until the
# server has begun to handle the text; `data-test-script-state` says when.
_SCRIPT = """<script>
if (!history.codetune) {{
  const push = history.pushState.bind(history);
  history.codetune = true;
  history.pushState = (state, title, url) => {{
    const target = new URL(url ?? location.href, location.href);
    const same = target.pathname.replace(/\\/$/, "") === location.pathname.replace(/\\/$/, "");
    (same ? history.replaceState.bind(history) : push)(state, title, url);
  }};
  let typed = null, leftAt = 0;
  document.addEventListener("input", ({{target}}) => {{
    if (target.matches("input, textarea")) typed = target;
  }}, true);
  document.addEventListener("focusout", ({{target}}) => {{
    if (target === typed) [typed, leftAt] = [null, Date.now()];
  }}, true);
  document.addEventListener("click", event => {{
    const link = event.target.closest("a[href]"), start = Date.now();
    const unsent = typed !== null || start - leftAt < {sent_ms};
    if (!event.isTrusted || event.ctrlKey || event.metaKey || event.shiftKey || !unsent) return;
    if (!link || link.target === "_blank" || link.host !== location.host) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    typed?.blur();
    let sent = false;
    const follow = () => {{
      const state = document.querySelector("[data-testid=stApp]")?.dataset.testScriptState;
      const waited = Date.now() - start, asked = state === "rerunRequested";
      sent ||= asked;
      if (waited < (asked ? {patience_ms} : sent ? 0 : {sent_ms})) setTimeout(follow, 20);
      else link.click();
    }};
    follow();
  }}, true);
}}
document.cookie = "{cookie}={name}; path=/; SameSite=Strict; max-age=604800";
</script>"""

_ONE_AT_A_TIME = threading.Lock()


@st.cache_resource(show_spinner=False)
def _browsers(root: str) -> OrderedDict[str, dict[str, Any]]:  # noqa: ARG001 - part of the cache's key
    return OrderedDict()


def _is_kept(key: str) -> bool:
    return key in _KEYS or (key.startswith(_PREFIXES) and not key.startswith(_NEVER))


def _browser_name() -> str:
    """Return the text in the cookie of the browser, or a new random one."""
    if "browser_name" not in st.session_state:
        found = st.context.cookies.get(COOKIE, "")
        st.session_state["browser_name"] = found if _NAME.fullmatch(str(found)) else secrets.token_hex(16)
    return str(st.session_state["browser_name"])


def _entry(name: str) -> dict[str, Any]:
    """Return what is kept for a browser. The least recently seen browser is forgotten when there are too many."""
    known = _browsers(str(project_root()))
    with _ONE_AT_A_TIME:
        entry = known.setdefault(name, {})
        known.move_to_end(name)
        while len(known) > MAX_BROWSERS:
            known.popitem(last=False)
    return entry


def _without_models(value: Any) -> Any:
    """Return a kept value for another session: answers as far as they came, which keep no model in use."""
    ended = getattr(value, "ended", None)
    return ended() if callable(ended) else value


def keep(page: str) -> None:
    """Remember what the session holds. On another page, and in a new session, set again what was remembered.

    :param page: the path of the page that is shown.
    """
    name, state = _browser_name(), st.session_state
    entry = _entry(name)
    before, kept = state.get(_STATE, ("", dict(entry)))
    kept = kept | {str(key): state[key] for key in state if _is_kept(str(key))}
    if before != page or _STATE not in state:
        for key, value in kept.items():
            state[key] = value
    # Streamlit may end a run at each of these assignments. So this one comes last, and the next run repeats the others.
    state[_STATE] = (page, kept)
    entry.update({key: _without_models(value) for key, value in kept.items()})
    script = _SCRIPT.format(cookie=COOKIE, name=name, sent_ms=SENT_MS, patience_ms=PATIENCE_MS)
    st.html(script, unsafe_allow_javascript=True)
