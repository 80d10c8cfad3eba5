"""The two stages of the embedded base model, whole, on a slice: pretrain, then assess."""

import shutil

import pyarrow.parquet as pq
import pytest

from codetune.assessment.params import AssessParams
from codetune.errors import UserError
from codetune.files import digest_file, read_json, read_jsonl, write_jsonl
from codetune.modeling.load import load_model
from codetune.pretraining.params import PretrainParams
from codetune.schemas.corpus import CORPUS
from codetune.schemas.raw import RAW_FILES, RAW_ROWS
from codetune.tables import write_table
from stages import assess, pretrain
from tests.tables import instruction_row, raw_row, source_file

RECIPE = PretrainParams(
    seed=7, vocab_size=400, tokenizer_mb=1, hidden_size=16, layers=2, heads=2, kv_heads=1, intermediate_size=32,
    context=256, function_share=0.5, function_chars=400, tokens=256 * 12, decay_share=0.25, decay_function_share=0.5, decay_loop_share=0.25, batch_tokens=256,
    warmup_steps=3, matrix_learning_rate=0.02, embedding_learning_rate=0.01, output_learning_rate=0.01, momentum=0.9,
    weight_decay=0.01, clip=1.0, held_out_files=4, evaluate_every=6, checkpoint_every=5,
)  # fmt: skip
ASSESS = AssessParams(seed=7, unseen_files=3, functions=5, max_new_tokens=8, batch_size=4, samples=2)


def source(number):
    return (
        f"import os\n\n\ndef area_{number}(width, height):\n"
        f'    """Return the area of kind {number}."""\n    return width * height * {number}\n'
    )


def function(number):
    return source(number).split("\n\n\n")[1]


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """Thirty files, the last ten of which are of test packages."""
    folder = tmp_path_factory.mktemp("project")
    files = [
        source_file(group=f"g{number // 5}", path=f"p/m{number}.py", sha256=f"{number:064}", text=source(number))
        for number in range(30)
    ]
    (folder / "raw").mkdir()
    (folder / "clean").mkdir()
    write_table(folder / "raw/files.parquet", files, RAW_FILES.arrow)
    write_table(folder / "clean/corpus.parquet", files[:20], CORPUS.arrow)
    rows = [raw_row(f"{number:016}", code=function(number)) for number in range(30)]
    write_table(folder / "raw/rows.parquet", rows, RAW_ROWS.arrow)
    held = [
        instruction_row(f"{number:016}", group=f"g{number // 5}", path=f"p/m{number}.py") for number in range(20, 30)
    ]
    write_jsonl(folder / "clean/val.jsonl", held[:5])
    write_jsonl(folder / "clean/test.jsonl", held[5:])
    return folder


@pytest.fixture(scope="module")
def base(project):
    pretrain.run(
        RECIPE, pretrain.Inputs(project / "clean/corpus.parquet"), pretrain.Outputs(project / "base", project / "state")
    )
    return project / "base"


def test_provenance_tells_what_the_base_was_made_from(base, project):
    provenance = read_json(base / "provenance.json")
    assert provenance["corpus"]["sha256"] == digest_file(project / "clean/corpus.parquet")
    assert provenance["corpus"]["files"] == 16
    assert provenance["packages"] == ["g0", "g1", "g2", "g3"]
    assert provenance["licenses"] == {"MIT": 16}
    assert list(provenance["corpus"]["licenses"]) == ["MIT"]
    assert provenance["corpus"]["licenses"]["MIT"]["tokens"] == provenance["corpus"]["tokens"]
    assert provenance["tokens_seen"] == 256 * 12
    assert [step for step, _ in provenance["training_loss"]] == [5, 9, 10, 12]
    assert provenance["files"] == {
        path.name: digest_file(path) for path in base.iterdir() if path.name != "provenance.json"
    }
    assert load_model(base).model.num_parameters() == provenance["parameters"]


def test_base_is_the_same_from_the_same_recipe(base, project, tmp_path):
    again = pretrain.Outputs(tmp_path / "base", tmp_path / "state")
    pretrain.run(RECIPE, pretrain.Inputs(project / "clean/corpus.parquet"), again)
    assert digest_file(again.base / "model.safetensors") == digest_file(base / "model.safetensors")


def test_run_that_goes_on_tokenizes_nothing_again(project, tmp_path, monkeypatch):
    short = RECIPE.model_copy(update={"tokens": 256 * 2})
    inputs, outputs = pretrain.Inputs(project / "clean/corpus.parquet"), pretrain.Outputs(tmp_path / "base", tmp_path)
    first = pretrain.run(short, inputs, outputs)
    monkeypatch.setattr("codetune.pretraining.corpus.documents", None)
    assert pretrain.run(short, inputs, outputs)["files"] == first["files"]


def test_corpus_without_training_files_is_refused(project, tmp_path):
    greedy = RECIPE.model_copy(update={"held_out_files": 20})
    outputs = pretrain.Outputs(tmp_path / "base", tmp_path / "state")
    with pytest.raises(UserError, match="too small to train on"):
        pretrain.run(greedy, pretrain.Inputs(project / "clean/corpus.parquet"), outputs)
    assert not outputs.base.exists()


def assessed(project, folder, params=ASSESS):
    inputs = assess.Inputs(project / "base", project / "clean", project / "raw")
    return assess.run(assess.Params(params, RECIPE), inputs, assess.Outputs(folder))


@pytest.mark.usefixtures("base")
def test_assessment(project, tmp_path):
    report = assessed(project, tmp_path / "a")
    assert report == read_json(tmp_path / "a/metrics.json")
    for part in ("held_out", "unseen"):
        bits = report["bits_per_byte"][part]
        assert set(bits) == {"model", "ngram", "xz", "zstd", "bytes_per_token"}
        assert all(value > 0 for value in bits.values())
    written = read_jsonl(tmp_path / "a/functions.jsonl")
    assert {one["id"] for one in written} == {f"{number:016}" for number in range(25, 30)}
    assert report["functions"]["functions"] == 5
    for one in written:
        assert one["source"].startswith(function(int(one["id"])).rsplit("    return", 1)[0])
    card = (tmp_path / "a/card.md").read_text()
    assert card.count("````python\n") == 2
    assert f"{report['bits_per_byte']['held_out']['model']:.3f}" in card
    assessed(project, tmp_path / "b", ASSESS.model_copy(update={"batch_size": 1}))
    for name in ("metrics.json", "functions.jsonl", "card.md"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


@pytest.mark.usefixtures("base")
def test_assessment_on_another_corpus_is_refused(project, tmp_path):
    clean = tmp_path / "clean"
    shutil.copytree(project / "clean", clean)
    rows = pq.read_table(clean / "corpus.parquet")
    pq.write_table(rows.slice(1), clean / "corpus.parquet")
    inputs = assess.Inputs(project / "base", clean, project / "raw")
    with pytest.raises(UserError, match="may have been trained on"):
        assess.run(assess.Params(ASSESS, RECIPE), inputs, assess.Outputs(tmp_path / "out"))
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("base")
def test_assessment_without_functions_is_refused(project, tmp_path):
    empty = tmp_path / "clean"
    empty.mkdir()
    for name in ("corpus.parquet", "val.jsonl"):
        (empty / name).write_bytes((project / "clean" / name).read_bytes())
    (empty / "test.jsonl").write_text("")
    inputs = assess.Inputs(project / "base", empty, project / "raw")
    with pytest.raises(UserError, match="no function of the test packages"):
        assess.run(assess.Params(ASSESS, RECIPE), inputs, assess.Outputs(tmp_path / "out"))
    assert not (tmp_path / "out").exists()
