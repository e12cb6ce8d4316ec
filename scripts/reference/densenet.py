"""DenseNet in PyTorch, the way an eager PyTorch user writes it: what densenet-bench is checked and timed against.

Densely Connected Convolutional Networks, Huang et al., arXiv 1608.06993. `Options` has a field for every network
option of an ablation file's `[model]`, spelled as the Rust struct `DenseNet` serialises them; parameters and running
statistics carry torchvision's names. Needs `torch` alone.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field, replace
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F


# Options that the program writes only where they differ from their defaults.
LATER = {"later": True}


@dataclass(frozen=True)
class Options:
    """The options of a network; the defaults are those of an ablation file."""

    block_layers: tuple[int, ...]
    growth_rate: int = 12
    bottleneck: bool = False
    bottleneck_width: int = 4
    compression: float = 1.0
    initial_channels: int = 16
    stem: Literal["cifar", "imagenet"] = "cifar"
    transition_relu: bool = True
    final_relu: bool = True
    order: Literal["pre-activation", "post-activation"] = "pre-activation"
    dropout: float = 0.0
    dropout_after: Literal["every-convolution", "3x3"] = "every-convolution"
    initialization: Literal["he-fan-out", "he-fan-in"] = "he-fan-out"
    connectivity: Literal["dense", "residual", "plain"] = field(default="dense", metadata=LATER)
    visible_layers: int | None = field(default=None, metadata=LATER)
    growth_doubling: bool = field(default=False, metadata=LATER)
    squeeze_excitation: int | None = field(default=None, metadata=LATER)

    def of_block(self, block: int) -> Options:
        """The options with the growth rate of a block, counted from 0."""
        return replace(self, growth_rate=self.growth_rate << block) if self.growth_doubling else self


def composite(
    options: Options, inputs: int, outputs: int, kernel: int, *, number: str = "", relu: bool = True
) -> OrderedDict[str, nn.Module]:
    """The paper's composite function: norm, ReLU, convolution; in post-activation order convolution, norm, ReLU."""
    before = options.order == "pre-activation"
    activation: list[tuple[str, nn.Module]] = [(f"norm{number}", nn.BatchNorm2d(inputs if before else outputs))]
    if relu:
        activation.append((f"relu{number}", nn.ReLU(inplace=True)))
    convolution = (f"conv{number}", nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=False))
    layers = OrderedDict([*activation, convolution] if before else [convolution, *activation])
    if options.dropout > 0 and (options.dropout_after == "every-convolution" or kernel == 3):
        layers[f"drop{number}"] = nn.Dropout(options.dropout)
    return layers


