"""Training, generation and scoring in small, and bare products, in a process of their own: a digest of each, as JSON.

Run as `python -m tests.processors.small_run MODE THREADS BASE`; nothing here may import torch before the numerics
are fixed, so the fixtures of the tests stay out.
"""

import json
import sys
from functools import partial
from itertools import product
from pathlib import Path

from codetune import numerics
from codetune.core.config import load_section
from codetune.core.files import digest_bytes, read_jsonl
from codetune.models.encoders.locate import locate_encoder
from codetune.models.encoders.params import EncoderParams
from codetune.training.params import TrainParams

ROOT = Path(__file__).parents[2]
ROWS = ROOT / "tests" / "support" / "instruction_rows.jsonl"


def small_run(base: Path) -> dict[str, str]:
    """Five optimizer steps, greedy answers of the tuned model, and the vectors of an encoder."""
    from codetune.evaluation.metrics.bertscore import BertEncoder
    from codetune.generation.batch import answer_all
    from codetune.models.load import load_model
    from codetune.models.prompt import example_ids, prompt_ids
    from codetune.training.checkpoint import trained_weights
    from codetune.training.data import TokenizedRow, collate, training_steps, validation_batches
    from codetune.training.loop import train
    from codetune.training.lora import add_adapter

    rows = read_jsonl(ROWS)
    loaded = load_model(base)
    shipped = load_section(TrainParams, ROOT / "params.yaml")
    lora = shipped.lora.model_copy(update={"dropout": 0.1})
    options = shipped.model_copy(update={"batch_size": 4, "evaluate_every": 5, "lora": lora})
    tokenized = []
    for row in rows:
        example = example_ids(loaded.tokenizer, row["instruction"], row["completion"], options.max_tokens)
        tokenized.append(TokenizedRow(row["id"], example.input_ids, example.labels))
    model = add_adapter(loaded.model, options.lora, options.seed)
    pad = loaded.tokenizer.pad_token_id
    steps = training_steps(tokenized[:20], options.batch_size, 1, options.seed, 0, partial(collate, pad_id=pad))
    progress = train(model, steps, validation_batches(tokenized[20:], 4, pad), options, lambda *_: None)
    weights = b"".join(value.detach().numpy().tobytes() for _, value in sorted(trained_weights(model)))
    losses = str([evaluation.val_loss for evaluation in progress.evaluations])
    prompts = [prompt_ids(loaded.tokenizer, row["instruction"]) for row in rows[:4]]
    answers = dict(answer_all(loaded, prompts, max_new_tokens=24, batch_size=4))
    encoder = BertEncoder(locate_encoder(EncoderParams(model="minilm", revision=None), "score.bertscore"), layer=6)
    vectors = b"".join(encoder.embed(row["completion"]).vectors.numpy().tobytes() for row in rows[:2])
    return {
        "training": digest_bytes(weights + losses.encode()),
        "generation": digest_bytes(str([answers[index].ids for index in range(4)]).encode()),
        "scoring": digest_bytes(vectors),
    }


def products() -> str:
    """A digest of products of many shapes, single rows and long sums among them, and of their gradients."""
    import torch

    generator = torch.Generator().manual_seed(7)
    found = []
    for shape in product((1, 2, 7, 64), (16, 130, 1136), (1, 2, 16, 100, 512)):
        a, b = (torch.randn(part, generator=generator, requires_grad=True) for part in (shape[:2], shape[1:]))
        result = torch.addmm(torch.ones(shape[2]), a, b)
        result.tanh().sum().backward()
        found += [result.detach(), a.grad, b.grad]
    return digest_bytes(b"".join(value.contiguous().numpy().tobytes() for value in found))


if __name__ == "__main__":
    mode, threads, folder = sys.argv[1:]
    numerics.fix(numerics.NumericsParams.model_validate({"mode": mode, "threads": int(threads)}))
    found = small_run(Path(folder)) | {"products": products()}
    sys.stdout.write(f"{json.dumps(found)}\n")
