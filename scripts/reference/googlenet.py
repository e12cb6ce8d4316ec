"""GoogLeNet in PyTorch, the way an eager PyTorch user writes it: what densenet-bench is checked and timed against.

Going Deeper with Convolutions, Szegedy et al., arXiv 1409.4842, as torchvision has it, with its names of tensors. `Options`
has a field for every network option of an ablation file's `[model]` with `family = "googlenet"`, spelled as densenet-bench
serialises them. Needs `torch` alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from auxiliary import Outputs
from inception import BasicConv2d, draw_normally, scaled
from torch import Tensor, nn
from torch.nn import functional as F

# The standard deviation of the weights of a new network.
DEVIATION = 0.01
# What the loss of an auxiliary head is multiplied by.
HEAD_WEIGHT = 0.3
# The sides to which an auxiliary head pools its maps.
HEAD_SIDE = 4
# The channels of a block's branches: 1x1; 3x3 reduced, 3x3; of the second 3x3 branch likewise; behind the pooling.
BLOCKS = {
    "3a": (64, 96, 128, 16, 32, 32),
    "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128),
    "5a": (256, 160, 320, 32, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}


@dataclass(frozen=True)
class Options:
    """The options of a network; the defaults are those of an ablation file."""

    width_multiplier: float = 1.0
    auxiliary_heads: bool = False
    dropout: float = 0.2
    auxiliary_dropout: float = 0.7


class Inception(nn.Module):
    """Four branches side by side."""

    def __init__(self, inputs: int, channels: tuple[int, ...]) -> None:
        super().__init__()
        only, narrow, wide, narrow_second, wide_second, behind_pool = channels
        self.branch1 = BasicConv2d(inputs, only, 1)
        self.branch2 = nn.Sequential(BasicConv2d(inputs, narrow, 1), BasicConv2d(narrow, wide, 3, padding=1))
        self.branch3 = nn.Sequential(
            BasicConv2d(inputs, narrow_second, 1), BasicConv2d(narrow_second, wide_second, 3, padding=1)
        )
        self.branch4 = nn.Sequential(
            nn.MaxPool2d(kernel_size=3, stride=1, padding=1), BasicConv2d(inputs, behind_pool, 1)
        )
        self.outputs = only + wide + wide_second + behind_pool

    def forward(self, maps: Tensor) -> Tensor:
        """[batch, inputs, height, width] to [batch, outputs, height, width]."""
        branches = (self.branch1, self.branch2, self.branch3, self.branch4)
        return torch.cat([branch(maps) for branch in branches], 1)


class Head(nn.Module):
    """An auxiliary classifier."""

    def __init__(self, inputs: int, options: Options, classes: int) -> None:
        super().__init__()
        channels, width = scaled(128, options.width_multiplier), scaled(1024, options.width_multiplier)
        self.conv = BasicConv2d(inputs, channels, 1)
        self.fc1 = nn.Linear(channels * HEAD_SIDE * HEAD_SIDE, width)
        self.fc2 = nn.Linear(width, classes)
        self.relu = nn.ReLU(inplace=True)
        self.dropout = nn.Dropout(options.auxiliary_dropout)

    def forward(self, maps: Tensor) -> Tensor:
        """[batch, inputs, height, width] to logits [batch, classes]."""
        values = torch.flatten(self.conv(F.adaptive_avg_pool2d(maps, HEAD_SIDE)), 1)
        logits: Tensor = self.fc2(self.dropout(self.relu(self.fc1(values))))
        return logits


class GoogLeNet(nn.Module):
    """The network: a stem, nine Inception blocks, and in training two auxiliary heads."""

    def __init__(self, options: Options, classes: int, image_channels: int = 3) -> None:
        super().__init__()
        first, third = (scaled(channels, options.width_multiplier) for channels in (64, 192))
        self.conv1 = BasicConv2d(image_channels, first, 7, stride=2, padding=3)
        self.maxpool1 = nn.MaxPool2d(3, stride=2, ceil_mode=True)
        self.conv2 = BasicConv2d(first, first, 1)
        self.conv3 = BasicConv2d(first, third, 3, padding=1)
        self.maxpool2 = nn.MaxPool2d(3, stride=2, ceil_mode=True)
        inputs = third
        behind: dict[str, int] = {}
        for name, channels in BLOCKS.items():
            block = Inception(inputs, tuple(scaled(count, options.width_multiplier) for count in channels))
            self.add_module(f"inception{name}", block)
            inputs = behind[name] = block.outputs
            if name == "3b":
                self.maxpool3 = nn.MaxPool2d(3, stride=2, ceil_mode=True)
            if name == "4e":
                self.maxpool4 = nn.MaxPool2d(2, stride=2, ceil_mode=True)
        self.aux1 = Head(behind["4a"], options, classes) if options.auxiliary_heads else None
        self.aux2 = Head(behind["4d"], options, classes) if options.auxiliary_heads else None
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.dropout = nn.Dropout(options.dropout)
        self.fc = nn.Linear(inputs, classes)
        draw_normally(self, DEVIATION)

    def forward(self, images: Tensor) -> Tensor | Outputs:
        """[batch, channels, height, width] to logits [batch, classes]; in training with those of the heads."""
        maps = self.maxpool2(self.conv3(self.conv2(self.maxpool1(self.conv1(images)))))
        auxiliary = []
        for name in BLOCKS:
            maps = getattr(self, f"inception{name}")(maps)
            if name == "3b":
                maps = self.maxpool3(maps)
            elif name == "4e":
                maps = self.maxpool4(maps)
            head = {"4a": self.aux1, "4d": self.aux2}.get(name)
            if head is not None and self.training:
                auxiliary.append(head(maps))
        logits: Tensor = self.fc(self.dropout(torch.flatten(self.avgpool(maps), 1)))
        return Outputs(logits, tuple(auxiliary), HEAD_WEIGHT) if auxiliary else logits