class SqueezeExcitation(nn.Module):
    """Each map times a value from 0 to 1 that is computed from the means of all (arXiv 1709.01507)."""

    def __init__(self, channels: int, reduction: int) -> None:
        super().__init__()
        narrow = max(1, channels // reduction)
        self.fc1 = nn.Conv2d(channels, narrow, 1)
        self.fc2 = nn.Conv2d(narrow, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """[batch, channels, height, width] to the same."""
        means = F.adaptive_avg_pool2d(x, 1)
        return x * torch.sigmoid(self.fc2(F.relu(self.fc1(means))))


class DenseLayer(nn.Sequential):
    """A 3x3 convolution to `growth_rate` feature maps, with a bottleneck behind a 1x1 convolution."""

    def __init__(self, options: Options, inputs: int) -> None:
        layers = OrderedDict[str, nn.Module]()
        narrow = inputs
        if options.bottleneck:
            narrow = options.bottleneck_width * options.growth_rate
            layers.update(composite(options, inputs, narrow, 1, number="1"))
        number = "2" if options.bottleneck else "1"
        layers.update(composite(options, narrow, options.growth_rate, 3, number=number))
        if options.squeeze_excitation:
            layers["se"] = SqueezeExcitation(options.growth_rate, options.squeeze_excitation)
        super().__init__(layers)


class DenseBlock(nn.ModuleDict):
    """Dense layers, each of which reads the block's input and what every earlier layer gave, or the last few of these."""

    def __init__(self, options: Options, inputs: int, layers: int) -> None:
        visible = options.visible_layers or layers
        widths = [inputs] + [options.growth_rate] * layers
        super().__init__(
            {
                f"denselayer{layer + 1}": DenseLayer(options, sum(widths[: layer + 1][-visible:]))
                for layer in range(layers)
            }
        )
        self.visible = visible
        self.outputs = sum(widths)

    def forward(self, x: Tensor) -> Tensor:
        """[batch, inputs, height, width] to [batch, inputs + layers * growth_rate, height, width]."""
        features = [x]
        for layer in self.values():
            features.append(layer(torch.cat(features[-self.visible :], dim=1)))
        return torch.cat(features, dim=1)


class ResidualLayer(DenseLayer):
    """A dense layer whose maps are added to those that it reads, through a 1x1 convolution where the widths differ."""

    def __init__(self, options: Options, inputs: int) -> None:
        super().__init__(options, inputs)
        differs = inputs != options.growth_rate
        self.projection = nn.Conv2d(inputs, options.growth_rate, 1, bias=False) if differs else None

    def forward(self, x: Tensor) -> Tensor:
        """[batch, inputs, height, width] to [batch, growth_rate, height, width]."""
        new = x
        for name, module in self.named_children():
            if name != "projection":
                new = module(new)
        return new + (x if self.projection is None else self.projection(x))


class Chain(nn.Sequential):
    """Layers one behind the other, each with a shortcut or none: [batch, inputs, ...] to [batch, growth_rate, ...]."""

    def __init__(self, options: Options, inputs: int, layers: int) -> None:
        layer = ResidualLayer if options.connectivity == "residual" else DenseLayer
        widths = [inputs] + [options.growth_rate] * layers
        super().__init__(
            OrderedDict((f"denselayer{number + 1}", layer(options, widths[number])) for number in range(layers))
        )
        self.outputs = options.growth_rate


class Transition(nn.Sequential):
    """A 1x1 convolution and average pooling between two dense blocks."""

    def __init__(self, options: Options, inputs: int, outputs: int) -> None:
        layers = composite(options, inputs, outputs, 1, relu=options.transition_relu)
        layers["pool"] = nn.AvgPool2d(kernel_size=2, stride=2)
        super().__init__(layers)


def stem(options: Options, image_channels: int) -> OrderedDict[str, nn.Module]:
    """What stands before the first dense block."""
    channels = options.initial_channels
    layers = OrderedDict[str, nn.Module]()
    if options.stem == "imagenet":
        layers["conv0"] = nn.Conv2d(image_channels, channels, 7, stride=2, padding=3, bias=False)
    else:
        layers["conv0"] = nn.Conv2d(image_channels, channels, 3, padding=1, bias=False)
    # In post-activation order no later layer would normalise the stem's feature maps.
    if options.stem == "imagenet" or options.order == "post-activation":
        layers["norm0"] = nn.BatchNorm2d(channels)
        layers["relu0"] = nn.ReLU(inplace=True)
    if options.stem == "imagenet":
        layers["pool0"] = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
    return layers


class DenseNet(nn.Module):
    """The network: stem, dense blocks with transitions between them, global average pooling, classifier."""

    def __init__(self, options: Options, classes: int, image_channels: int = 3) -> None:
        super().__init__()
        layers = stem(options, image_channels)
        channels = options.initial_channels
        for block, length in enumerate(options.block_layers, start=1):
            joined = DenseBlock if options.connectivity == "dense" else Chain
            layers[f"denseblock{block}"] = joined(options.of_block(block - 1), channels, length)
            channels = layers[f"denseblock{block}"].outputs
            if block < len(options.block_layers):
                kept = int(options.compression * channels)
                layers[f"transition{block}"] = Transition(options, channels, kept)
                channels = kept
        if options.order == "pre-activation":
            layers["norm5"] = nn.BatchNorm2d(channels)
            if options.final_relu:
                layers["relu5"] = nn.ReLU(inplace=True)
        self.features = nn.Sequential(layers)
        self.classifier = nn.Linear(channels, classes)
        self.initialize(options)

    def initialize(self, options: Options) -> None:
        """He initialisation of the convolutions; PyTorch's own of the rest, but no bias in the classifier."""
        mode: Literal["fan_out", "fan_in"] = "fan_out" if options.initialization == "he-fan-out" else "fan_in"
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode=mode, nonlinearity="relu")
        nn.init.zeros_(self.classifier.bias)

    def forward(self, images: Tensor) -> Tensor:
        """[batch, channels, height, width] to logits [batch, classes]."""
        pooled = F.adaptive_avg_pool2d(self.features(images), 1)
        return self.classifier(torch.flatten(pooled, 1))
