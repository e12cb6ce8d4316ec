"""Loads a folder of images with torchvision and prints the time of every pass: FOLDER train|test WORKERS BATCH PASSES."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import torch
from speed import MEAN, STD
from torch.utils.data import DataLoader
from torchvision import transforms
from torchvision.datasets import ImageFolder

# As in torchvision's references.
OF_SPLIT = {
    "train": ("train", [transforms.RandomResizedCrop(224), transforms.RandomHorizontalFlip()]),
    "test": ("val", [transforms.Resize(256), transforms.CenterCrop(224)]),
}


def main() -> None:
    """Passes one after the other."""
    folder, split, workers, batch_size, passes = sys.argv[1:]
    torch.set_num_threads(1)
    name, changes = OF_SPLIT[split]
    normalized = [transforms.ToTensor(), transforms.Normalize(MEAN, STD)]
    data = ImageFolder(str(Path(folder) / name), transforms.Compose([*changes, *normalized]))
    loader = DataLoader(
        data,
        batch_size=int(batch_size),
        shuffle=split == "train",
        num_workers=int(workers),
        # The workers live on from pass to pass: to start them takes longer than these passes.
        persistent_workers=int(workers) > 0,
    )
    times = []
    for _ in range(int(passes)):
        begun = time.perf_counter_ns()
        images = sum(len(labels) for _, labels in loader)
        times.append({"images": images, "wall_ns": time.perf_counter_ns() - begun})
    print(json.dumps({"passes": times}))


if __name__ == "__main__":
    main()
