"""Which score agrees best with passing the tests: a table over completions whose verdicts are known.

Run as `python -m benchmarks.labelled LABELLED PROBLEMS`: JSON lines with task_id, reference_body, candidate_body and
passed, and the tasks in the format of HumanEval. Agreement is Kendall's tau-b of score and verdict within each task,
averaged over the tasks that have completions of both kinds. The best of all settings is chosen on four fifths of the
tasks and measured on the last one, five times over, so that no task has a say in what it is measured with.
"""

from __future__ import annotations

from codetune import numerics

numerics.fix()

import argparse  # noqa: E402
import itertools  # noqa: E402
import math  # noqa: E402
from collections import Counter, defaultdict  # noqa: E402
from collections.abc import Callable, Sequence  # noqa: E402
from dataclasses import dataclass  # noqa: E402
from pathlib import Path  # noqa: E402

import numpy as np  # noqa: E402
import torch  # noqa: E402
from scipy.stats import kendalltau  # type: ignore[import-untyped]  # noqa: E402

from codetune.encoders.locate import minilm_folder  # noqa: E402
from codetune.execution.problems import read_problems  # noqa: E402
from codetune.files import read_jsonl  # noqa: E402
from codetune.progress import track  # noqa: E402
from codetune.scoring.code_bertscore import normalized  # noqa: E402
from codetune.scoring.surface import edit_similarity, sentence_scores  # noqa: E402

_FOLDS, _RESAMPLES = 5, 10_000
_PARTS: dict[str, Callable[[float, float], float]] = {
    "precision": lambda precision, _recall: precision,
    "recall": lambda _precision, recall: recall,
    "F1": lambda precision, recall: 2 * precision * recall / (precision + recall),
    "F3": lambda precision, recall: 10 * precision * recall / (9 * precision + recall),
}
_CHOSEN = ("program", 6, "all tokens", "F3")


@dataclass(frozen=True)
class _Pair:
    """A completion and the reference, as they stand and as programs."""

    task: str
    passed: bool
    text: tuple[str, str]
    program: tuple[str | None, str | None]


@dataclass(frozen=True)
class _Tokens:
    """The ids of a text and its vectors in every layer, each of shape `(tokens, hidden)` and of length 1."""

    ids: torch.Tensor
    layers: list[torch.Tensor]


def _pairs(labelled: Path, problems: Path) -> list[_Pair]:
    starts = {problem.id: problem.start for problem in read_problems(problems)}
    pairs = []
    for row in read_jsonl(labelled):
        bodies = (row["candidate_body"], row["reference_body"])
        programs = tuple(normalized(starts[row["task_id"]] + body) for body in bodies)
        pairs.append(_Pair(row["task_id"], bool(row["passed"]), bodies, programs))  # type: ignore[arg-type]
    return pairs


class _Encoder:
    """MiniLM, all of whose layers are kept."""

    def __init__(self) -> None:
        from transformers import AutoModel, AutoTokenizer

        self.tokenizer = AutoTokenizer.from_pretrained(minilm_folder())
        self._model = AutoModel.from_pretrained(minilm_folder()).eval()

    def encode(self, text: str) -> _Tokens:
        encoded = self.tokenizer(text.strip(), truncation=True, max_length=512, return_tensors="pt")
        with torch.inference_mode():
            states = self._model(**encoded, output_hidden_states=True).hidden_states
        inner = slice(1, -1)  # without the special tokens at either end
        vectors = [torch.nn.functional.normalize(state[0, inner], dim=1) for state in states]
        return _Tokens(encoded["input_ids"][0, inner], vectors)


def _weights(encoder: _Encoder, tokens: dict[str, _Tokens]) -> dict[str, torch.Tensor]:
    """How much each id of the vocabulary counts: all alike, words only, or the rarer the more."""
    names = encoder.tokenizer.convert_ids_to_tokens(range(encoder.tokenizer.vocab_size))
    documents: Counter[int] = Counter(number for found in tokens.values() for number in set(found.ids.tolist()))
    rarity = [math.log((len(tokens) + 1) / (documents[number] + 1)) for number in range(len(names))]
    return {
        "all tokens": torch.ones(len(names)),
        "no punctuation": torch.tensor([float(any(letter.isalnum() for letter in name)) for name in names]),
        "rare tokens": torch.tensor(rarity),
    }


def _match(one: _Tokens, other: _Tokens, layer: int, weights: torch.Tensor) -> tuple[float, float]:
    """Precision and recall of `one` against `other`."""
    if not len(one.ids) or not len(other.ids):
        return 0.0, 0.0
    alike = one.layers[layer] @ other.layers[layer].T
    found = []
    for best, ids in ((alike.max(1).values, one.ids), (alike.max(0).values, other.ids)):
        own = weights[ids]
        found.append(float((best * own).sum() / own.sum()) if own.sum() else 0.0)
    return found[0], found[1]


