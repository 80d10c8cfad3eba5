"""Measure the models of the page: time to the first token, speed of an answer, and memory of ten open sessions."""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import Any

import psutil
import torch

from benchmarks.page import PATIENCE_S, chromium, ready, served, wait_until_drawn
from codetune.core.errors import UserError
from codetune.core.files import read_jsonl

BASE = "models/base"
ADAPTER = Path("models/adapter")
SAMPLES = Path("reports/samples/tuned.jsonl")
PROMPTS = 5
SESSIONS = 10
FIRST_TOKEN_S, TOKENS_PER_S, MEMORY_GB = 0.2, 150, 2.0


def _line(name: str, value: str, wanted: str, *, reached: bool) -> None:
    print(f"{name:58} {value} (target: {wanted}{'' if reached else ', NOT reached'})")


def one_answer() -> None:
    """Measure single answers of the tuned model: medians of the time to the first token, and of the speed."""
    from codetune.generation.sampling import SamplingSettings
    from codetune.generation.stream import StreamEvent, stream_ids
    from codetune.models.load import load_model
    from codetune.models.prompt import prompt_ids

    loaded = load_model(BASE, ADAPTER if ADAPTER.is_dir() else None)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # as the page does for a small model
    last: list[StreamEvent] = []
    for row in read_jsonl(SAMPLES)[: PROMPTS + 1]:
        prompt = prompt_ids(loaded.tokenizer, row["instruction"])
        *_, event = stream_ids("tuned", loaded, prompt, SamplingSettings())
        last.append(event)
    torch.set_num_threads(threads)
    first = statistics.median(event.first_token_s for event in last[1:])  # the first answer warms up
    speed = statistics.median(event.tokens_per_s for event in last[1:])
    _line("first token of one answer", f"{first:.3f} s", f"{FIRST_TOKEN_S} s", reached=first <= FIRST_TOKEN_S)
    _line("one answer", f"{speed:.0f} tokens/s", f"{TOKENS_PER_S}", reached=speed >= TOKENS_PER_S)


def _session(browser: Any, url: str) -> None:
    """Open a session that compares revisions and then asks the models; its page stays open."""
    page = browser.new_context().new_page()
    page.set_default_timeout(PATIENCE_S * 1000)
    page.goto(url)
    wait_until_drawn(page)
    page.goto(f"{url}/try")
    ready(page, "Generate").click()
    page.get_by_text("Correct an answer and keep it").wait_for()


def ten_sessions() -> None:
    """Measure the memory of the server with ten open sessions, each after a comparison and an answer."""
    try:
        with served() as (url, process), chromium() as browser:
            for _ in range(SESSIONS):
                _session(browser, url)
            held = psutil.Process(process).memory_info().rss / 1e9
    except UserError as error:
        print(f"memory of {SESSIONS} sessions: not measured: {error}")
        return
    _line(f"memory of {SESSIONS} open sessions", f"{held:.2f} GB", f"{MEMORY_GB} GB", reached=held <= MEMORY_GB)
