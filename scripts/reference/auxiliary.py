"""What a network with auxiliary heads gives in training, and the loss that is made from it. Needs `torch` alone."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor
from torch.nn import functional as F


class Outputs(NamedTuple):
    """The logits of the network and of its auxiliary heads, each [batch, classes], and the weight of the heads' losses."""

    logits: Tensor
    auxiliary: tuple[Tensor, ...]
    weight: float


def logits_of(outputs: Tensor | Outputs) -> Tensor:
    """The network's own logits."""
    return outputs.logits if isinstance(outputs, Outputs) else outputs


def loss_of(outputs: Tensor | Outputs, labels: Tensor) -> Tensor:
    """The mean cross-entropy; with auxiliary heads theirs too, times their weight."""
    loss = F.cross_entropy(logits_of(outputs), labels)
    if isinstance(outputs, Outputs):
        for logits in outputs.auxiliary:
            loss = loss + outputs.weight * F.cross_entropy(logits, labels)
    return loss
