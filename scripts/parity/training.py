"""A whole training in PyTorch, as an eager user writes it, by the recipe of a trial of densenet-bench. Everything random is
PyTorch's own: the initialisation and the orders come from its generators, so that nothing but the recipe is shared."""

from __future__ import annotations

import gzip
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "reference"))

import families
import numpy as np
import torch
from auxiliary import loss_of
from torch import Tensor

DIGITS = Path(__file__).resolve().parent.parent.parent / "src" / "data_sets" / "digits.csv.gz"
TRAINING_ROWS = 1437


class Digits:
    """The digits: training images first, normalised by their mean and deviation."""

    def __init__(self) -> None:
        with gzip.open(DIGITS, "rt") as file:
            rows = np.loadtxt(file, delimiter=",", dtype=np.float64)
        images = rows[:, :64].reshape(-1, 1, 8, 8) / 16
        training = images[:TRAINING_ROWS]
        values = torch.from_numpy(((images - training.mean()) / training.std()).astype(np.float32))
        labels = torch.from_numpy(rows[:, 64].astype(np.int64))
        self.train = (values[:TRAINING_ROWS], labels[:TRAINING_ROWS])
        self.test = (values[TRAINING_ROWS:], labels[TRAINING_ROWS:])


def learning_rate(train: dict[str, Any], epoch: int, epochs: int) -> float:
    """Times gamma for each milestone at or before the epoch's start."""
    schedule = train["schedule"]
    if schedule["kind"] != "step":
        raise ValueError(f"the schedule {schedule['kind']} is not carried out here; write schedule = \"step\"")
    passed = sum(epoch / epochs >= milestone for milestone in schedule["milestones"])
    return float(train["learning_rate"] * schedule["gamma"] ** passed)


def trained_error(settings: dict[str, Any], seed: int, digits: Digits) -> float:
    """Trains a network with a seed and gives its share of wrong test images after the last epoch."""
    train = settings["train"]
    torch.manual_seed(seed)
    model = families.build(settings["model"], classes=10, image_channels=1)
    optimizer = torch.optim.SGD(
        model.parameters(),
        lr=train["learning_rate"],
        momentum=train["momentum"],
        nesterov=train["nesterov"],
        weight_decay=train["weight_decay"],
    )
    images, labels = digits.train
    epochs = train["duration"]["epochs"]
    for epoch in range(epochs):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(train, epoch, epochs)
        model.train()
        for batch in torch.randperm(len(images)).split(train["batch_size"]):
            optimizer.zero_grad(set_to_none=True)
            loss_of(model(images[batch]), labels[batch]).backward()
            optimizer.step()
    return error_of(model, *digits.test)


def error_of(model: torch.nn.Module, images: Tensor, labels: Tensor) -> float:
    """The share of images whose largest logit is not their label's."""
    model.eval()
    with torch.inference_mode():
        return float((model(images).argmax(dim=1) != labels).double().mean())