class _Agreement:
    """Kendall's tau within each task that has completions of both kinds."""

    def __init__(self, pairs: Sequence[_Pair]) -> None:
        self._passed = np.array([pair.passed for pair in pairs])
        places: defaultdict[str, list[int]] = defaultdict(list)
        for place, pair in enumerate(pairs):
            places[pair.task].append(place)
        self._places = {task: own for task, own in places.items() if len(set(self._passed[own])) > 1}

    def __call__(self, scores: Sequence[float]) -> np.ndarray:
        """The tau of each task; 0 where all its scores are equal."""
        array = np.array(scores)
        taus = [kendalltau(array[own], self._passed[own]).statistic for own in self._places.values()]
        return np.array([0.0 if math.isnan(tau) else tau for tau in taus])


def _interval(taus: np.ndarray) -> str:
    drawn = np.random.default_rng(7).integers(0, len(taus), (_RESAMPLES, len(taus)))
    low, high = np.quantile(taus[drawn].mean(axis=1), (0.025, 0.975))
    return f"{taus.mean():.3f} ({low:.3f} to {high:.3f})"


def _all_settings(pairs: list[_Pair], agreement: _Agreement) -> dict[tuple[str, int, str, str], np.ndarray]:
    """The taus of every setting: form, layer, tokens that count, and part of the score."""
    encoder = _Encoder()
    texts = {text for pair in pairs for text in (*pair.text, *pair.program) if text is not None}
    tokens = {text: encoder.encode(text) for text in track(sorted(texts), len(texts), "texts")}
    layers = range(len(next(iter(tokens.values())).layers))
    found: dict[tuple[str, int, str, str], np.ndarray] = {}
    settings = list(itertools.product(("text", "program"), layers, _weights(encoder, tokens).items()))
    for form, layer, (name, weights) in track(settings, len(settings), "settings"):
        forms: list[tuple[str | None, str | None]] = [getattr(pair, form) for pair in pairs]
        matched = [
            None if one is None or other is None else _match(tokens[one], tokens[other], layer, weights)
            for one, other in forms
        ]
        for part, combine in _PARTS.items():
            scores = [combine(*each) if each is not None and sum(each) > 0 else 0.0 for each in matched]
            found[form, layer, name, part] = agreement(scores)
    return found


def _cross_validated(found: dict[tuple[str, int, str, str], np.ndarray]) -> np.ndarray:
    """For each task the tau of the setting that was best on the other folds."""
    size = len(next(iter(found.values())))
    folds = np.random.default_rng(7).permutation(size) % _FOLDS
    taus = np.zeros(size)
    for fold in range(_FOLDS):
        best = max(found.values(), key=lambda each: float(each[folds != fold].mean()))
        taus[folds == fold] = best[folds == fold]
    return taus


def labelled(path: Path, problems: Path) -> None:
    """Print the table."""
    pairs = _pairs(path, problems)
    agreement = _Agreement(pairs)
    found = _all_settings(pairs, agreement)
    surface = [sentence_scores(*pair.text) for pair in pairs]
    print(f"{len(pairs)} completions; tau within {len(next(iter(found.values())))} tasks, 95 % interval over the tasks")
    rows = {
        "parses": agreement([float(pair.program[0] is not None) for pair in pairs]),
        "chrF": agreement([scores["chrf"] for scores in surface]),
        "BLEU": agreement([scores["bleu"] for scores in surface]),
        "edit similarity": agreement([edit_similarity(*pair.text) for pair in pairs]),
        "BERTScore, layer 6, F1": found["text", 6, "all tokens", "F1"],
        "Code BERTScore: " + ", ".join(map(str, _CHOSEN[1:])): found[_CHOSEN],
        "best setting, chosen on other tasks": _cross_validated(found),
    }
    for name, taus in rows.items():
        print(f"{name:44}{_interval(taus)}")
    print("\nmean tau of F3 (F1) by layer, form and tokens that count")
    names = sorted({(form, name) for form, _, name, _ in found}, reverse=True)
    print(f"{'layer':7}" + "".join(f"{form + ', ' + name:>25}" for form, name in names))
    for layer in sorted({layer for _, layer, _, _ in found}):
        cells = [(found[form, layer, name, "F3"].mean(), found[form, layer, name, "F1"].mean()) for form, name in names]
        print(f"{layer:<7}" + "".join(f"{f'{f3:.3f} ({f1:.3f})':>25}" for f3, f1 in cells))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.labelled", description=__doc__.splitlines()[0])
    parser.add_argument("labelled", type=Path)
    parser.add_argument("problems", type=Path)
    arguments = parser.parse_args()
    labelled(arguments.labelled, arguments.problems)
