"""Documents become one stream whose borders are kept."""

import torch

from codetune.pretraining.corpus import Stream, arrange, by_license, documents, single_functions, stream

SOURCE = {
    "text": 'import os\n\n\nclass A:\n    def f(self):\n        """Say one."""\n        return 1\n\n    def g(self):\n'
    "        return 2\n",
    "sha256": "s", "path": "a.py",
}  # fmt: skip


def test_held_out_files_are_not_trained_on(files):
    corpus = arrange(files, 7, 4)
    assert len(corpus.held_out) == 4
    assert not {file["path"] for file in corpus.held_out} & {file["path"] for file in corpus.training}
    assert arrange(files[::-1], 7, 4) == corpus


def test_documented_functions_are_documents_of_their_own():
    alone = 'def f(self):\n    """Say one."""\n    return 1\n'
    assert single_functions([SOURCE, SOURCE], 400) == [alone]
    assert single_functions([SOURCE], len(alone) - 1) == []
    assert sorted(documents([SOURCE], [alone], 7, 1.0)) == sorted([SOURCE["text"], alone])
    assert documents([SOURCE], [alone], 7, 0.0) == [SOURCE["text"]]


def test_order_of_documents_is_drawn_from_seed_and_content(files):
    first = documents(files, [], 7, 0.0)
    assert documents(files[::-1], [], 7, 0.0) == first
    assert documents(files, [], 8, 0.0) != first
    assert first != [file["text"] for file in files]


def test_file_that_does_not_parse_has_no_functions():
    broken = {"text": 'def f(:\n    """Say."""\n', "sha256": "b", "path": "b.py"}
    assert single_functions([broken], 400) == []


def test_stream_ends_every_document(tiny_tokenizer, texts):
    found = stream(tiny_tokenizer, texts)
    ends = found.ids == tiny_tokenizer.eos_token_id
    assert int(ends.sum()) == len(texts)
    assert torch.equal(torch.nonzero(found.positions == 0).flatten()[1:], torch.nonzero(ends).flatten()[:-1] + 1)
    assert tiny_tokenizer.decode(found.ids[: int(torch.nonzero(ends)[0])].tolist()) == texts[0]


def test_stream_stops_when_there_is_enough(tiny_tokenizer, texts):
    whole = stream(tiny_tokenizer, texts * 20)
    part = stream(tiny_tokenizer, texts * 20, enough=100)
    assert 100 <= len(part.ids) < len(whole.ids)
    assert torch.equal(part.ids, whole.ids[: len(part.ids)])


def test_stream_is_kept_whole(tiny_tokenizer, texts, tmp_path):
    made = stream(tiny_tokenizer, texts)
    made.save(tmp_path / "stream.safetensors")
    kept = Stream.load(tmp_path / "stream.safetensors")
    assert torch.equal(kept.ids, made.ids)
    assert torch.equal(kept.positions, made.positions)


def test_rows_count_positions_from_document_and_row():
    sample = Stream(torch.arange(12, dtype=torch.int32), torch.tensor([0, 1, 2, 0, 1, 2, 3, 4, 5, 0, 1, 0]))
    ids, targets, positions = sample.rows(4, 2, 4)
    assert ids.tolist() == [[4, 5, 6, 7], [8, 9, 10, 11]]
    assert targets.tolist() == [[5, 6, 7, 8], [9, 10, 11, 0]]
    assert positions.tolist() == [[0, 1, 2, 3], [0, 0, 1, 0]]


def test_stream_starts_over():
    sample = Stream(torch.arange(5, dtype=torch.int32), torch.arange(5))
    ids, targets, _ = sample.rows(3, 1, 4)
    assert ids.tolist() == [[3, 4, 0, 1]]
    assert targets.tolist() == [[4, 0, 1, 2]]


def test_every_license_is_counted(tiny_tokenizer):
    files = [{"text": "é = 1\n", "license": "MIT"}, {"text": "x\n", "license": "ISC"}, {"text": "", "license": "MIT"}]
    counts = by_license(tiny_tokenizer, files)
    tokens = [len(tiny_tokenizer(file["text"])["input_ids"]) for file in files]
    assert counts == {
        "ISC": {"files": 1, "bytes": 2, "tokens": tokens[1]},
        "MIT": {"files": 2, "bytes": 7, "tokens": tokens[0] + tokens[2]},
    }
