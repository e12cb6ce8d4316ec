#!/usr/bin/env python3
"""Compares how fast densenet-bench and torchvision load the same JPEG files: read, decode, resize, cut, normalise.

usage: scripts/loader-speed [--images N] [--rounds N] [--out FILE.json] [--keep DIR]

The files are generated: 500x375 pixels, JPEG of quality 90 with 4:2:0 sampling, with the spectrum of photographs (amplitude
1/f), in two classes laid out as ImageNet. Two kinds of loading are timed: `train` (a random part resized to 224x224,
mirrored) and `test` (the short side resized to 256, the middle 224x224 cut out), each on one core without workers, and on
two cores with two workers. torchvision's side is its ImageFolder, transforms and DataLoader, with Pillow, as its
references train. densenet-bench is timed twice, without and with `scaled-decoding`.

Each round times every configuration once, in processes of their own, and every second round in the opposite order, so
that a machine that drifts touches all alike. A process makes one pass that is not counted, and then one that is. Printed
are medians over the rounds, the slowest and the fastest round, and the median of the rounds' ratios to torchvision.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

HERE = Path(__file__).resolve().parent
BATCH_SIZE = 64
MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
TORCHVISION = "torchvision"
SIDES = [TORCHVISION, "densenet-bench", "densenet-bench, scaled decoding"]


@dataclass(frozen=True)
class Configuration:
    """What is loaded and how."""

    side: str
    split: str
    workers: int

    def group(self) -> tuple[str, int]:
        """What configurations of different sides have in common."""
        return self.split, self.workers


CONFIGURATIONS = [
    Configuration(side, split, workers) for split in ("train", "test") for workers in (0, 2) for side in SIDES
]


def generate(folder: Path, images: int) -> int:
    """Writes `images` files to each split; gives their mean length in bytes."""
    import numpy as np
    from PIL import Image

    draws = np.random.default_rng(500)
    width, height = 500, 375
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None, :])
    frequency[0, 0] = 1.0
    lengths = []

    def field() -> np.ndarray:
        phases = np.exp(2j * np.pi * draws.random(frequency.shape))
        values = np.fft.irfft2(phases / frequency, s=(height, width))
        return (values - values.mean()) / values.std()

    for split in ("train", "val"):
        for index in range(images):
            path = folder / split / ["n01440764", "n01443537"][index % 2] / f"{index}.JPEG"
            path.parent.mkdir(parents=True, exist_ok=True)
            # Colours follow the brightness, as in photographs.
            brightness = field()
            channels = [115 + 55 * (0.9 * brightness + 0.45 * field()) for _ in range(3)]
            pixels = np.clip(np.dstack(channels), 0, 255).astype("u1")
            Image.fromarray(pixels).save(path, "JPEG", quality=90, subsampling="4:2:0")
            lengths.append(path.stat().st_size)
    return sum(lengths) // len(lengths)


def ablation(folder: Path, scaled: bool) -> str:
    """The ablation file of densenet-bench's side."""
    return f"""name = "loading"
question = "How fast are these images loaded?"
[data]
dataset = "imagenet"
path = "{folder}"
augment = "random-resized-crop"
mean = {MEAN}
std = {STD}
scaled-decoding = {str(scaled).lower()}
[model]
preset = "densenet-121"
[train]
epochs = 1
batch-size = {BATCH_SIZE}
"""


def command(configuration: Configuration, arguments: argparse.Namespace, folder: Path) -> list[str]:
    """What times one pass after another."""
    split, workers = configuration.split, str(configuration.workers)
    if configuration.side == TORCHVISION:
        return [sys.executable, str(HERE / "torchvision_side.py"), str(folder), split, workers, str(BATCH_SIZE), "2"]
    file = folder / ("scaled.toml" if configuration.side == SIDES[2] else "plain.toml")
    passes = ["--split", split, "--workers", workers, "--passes", "2"]
    return [str(arguments.program), "loading", str(file), *passes]


