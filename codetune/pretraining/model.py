"""The small Llama and its loss."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional
from transformers import AttentionInterface, LlamaConfig, LlamaForCausalLM

from codetune.pretraining.params import PretrainParams

_CHUNK = 512
_EMBEDDING_STD = 0.5
_QUERIES = 128
_ATTENTION = "causal_chunks"


def _causal_chunks(
    _module: torch.nn.Module, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, mask: torch.Tensor,
    scaling: float | None = None, **_: Any,
) -> tuple[torch.Tensor, None]:  # fmt: skip
    """Attention of a few queries at a time to the keys up to the last of them.

    torch's own computes every score of a masked sequence, about twice as many.

    :param query: of shape `(rows, heads, length, head size)`; key and value may have fewer heads.
    :param mask: added to the scores, of shape `(rows, 1, length, length)`; hides what comes later.
    """
    groups = query.shape[1] // key.shape[1]
    key, value = key.repeat_interleave(groups, 1), value.repeat_interleave(groups, 1)
    parts = []
    for start in range(0, query.shape[2], _QUERIES):
        end = min(start + _QUERIES, query.shape[2])
        parts.append(
            functional.scaled_dot_product_attention(
                query[:, :, start:end], key[:, :, :end], value[:, :, :end], mask[:, :, start:end, :end], scale=scaling
            )
        )
    return torch.cat(parts, dim=2).transpose(1, 2).contiguous(), None


AttentionInterface.register(_ATTENTION, _causal_chunks)


def packing_mask(positions: torch.Tensor) -> torch.Tensor:
    """What is added to attention scores so that a token sees its own document up to itself.

    Of shape `(rows, 1, length, length)`.

    :param positions: of shape `(rows, length)`, counting from 0 in each document.
    """
    columns = torch.arange(positions.shape[1])
    first = columns - positions
    hidden = (columns[None, None] > columns[None, :, None]) | (columns[None, None] < first[:, :, None])
    return torch.zeros(hidden.shape).masked_fill_(hidden, float("-inf"))[:, None]


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
        attn_implementation=_ATTENTION,
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
            normalizer = logits.logsumexp(dim=-1, keepdim=True)
            total += (normalizer - logits.gather(1, wanted)).sum()
            logits.sub_(normalizer).exp_()
            logits.scatter_add_(1, wanted, -torch.ones_like(normalizer))
            to_hidden[start : start + _CHUNK] = logits @ weight
            to_weight.addmm_(logits.T, part)
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
        input_ids=ids, position_ids=positions, attention_mask=packing_mask(positions), use_cache=False
    ).last_hidden_state
    loss: torch.Tensor = _ChunkedCrossEntropy.apply(  # type: ignore[no-untyped-call]
        hidden.flatten(0, 1), model.lm_head.weight, targets.flatten()
    )
    return loss


def token_losses(model: LlamaForCausalLM, ids: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Cross-entropy in nats of every token, of shape `(rows, length)`; each row is one document."""
    positions = torch.arange(ids.shape[1]).expand(ids.shape)
    hidden = model.model(
        input_ids=ids, position_ids=positions, attention_mask=packing_mask(positions), use_cache=False
    ).last_hidden_state.flatten(0, 1)
    parts = zip(torch.split(hidden, _CHUNK), torch.split(targets.flatten(), _CHUNK), strict=True)
    losses = [functional.cross_entropy(model.lm_head(part), wanted, reduction="none") for part, wanted in parts]
    return torch.cat(losses).view(targets.shape)
