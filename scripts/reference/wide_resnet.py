"""Wide ResNet in PyTorch, the way an eager PyTorch user writes it: what densenet-bench is checked and timed against.

Wide Residual Networks, Zagoruyko & Komodakis, arXiv 1605.07146: blocks of two 3x3 convolutions in pre-activation order,
`widening_factor` times as wide. `Options` has a field for every network option of an ablation file's `[model]` with
`family = "wide-resnet"`, spelled as densenet-bench serialises them. torchvision does not have these networks; the names
of tensors are those that its ResNet would give them. Needs `torch` alone.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Literal

from pre_activation import Block, Convolution, initialize
from torch import nn


@dataclass(frozen=True)
class Options:
    """The options of a network; the defaults are those of an ablation file."""

    block_layers: tuple[int, ...]
    widening_factor: int = 10
    initial_channels: int = 16
    dropout: float = 0.0
    initialization: Literal["he-fan-out", "he-fan-in"] = "he-fan-out"


class WideResNet(nn.Sequential):
    """The network: 3x3 convolution, stages of wide blocks, norm and ReLU, global average pooling, classifier."""

    def __init__(self, options: Options, classes: int, image_channels: int = 3) -> None:
        channels = options.initial_channels
        layers = OrderedDict[str, nn.Module](conv1=Convolution(3, 1, channels).build(image_channels))
        for stage, length in enumerate(options.block_layers):
            width = options.initial_channels * options.widening_factor * 2**stage
            blocks: list[nn.Module] = []
            for number in range(length):
                stride = 2 if stage > 0 and number == 0 else 1
                convolutions = [Convolution(3, stride, width), Convolution(3, 1, width)]
                blocks.append(Block(channels, convolutions, dropout=options.dropout))
                channels = width
            layers[f"layer{stage + 1}"] = nn.Sequential(*blocks)
        layers["norm"] = nn.BatchNorm2d(channels)
        layers["relu"] = nn.ReLU(inplace=True)
        layers["avgpool"] = nn.AdaptiveAvgPool2d(1)
        layers["flatten"] = nn.Flatten()
        layers["fc"] = nn.Linear(channels, classes)
        super().__init__(layers)
        initialize(self, options.initialization)
