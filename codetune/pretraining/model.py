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
_REPETITION_DECAY = 0.5


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


class _ChunkedLoss(torch.autograd.Function):
    """Mean loss of `hidden @ weight.T` in which no more than a few hundred rows of logits exist at a time."""

    @staticmethod
    def forward(
        ctx: Any, hidden: torch.Tensor, weight: torch.Tensor, targets: torch.Tensor, periods: torch.Tensor
    ) -> torch.Tensor:
        """Loss and, as it goes, the gradients: hidden `(n, width)`, weight `(vocabulary, width)`, the others `(n,)`."""
        total = hidden.new_zeros(())
        to_hidden = torch.empty_like(hidden)
        to_weight = torch.zeros_like(weight)
        probabilities = hidden.new_empty(len(hidden))
        for start in range(0, len(hidden), _CHUNK):
            chunk = slice(start, start + _CHUNK)
            part, wanted = hidden[chunk], targets[chunk, None]
            logits = part @ weight.T
            highest = logits.amax(dim=-1, keepdim=True)
            chosen = logits.gather(1, wanted) - highest
            scores = logits.sub_(highest).exp_()
            sums = scores.sum(dim=-1, keepdim=True)
            losses = sums.log() - chosen
            probabilities[chunk] = (-losses).exp().squeeze(1)
            repeated = periods[chunk].nonzero().squeeze(1)
            # Every gradient is the cross-entropy's times a weight: the softmax less 1 at the target.
            weights = torch.ones_like(sums)
            if len(repeated):
                earlier = probabilities[start + repeated - periods[chunk][repeated]]
                losses[repeated, 0], weights[repeated, 0] = _repetition(probabilities[chunk][repeated], earlier)
            total += losses.sum()
            # The probabilities are scores / sums, less 1 at the target: the division is cheaper on the narrow side.
            scores.scatter_add_(1, wanted, -sums)
            torch.mm(scores, weight, out=to_hidden[chunk]).mul_(weights / sums)
            to_weight.addmm_(scores.T, part * (weights / sums))
        ctx.save_for_backward(to_hidden, to_weight)
        return total / len(hidden)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, None, None]:
        """Gradients of hidden and weight."""
        to_hidden, to_weight = ctx.saved_tensors
        scale = gradients[0] / len(to_hidden)
        return to_hidden * scale, to_weight * scale, None, None


def _repetition(probability: torch.Tensor, earlier: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Loss of repeated tokens, and what the cross-entropy's gradient is multiplied with to be that loss's.

    `-log(1 - |p - p'/2|)`, where p' is the probability one period earlier, which is not trained.
    """
    above = probability - _REPETITION_DECAY * earlier
    left = (1 - above.abs()).clamp_min(torch.finfo(above.dtype).tiny)
    return -left.log(), -above.sign() * probability / left


def training_loss(
    model: LlamaForCausalLM,
    ids: torch.Tensor,
    targets: torch.Tensor,
    positions: torch.Tensor,
    periods: torch.Tensor | None = None,
) -> torch.Tensor:
    """Mean loss in nats per token: cross-entropy, and the cost of repetition; all of shape `(rows, length)`.

    Where positions start over, a new document begins: attention does not reach across.

    :param periods: how many tokens earlier the same target stood, where a repetition is to become less likely; 0
        elsewhere. None: nowhere.
    """
    hidden = model.model(
        input_ids=ids, position_ids=positions, use_cache=False, blocks=blocks_of(positions)
    ).last_hidden_state
    periods = torch.zeros_like(targets) if periods is None else periods
    with torch.autocast(hidden.device.type, enabled=False):
        loss: torch.Tensor = _ChunkedLoss.apply(  # type: ignore[no-untyped-call]
            hidden.float().flatten(0, 1), model.lm_head.weight, targets.flatten(), periods.flatten()
        )
    return loss


def token_losses(model: LlamaForCausalLM, ids: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Cross-entropy in nats of every token, of shape `(rows, length)`; each row is one document."""
    positions = torch.arange(ids.shape[1], device=ids.device).expand(ids.shape)
    hidden = model.model(
        input_ids=ids, position_ids=positions, use_cache=False, blocks=blocks_of(positions)
    ).last_hidden_state.flatten(0, 1)
    parts = zip(torch.split(hidden, _CHUNK), torch.split(targets.flatten(), _CHUNK), strict=True)
    losses = [functional.cross_entropy(model.lm_head(part), wanted, reduction="none") for part, wanted in parts]
    return torch.cat(losses).view(targets.shape)
