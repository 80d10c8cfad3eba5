"""Where the base is trained, and lower precision: the same losses and gradients, nearly, and the same way back."""

import warnings

import pytest
import torch

from codetune.config import load_section
from codetune.numerics import NumericsParams
from codetune.pretraining import device as device_module
from codetune.pretraining import loop
from codetune.pretraining.corpus import stream
from codetune.pretraining.device import Device, choose_device
from codetune.pretraining.loop import Checkpoints, pretrain
from codetune.pretraining.mixture import Mixture
from codetune.pretraining.model import build_model, training_loss
from stages import pretrain as pretrain_stage

LOW = Device("cpu", torch.bfloat16)


@pytest.fixture
def tokens(tiny_tokenizer, texts):
    return Mixture(stream(tiny_tokenizer, texts), stream(tiny_tokenizer, texts[::-1]))


@pytest.mark.parametrize(
    ("cuda", "cuda_bf16", "cpu_bf16", "mode", "expected"),
    [
        (True, True, False, "strict", Device("cuda", torch.bfloat16)),
        (True, False, True, "fast", Device("cuda", torch.float32)),
        (False, False, True, "fast", Device("cpu", torch.bfloat16)),
        (False, False, True, "strict", Device("cpu", torch.float32)),
        (False, True, False, "fast", Device("cpu", torch.float32)),
    ],
)
def test_gpu_is_taken_where_there_is_one_and_bfloat16_where_it_is_fast(
    monkeypatch, cuda, cuda_bf16, cpu_bf16, mode, expected
):
    monkeypatch.setattr(device_module.torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(device_module.torch.cuda, "is_bf16_supported", lambda: cuda_bf16)
    monkeypatch.setattr(device_module.torch.cpu, "_is_avx512_bf16_supported", lambda: cpu_bf16)
    assert choose_device(mode) == expected


def test_stage_takes_what_is_fast_here_whatever_the_other_stages_are_asked(monkeypatch):
    fixed, given = [], []
    monkeypatch.setattr(pretrain_stage.numerics, "fix", lambda params: fixed.append(params) or params)
    monkeypatch.setattr(pretrain_stage, "run", lambda *arguments: given.append(arguments))
    pretrain_stage.main()
    assert load_section(NumericsParams).mode != "fast"
    assert [params.mode for params in fixed] == ["fast"]
    assert given[0][3] == "fast"


def test_description_tells_the_precision():
    assert Device().description().endswith(", float32")
    assert LOW.description().endswith(", bfloat16")
    assert "CPU cores" in LOW.description()


def test_loss_and_gradients_in_bfloat16_are_near_those_in_float32(recipe, tokens):
    model = build_model(recipe, 1, 0)
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(torch.randn(weight.shape, generator=torch.Generator().manual_seed(weight.numel())) * 0.1)
    batch = tokens.batch(recipe.steps - 1, recipe)
    found = []
    for device in (Device(), LOW):
        with warnings.catch_warnings(), device.products():
            warnings.simplefilter("error")
            loss = training_loss(model, *batch)
        gradients = torch.autograd.grad(loss, list(model.parameters()))
        assert loss.dtype == torch.float32
        assert {gradient.dtype for gradient in gradients} == {torch.float32}
        found.append((loss.item(), torch.cat([gradient.flatten() for gradient in gradients])))
    (full, exact), (low, rounded) = found
    assert low == pytest.approx(full, rel=0.01)
    assert low != full, "the products are indeed rounded"
    assert torch.nn.functional.cosine_similarity(exact, rounded, dim=0) > 0.99


def test_run_in_bfloat16_learns_and_resumes_exactly(recipe, tokens, tmp_path, monkeypatch):
    def run(folder, params):
        model = build_model(recipe, 1, 0)
        reached = pretrain(model, tokens, params, Checkpoints(folder, "steady", "whole"), lambda _: 1.0, LOW)
        return torch.cat([value.detach().flatten() for value in model.parameters()]), reached

    whole, reached = run(tmp_path / "a", recipe)
    assert reached.curve[-1][1] < reached.curve[0][1] - 1
    # Stopped before the learning rate falls: with fewer tokens, and no decay to speak of, the steady steps are the same.
    short = recipe.model_copy(update={"tokens": 64 * 17, "decay_share": 1e-9})
    run(tmp_path / "b", short)
    (tmp_path / "b" / "decay.safetensors").unlink()
    real, steps = loop.train_step, []
    monkeypatch.setattr(loop, "train_step", lambda *given: steps.append(given[3]) or real(*given))
    resumed, _ = run(tmp_path / "b", recipe)
    assert steps[0] == 16, "it goes on from the checkpoint"
    assert torch.equal(resumed, whole)
