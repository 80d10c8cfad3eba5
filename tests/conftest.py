"""Fixtures and helpers of all tests: fixed numerics, tiny models, realistic rows. No test needs the network."""

from codetune import numerics

numerics.fix(numerics.NumericsParams(mode="portable", threads=1))  # tiny models are fastest with one thread

import io  # noqa: E402
import os  # noqa: E402
import subprocess  # noqa: E402
import sys  # noqa: E402
from collections.abc import Callable, Iterator  # noqa: E402
from contextlib import contextmanager  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

import pytest  # noqa: E402

from codetune.core.errors import UserError  # noqa: E402
from codetune.core.files import digest_file, read_jsonl, stable_seed  # noqa: E402
from codetune.models.prompt import CHAT_TEMPLATE  # noqa: E402
from tests import tiers  # noqa: E402

os.environ["HF_HUB_OFFLINE"] = "1"

ROOT = Path(__file__).parents[1]
ROWS_FILE = Path(__file__).parent / "support" / "instruction_rows.jsonl"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    tiers.mark(items, Path(__file__).parent)
    tiers.order(items, Path(__file__).parent)


@pytest.fixture
def instruction_rows() -> list[dict[str, Any]]:
    """24 instruction rows in 4 groups of 6, as in data/clean/*.jsonl."""
    return read_jsonl(ROWS_FILE)


@pytest.fixture
def threads() -> Iterator[Callable[[int], None]]:
    """A function that sets the number of torch threads. The old number is restored after the test."""
    import torch

    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


@pytest.fixture
def same_bits(threads: Callable[[int], None]) -> Callable[[Callable[[], Any]], None]:
    """A function that asserts that a computation gives bit-identical tensors for any number of threads."""
    import torch

    def check(compute: Callable[[], Any]) -> None:
        found = []
        for number in (1, 2, 3, 7):
            threads(number)
            found.append(compute())
            assert torch.get_num_threads() == number
        assert all(torch.equal(one, other) for many in found[1:] for one, other in zip(found[0], many, strict=True))

    return check


@pytest.fixture
def call(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], threads: Callable[[int], None]
) -> Callable[..., subprocess.CompletedProcess[str]]:
    """A function that runs the command `codetune` here, with the numerics of the tests.

    A process of its own would import torch again, which takes longer than most commands.
    """
    from codetune.cli.main import main
    from codetune.core.config import load_section

    monkeypatch.setattr(numerics, "fix", lambda params=None: params or load_section(numerics.NumericsParams))

    def run(*arguments: object, cwd: Path = ROOT, feed: str = "") -> subprocess.CompletedProcess[str]:
        monkeypatch.chdir(cwd)
        monkeypatch.setattr("sys.argv", ["codetune", *map(str, arguments)])
        monkeypatch.setattr("sys.stdin", io.StringIO(feed))
        capsys.readouterr()
        try:
            main()
            status = 0
        except SystemExit as ended:
            status = int(ended.code or 0)
        written = capsys.readouterr()
        return subprocess.CompletedProcess(sys.argv, status, written.out, written.err)

    return run


def digests(*folders: Path) -> dict[str, str]:
    """Return the digest of each file, by its path in its folder."""
    files = [(folder, file) for folder in folders for file in sorted(folder.rglob("*")) if file.is_file()]
    return {str(file.relative_to(folder)): digest_file(file) for folder, file in files}


