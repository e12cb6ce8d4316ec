"""What Inception networks share, as torchvision has it. Needs `torch` alone."""

from __future__ import annotations

from torch import Tensor, nn

EPSILON = 0.001


def scaled(channels: int, multiplier: float) -> int:
    """Channels times the multiplier, rounded down, and at least one."""
    return max(1, int(channels * multiplier))


class BasicConv2d(nn.Module):
    """Convolution without bias, normalisation and ReLU."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int | tuple[int, int],
        stride: int = 1,
        padding: int | tuple[int, int] = 0,
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride=stride, padding=padding, bias=False)
        self.bn = nn.BatchNorm2d(outputs, eps=EPSILON)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, maps: Tensor) -> Tensor:
        """[batch, inputs, height, width] to [batch, outputs, height, width]."""
        activated: Tensor = self.relu(self.bn(self.conv(maps)))
        return activated


def draw_normally(module: nn.Module, deviation: float) -> None:
    """Normal weights with a standard deviation for every convolution and matrix within, and no bias.

    torchvision draws those again that are beyond 2, which with its deviations none ever is.
    """
    for part in module.modules():
        if isinstance(part, nn.Conv2d | nn.Linear):
            nn.init.normal_(part.weight, 0, deviation)
        if isinstance(part, nn.Linear):
            nn.init.zeros_(part.bias)
