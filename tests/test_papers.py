"""What README.md, CONTRIBUTING.md, ARCHITECTURE.md and docs/ (the notebook too) say exists: links, commands, parameters, files."""

import re
import shlex
from functools import cache

import pytest
from ruamel.yaml import YAML

from codetune.cli.sections import SECTIONS
from codetune.core.config import problems_in, read_params
from scripts.deps import ROOT
from scripts.params_reference import REFERENCE, allowed_values, reference
from tests.conftest import run_python
from tests.support.notebook import NOTEBOOK, as_markdown
from tests.test_rooms import ROOMS

PAPERS = [
    ROOT / name
    for name in (
        "README.md",
        "CONTRIBUTING.md",
        "ARCHITECTURE.md",
        "SECURITY.md",
        *sorted((ROOT / "docs").glob("*.md")),
    )
]
TEXTS = {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in PAPERS}
TEXTS[str(NOTEBOOK.relative_to(ROOT))] = as_markdown()
FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
MAX_README_WORDS = 900
MAX_CHANGELOG_LINES = 120
SUBCOMMANDS = [
    "answer", "chat", "check", "compare", "data-diff", "execute", "export", "ingest", "problems", "serve", "summary", "verify", "why",
]  # fmt: skip
# Paths that a command writes, or that are a reader's own files.
MADE = (
    "data/raw",
    "data/clean",
    "data/augmented",
    "data/feedback.jsonl",
    "data/mine.jsonl",
    "data/en_de.csv",
    "reports/base",
)


def prose(text):
    """The words of a page without its code, tables, links' targets and pictures."""
    text = FENCE.sub("", text)
    text = re.sub(r"!\[[^]]*\]\([^)]*\)", "", text)
    text = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", text)
    text = re.sub(r"<https?:[^>]*>|`[^`]*`", "", text)
    return [
        word
        for line in text.splitlines()
        if not line.lstrip().startswith("|")
        for word in line.split()
        if re.search(r"\w", word)
    ]


def code(text):
    """Every piece of code of a page: lines of blocks, with continued ones joined, and what stands in back-ticks."""
    blocks = "\n".join(match[2] for match in FENCE.finditer(text) if match[1] in {"", "bash"})
    lines = re.sub(r"\\\n\s*", "", blocks).splitlines()
    spans = re.findall(r"`([^`]+)`", FENCE.sub("", text))
    return [piece.strip() for piece in [*lines, *(" ".join(span.split()) for span in spans)]]


def words(command):
    return shlex.split(command, comments=True)


COMMANDS = sorted({(page, piece) for page, text in TEXTS.items() for piece in code(text)})


def starting(*beginning):
    """The commands of the pages that begin with these words, variables before them left out."""
    for page, piece in COMMANDS:
        for part in re.sub(r"^([A-Z_]+=\S+ )+", "", piece).split(" && "):
            if part.startswith(" ".join(beginning)):
                yield page, part


def settings():
    """Every `-S key=value` of the pages, those of one command together."""
    found = [
        (page, piece, re.findall(r"-S (?:'([^']*)'|(\S+))", piece)) for page, piece in COMMANDS if " -S " in f" {piece}"
    ]
    return [
        (page, piece, [quoted or plain for quoted, plain in pairs])
        for page, piece, pairs in found
        if any("=" in "".join(pair) for pair in pairs)
    ]


