"""Compare scores by how well they agree with passing the tests, on completions with known verdicts.

Run as `python -m benchmarks.labelled LABELLED PROBLEMS`. LABELLED has JSON lines with task_id, reference_body,
candidate_body and passed; PROBLEMS has the tasks in the format of HumanEval. Agreement is Kendall's tau-b of score and
verdict within each task, averaged over the tasks that have both passing and failing completions. The best of all
settings is chosen by cross-validation: on four fifths of the tasks, and measured on the last fifth, five times. So no
task influences the setting that is measured on it.
"""

from __future__ import annotations

from codetune import numerics

numerics.fix()

import argparse  # noqa: E402
import ast  # noqa: E402
import itertools  # noqa: E402
import math  # noqa: E402
from collections import Counter, defaultdict  # noqa: E402
from collections.abc import Callable, Sequence  # noqa: E402
from dataclasses import dataclass  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import NamedTuple  # noqa: E402

import numpy as np  # noqa: E402
import torch  # noqa: E402
from scipy.stats import kendalltau  # type: ignore[import-untyped]  # noqa: E402

from codetune.core.files import read_jsonl  # noqa: E402
from codetune.core.progress import track  # noqa: E402
from codetune.evaluation.metrics.code_bertscore import normalized  # noqa: E402
from codetune.evaluation.metrics.surface import edit_similarity, sentence_bleu, sentence_chrf  # noqa: E402
from codetune.evaluation.problems.reading import read_problems  # noqa: E402
from codetune.models.encoders.locate import minilm_folder  # noqa: E402

_FOLDS, _RESAMPLES = 5, 10_000
_LIMIT = 510  # maximum tokens of MiniLM, without the two special tokens
_PARTS: dict[str, Callable[[float, float], float]] = {
    "precision": lambda precision, _recall: precision,
    "recall": lambda _precision, recall: recall,
    "F1": lambda precision, recall: 2 * precision * recall / (precision + recall),
    "F3": lambda precision, recall: 10 * precision * recall / (9 * precision + recall),
}
_CHOSEN = ("program", 6, "all tokens", "F3")


class _Form(NamedTuple):
    """A text to compare.

    :param context: text before it, which its vectors can see but which is not compared.
    """

    text: str
    context: str = ""


@dataclass(frozen=True)
class _Pair:
    """A completion and its reference in every form that is compared; None if a form does not exist."""

    task: str
    passed: bool
    bodies: tuple[str, str]
    forms: dict[str, tuple[_Form | None, _Form | None]]


@dataclass(frozen=True)
class _Tokens:
    """The token ids of a text, and its unit vectors in every layer, each of shape `(tokens, hidden)`."""

    ids: torch.Tensor
    layers: list[torch.Tensor]


def _pairs(labelled: Path, problems: Path) -> list[_Pair]:
    starts = {problem.id: problem.start for problem in read_problems(problems)}
    asked = {task: _instruction(start) for task, start in starts.items()}
    pairs = []
    for row in read_jsonl(labelled):
        task, one, other = row["task_id"], row["candidate_body"], row["reference_body"]
        programs = [normalized(starts[task] + body) for body in (one, other)]
        forms = {
            "text": _forms((one, other), ""),
            "text, asked": _forms((one, other), asked[task]),
            "program": _forms(programs, ""),
            "program, asked": _forms(programs, asked[task]),
        }
        pairs.append(_Pair(task, bool(row["passed"]), (one, other), forms))
    return pairs


def _forms(texts: Sequence[str | None], context: str) -> tuple[_Form | None, _Form | None]:
    one, other = (None if text is None else _Form(text, context) for text in texts)
    return one, other


def _instruction(start: str) -> str:
    """Return the docstring of the last function in the start of a task."""
    functions = [node for node in ast.parse(start + "    pass\n").body if isinstance(node, ast.FunctionDef)]
    return ast.get_docstring(functions[-1]) or ""


class _Encoder:
    """MiniLM with the hidden states of all layers."""

    def __init__(self) -> None:
        from transformers import AutoModel, AutoTokenizer

        self.tokenizer = AutoTokenizer.from_pretrained(minilm_folder())
        self._model = AutoModel.from_pretrained(minilm_folder()).eval()

    def encode(self, form: _Form) -> _Tokens:
        ids = self._ids(form.text)
        before = self._ids(form.context)[: max(0, _LIMIT - len(ids))]
        ids = ids[:_LIMIT]
        whole = [self.tokenizer.cls_token_id, *before, *ids, self.tokenizer.sep_token_id]
        with torch.inference_mode():
            states = self._model(torch.tensor([whole]), output_hidden_states=True).hidden_states
        own = slice(1 + len(before), -1)  # without the context and the special tokens at both ends
        vectors = [torch.nn.functional.normalize(state[0, own], dim=1) for state in states]
        return _Tokens(torch.tensor(ids, dtype=torch.long), vectors)

    def _ids(self, text: str) -> list[int]:
        return list(self.tokenizer(text.strip(), add_special_tokens=False, verbose=False)["input_ids"])


