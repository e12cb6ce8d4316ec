"""Pre-activation ResNet in PyTorch, the way an eager PyTorch user writes it: what densenet-bench is checked and timed
against.

Identity Mappings in Deep Residual Networks, He et al., arXiv 1603.05027, with the authors' networks for CIFAR. `Options`
has a field for every network option of an ablation file's `[model]` with `family = "preact-resnet"`, spelled as
densenet-bench serialises them. torchvision does not have these networks; the names of tensors are those that its ResNet
would give them. Needs `torch` alone.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Literal

from pre_activation import Block, Convolution, initialize
from torch import nn

# The last convolution of a bottleneck gives this many times the channels of its first.
EXPANSION = 4


@dataclass(frozen=True)
class Options:
    """The options of a network; the defaults are those of an ablation file, which are the paper's on CIFAR."""

    block_layers: tuple[int, ...]
    bottleneck: bool = False
    initial_channels: int = 16
    initialization: Literal["he-fan-out", "he-fan-in"] = "he-fan-out"


def convolutions(options: Options, width: int, stride: int) -> list[Convolution]:
    """Those of a block. The stride of a bottleneck is its first 1x1's, as the authors have it."""
    if options.bottleneck:
        return [Convolution(1, stride, width), Convolution(3, 1, width), Convolution(1, 1, EXPANSION * width)]
    return [Convolution(3, stride, width), Convolution(3, 1, width)]


class PreActResNet(nn.Sequential):
    """The network: 3x3 convolution, stages of residual blocks, norm and ReLU, global average pooling, classifier."""

    def __init__(self, options: Options, classes: int, image_channels: int = 3) -> None:
        channels = options.initial_channels
        layers = OrderedDict[str, nn.Module](conv1=Convolution(3, 1, channels).build(image_channels))
        for stage, length in enumerate(options.block_layers):
            width = options.initial_channels * 2**stage
            blocks: list[nn.Module] = []
            for number in range(length):
                of_block = convolutions(options, width, 2 if stage > 0 and number == 0 else 1)
                # The first block of all: its activation is before the two ways part.
                blocks.append(Block(channels, of_block, activated=stage == 0 and number == 0))
                channels = of_block[-1].outputs
            layers[f"layer{stage + 1}"] = nn.Sequential(*blocks)
        layers["norm"] = nn.BatchNorm2d(channels)
        layers["relu"] = nn.ReLU(inplace=True)
        layers["avgpool"] = nn.AdaptiveAvgPool2d(1)
        layers["flatten"] = nn.Flatten()
        layers["fc"] = nn.Linear(channels, classes)
        super().__init__(layers)
        initialize(self, options.initialization)
