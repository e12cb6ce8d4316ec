"""Inception-v3 in PyTorch, the way an eager PyTorch user writes it: what densenet-bench is checked and timed against.

Rethinking the Inception Architecture for Computer Vision, Szegedy et al., arXiv 1512.00567, as torchvision has it, with its
names of tensors. `Options` has a field for every network option of an ablation file's `[model]` with `family =
"inception-v3"`, spelled as densenet-bench serialises them. Needs `torch` alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from auxiliary import Outputs
from inception import BasicConv2d, draw_normally, scaled
from torch import Tensor, nn
from torch.nn import functional as F

# The standard deviations of the weights of a new network: of most, of the head's 5x5 convolution, and of its matrix.
DEVIATION, OF_CONVOLUTION, OF_MATRIX = 0.1, 0.01, 0.001
# What the loss of the auxiliary head is multiplied by.
HEAD_WEIGHT = 0.4

# A convolution of a branch: its name, the window, the channels; `None` for a 3x3 window without padding and with stride 2.
Step = tuple[str, tuple[int, int] | None, int]

ONE, THREE, FIVE = (1, 1), (3, 3), (5, 5)
ROW_OF_3, COLUMN_OF_3, ROW_OF_7, COLUMN_OF_7 = (1, 3), (3, 1), (1, 7), (7, 1)


@dataclass(frozen=True)
class Options:
    """The options of a network; the defaults are those of an ablation file."""

    width_multiplier: float = 1.0
    auxiliary_heads: bool = False
    dropout: float = 0.5


def of_a(behind_pool: int) -> list[list[Step]]:
    """The branches of the first blocks; the last one is behind an average pooling."""
    return [
        [("branch1x1", ONE, 64)],
        [("branch5x5_1", ONE, 48), ("branch5x5_2", FIVE, 64)],
        [("branch3x3dbl_1", ONE, 64), ("branch3x3dbl_2", THREE, 96), ("branch3x3dbl_3", THREE, 96)],
        [("branch_pool", ONE, behind_pool)],
    ]


def of_c(narrow: int) -> list[list[Step]]:
    """The branches of the middle blocks."""
    return [
        [("branch1x1", ONE, 192)],
        [("branch7x7_1", ONE, narrow), ("branch7x7_2", ROW_OF_7, narrow), ("branch7x7_3", COLUMN_OF_7, 192)],
        [
            ("branch7x7dbl_1", ONE, narrow),
            ("branch7x7dbl_2", COLUMN_OF_7, narrow),
            ("branch7x7dbl_3", ROW_OF_7, narrow),
            ("branch7x7dbl_4", COLUMN_OF_7, narrow),
            ("branch7x7dbl_5", ROW_OF_7, 192),
        ],
        [("branch_pool", ONE, 192)],
    ]


OF_B: list[list[Step]] = [
    [("branch3x3", None, 384)],
    [("branch3x3dbl_1", ONE, 64), ("branch3x3dbl_2", THREE, 96), ("branch3x3dbl_3", None, 96)],
]
OF_D: list[list[Step]] = [
    [("branch3x3_1", ONE, 192), ("branch3x3_2", None, 320)],
    [
        ("branch7x7x3_1", ONE, 192),
        ("branch7x7x3_2", ROW_OF_7, 192),
        ("branch7x7x3_3", COLUMN_OF_7, 192),
        ("branch7x7x3_4", None, 192),
    ],
]
BLOCKS: dict[str, list[list[Step]]] = {
    "Mixed_5b": of_a(32),
    "Mixed_5c": of_a(64),
    "Mixed_5d": of_a(64),
    "Mixed_6a": OF_B,
    "Mixed_6b": of_c(128),
    "Mixed_6c": of_c(160),
    "Mixed_6d": of_c(160),
    "Mixed_6e": of_c(192),
    "Mixed_7a": OF_D,
}


def convolution(inputs: int, outputs: int, window: tuple[int, int] | None) -> BasicConv2d:
    """A convolution that keeps the sides; without a window one that halves them."""
    if window is None:
        return BasicConv2d(inputs, outputs, 3, stride=2)
    return BasicConv2d(inputs, outputs, window, padding=(window[0] // 2, window[1] // 2))


class Branches(nn.Module):
    """Branches side by side, and one behind a pooling: an average with a convolution, or the largest values."""

    def __init__(self, inputs: int, branches: list[list[Step]], multiplier: float) -> None:
        super().__init__()
        self.branches = [[name for name, _, _ in branch] for branch in branches]
        self.halves = any(window is None for branch in branches for _, window, _ in branch)
        self.outputs = inputs if self.halves else 0
        for branch in branches:
            channels = inputs
            for name, window, count in branch:
                self.add_module(name, convolution(channels, scaled(count, multiplier), window))
                channels = scaled(count, multiplier)
            self.outputs += channels
        if self.halves:
            self.pool: nn.Module = nn.MaxPool2d(3, stride=2)
        else:
            self.pool = nn.AvgPool2d(3, stride=1, padding=1)

    def forward(self, maps: Tensor) -> Tensor:
        """[batch, inputs, height, width] to [batch, outputs, height, width]."""
        parts = []
        for branch in self.branches:
            part = self.pool(maps) if branch == ["branch_pool"] else maps
            for name in branch:
                part = getattr(self, name)(part)
            parts.append(part)
        return torch.cat([*parts, self.pool(maps)] if self.halves else parts, 1)


class Last(nn.Module):
    """The last blocks, whose branches end with a row and a column side by side."""

    def __init__(self, inputs: int, multiplier: float) -> None:
        super().__init__()
        only, wide, first, behind_pool = (scaled(channels, multiplier) for channels in (320, 384, 448, 192))
        self.branch1x1 = convolution(inputs, only, ONE)
        self.branch3x3_1 = convolution(inputs, wide, ONE)
        self.branch3x3_2a = convolution(wide, wide, ROW_OF_3)
        self.branch3x3_2b = convolution(wide, wide, COLUMN_OF_3)
        self.branch3x3dbl_1 = convolution(inputs, first, ONE)
        self.branch3x3dbl_2 = convolution(first, wide, THREE)
        self.branch3x3dbl_3a = convolution(wide, wide, ROW_OF_3)
        self.branch3x3dbl_3b = convolution(wide, wide, COLUMN_OF_3)
        self.branch_pool = convolution(inputs, behind_pool, ONE)
        self.pool = nn.AvgPool2d(3, stride=1, padding=1)
        self.outputs = only + 4 * wide + behind_pool

    def forward(self, maps: Tensor) -> Tensor:
        """[batch, inputs, height, width] to [batch, outputs, height, width]."""
        only = self.branch1x1(maps)
        three = self.branch3x3_1(maps)
        pair = [self.branch3x3_2a(three), self.branch3x3_2b(three)]
        double = self.branch3x3dbl_2(self.branch3x3dbl_1(maps))
        other_pair = [self.branch3x3dbl_3a(double), self.branch3x3dbl_3b(double)]
        return torch.cat([only, *pair, *other_pair, self.branch_pool(self.pool(maps))], 1)


class Head(nn.Module):
    """The auxiliary classifier."""

    def __init__(self, inputs: int, multiplier: float, classes: int) -> None:
        super().__init__()
        narrow, wide = scaled(128, multiplier), scaled(768, multiplier)
        self.conv0 = BasicConv2d(inputs, narrow, 1)
        self.conv1 = BasicConv2d(narrow, wide, 5)
        self.fc = nn.Linear(wide, classes)

    def forward(self, maps: Tensor) -> Tensor:
        """[batch, inputs, height, width] to logits [batch, classes]."""
        maps = self.conv1(self.conv0(F.avg_pool2d(maps, kernel_size=5, stride=3)))
        logits: Tensor = self.fc(torch.flatten(F.adaptive_avg_pool2d(maps, 1), 1))
        return logits


class InceptionV3(nn.Module):
    """The network: a stem, eleven blocks, and in training an auxiliary head."""

    def __init__(self, options: Options, classes: int, image_channels: int = 3) -> None:
        super().__init__()
        multiplier = options.width_multiplier
        first, second, third, fourth = (scaled(channels, multiplier) for channels in (32, 64, 80, 192))
        self.Conv2d_1a_3x3 = BasicConv2d(image_channels, first, 3, stride=2)
        self.Conv2d_2a_3x3 = BasicConv2d(first, first, 3)
        self.Conv2d_2b_3x3 = BasicConv2d(first, second, 3, padding=1)
        self.maxpool1 = nn.MaxPool2d(3, stride=2)
        self.Conv2d_3b_1x1 = BasicConv2d(second, third, 1)
        self.Conv2d_4a_3x3 = BasicConv2d(third, fourth, 3)
        self.maxpool2 = nn.MaxPool2d(3, stride=2)
        channels = fourth
        self.AuxLogits: Head | None = None
        for name, branches in BLOCKS.items():
            block = Branches(channels, branches, multiplier)
            self.add_module(name, block)
            channels = block.outputs
            if name == "Mixed_6e" and options.auxiliary_heads:
                self.AuxLogits = Head(channels, multiplier, classes)
        self.Mixed_7b = Last(channels, multiplier)
        self.Mixed_7c = Last(self.Mixed_7b.outputs, multiplier)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.dropout = nn.Dropout(options.dropout)
        self.fc = nn.Linear(self.Mixed_7c.outputs, classes)
        draw_normally(self, DEVIATION)
        if self.AuxLogits is not None:
            draw_normally(self.AuxLogits.conv1, OF_CONVOLUTION)
            draw_normally(self.AuxLogits.fc, OF_MATRIX)

    def forward(self, images: Tensor) -> Tensor | Outputs:
        """[batch, channels, height, width] to logits [batch, classes]; in training with those of the head."""
        maps = self.maxpool1(self.Conv2d_2b_3x3(self.Conv2d_2a_3x3(self.Conv2d_1a_3x3(images))))
        maps = self.maxpool2(self.Conv2d_4a_3x3(self.Conv2d_3b_1x1(maps)))
        auxiliary = []
        for name in BLOCKS:
            maps = getattr(self, name)(maps)
            if name == "Mixed_6e" and self.AuxLogits is not None and self.training:
                auxiliary.append(self.AuxLogits(maps))
        maps = self.Mixed_7c(self.Mixed_7b(maps))
        logits: Tensor = self.fc(self.dropout(torch.flatten(self.avgpool(maps), 1)))
        return Outputs(logits, tuple(auxiliary), HEAD_WEIGHT) if auxiliary else logits
