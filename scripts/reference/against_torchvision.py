#!/usr/bin/env python3
"""Checks `densenet.py` against torchvision's DenseNet: the same names and shapes, and with the same weights the same
logits and gradients to the last bit, in evaluation and in training mode.

    .venv/bin/python scripts/reference/against_torchvision.py

Needs what scripts/fixtures/requirements.txt lists.
"""

from __future__ import annotations

from typing import Any

import torch
import torchvision
from densenet import DenseNet, Options
from torch import nn
from torch.nn import functional as F


def randomize(model: nn.Module, seed: int) -> None:
    """Gives every normalisation a scale, a shift and running statistics that are not those of a new model."""
    generator = torch.Generator().manual_seed(seed)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.weight.data.uniform_(0.5, 1.5, generator=generator)
            module.bias.data.normal_(0, 0.3, generator=generator)
            module.get_buffer("running_mean").normal_(0, 0.3, generator=generator)
            module.get_buffer("running_var").uniform_(0.5, 2, generator=generator)


def equal_to(theirs: nn.Module, options: Options, classes: int, side: int) -> None:
    """Raises AssertionError where `DenseNet(options)` is not the torchvision model `theirs`."""
    randomize(theirs, seed=1)
    ours = DenseNet(options, classes)
    shapes = [{name: tensor.shape for name, tensor in model.state_dict().items()} for model in (ours, theirs)]
    assert list(shapes[0].items()) == list(shapes[1].items()), "names, shapes or their order differ"
    ours.load_state_dict(theirs.state_dict())

    generator = torch.Generator().manual_seed(2)
    images = torch.randn(4, 3, side, side, generator=generator)
    labels = torch.arange(4) % classes
    for training in (False, True):
        logits = [model.train(training)(images) for model in (ours, theirs)]
        assert torch.equal(*logits), f"logits differ with training={training}"
    for output in logits:
        F.cross_entropy(output, labels).backward()
    for (name, mine), parameter in zip(ours.named_parameters(), theirs.parameters(), strict=True):
        assert torch.equal(mine.grad, parameter.grad), f"the gradients of {name} differ"
    for (name, buffer), (_, other) in zip(ours.named_buffers(), theirs.named_buffers(), strict=True):
        assert torch.equal(buffer, other), f"the running statistics {name} differ"


def check() -> None:
    """Compares DenseNet-121 and a small network of torchvision's; raises AssertionError where they differ."""
    torch.manual_seed(0)
    imagenet: dict[str, Any] = {
        "bottleneck": True,
        "compression": 0.5,
        "stem": "imagenet",
        "initialization": "he-fan-in",
    }
    equal_to(
        torchvision.models.densenet121(weights=None),
        Options(block_layers=(6, 12, 24, 16), growth_rate=32, initial_channels=64, **imagenet),
        classes=1000,
        side=64,
    )
    equal_to(
        torchvision.models.DenseNet(growth_rate=8, block_config=(2, 3, 2, 2), num_init_features=16, num_classes=7),
        Options(block_layers=(2, 3, 2, 2), growth_rate=8, initial_channels=16, **imagenet),
        classes=7,
        side=48,
    )


if __name__ == "__main__":
    check()
    print(f"densenet.py is torchvision {torchvision.__version__}'s DenseNet, bit for bit")
