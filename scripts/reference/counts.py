#!/usr/bin/env python3
"""Counts the parameters and the multiply-accumulates of well-known networks as PyTorch has and makes them.

    .venv/bin/python scripts/reference/counts.py

Multiply-accumulates are those of the convolutions and the classifier for one image, where each output value of a
convolution takes as many as its kernel has weights, at the image's edge too. The networks are built without memory, on
PyTorch's device `meta`. Needs `torch` and what `torchvision` needs, which the counts of its networks are compared with.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import families
import googlenet
import inception_v3
import preact_resnet
import resnet
import torch
import torchvision
import vgg
import wide_resnet
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


def wide_resnet_of(depth: int, factor: int) -> Network:
    """Zagoruyko & Komodakis, section 3: three stages of n blocks, 6n + 4 convolutions, three of them in shortcuts."""
    blocks, rest = divmod(depth - 4, 6)
    assert rest == 0, f"no Wide ResNet has {depth} layers"
    options = wide_resnet.Options((blocks,) * 3, widening_factor=factor)
    return Network(f"wide-resnet-{depth}-{factor}", options, side=32, classes=10)


def preact_resnet_of(depth: int, *, bottleneck: bool) -> Network:
    """He et al., arXiv 1603.05027: three stages of n blocks, 6n + 2 weighted layers, 9n + 2 with bottlenecks."""
    blocks, rest = divmod(depth - 2, 9 if bottleneck else 6)
    assert rest == 0, f"no pre-activation ResNet has {depth} layers"
    options = preact_resnet.Options((blocks,) * 3, bottleneck=bottleneck)
    return Network(f"preact-resnet-{depth}", options, side=32, classes=10)


def vgg_of(depth: int, *, batch_norm: bool) -> Network:
    """Simonyan & Zisserman, table 1, networks A, B, D and E."""
    block_layers = {11: (1, 1, 2, 2, 2), 13: (2,) * 5, 16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}[depth]
    options = vgg.Options(block_layers, batch_norm=batch_norm)
    return Network(f"vgg-{depth}" + "-bn" * batch_norm, options, side=224, classes=1000)


NETWORKS = {
    "resnet": [
        resnet_of_imagenet(18, (2, 2, 2, 2), bottleneck=False),
        resnet_of_imagenet(50, (3, 4, 6, 3), bottleneck=True),
        resnet_of_cifar(20),
        resnet_of_cifar(56),
        resnet_of_cifar(110),
    ],
    "wide-resnet": [wide_resnet_of(40, 4), wide_resnet_of(16, 8), wide_resnet_of(28, 10)],
    "preact-resnet": [
        preact_resnet_of(110, bottleneck=False),
        preact_resnet_of(164, bottleneck=True),
        preact_resnet_of(1001, bottleneck=True),
    ],
    "vgg": [vgg_of(depth, batch_norm=batch_norm) for batch_norm in (False, True) for depth in (11, 13, 16, 19)],
    "googlenet": [Network("googlenet", googlenet.Options(), side=224, classes=1000)],
    "inception-v3": [Network("inception-v3", inception_v3.Options(), side=299, classes=1000)],
}
# What torchvision has of them.
TORCHVISION = {
    "resnet-18": torchvision.models.resnet18,
    "resnet-50": torchvision.models.resnet50,
    "vgg-11": torchvision.models.vgg11,
    "vgg-13": torchvision.models.vgg13,
    "vgg-16": torchvision.models.vgg16,
    "vgg-19": torchvision.models.vgg19,
    "vgg-11-bn": torchvision.models.vgg11_bn,
    "vgg-13-bn": torchvision.models.vgg13_bn,
    "vgg-16-bn": torchvision.models.vgg16_bn,
    "vgg-19-bn": torchvision.models.vgg19_bn,
    "googlenet": partial(torchvision.models.googlenet, aux_logits=False, init_weights=False),
    "inception-v3": partial(torchvision.models.inception_v3, aux_logits=False, init_weights=False),
}
# Millions of parameters as the papers print them: Zagoruyko & Komodakis, table 5. Of ResNet-1001 they print 10.2.
PUBLISHED = {
    "wide-resnet-40-4": 8.9,
    "wide-resnet-16-8": 11.0,
    "wide-resnet-28-10": 36.5,
    "preact-resnet-110": 1.7,
    "preact-resnet-164": 1.7,
}


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
        millions = round(both[0][0] / 1e6, 1)
        assert millions == PUBLISHED.get(network.name, millions), f"{network.name} has {millions} million parameters"
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
