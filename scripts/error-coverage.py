#!/usr/bin/env python3
"""Simulates how often 95 % intervals of a test error, and of the difference of two, cover the truth.

    python3 scripts/error-coverage.py [--rounds 2000]

Four intervals: of the error over the seeds alone (what Student's t says); of the error over seeds and test images where
only each seed's error is known (src/statistics/error_interval.rs); of the error where it is known which images each seed got
wrong (src/statistics/crossed.rs); and of the difference of two networks' errors, paired on seeds and images.

The truth is a network's error over the seeds and over the population that the test images are drawn from. Each image has
a difficulty: the share of seeds that get it wrong, drawn from a beta distribution whose mean is the error (most images are
easy, a few are hard for almost every seed). Each seed is a little better or worse on all of them. Of two networks the second
has four fifths of the first's error; on seven of ten images its difficulty is four fifths of the first's, on the others it is
drawn anew. What is drawn is independent of densenet-bench. Needs NumPy and SciPy.
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
# Of two networks: the second's error over the first's, and the share of images that are as hard for both.
BETTER = 0.8
ALIKE = 0.7
NORMAL = stats.norm.ppf(0.975)


def over_seeds(outcomes: np.ndarray) -> float:
    """The half-width by Student's t over the seeds, which are the rows."""
    seeds = len(outcomes)
    return float(stats.t.ppf(0.975, seeds - 1) * outcomes.mean(axis=1).std(ddof=1) / np.sqrt(seeds))


def with_images(outcomes: np.ndarray) -> float:
    """Where the rows' means alone are known: with the largest variance that the images can have."""
    mean, images = outcomes.mean(), outcomes.shape[1]
    shrunk = (mean * images + 2) / (images + 4)
    return float(np.hypot(over_seeds(outcomes), NORMAL * np.sqrt(shrunk * (1 - shrunk) / images)))


def crossed(outcomes: np.ndarray, more: dict[int, float]) -> float:
    """Seeds and images as crossed random factors, with so many more images of each outcome in `more`."""
    seeds, images = outcomes.shape
    mean, of_seed, of_image = outcomes.mean(), outcomes.mean(axis=1), outcomes.mean(axis=0)
    rest = np.sum((outcomes - of_seed[:, None] - of_image + mean) ** 2) / ((seeds - 1) * (images - 1))
    added = sum(count * (value - mean) ** 2 for value, count in more.items())
    own = (np.sum((of_image - mean) ** 2) + added) / (images + sum(more.values()) - 1) - rest / seeds
    squared = max(stats.t.ppf(0.975, seeds - 1) ** 2 * of_seed.var(ddof=1), NORMAL**2 * rest / images) / seeds
    return float(np.sqrt(squared + NORMAL**2 * max(own, 0) / images))


class Study:
    """What is drawn of one case: two networks on the same images, with the same seeds' numbers."""

    def __init__(self, generator: np.random.Generator, error: float, deviation: float, seeds: int, images: int) -> None:
        def wrong(error: float, difficulty: np.ndarray) -> np.ndarray:
            shift = 1 + generator.normal(0, deviation, seeds) / error
            return (generator.random((seeds, images)) < np.clip(difficulty * shift[:, None], 0, 1)).astype(float)

        def difficulties(error: float) -> np.ndarray:
            return generator.beta(CONCENTRATION, CONCENTRATION * (1 - error) / error, images)

        first = difficulties(error)
        second = np.where(generator.random(images) < ALIKE, BETTER * first, difficulties(BETTER * error))
        self.first, self.second = wrong(error, first), wrong(BETTER * error, second)


def main() -> None:
    """Prints the coverage and the mean width of each interval."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=2000)
    rounds = parser.parse_args().rounds
    generator = np.random.default_rng(0)
    named = ("over seeds alone", "errors known", "images known", "difference")
    print(f"| error (%) | spread of the seeds (points) | images | seeds | {' | width | '.join(f'{name} (%)' for name in named)} | width |")
    print("|---:|---:|---:|---:|" + "---:|---:|" * len(named))
    for error, deviation in CASES:
        for images in IMAGES:
            for seeds in SEEDS:
                covered, width = np.zeros(len(named)), np.zeros(len(named))
                for _ in range(rounds):
                    study = Study(generator, error, deviation, seeds, images)
                    apart = study.second - study.first
                    halves = np.array([
                        over_seeds(study.first),
                        with_images(study.first),
                        crossed(study.first, {0: 2, 1: 2}),
                        crossed(apart, {-1: 0.5, 0: 1, 1: 0.5}),
                    ])
                    off = abs(study.first.mean() - error)
                    covered += [*(off <= halves[:3]), abs(apart.mean() - (BETTER - 1) * error) <= halves[3]]
                    width += 2 * halves
                cells = [f"{100 * c / rounds:.1f} | {100 * w / rounds:.2f}" for c, w in zip(covered, width, strict=True)]
                print(f"| {100 * error:g} | {100 * deviation:g} | {images:,} | {seeds} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
