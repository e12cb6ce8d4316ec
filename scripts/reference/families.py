"""The families of networks: each has a file here, and a line in the table. Needs `torch` alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from typing import Any

import densenet
import googlenet
import inception_v3
import preact_resnet
import resnet
import vgg
import wide_resnet
from torch import nn


@dataclass(frozen=True)
class Family:
    """The class of a family's options, and that of its networks: `network(options, classes, image_channels)`."""

    options: Any
    network: Callable[..., nn.Module]


FAMILIES = {
    "densenet": Family(densenet.Options, densenet.DenseNet),
    "resnet": Family(resnet.Options, resnet.ResNet),
    "wide-resnet": Family(wide_resnet.Options, wide_resnet.WideResNet),
    "preact-resnet": Family(preact_resnet.Options, preact_resnet.PreActResNet),
    "vgg": Family(vgg.Options, vgg.VGG),
    "googlenet": Family(googlenet.Options, googlenet.GoogLeNet),
    "inception-v3": Family(inception_v3.Options, inception_v3.InceptionV3),
}
# What a model is of that names no family.
DEFAULT = "densenet"


def build(model: dict[str, Any], classes: int, image_channels: int) -> nn.Module:
    """The network of a `[model]`, as densenet-bench serialises it."""
    given = dict(model)
    name = given.pop("family", DEFAULT)
    if name not in FAMILIES:
        raise ValueError(f"unknown family '{name}'; there are {', '.join(FAMILIES)}")
    family = FAMILIES[name]
    values = {key: tuple(value) if isinstance(value, list) else value for key, value in given.items()}
    return family.network(family.options(**values), classes, image_channels)


def to_json(options: Any) -> dict[str, Any]:
    """The JSON object of a model of any family: what `build` reads."""
    name = next(name for name, family in FAMILIES.items() if isinstance(options, family.options))
    named = {} if name == DEFAULT else {"family": name}
    unwritten = {f.name for f in fields(options) if f.metadata.get("later") and getattr(options, f.name) == f.default}
    written = {key: value for key, value in asdict(options).items() if key not in unwritten}
    values = {key: list(value) if isinstance(value, tuple) else value for key, value in written.items()}
    return {**named, **values}
