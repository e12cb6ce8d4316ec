#!/usr/bin/env python3
"""Prints the tables of docs/cuda-kernels.md: the bytes and operations of a training step of a DenseNet-BC, from its shape alone.

Counted are feature maps: in a dense layer that reads C channels and adds k, in values a pixel of the layer's maps, what each
kernel reads and writes. Weights, statistics and what a cache keeps are left out, as are the stem and the head, which are alike on
all sides.
"""

from __future__ import annotations

from dataclasses import dataclass

# Of an H100 SXM: bytes a second of its memory, of which a well-made kernel reaches 85 %, and dense products a second in TF32 and
# bf16 (NVIDIA's data sheet, without sparsity).
MEMORY = 3.35e12
REACHED = 0.85
TF32, BF16 = 494e12, 989e12


@dataclass(frozen=True)
class Network:
    """A DenseNet-BC."""

    name: str
    blocks: tuple[int, ...]
    growth: int
    initial: int
    side: int
    bytes_a_value: int
    products: float


NETWORKS = [
    Network("DenseNet-BC-100 (k = 12), 32x32, f32 by TF32", (16, 16, 16), 12, 24, 32, 4, TF32),
    Network("DenseNet-121, 224x224, bf16", (6, 12, 24, 16), 32, 64, 56, 2, BF16),
]

# Values a pixel of a dense layer: times C, times k. A bottleneck has 4 k channels.
EAGER = {
    "forward: concatenation": (2, 0),
    "forward: first normalisation, statistics and values": (3, 0),
    "forward: first ReLU": (2, 0),
    "forward: 1x1 convolution": (1, 4),
    "forward: second normalisation": (0, 12),
    "forward: second ReLU": (0, 8),
    "forward: 3x3 convolution": (0, 5),
    "backward: 3x3 convolution, maps and weights": (0, 10),
    "backward: second ReLU": (0, 12),
    "backward: second normalisation, sums and values": (0, 20),
    "backward: 1x1 convolution, maps and weights": (2, 8),
    "backward: first ReLU": (3, 0),
    "backward: first normalisation, sums and values": (5, 0),
    "backward: sums of the concatenation's gradients": (3, 0),
}
FUSED = {
    "forward 1x1: maps in, bottleneck out": (1, 4),
    "forward 3x3: bottleneck in, new maps out": (0, 5),
    "backward 3x3, maps: new maps and their gradient, bottleneck in, its gradient out": (0, 10),
    "backward 3x3, weights: gradient of new maps and bottleneck in": (0, 5),
    "backward 1x1, maps and weights: bottleneck and its gradient, maps in, their gradient in and out": (3, 8),
}


def layers(network: Network) -> list[tuple[int, int]]:
    """Of each dense layer the channels that it reads, and its maps' pixels."""
    found, channels, side = [], network.initial, network.side
    for depth in network.blocks:
        for _ in range(depth):
            found.append((channels, side * side))
            channels += network.growth
        channels, side = channels // 2, side // 2
    return found


def values(network: Network, kernels: dict[str, tuple[int, int]]) -> int:
    """Values of an image that the kernels read and write in a step."""
    of_maps, of_growth = (sum(part) for part in zip(*kernels.values(), strict=True))
    return sum(pixels * (of_maps * channels + of_growth * network.growth) for channels, pixels in layers(network))


def multiply_accumulates(network: Network) -> int:
    """Of an image in a step: forward, and twice that backward."""
    bottleneck = 4 * network.growth
    return 3 * sum(pixels * bottleneck * (channels + 9 * network.growth) for channels, pixels in layers(network))


def main() -> None:
    """Prints Markdown."""
    print("| kernel | values a pixel, eager |\n|---|---|")
    for name, (maps, growth) in EAGER.items():
        print(f"| {name} | {term(maps, growth)} |")
    print("\n| kernel | values a pixel, fused |\n|---|---|")
    for name, (maps, growth) in FUSED.items():
        print(f"| {name} | {term(maps, growth)} |")
    print("\n| dense layers of | eager, MB an image | fused, MB an image | multiply-accumulates an image | H100: eager, images/s | fused | arithmetic alone |")
    print("|---|---|---|---|---|---|---|")
    for network in NETWORKS:
        megabytes = [values(network, kernels) * network.bytes_a_value / 1e6 for kernels in (EAGER, FUSED)]
        speeds = [REACHED * MEMORY / (size * 1e6) for size in megabytes]
        products = multiply_accumulates(network)
        bound = network.products / (2 * products)
        print(
            f"| {network.name} | {megabytes[0]:.0f} | {megabytes[1]:.0f} | {products / 1e9:.2f} G | {speeds[0]:,.0f} | "
            f"{speeds[1]:,.0f} | {bound:,.0f} |"
        )


def term(maps: int, growth: int) -> str:
    """`2 C + 8 k`."""
    parts = [f"{count} {letter}" for count, letter in ((maps, "C"), (growth, "k")) if count]
    return " + ".join(parts)


if __name__ == "__main__":
    main()