def _weights(encoder: _Encoder, tokens: dict[_Form, _Tokens]) -> dict[str, torch.Tensor]:
    """Return the weights of each vocabulary id: all equal, only words, or higher for rare tokens."""
    names = encoder.tokenizer.convert_ids_to_tokens(range(encoder.tokenizer.vocab_size))
    documents: Counter[int] = Counter(number for found in tokens.values() for number in set(found.ids.tolist()))
    rarity = [math.log((len(tokens) + 1) / (documents[number] + 1)) for number in range(len(names))]
    return {
        "all tokens": torch.ones(len(names)),
        "no punctuation": torch.tensor([float(any(letter.isalnum() for letter in name)) for name in names]),
        "rare tokens": torch.tensor(rarity),
    }


def _match(one: _Tokens, other: _Tokens, layer: int, weights: torch.Tensor) -> tuple[float, float]:
    """Return precision and recall of `one` against `other`."""
    if not len(one.ids) or not len(other.ids):
        return 0.0, 0.0
    alike = one.layers[layer] @ other.layers[layer].T
    found = []
    for best, ids in ((alike.max(1).values, one.ids), (alike.max(0).values, other.ids)):
        own = weights[ids]
        found.append(float((best * own).sum() / own.sum()) if own.sum() else 0.0)
    return found[0], found[1]


class _Agreement:
    """Kendall's tau within each task that has both passing and failing completions."""

    def __init__(self, pairs: Sequence[_Pair]) -> None:
        self._passed = np.array([pair.passed for pair in pairs])
        places: defaultdict[str, list[int]] = defaultdict(list)
        for place, pair in enumerate(pairs):
            places[pair.task].append(place)
        self._places = {task: own for task, own in places.items() if len(set(self._passed[own])) > 1}

    def __call__(self, scores: Sequence[float]) -> np.ndarray:
        """Return the tau of each task; 0 if all its scores are equal."""
        array = np.array(scores)
        taus = [kendalltau(array[own], self._passed[own]).statistic for own in self._places.values()]
        return np.array([0.0 if math.isnan(tau) else tau for tau in taus])


def _interval(taus: np.ndarray) -> str:
    drawn = np.random.default_rng(7).integers(0, len(taus), (_RESAMPLES, len(taus)))
    low, high = np.quantile(taus[drawn].mean(axis=1), (0.025, 0.975))
    return f"{taus.mean():.3f} ({low:.3f} to {high:.3f})"


def _all_settings(pairs: list[_Pair], agreement: _Agreement) -> dict[tuple[str, int, str, str], np.ndarray]:
    """Return the taus of every setting: form, layer, weights of tokens, and part of the score."""
    encoder = _Encoder()
    texts = {each for pair in pairs for form in pair.forms.values() for each in form if each is not None}
    tokens = {each: encoder.encode(each) for each in track(sorted(texts), len(texts), "texts")}
    layers = range(len(next(iter(tokens.values())).layers))
    found: dict[tuple[str, int, str, str], np.ndarray] = {}
    settings = list(itertools.product(pairs[0].forms, layers, _weights(encoder, tokens).items()))
    for form, layer, (name, weights) in track(settings, len(settings), "settings"):
        matched = [
            None if one is None or other is None else _match(tokens[one], tokens[other], layer, weights)
            for one, other in (pair.forms[form] for pair in pairs)
        ]
        for part, combine in _PARTS.items():
            scores = [combine(*each) if each is not None and sum(each) > 0 else 0.0 for each in matched]
            found[form, layer, name, part] = agreement(scores)
    return found


def _cross_validated(found: dict[tuple[str, int, str, str], np.ndarray]) -> np.ndarray:
    """Return for each task the tau of the setting that is best on the other folds."""
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
    print(f"{len(pairs)} completions; tau within {len(next(iter(found.values())))} tasks, 95 % interval over the tasks")
    rows = {
        "parses": agreement([float(pair.forms["program"][0] is not None) for pair in pairs]),
        "chrF": agreement([sentence_chrf(*pair.bodies) for pair in pairs]),
        "BLEU": agreement([sentence_bleu(*pair.bodies) for pair in pairs]),
        "edit similarity": agreement([edit_similarity(*pair.bodies) for pair in pairs]),
        "BERTScore, layer 6, F1": found["text", 6, "all tokens", "F1"],
        "Code BERTScore: " + ", ".join(map(str, _CHOSEN[1:])): found[_CHOSEN],
        "best setting, chosen on other tasks": _cross_validated(found),
    }
    for name, taus in rows.items():
        print(f"{name:44}{_interval(taus)}")
    layers = sorted({layer for _, layer, _, _ in found})
    print("\nmean tau of F3 (F1) by form, weights of tokens, and layer; asked: vectors see the instruction too")
    print(f"{'':31}" + "".join(f"{layer:>15}" for layer in layers))
    for form, name in sorted({(form, name) for form, _, name, _ in found}, reverse=True):
        cells = [[found[form, layer, name, part].mean() for part in ("F3", "F1")] for layer in layers]
        print(f"{form + ', ' + name:31}" + "".join(f"{f'{f3:.3f} ({f1:.3f})':>15}" for f3, f1 in cells))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.labelled", description=__doc__.splitlines()[0])
    parser.add_argument("labelled", type=Path)
    parser.add_argument("problems", type=Path)
    arguments = parser.parse_args()
    labelled(arguments.labelled, arguments.problems)
