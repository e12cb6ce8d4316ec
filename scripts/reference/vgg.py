"""VGG in PyTorch, the way an eager PyTorch user writes it: what densenet-bench is checked and timed against.

Very Deep Convolutional Networks, Simonyan & Zisserman, arXiv 1409.1556, as torchvision has them, with its names of
tensors. `Options` has a field for every network option of an ablation file's `[model]` with `family = "vgg"`, spelled as
densenet-bench serialises them. Needs `torch` alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

# The widest stage has this many times the channels of the first.
WIDEST = 8
# The sides to which the last maps are pooled, whatever the images are.
SIDE = 7
# The standard deviation of the matrices of a new network.
DEVIATION = 0.01


@dataclass(frozen=True)
class Options:
    """The options of a network; the defaults are those of an ablation file."""

    block_layers: tuple[int, ...]
    batch_norm: bool = False
    initial_channels: int = 64
    classifier_width: int = 4096
    dropout: float = 0.5
    initialization: Literal["he-fan-out", "he-fan-in"] = "he-fan-out"


def features(options: Options, image_channels: int) -> nn.Sequential:
    """Stages of 3x3 convolutions with ReLU, each of which ends with a max pooling that halves the sides."""
    layers: list[nn.Module] = []
    inputs = image_channels
    for stage, length in enumerate(options.block_layers):
        outputs = options.initial_channels * min(2**stage, WIDEST)
        for _ in range(length):
            layers.append(nn.Conv2d(inputs, outputs, 3, padding=1))
            if options.batch_norm:
                layers.append(nn.BatchNorm2d(outputs))
            layers.append(nn.ReLU(inplace=True))
            inputs = outputs
        layers.append(nn.MaxPool2d(kernel_size=2, stride=2))
    return nn.Sequential(*layers)


class VGG(nn.Module):
    """The network: stages, pooling to 7x7, three linear layers."""

    def __init__(self, options: Options, classes: int, image_channels: int = 3) -> None:
        super().__init__()
        self.features = features(options, image_channels)
        self.avgpool = nn.AdaptiveAvgPool2d(SIDE)
        channels = options.initial_channels * min(2 ** (len(options.block_layers) - 1), WIDEST)
        width = options.classifier_width
        self.classifier = nn.Sequential(
            nn.Linear(channels * SIDE * SIDE, width),
            nn.ReLU(inplace=True),
            nn.Dropout(options.dropout),
            nn.Linear(width, width),
            nn.ReLU(inplace=True),
            nn.Dropout(options.dropout),
            nn.Linear(width, classes),
        )
        self.initialize(options)

    def initialize(self, options: Options) -> None:
        """He initialisation of the convolutions, narrow normal matrices, no bias."""
        mode: Literal["fan_out", "fan_in"] = "fan_out" if options.initialization == "he-fan-out" else "fan_in"
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode=mode, nonlinearity="relu")
                nn.init.zeros_(module.bias)
            elif isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, 0, DEVIATION)
                nn.init.zeros_(module.bias)

    def forward(self, images: Tensor) -> Tensor:
        """[batch, channels, height, width] to logits [batch, classes]."""
        pooled = self.avgpool(self.features(images))
        return self.classifier(torch.flatten(pooled, 1))
