"""The residual block in pre-activation order, of which two families are made. Needs `torch` alone."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn


@dataclass(frozen=True)
class Convolution:
    """A convolution of a block, which keeps the sides but for its stride."""

    kernel: int
    stride: int
    outputs: int

    def build(self, inputs: int) -> nn.Conv2d:
        """The module, without a bias."""
        return nn.Conv2d(inputs, self.outputs, self.kernel, self.stride, padding=self.kernel // 2, bias=False)


class Block(nn.Module):
    """Norm, ReLU and convolution, several times, and a shortcut around them (He et al. 2016, arXiv 1603.05027, figure 4e).

    Where the shapes differ the shortcut is a 1x1 convolution of what the first ReLU gives. `activated` takes the
    shortcut from there in any case.
    """

    def __init__(
        self, inputs: int, convolutions: list[Convolution], *, activated: bool = False, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.length = len(convolutions)
        channels = inputs
        for number, convolution in enumerate(convolutions, start=1):
            self.add_module(f"bn{number}", nn.BatchNorm2d(channels))
            if dropout > 0 and number == self.length:
                self.add_module(f"drop{number}", nn.Dropout(dropout))
            self.add_module(f"conv{number}", convolution.build(channels))
            channels = convolution.outputs
        self.relu = nn.ReLU(inplace=True)
        stride = max(convolution.stride for convolution in convolutions)
        self.downsample = None
        if stride > 1 or inputs != channels:
            self.downsample = nn.Sequential(Convolution(1, stride, channels).build(inputs))
        self.activated = activated or self.downsample is not None

    def forward(self, x: Tensor) -> Tensor:
        """[batch, inputs, height, width] to [batch, outputs, height / stride, width / stride]."""
        activation = self.relu(self.bn1(x))
        shortcut = activation if self.activated else x
        if self.downsample is not None:
            shortcut = self.downsample(shortcut)
        out = activation
        for number in range(1, self.length + 1):
            if number > 1:
                out = self.relu(self.get_submodule(f"bn{number}")(out))
            if hasattr(self, f"drop{number}"):
                out = self.get_submodule(f"drop{number}")(out)
            out = self.get_submodule(f"conv{number}")(out)
        return out + shortcut


def initialize(model: nn.Module, initialization: str) -> None:
    """He initialisation of the convolutions; PyTorch's own of the rest, but no bias in the classifier."""
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            mode = "fan_out" if initialization == "he-fan-out" else "fan_in"
            nn.init.kaiming_normal_(module.weight, mode=mode, nonlinearity="relu")
        elif isinstance(module, nn.Linear):
            nn.init.zeros_(module.bias)