def anchors(text):
    """The anchors of a page's headings, as Git hosts make them."""
    headings = re.findall(r"^#+ (.*)$", FENCE.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_readme_is_short():
    assert 300 < len(prose(TEXTS["README.md"])) < MAX_README_WORDS


def test_the_changelog_is_short_and_has_the_version_of_the_package():
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    version = re.search(r'^version = "(.*)"', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)[1]
    assert len(text.splitlines()) < MAX_CHANGELOG_LINES
    assert re.findall(r"^## \[([\d.]+)\]", text, re.MULTILINE)[0] == version
    assert f'__version__ = "{version}"' in (ROOT / "codetune/__init__.py").read_text()


@pytest.mark.parametrize("page", TEXTS)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", FENCE.sub("", TEXTS[page])):
        if target.startswith("http"):
            continue
        path, _, anchor = target.partition("#")
        file = (ROOT / page).parent / path if path else ROOT / page
        assert file.is_file(), f"{page}: {target}"
        if anchor:
            assert anchor in anchors(file.read_text(encoding="utf-8")), f"{page}: {target}"


def test_every_page_is_reached_from_the_readme():
    named = set(
        re.findall(r"\]\((?:docs/)?(\w+\.md)", TEXTS["README.md"] + TEXTS["docs/data.md"] + TEXTS["docs/training.md"])
    )
    assert {path.name for path in (ROOT / "docs").glob("*.md")} <= named


def test_make_has_the_targets_that_are_shown():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    shown = {word for _, piece in starting("make ") for word in words(piece)[1:] if re.fullmatch(r"[a-z-]+", word)}
    assert {"repro", "test", "docs"} <= shown <= targets | {"base"}  # `make base` is told of as removed


GROUPS = {"export": ["hub", "ollama", "space"]}


@cache
def usage(*subcommand):
    return run_python("-m", "codetune", *subcommand, "--help").stdout


def lines_of(*subcommand):
    """The commands of the pages that run a subcommand."""
    return [*starting("python -m codetune", *subcommand), *starting("codetune", *subcommand)]


@pytest.mark.parametrize(
    "subcommand",
    [
        *[(one,) for one in SUBCOMMANDS if one not in GROUPS],
        *[(group, one) for group, members in GROUPS.items() for one in members],
    ],
)
def test_options_of_the_command_line_exist(subcommand):
    for page, piece in lines_of(*subcommand):
        options = {word for word in words(piece) if word.startswith("--")}
        assert all(option in usage(*subcommand) for option in options), f"{page}: {piece}"


@pytest.mark.parametrize("group", GROUPS)
def test_groups_have_no_other_subcommands(group):
    found = {
        words(piece)[2 + 2 * piece.startswith("python")] for _, piece in lines_of(group) if piece.split()[-1] != group
    }
    assert found - {"…"} == set(GROUPS[group])


def test_the_command_line_has_no_other_subcommands():
    for beginning in (("python", "-m", "codetune"), ("codetune",)):
        for page, piece in starting(*beginning, ""):
            name = words(piece)[len(beginning)]
            assert name in SUBCOMMANDS or name == "…", f"{page}: {piece}"


def test_modules_that_are_run_exist():
    shown = {
        (page, re.search(r"-m ([\w.]+)", piece)[1])
        for page, piece in COMMANDS
        if re.search(r"-m (stages|scripts|benchmarks)", piece)
    }
    assert len(shown) > 5
    for page, name in shown:
        place = ROOT / name.replace(".", "/")
        assert place.with_suffix(".py").is_file() or (place / "__main__.py").is_file(), f"{page}: {name}"


def test_stages_that_are_run_exist():
    stages = YAML(typ="safe").load((ROOT / "dvc.yaml").read_text())["stages"]
    shown = {
        (page, word) for page, piece in starting("dvc repro") for word in words(piece)[2:] if not word.startswith("-")
    }
    assert len(shown) > 3
    assert not {(page, name) for page, name in shown if name not in stages}


def test_experiments_set_parameters_that_may_have_these_values():
    found = settings()
    assert len(found) > 5
    for page, piece, pairs in found:
        if "SECTION.KEY" in piece or "[$" in piece:  # the latter is filled in by the shell
            continue
        content = read_params(ROOT / "params.yaml")
        for pair in pairs:
            key, _, value = pair.partition("=")
            *path, last = key.lstrip("+").split(".")
            place = content
            for name in path:
                place = place[name]
            place[last] = YAML(typ="safe").load(value)
        assert problems_in(content, *SECTIONS) == [], f"{page}: {piece}"


def test_snippets_of_parameters_are_valid():
    snippets = [match[2] for text in TEXTS.values() for match in FENCE.finditer(text) if match[1] == "yaml"]
    assert len(snippets) > 3
    for snippet in snippets:
        found = YAML(typ="safe").load(snippet)
        content = read_params(ROOT / "params.yaml")
        for section, values in found.items() if isinstance(found, dict) else [("ingest", {"sources": found})]:
            content[section] = content[section] | values
        assert problems_in(content, *SECTIONS) == [], snippet


def keys_of(section, model):
    for name, field in model.model_fields.items():
        inner = [part for part in [field.annotation] if hasattr(part, "model_fields")]
        yield f"{section}.{name}"
        for part in inner:
            yield from keys_of(f"{section}.{name}", part)


def test_parameters_that_are_named_exist():
    known = {key for section in SECTIONS for key in keys_of(section.section, section)}
    names = "|".join(section.section for section in SECTIONS)
    gone = {"score.bertscore.baseline_texts"}
    for page, piece in COMMANDS:
        if found := re.fullmatch(rf"((?:{names})(?:\.\w+)+)(: [^/]+|=\S+)?", piece):
            key = found[1]
            if key.endswith((".json", ".jsonl", ".md", ".yaml", ".py", ".bertscore.f1")) or key.startswith(
                "train.weights."
            ):
                continue
            assert key in known | gone, f"{page}: {piece}"


def test_files_that_are_named_exist():
    for page, piece in COMMANDS:
        named = re.fullmatch(r"(codetune|stages|scripts|tests|benchmarks|docs|data|reports)/[\w./-]+", piece)
        if named and "NAME" not in piece and not piece.startswith(MADE):
            assert (ROOT / piece).exists(), f"{page}: {piece}"


def test_the_drawing_of_the_library_has_its_folders_in_order():
    tree = re.search(r"^codetune/\n(.*?)^data/", TEXTS["ARCHITECTURE.md"], re.MULTILINE | re.DOTALL)[1]
    assert tuple(re.findall(r"^  (\w+)/", tree, re.MULTILINE)) == ROOMS


def test_the_reference_of_parameters_is_up_to_date():
    assert REFERENCE.read_text(encoding="utf-8") == reference(), "run `make docs`"


def test_the_reference_has_every_parameter():
    text = reference()
    for section in SECTIONS:
        part = text.split(f"\n## {section.section}\n")[1].split("\n## ")[0]
        for key in keys_of(section.section, section):
            if not any(other.startswith(f"{key}.") for other in keys_of(section.section, section)):
                assert f"| `{key.removeprefix(f'{section.section}.')}` |" in part, key


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "integer", "minimum": 1, "maximum": 9}, "integer, ≥ 1, ≤ 9"),
        ({"type": "number", "exclusiveMinimum": 0.0}, "number, > 0"),
        ({"enum": ["a", "b"], "type": "string"}, "`a`, `b`"),
        ({"const": "a", "type": "string"}, "`a`"),
        ({"anyOf": [{"type": "array", "items": {"type": "string"}}, {"type": "null"}]}, "list of text or `null`"),
        ({"type": "object", "additionalProperties": {"type": "integer"}}, "mapping of names to integer"),
    ],
)
def test_values_in_words(schema, expected):
    assert allowed_values(schema) == expected


def test_the_workflow_runs_what_ci_runs():
    workflow = YAML(typ="safe").load((ROOT / ".github/workflows/ci.yml").read_text())
    steps = workflow["jobs"]["check"]["steps"]
    assert steps[-1]["run"] == "./.ci/run"
    assert steps[0]["with"]["fetch-depth"] == 0
