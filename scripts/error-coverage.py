#!/usr/bin/env python3
"""Simulates how often the 95 % interval of a test error covers the truth: over seeds alone, and over seeds and test images.

    python3 scripts/error-coverage.py [--rounds 4000]

The truth is a network's error over the seeds and over the population that the test images are drawn from. Each image has
a difficulty: the share of seeds that get it wrong, drawn from a beta distribution whose mean is the error (most images are
easy, a few are hard for almost every seed). Each seed is a little better or worse on all of them. What is drawn is
independent of densenet-bench; `interval` is the formula of src/statistics/error_interval.rs. Needs NumPy and SciPy.
"""

import argparse

import numpy as np
from scipy import stats

SEEDS = (2, 3, 5, 10, 20)
IMAGES = (360, 10_000)
# A small error of small networks on easy data, one of CIFAR-10, and a large one; the standard deviation of the seeds' own
# errors beside each; and one whose seeds differ much more than images do.
CASES = ((0.025, 0.003), (0.07, 0.002), (0.07, 0.012), (0.30, 0.005))
# The first parameter of the beta distribution: with small ones hard images are hard for every seed, and at the limit all
# seeds miss the same images.
CONCENTRATION = 0.05


def interval(errors: np.ndarray, images: int, over_images: bool) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper ends, of each row of `errors` (seeds in columns)."""
    seeds = errors.shape[1]
    mean = errors.mean(axis=1)
    half = stats.t.ppf(0.975, seeds - 1) * np.sqrt(errors.var(axis=1, ddof=1) / seeds)
    if over_images:
        shrunk = (mean * images + 2) / (images + 4)
        half = np.hypot(half, stats.norm.ppf(0.975) * np.sqrt(shrunk * (1 - shrunk) / images))
    return np.maximum(mean - half, 0), np.minimum(mean + half, 1)


def simulate(generator: np.random.Generator, error: float, deviation: float, seeds: int, images: int) -> np.ndarray:
    """The errors of one study: how many of the images each seed gets wrong."""
    difficulty = generator.beta(CONCENTRATION, CONCENTRATION * (1 - error) / error, images)
    shift = generator.normal(0, deviation, seeds) / error
    wrong = generator.random((seeds, images)) < np.clip(difficulty * (1 + shift[:, None]), 0, 1)
    return wrong.mean(axis=1)


def main() -> None:
    """Prints the coverage and the mean width of both intervals."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=4000)
    rounds = parser.parse_args().rounds
    generator = np.random.default_rng(0)
    print("| error (%) | spread of the seeds (points) | images | seeds | covered over seeds alone (%) | width (points) | over seeds and images (%) | width |")
    print("|---:|---:|---:|---:|---:|---:|---:|---:|")
    for error, deviation in CASES:
        for images in IMAGES:
            for seeds in SEEDS:
                errors = np.array([simulate(generator, error, deviation, seeds, images) for _ in range(rounds)])
                cells = []
                for over_images in (False, True):
                    low, high = interval(errors, images, over_images)
                    covered = np.mean((low <= error) & (error <= high))
                    cells += [f"{100 * covered:.1f}", f"{100 * np.mean(high - low):.2f}"]
                print(f"| {100 * error:g} | {100 * deviation:g} | {images:,} | {seeds} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
