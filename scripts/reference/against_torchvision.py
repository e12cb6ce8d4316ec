#!/usr/bin/env python3
"""Checks the networks of this folder against torchvision's: the same names and shapes, and with the same weights the
same logits and gradients to the last bit, in evaluation and in training mode.

    .venv/bin/python scripts/reference/against_torchvision.py

Needs what scripts/fixtures/requirements.txt lists.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import densenet
import families
import googlenet
import inception_v3
import resnet
import torch
import torchvision
import vgg
from auxiliary import Outputs
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.models.resnet import BasicBlock, Bottleneck


def randomize(model: nn.Module, seed: int) -> None:
    """Gives every normalisation a scale, a shift and running statistics that are not those of a new model."""
    generator = torch.Generator().manual_seed(seed)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.weight.data.uniform_(0.5, 1.5, generator=generator)
            module.bias.data.normal_(0, 0.3, generator=generator)
            module.get_buffer("running_mean").normal_(0, 0.3, generator=generator)
            module.get_buffer("running_var").uniform_(0.5, 2, generator=generator)


def plain_outputs(outputs: Any) -> list[Tensor]:
    """The logits, and those of the auxiliary heads in the order of the layers; torchvision gives its last ones first."""
    if isinstance(outputs, Tensor):
        return [outputs]
    if isinstance(outputs, Outputs):
        return [outputs.logits, *outputs.auxiliary]
    logits, *auxiliary = outputs
    return [logits, *reversed(auxiliary)]


def equal_to(theirs: nn.Module, options: Any, classes: int, side: int) -> None:
    """Raises AssertionError where the network of `options` is not the torchvision model `theirs`."""
    randomize(theirs, seed=1)
    ours = families.build(families.to_json(options), classes, image_channels=3)
    shapes = [{name: tensor.shape for name, tensor in model.state_dict().items()} for model in (ours, theirs)]
    assert list(shapes[0].items()) == list(shapes[1].items()), "names, shapes or their order differ"
    ours.load_state_dict(theirs.state_dict())

    generator = torch.Generator().manual_seed(2)
    images = torch.randn(4, 3, side, side, generator=generator)
    labels = torch.arange(4) % classes
    for training in (False, True):
        outputs = [plain_outputs(model.train(training)(images)) for model in (ours, theirs)]
        assert len(outputs[0]) == len(outputs[1]), f"one has more auxiliary heads with training={training}"
        for mine, other in zip(*outputs, strict=True):
            assert torch.equal(mine, other), f"logits differ with training={training}"
    for logits, *auxiliary in outputs:
        loss = F.cross_entropy(logits, labels)
        for head in auxiliary:
            loss = loss + F.cross_entropy(head, labels)
        loss.backward()
    for (name, learned), parameter in zip(ours.named_parameters(), theirs.parameters(), strict=True):
        assert torch.equal(learned.grad, parameter.grad), f"the gradients of {name} differ"
    for (name, buffer), (_, other) in zip(ours.named_buffers(), theirs.named_buffers(), strict=True):
        assert torch.equal(buffer, other), f"the running statistics {name} differ"


def check_densenet() -> None:
    """Compares DenseNet-121 and a small network."""
    imagenet: dict[str, Any] = {
        "bottleneck": True,
        "compression": 0.5,
        "stem": "imagenet",
        "initialization": "he-fan-in",
    }
    equal_to(
        torchvision.models.densenet121(weights=None),
        densenet.Options(block_layers=(6, 12, 24, 16), growth_rate=32, initial_channels=64, **imagenet),
        classes=1000,
        side=64,
    )
    equal_to(
        torchvision.models.DenseNet(growth_rate=8, block_config=(2, 3, 2, 2), num_init_features=16, num_classes=7),
        densenet.Options(block_layers=(2, 3, 2, 2), growth_rate=8, initial_channels=16, **imagenet),
        classes=7,
        side=48,
    )


def check_resnet() -> None:
    """Compares ResNet-18, ResNet-50 and smaller ones of both blocks."""
    imagenet: dict[str, Any] = {"initial_channels": 64, "stem": "imagenet", "shortcut": "projection"}
    equal_to(
        torchvision.models.resnet18(weights=None),
        resnet.Options(block_layers=(2, 2, 2, 2), **imagenet),
        classes=1000,
        side=64,
    )
    equal_to(
        torchvision.models.resnet50(weights=None),
        resnet.Options(block_layers=(3, 4, 6, 3), bottleneck=True, **imagenet),
        classes=1000,
        side=64,
    )
    for block in (BasicBlock, Bottleneck):
        equal_to(
            torchvision.models.ResNet(block, [1, 3, 2, 1], num_classes=7),
            resnet.Options(block_layers=(1, 3, 2, 1), bottleneck=block is Bottleneck, **imagenet),
            classes=7,
            side=47,
        )


def check_vgg() -> None:
    """Compares VGG-11 with and without batch norm, at sides whose last maps are below 7x7 and above."""
    for batch_norm, side in ((False, 40), (True, 256)):
        make = torchvision.models.vgg11_bn if batch_norm else torchvision.models.vgg11
        equal_to(
            make(weights=None, num_classes=7, dropout=0.0),
            vgg.Options(block_layers=(1, 1, 2, 2, 2), batch_norm=batch_norm, dropout=0.0),
            classes=7,
            side=side,
        )


def check_googlenet() -> None:
    """Compares GoogLeNet with and without auxiliary heads, at sides whose maps the heads pool up and down."""
    for heads, side in ((False, 40), (True, 95), (True, 40)):
        equal_to(
            torchvision.models.GoogLeNet(7, aux_logits=heads, init_weights=False, dropout=0.0, dropout_aux=0.0),
            googlenet.Options(auxiliary_heads=heads, dropout=0.0, auxiliary_dropout=0.0),
            classes=7,
            side=side,
        )


def check_inception_v3() -> None:
    """Compares Inception-v3 at the least sides that it takes with its auxiliary head and without."""
    for heads, side in ((False, 75), (True, 299)):
        equal_to(
            torchvision.models.Inception3(7, aux_logits=heads, init_weights=False, dropout=0.0),
            inception_v3.Options(auxiliary_heads=heads, dropout=0.0),
            classes=7,
            side=side,
        )


CHECKS: dict[str, Callable[[], None]] = {
    "densenet": check_densenet,
    "resnet": check_resnet,
    "vgg": check_vgg,
    "googlenet": check_googlenet,
    "inception-v3": check_inception_v3,
}


def check(family: str) -> None:
    """Compares networks of a family; raises AssertionError where they are not torchvision's."""
    torch.manual_seed(0)
    CHECKS[family]()


if __name__ == "__main__":
    for family in CHECKS:
        check(family)
        print(f"{family}.py is the network of torchvision {torchvision.__version__}, bit for bit")
