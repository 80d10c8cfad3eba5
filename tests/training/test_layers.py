"""The layer that trains on its merged weight gives what peft's own gives, and leaves to it what it cannot do."""

import pytest
import torch
from peft.tuners.lora.layer import Linear

from codetune.models.load import load_model
from codetune.training.layers import MergedLinear
from codetune.training.lora import add_adapter
from tests.support.training import lora
from tests.test_families import make_base

PROJECTION = "base_model.model.model.layers.1.mlp.up_proj"


@pytest.fixture
def make_layer(tiny_base):
    """An adapted layer of the tiny base, both factors of whose adapter are drawn at random."""

    def make(*, bias=False, **changes):
        model = load_model(tiny_base).model
        if bias:
            plain = model.model.layers[1].mlp.up_proj
            plain.bias = torch.nn.Parameter(torch.linspace(-1, 1, plain.out_features), requires_grad=False)
        layer = add_adapter(model, lora(**changes), 7).get_submodule(PROJECTION)
        torch.nn.init.normal_(layer.lora_B["default"].weight, std=0.1)
        return layer

    return make


def output_and_gradients(layer, forward, *, of_input=True, length=5):
    x = torch.linspace(-1, 1, 2 * length * layer.in_features).sin().view(2, length, -1).requires_grad_(of_input)
    layer.zero_grad(set_to_none=True)
    output = forward(layer, x)
    output.square().sum().backward()
    factors = [layer.lora_A["default"].weight.grad, layer.lora_B["default"].weight.grad]
    return [output, *factors, *([x.grad] if of_input else [])]


def steps_of(layer):
    """The names of what autograd went through for an output."""
    return steps_of_loss(layer(torch.ones(1, layer.in_features)))


def steps_of_loss(loss):
    """The names of what autograd went through for a tensor."""
    pending, seen = [loss.grad_fn], set()
    while pending:
        if step := pending.pop():
            seen.add(step.name())
            pending += [before for before, _ in step.next_functions]
    return seen


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("of_input", [False, True])
@pytest.mark.parametrize("changes", [{}, {"use_rslora": True, "alpha": 3.0}], ids=["plain", "rslora"])
def test_output_and_gradients_are_peft_s(make_layer, changes, bias, of_input):
    layer = make_layer(bias=bias, **changes)
    assert isinstance(layer, MergedLinear)
    assert "_MergedBackward" in steps_of(layer)
    ours = output_and_gradients(layer, MergedLinear.forward, of_input=of_input)
    theirs = output_and_gradients(layer, Linear.forward, of_input=of_input)
    for our, their in zip(ours, theirs, strict=True):
        torch.testing.assert_close(our, their, rtol=1e-5, atol=1e-5)
    assert layer.base_layer.weight.grad is None


def test_nothing_but_the_input_and_the_weights_is_kept_for_the_gradient(make_layer):
    layer = make_layer()
    x = torch.ones(2, 100, layer.in_features)
    given = [x, layer.base_layer.weight, layer.lora_A["default"].weight, layer.lora_B["default"].weight]
    kept = layer(x).grad_fn.saved_tensors
    assert {tensor.data_ptr() for tensor in kept} == {tensor.data_ptr() for tensor in given}


@pytest.mark.parametrize("changes", [{"dropout": 0.5}, {"use_dora": True}])
def test_what_cannot_be_merged_is_left_to_peft(make_layer, changes):
    assert "_MergedBackward" not in steps_of(make_layer(**changes))


def test_autocast_is_left_to_peft(make_layer):
    layer = make_layer()
    with torch.autocast("cpu", torch.bfloat16):
        assert "_MergedBackward" not in steps_of(layer)


def test_a_merged_or_disabled_adapter_counts_once_or_not_at_all(make_layer):
    layer = make_layer()
    x = torch.ones(3, layer.in_features)
    adapted = layer(x)
    layer.merge()
    torch.testing.assert_close(layer(x), adapted)
    layer.unmerge()
    layer.enable_adapters(enabled=False)
    torch.testing.assert_close(layer(x), layer.base_layer(x))


def test_projections_of_other_kinds_keep_peft_s_layer(tmp_path):
    adapted = add_adapter(load_model(make_base("gpt2", tmp_path / "base")).model, lora(), 7)
    kinds = {type(module) for name, module in adapted.named_modules() if name.endswith("c_attn")}
    assert kinds == {Linear}