def timed(configuration: Configuration, arguments: argparse.Namespace, folder: Path) -> float:
    """Images a second in the last pass of a process of its own."""
    cores = sorted(os.sched_getaffinity(0))[: max(1, configuration.workers)]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    ended = subprocess.run(
        command(configuration, arguments, folder),
        check=False,
        capture_output=True,
        text=True,
        env=environment,
        preexec_fn=lambda: os.sched_setaffinity(0, cores),
    )
    if ended.returncode != 0:
        sys.exit(f"error: {configuration}: {ended.stderr.strip()}")
    last = json.loads(ended.stdout)["passes"][-1]
    return float(last["images"]) / (float(last["wall_ns"]) / 1e9)


def measure(arguments: argparse.Namespace, folder: Path) -> dict[Configuration, list[float]]:
    """Images a second of every configuration, a value a round."""
    rates: dict[Configuration, list[float]] = {configuration: [] for configuration in CONFIGURATIONS}
    for round_ in range(arguments.rounds):
        for configuration in CONFIGURATIONS[:: 1 if round_ % 2 == 0 else -1]:
            rates[configuration].append(timed(configuration, arguments, folder))
        print(f"round {round_ + 1} of {arguments.rounds}", file=sys.stderr)
    return rates


def ratios(rates: dict[Configuration, list[float]], configuration: Configuration) -> list[float]:
    """How many times torchvision's images a second, round by round."""
    of = Configuration(TORCHVISION, *configuration.group())
    return [own / theirs for own, theirs in zip(rates[configuration], rates[of], strict=True)]


def table(rates: dict[Configuration, list[float]]) -> str:
    """A row a configuration, in Markdown."""
    lines = [
        "| images | workers | loader | images/s | slowest to fastest round | times torchvision |",
        "|---|---:|---|---:|---:|---:|",
    ]
    for configuration, values in rates.items():
        times = ratios(rates, configuration)
        spread = f"{min(values):.0f} to {max(values):.0f}"
        ratio = "1" if configuration.side == TORCHVISION else f"{median(times):.2f} ({min(times):.2f} to {max(times):.2f})"
        cells = [configuration.split, configuration.workers, configuration.side, f"{median(values):.0f}", spread, ratio]
        lines.append(f"| {' | '.join(str(cell) for cell in cells)} |")
    return "\n".join(lines)


def record(rates: dict[Configuration, list[float]], mean_bytes: int, arguments: argparse.Namespace) -> dict[str, Any]:
    """Every value, and what it was measured on."""
    import PIL
    import torch
    import torchvision

    return {
        "images": arguments.images,
        "mean_bytes": mean_bytes,
        "batch_size": BATCH_SIZE,
        "cpus": sorted(os.sched_getaffinity(0)),
        "torch": torch.__version__,
        "torchvision": torchvision.__version__,
        "pillow": PIL.__version__,
        "rounds": [
            {
                "side": configuration.side,
                "split": configuration.split,
                "workers": configuration.workers,
                "images_per_second": values,
            }
            for configuration, values in rates.items()
        ],
    }


def main() -> int:
    """Generates the files, times both sides and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", type=Path, required=True, help="densenet-bench; scripts/loader-speed gives it")
    parser.add_argument("--images", type=int, default=256, help="files in each split")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--out", type=Path, help="write every value as JSON")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="generate the files here, and leave them")
    arguments = parser.parse_args()
    if arguments.images < 2 or arguments.rounds < 1:
        parser.error("there have to be two images and a round")
    with tempfile.TemporaryDirectory() as temporary:
        folder = (arguments.keep or Path(temporary)).resolve()
        mean_bytes = generate(folder, arguments.images)
        for name, scaled in (("plain", False), ("scaled", True)):
            (folder / f"{name}.toml").write_text(ablation(folder, scaled), encoding="utf-8")
        rates = measure(arguments, folder)
    print(f"{arguments.images} files a split of 500x375 pixels, {mean_bytes} bytes on average, {arguments.rounds} rounds\n")
    print(table(rates))
    if arguments.out:
        arguments.out.write_text(json.dumps(record(rates, mean_bytes, arguments), indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
