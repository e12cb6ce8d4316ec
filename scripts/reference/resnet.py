"""ResNet in PyTorch, the way an eager PyTorch user writes it: what densenet-bench is checked and timed against.

Deep Residual Learning for Image Recognition, He et al., arXiv 1512.03385. `Options` has a field for every network
option of an ablation file's `[model]` with `family = "resnet"`, spelled as densenet-bench serialises them; parameters
and running statistics carry torchvision's names. With the imagenet stem and projections it is torchvision's network;
with the cifar stem and padding it is that of the paper's section 4.2. Needs `torch` alone.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Literal

from torch import Tensor, nn
from torch.nn import functional as F

# The last convolution of a bottleneck gives this many times the channels of its first.
EXPANSION = 4


@dataclass(frozen=True)
class Options:
    """The options of a network; the defaults are those of an ablation file, which are the paper's on CIFAR."""

    block_layers: tuple[int, ...]
    bottleneck: bool = False
    initial_channels: int = 16
    stem: Literal["cifar", "imagenet"] = "cifar"
    shortcut: Literal["projection", "padding"] = "padding"
    initialization: Literal["he-fan-out", "he-fan-in"] = "he-fan-out"


def convolution(inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Conv2d:
    """A convolution that keeps the sides but for its stride."""
    return nn.Conv2d(inputs, outputs, kernel, stride=stride, padding=kernel // 2, bias=False)


class Padding(nn.Module):
    """The paper's option A: every `stride`-th row and column, then channels of zeros. It has no parameters."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.added = outputs - inputs
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        """[batch, inputs, height, width] to [batch, outputs, ceil(height / stride), ceil(width / stride)]."""
        return F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, 0, self.added))


def shortcut(options: Options, inputs: int, outputs: int, stride: int) -> nn.Module | None:
    """What the block's input passes on its way to the sum; None where its shape is already that of the sum."""
    if stride == 1 and inputs == outputs:
        return None
    if options.shortcut == "padding":
        return Padding(inputs, outputs, stride)
    return nn.Sequential(convolution(inputs, outputs, 1, stride), nn.BatchNorm2d(outputs))


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut around them."""

    expansion = 1

    def __init__(self, options: Options, inputs: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = convolution(inputs, width, 3, stride)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = convolution(width, width, 3)
        self.bn2 = nn.BatchNorm2d(width)
        self.downsample = shortcut(options, inputs, width, stride)

    def forward(self, x: Tensor) -> Tensor:
        """[batch, inputs, height, width] to [batch, width, height / stride, width / stride]."""
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        out += x if self.downsample is None else self.downsample(x)
        return self.relu(out)


class Bottleneck(nn.Module):
    """A 1x1, a 3x3 and a 1x1 convolution and a shortcut around them; the stride is the 3x3's, as torchvision has it."""

    expansion = EXPANSION

    def __init__(self, options: Options, inputs: int, width: int, stride: int) -> None:
        super().__init__()
        outputs = width * EXPANSION
        self.conv1 = convolution(inputs, width, 1)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = convolution(width, width, 3, stride)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = convolution(width, outputs, 1)
        self.bn3 = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = shortcut(options, inputs, outputs, stride)

    def forward(self, x: Tensor) -> Tensor:
        """[batch, inputs, height, width] to [batch, 4 * width, height / stride, width / stride]."""
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.relu(self.bn2(self.conv2(out)))
        out = self.bn3(self.conv3(out))
        out += x if self.downsample is None else self.downsample(x)
        return self.relu(out)


def stem(options: Options, image_channels: int) -> OrderedDict[str, nn.Module]:
    """What stands before the first residual block."""
    channels = options.initial_channels
    layers = OrderedDict[str, nn.Module]()
    if options.stem == "imagenet":
        layers["conv1"] = convolution(image_channels, channels, 7, stride=2)
    else:
        layers["conv1"] = convolution(image_channels, channels, 3)
    layers["bn1"] = nn.BatchNorm2d(channels)
    layers["relu"] = nn.ReLU(inplace=True)
    if options.stem == "imagenet":
        layers["maxpool"] = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
    return layers


class ResNet(nn.Sequential):
    """The network: stem, stages of residual blocks, global average pooling, classifier."""

    def __init__(self, options: Options, classes: int, image_channels: int = 3) -> None:
        block = Bottleneck if options.bottleneck else BasicBlock
        layers = stem(options, image_channels)
        channels = options.initial_channels
        for stage, length in enumerate(options.block_layers):
            width = options.initial_channels * 2**stage
            blocks: list[nn.Module] = []
            for number in range(length):
                stride = 2 if stage > 0 and number == 0 else 1
                blocks.append(block(options, channels, width, stride))
                channels = width * block.expansion
            layers[f"layer{stage + 1}"] = nn.Sequential(*blocks)
        layers["avgpool"] = nn.AdaptiveAvgPool2d(1)
        layers["flatten"] = nn.Flatten()
        layers["fc"] = nn.Linear(channels, classes)
        super().__init__(layers)
        self.initialize(options)

    def initialize(self, options: Options) -> None:
        """He initialisation of the convolutions; PyTorch's own of the rest."""
        mode: Literal["fan_out", "fan_in"] = "fan_out" if options.initialization == "he-fan-out" else "fan_in"
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode=mode, nonlinearity="relu")
