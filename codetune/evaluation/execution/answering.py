"""Generation of a model's answers to problems, with one or more samples each. A killed run continues where it stopped.

An instruct model gets the question in its chat template. Another model gets the head of the function and continues it
up to the end of the function; if the problem is given in words, it gets them as an instruction.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from io import StringIO
from pathlib import Path

from codetune import numerics
from codetune.core.errors import UserError
from codetune.core.files import JsonObject, digest_bytes, dump_json, stable_seed
from codetune.core.fingerprint import fingerprint
from codetune.core.journal import Journal
from codetune.core.progress import track
from codetune.evaluation.answers import is_code_final
from codetune.evaluation.problems.reading import Problem
from codetune.generation.batch import answer_all
from codetune.generation.sampling import SamplingSettings, token_chooser
from codetune.generation.stopping import StopAtLineEnd
from codetune.models.load import LoadedModel, load_model
from codetune.models.locate import locate_model, model_files, weight_files
from codetune.models.prompt import KEEP_SYSTEM, completion_text, continuation_ids, is_instruct, prompt_ids

_TEMPLATES = ("chat_template.jinja", "tokenizer_config.json")
_Key = tuple[str, int]


@dataclass(frozen=True)
class AnswerSettings:
    """The model that answers, and its settings.

    :param model: the base model: a name or a folder.
    :param adapter: the folder of the adapter; None: the base model alone.
    :param samples: the number of answers to each problem; more than one is useful only at a temperature above 0.
    :param sampling: how tokens are sampled.
    :param revision: the revision of the base model; None: the default.
    :param system: the system text, as for `codetune.models.prompt.set_system`.
    """

    model: str
    adapter: Path | None
    samples: int
    sampling: SamplingSettings
    revision: str | None = None
    system: str = KEEP_SYSTEM

    def recipe(self, problems: list[Problem]) -> str:
        """Return a digest of everything that the answers depend on, without the number of samples.

        :param problems: the problems to answer.
        """
        base = locate_model(self.model, self.revision)
        places = {"base": base, "adapter": self.adapter}
        files = {
            f"{name}: {path.name}": path
            for name, place in places.items()
            if place is not None
            for path in (*weight_files(place), *(file for file in model_files(place) if file.name in _TEMPLATES))
        }
        asked = [[problem.id, problem.start, problem.question] for problem in problems]
        return fingerprint(
            __name__,
            parameters={"system": self.system, **asdict(self.sampling)},
            inputs={**files, "problems": digest_bytes(dump_json(asked).encode())},
            numerics=numerics.fixed(),
        ).digest


def answer_problems(problems: list[Problem], asking: AnswerSettings, output: Path) -> int:
    """Write the answers to all problems to a file; answers that it already contains are kept.

    :param problems: the problems to answer.
    :param asking: the model and its settings.
    :param output: the file of answers.
    :returns: the number of new answers.
    :raises UserError: when the model cannot be loaded, a prompt leaves no room for an answer, or `output` was written
        with another model, other settings or other problems.
    """
    if asking.samples > 1 and asking.sampling.temperature == 0:
        raise UserError("all samples of a problem would be equal at temperature 0", "Add --temperature 0.8.")
    if not output.parent.is_dir() or output.is_dir():
        raise UserError(f"{output} cannot be written: expected a file in an existing folder", "Choose another file.")
    journal = Journal(output, asking.recipe(problems))
    kept = journal.read()
    if kept is None:
        raise UserError(
            f"{output} contains answers of another model, other settings or other problems",
            "Choose another file, or delete this one.",
        )
    return len(generate_answers(problems, asking, journal, kept)) - len(kept)


def generate_answers(
    problems: list[Problem], asking: AnswerSettings, journal: Journal, kept: list[JsonObject]
) -> list[JsonObject]:
    """Generate the missing answers, and write each to the journal as soon as it is finished.

    :param problems: the problems to answer.
    :param asking: the model and its settings.
    :param journal: the file of answers.
    :param kept: the answers from an earlier run, which are not generated again.
    :returns: all answers in the order of the problems, with `task_id`, `sample` (its number), `completion` and
        `stopped`.
    :raises UserError: when the model cannot be loaded, or a prompt leaves no room for an answer.
    """
    done: dict[_Key, JsonObject] = {(row["task_id"], row["sample"]): row for row in kept}
    wanted = [(problem, number) for problem in problems for number in range(asking.samples)]
    left = [(problem, number) for problem, number in wanted if (problem.id, number) not in done]
    if left:
        loaded = load_model(asking.model, asking.adapter, asking.revision, asking.system)
        found = _asked(loaded, left, asking.sampling)
        with journal.writing(kept) as add:
            for row in found:
                add(row)
                done[row["task_id"], row["sample"]] = row
    order = {problem.id: place for place, problem in enumerate(problems)}
    rows = sorted(done.values(), key=lambda row: (order[row["task_id"]], row["sample"]))
    journal.write(rows)
    return rows


def _asked(loaded: LoadedModel, asked: list[tuple[Problem, int]], sampling: SamplingSettings) -> Iterator[JsonObject]:
    """Yield each answer as soon as it is finished."""
    prompts = [_prompt(loaded, problem, sampling.max_new_tokens) for problem, _ in asked]
    seeds = [stable_seed(sampling.seed, "answer", problem.id, str(number)) for problem, number in asked]
    choosers = [token_chooser(sampling, seed) for seed in seeds] if sampling.temperature else None
    settled = StopAtLineEnd(loaded.tokenizer, is_code_final)
    ended = StopAtLineEnd(loaded.tokenizer, lambda text: _function_text(text) != text)
    answers = answer_all(
        loaded, prompts, max_new_tokens=sampling.max_new_tokens, choosers=choosers,
        until=lambda index, ids: (settled if _by_question(loaded, asked[index][0]) else ended)(ids),
    )  # fmt: skip
    for index, answer in track(answers, len(prompts), "answers"):
        problem, number = asked[index]
        text = completion_text(loaded.tokenizer, answer.ids)
        completion = text if _by_question(loaded, problem) else _function_text(text)
        yield {"task_id": problem.id, "sample": number, "completion": completion, "stopped": answer.stopped}


def _by_question(loaded: LoadedModel, problem: Problem) -> bool:
    """Return whether the prompt is the question, not the head of a function to continue."""
    return bool(problem.instruction) or is_instruct(loaded.tokenizer)


def _function_text(answer: str) -> str:
    """Return the body of a function, up to the first line without indentation."""
    first, *rest = StringIO(answer) if answer else [""]
    kept = [first]
    for line in rest:
        if line.strip() and not line[0].isspace():
            break
        kept.append(line)
    return "".join(kept)


def _prompt(loaded: LoadedModel, problem: Problem, max_new_tokens: int) -> list[int]:
    if _by_question(loaded, problem):
        ids = prompt_ids(loaded.tokenizer, problem.question)
    else:
        # The prompt ends before the line break, because newline and indentation may be one token.
        ids = continuation_ids(loaded.tokenizer, problem.start.rstrip("\n"))
    if len(ids) + max_new_tokens > loaded.context:
        raise UserError(
            f"task {problem.id} has {len(ids)} tokens, and {loaded.name} takes {loaded.context} including the answer",
            "Lower the number of new tokens (max_new_tokens).",
        )
    return ids
