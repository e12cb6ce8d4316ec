#!/usr/bin/env python3
"""Counts the parameters and the multiply-accumulates of well-known networks as PyTorch has and makes them.

    .venv/bin/python scripts/reference/counts.py

Multiply-accumulates are those of the convolutions and the classifier for one image, where each output value of a
convolution takes as many as its kernel has weights, at the image's edge too. The networks are built without memory, on
PyTorch's device `meta`. Needs `torch` and what `torchvision` needs, which the counts of its networks are compared with.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import families
import resnet
import torch
import torchvision
from torch import Tensor, nn


@dataclass(frozen=True)
class Network:
    """A network that a paper or a library gives a name."""

    name: str
    options: Any
    side: int
    classes: int


def resnet_of_cifar(depth: int) -> Network:
    """He et al., section 4.2: three stages of n blocks with 16, 32 and 64 channels, 6n + 2 weighted layers."""
    blocks, rest = divmod(depth - 2, 6)
    assert rest == 0, f"no ResNet of CIFAR has {depth} layers"
    return Network(f"resnet-{depth}", resnet.Options(block_layers=(blocks,) * 3), side=32, classes=10)


def resnet_of_imagenet(depth: int, block_layers: tuple[int, ...], *, bottleneck: bool) -> Network:
    """He et al., table 1, as torchvision has it."""
    options = resnet.Options(block_layers, bottleneck, initial_channels=64, stem="imagenet", shortcut="projection")
    return Network(f"resnet-{depth}", options, side=224, classes=1000)


NETWORKS = {
    "resnet": [
        resnet_of_imagenet(18, (2, 2, 2, 2), bottleneck=False),
        resnet_of_imagenet(50, (3, 4, 6, 3), bottleneck=True),
        resnet_of_cifar(20),
        resnet_of_cifar(56),
        resnet_of_cifar(110),
    ],
}
# What torchvision has of them.
TORCHVISION = {"resnet-18": torchvision.models.resnet18, "resnet-50": torchvision.models.resnet50}


def parameters(model: nn.Module) -> int:
    """The values that are trained."""
    return sum(parameter.numel() for parameter in model.parameters())


def multiply_accumulates(model: nn.Module, side: int) -> int:
    """Those of the convolutions and the classifier for one image, counted while one passes."""
    total = 0

    def count(module: nn.Conv2d | nn.Linear, _: tuple[Tensor], output: Tensor) -> None:
        nonlocal total
        # Each output value takes one kernel of a convolution, or one row of a matrix.
        total += output.numel() * module.weight[0].numel()

    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            module.register_forward_hook(count)
    with torch.no_grad():
        model.eval()(torch.empty(1, 3, side, side, device="meta"))
    return total


def counted(family: str) -> list[dict[str, Any]]:
    """The family's networks with their options and counts."""
    counts = []
    for network in NETWORKS[family]:
        fields = families.to_json(network.options)
        with torch.device("meta"):
            ours = families.build(fields, network.classes, image_channels=3)
            theirs = TORCHVISION[network.name](weights=None) if network.name in TORCHVISION else ours
        both = [(parameters(model), multiply_accumulates(model, network.side)) for model in (ours, theirs)]
        assert both[0] == both[1], f"{network.name} is not torchvision's: {both}"
        counts.append(
            {
                "name": network.name,
                "network": fields,
                "input": {"channels": 3, "height": network.side, "width": network.side},
                "classes": network.classes,
                "parameters": both[0][0],
                "multiply_accumulates": both[0][1],
            }
        )
    return counts


if __name__ == "__main__":
    for count in (count for family in NETWORKS for count in counted(family)):
        side = count["input"]["height"]
        print(f"{count['name']}: {count['parameters']:,} parameters, ", end="")
        print(f"{count['multiply_accumulates']:,} multiply-accumulates at {side}x{side}")
