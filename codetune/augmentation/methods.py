"""What `augment.method` names: the ways of drawing a paraphrase."""

from __future__ import annotations

from codetune.augmentation.params import AugmentParams
from codetune.augmentation.rows import Draws


def paraphraser_of(params: AugmentParams) -> Draws | None:
    """What draws in this process; None for phrases, which worker processes draw by themselves.

    :raises UserError: when a model cannot be had.
    """
    if params.method == "contextual":
        from codetune.augmentation.contextual import ContextualParaphraser

        return ContextualParaphraser(params.contextual, params.min_changes)
    if params.method == "back_translation":
        from codetune.augmentation.translation import BackTranslationParaphraser

        return BackTranslationParaphraser(params.back_translation)
    return None
