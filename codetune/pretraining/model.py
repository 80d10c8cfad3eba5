"""The small Llama and its loss."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional
from transformers import LlamaConfig, LlamaForCausalLM

from codetune.pretraining.attention import ATTENTION, blocks_of
from codetune.pretraining.params import PretrainParams

_CHUNK = 256
_EMBEDDING_STD = 0.5


def build_model(params: PretrainParams, end: int, pad: int) -> LlamaForCausalLM:
    """A Llama with random weights drawn from the seed; every layer begins as the identity."""
    torch.manual_seed(params.seed)
    config = LlamaConfig(
        vocab_size=params.vocab_size,
        hidden_size=params.hidden_size,
        intermediate_size=params.intermediate_size,
        num_hidden_layers=params.layers,
        num_attention_heads=params.heads,
        num_key_value_heads=params.kv_heads,
        max_position_embeddings=params.context,
        tie_word_embeddings=False,
        bos_token_id=None,
        eos_token_id=end,
        pad_token_id=pad,
        dtype="float32",
        attn_implementation=ATTENTION,
    )
    model = LlamaForCausalLM(config)
    width = params.hidden_size**-0.5
    with torch.no_grad():
        model.model.embed_tokens.weight.normal_(std=_EMBEDDING_STD)
        model.lm_head.weight.zero_()
        for layer in model.model.layers:
            for matrix in (
                layer.self_attn.q_proj, layer.self_attn.k_proj, layer.self_attn.v_proj,
                layer.mlp.gate_proj, layer.mlp.up_proj,
            ):  # fmt: skip
                matrix.weight.uniform_(-width, width)
            layer.self_attn.o_proj.weight.zero_()
            layer.mlp.down_proj.weight.zero_()
    return model


class _ChunkedCrossEntropy(torch.autograd.Function):
    """Mean cross-entropy of `hidden @ weight.T` in which no more than a few hundred rows of logits exist at a time."""

    @staticmethod
    def forward(ctx: Any, hidden: torch.Tensor, weight: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Loss and, as it goes, the gradients: hidden `(n, width)`, weight `(vocabulary, width)`, targets `(n,)`."""
        total = hidden.new_zeros(())
        to_hidden = torch.empty_like(hidden)
        to_weight = torch.zeros_like(weight)
        for start in range(0, len(hidden), _CHUNK):
            part, wanted = hidden[start : start + _CHUNK], targets[start : start + _CHUNK, None]
            logits = part @ weight.T
            highest = logits.amax(dim=-1, keepdim=True)
            chosen = logits.gather(1, wanted) - highest
            scores = logits.sub_(highest).exp_()
            sums = scores.sum(dim=-1, keepdim=True)
            total += (sums.log() - chosen).sum()
            # The probabilities are scores / sums, less 1 at the target: the division is cheaper on the narrow side.
            scores.scatter_add_(1, wanted, -sums)
            torch.mm(scores, weight, out=to_hidden[start : start + _CHUNK]).div_(sums)
            to_weight.addmm_(scores.T, part / sums)
        ctx.save_for_backward(to_hidden, to_weight)
        return total / len(hidden)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, None]:
        """Gradients of hidden and weight."""
        to_hidden, to_weight = ctx.saved_tensors
        scale = gradients[0] / len(to_hidden)
        return to_hidden * scale, to_weight * scale, None


def training_loss(
    model: LlamaForCausalLM, ids: torch.Tensor, targets: torch.Tensor, positions: torch.Tensor
) -> torch.Tensor:
    """Mean cross-entropy in nats per token; all of shape `(rows, length)`.

    Where positions start over, a new document begins: attention does not reach across.
    """
    hidden = model.model(
        input_ids=ids, position_ids=positions, use_cache=False, blocks=blocks_of(positions)
    ).last_hidden_state
    loss: torch.Tensor = _ChunkedCrossEntropy.apply(  # type: ignore[no-untyped-call]
        hidden.flatten(0, 1), model.lm_head.weight, targets.flatten()
    )
    return loss


def token_losses(model: LlamaForCausalLM, ids: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Cross-entropy in nats of every token, of shape `(rows, length)`; each row is one document."""
    positions = torch.arange(ids.shape[1]).expand(ids.shape)
    hidden = model.model(
        input_ids=ids, position_ids=positions, use_cache=False, blocks=blocks_of(positions)
    ).last_hidden_state.flatten(0, 1)
    parts = zip(torch.split(hidden, _CHUNK), torch.split(targets.flatten(), _CHUNK), strict=True)
    losses = [functional.cross_entropy(model.lm_head(part), wanted, reduction="none") for part, wanted in parts]
    return torch.cat(losses).view(targets.shape)