def run_python(
    *arguments: object, cwd: Path = ROOT, feed: str | None = None, check: bool = True, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run Python in a new process.

    :param arguments: the command-line arguments.
    :param feed: text for standard input.
    :param environment: added or changed environment variables.
    """
    return subprocess.run(
        [sys.executable, *map(str, arguments)], cwd=cwd, env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        input=feed, capture_output=True, text=True, check=check,
    )  # fmt: skip


@contextmanager
def one_line(message: str, *names: object) -> Iterator[None]:
    """Assert that the block raises a one-line UserError that contains the message and the names."""
    with pytest.raises(UserError, match=message) as caught:
        yield
    assert "\n" not in str(caught.value)
    for name in names:
        assert str(name) in str(caught.value)


def tiny_tokenizer() -> Any:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=["<|pad|>", "<|end|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator([row["completion"] for row in read_jsonl(ROWS_FILE)], trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<|pad|>", eos_token="<|end|>", chat_template=CHAT_TEMPLATE
    )


def make_tiny_base(folder: Path, seed: int = 7, width: int = 32) -> Path:
    """Write a random Llama (2 layers, hidden size `width`) and its tokenizer into `folder`. Return the folder."""
    import torch
    from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM

    tokenizer = tiny_tokenizer()
    torch.manual_seed(stable_seed(seed, "tiny_base"))
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=width,
        intermediate_size=2 * width,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=512,
        tie_word_embeddings=True,
        initializer_range=0.2,  # ten times the default, so that answers differ
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    model = LlamaForCausalLM(config)
    model.generation_config = GenerationConfig(eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id)
    model.save_pretrained(folder, safe_serialization=True)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder like models/base with a tiny random model; its answers have no meaning."""
    return make_tiny_base(tmp_path_factory.mktemp("models") / "base")


@pytest.fixture
def tokenizer(tiny_base: Path) -> Any:
    """The tokenizer of `tiny_base`, which the test may change."""
    from codetune.models.load import load_tokenizer

    return load_tokenizer(tiny_base)


SYSTEM = "You are tiny."
"""The system text that the template of `tiny_instruct` adds to a conversation without one."""
_INSTRUCT_TEMPLATE = (
    "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}"
    f"{{{{ '<|pad|>system\n{SYSTEM}<|end|>\n' }}}}{{% endif %}}"
    "{{ '<|pad|>' + message['role'] + '\n' + message['content'] + '<|end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|pad|>assistant\n' }}{% endif %}"
)


@pytest.fixture(scope="session")
def tiny_instruct(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny random model with its own chat template, in the style of SmolLM2."""
    folder = make_tiny_base(tmp_path_factory.mktemp("instruct") / "base")
    (folder / "chat_template.jinja").write_text(_INSTRUCT_TEMPLATE)
    return folder


def make_adapter(base: Path, folder: Path, seed: int = 7) -> Path:
    """Write an untrained adapter for `base` with random weights that change its answers. Return the folder."""
    import torch

    from codetune.models.load import load_model
    from codetune.training.lora import add_adapter, save_adapter
    from tests.support.training import lora

    model = add_adapter(load_model(base).model, lora(), seed)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if ".lora_B." in name:
                weight.normal_(0, 0.05, generator=generator)
    folder.mkdir(parents=True)
    save_adapter(model, folder, str(base), None)
    return folder


@pytest.fixture(scope="session")
def tiny_adapter(tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder like models/adapter, for `tiny_base`: random weights, large enough to change every answer."""
    return make_adapter(tiny_base, tmp_path_factory.mktemp("adapters") / "adapter")


def make_tiny_bert(folder: Path) -> Path:
    """Write a random BERT (hidden size 16, 40 positions) with a tokenizer of single characters. Return the folder."""
    import torch
    from transformers import BertConfig, BertModel, BertTokenizerFast

    characters = "abcdefghijklmnopqrstuvwxyz0123456789()[]:,.=+-*_"
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *characters, *(f"##{letter}" for letter in characters)]
    folder.mkdir(parents=True)
    (folder / "vocab.txt").write_text("\n".join(words))
    tokenizer = BertTokenizerFast(vocab={word: place for place, word in enumerate(words)})
    torch.manual_seed(7)
    config = BertConfig(
        vocab_size=len(words),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=40,
    )
    BertModel(config).save_pretrained(folder, safe_serialization=True)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    # "project5" contains "t5"; bert-score treats a model as a T5 if its path contains that.
    return make_tiny_bert(tmp_path_factory.mktemp("project5") / "bert")


@pytest.fixture(scope="session")
def any_isolation() -> Any:
    """The way of isolation that this machine uses.

    If there is none, the test is skipped; it fails if CODETUNE_REQUIRE_SANDBOX is 1.
    """
    from codetune.evaluation.sandbox.isolation import find_isolation

    try:
        return find_isolation()
    except UserError as error:
        (pytest.fail if os.environ.get("CODETUNE_REQUIRE_SANDBOX") == "1" else pytest.skip)(str(error))
