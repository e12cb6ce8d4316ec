#!/usr/bin/env python3
"""Writes tests/fixtures/statistics.json: what SciPy says of a few groups of samples, of paired differences, of medians
and of the ratio of two measurements, for tests/statistics.rs.

Run it with any Python that has SciPy (the fixtures in the repository: SciPy 1.17.1, NumPy as printed into the file):

    python3 -m venv /tmp/scipy && /tmp/scipy/bin/pip install scipy==1.17.1
    /tmp/scipy/bin/python scripts/fixtures-statistics.py

The samples are drawn from a fixed seed, so that a second run writes the same file.
"""

import json
import pathlib

import numpy
import scipy
from scipy import stats

draws = numpy.random.default_rng(20161)
GROUPS = {
    "two seeds": [0.0451, 0.0467],
    "three seeds": [0.0451, 0.0467, 0.0459],
    "three seeds, two of them equal": [0.0361, 0.0361, 0.0389],
    "five losses over several magnitudes": [2.3e-4, 1.9e-3, 0.41, 1.7, 12.0],
    "negative and positive": [-3.5, 1.25, 0.0, 8.75, -0.125, 2.0],
    "thirty step times in nanoseconds": [float(t) for t in draws.integers(41_000_000, 44_000_000, 30)],
    "a large mean with a small spread": [1e9 + x for x in (0.125, 0.25, 0.5, 0.75)],
    "two hundred normal draws": [float(x) for x in draws.normal(3.0, 2.0, 200)],
}
SHARES = [0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0]


def described(name, samples):
    n = len(samples)
    low, high = stats.t.interval(0.95, n - 1, loc=numpy.mean(samples), scale=stats.sem(samples))
    return {
        "name": name,
        "samples": samples,
        "mean": float(numpy.mean(samples)),
        "standard_deviation": float(numpy.std(samples, ddof=1)),
        "interval": [float(low), float(high)],
        "median": float(numpy.median(samples)),
        "median_absolute_deviation": float(stats.median_abs_deviation(samples)),
        "quantiles": [[share, float(numpy.quantile(samples, share))] for share in SHARES],
    }


# Paired differences: of errors that are multiples of 1/360, of losses, with zeros, with ties, of rates.
PAIRS = {
    "three seeds that agree": ([0.05, 0.0472, 0.0444], [0.0417, 0.0389, 0.0417]),
    "five seeds, one of them against": ([0.41, 0.43, 0.40, 0.44, 0.42], [0.39, 0.40, 0.41, 0.40, 0.41]),
    "errors with ties and a zero": (
        [x / 360 for x in (12, 15, 9, 11, 10, 14, 13, 12)],
        [x / 360 for x in (10, 12, 9, 12, 8, 11, 12, 11)],
    ),
    "twelve losses": (
        [float(x) for x in draws.normal(0.50, 0.03, 12)],
        [float(x) for x in draws.normal(0.48, 0.03, 12)],
    ),
    "sixteen rates": (
        [float(x) for x in draws.normal(800.0, 20.0, 16)],
        [float(x) for x in draws.normal(815.0, 20.0, 16)],
    ),
    "twenty skewed differences": (
        [float(x) for x in draws.exponential(1.0, 20)],
        [float(x) for x in draws.exponential(1.6, 20)],
    ),
    "twenty-four losses": (
        [float(x) for x in draws.normal(0.50, 0.03, 24)],
        [float(x) for x in draws.normal(0.485, 0.03, 24)],
    ),
}


def sign_flip_p(differences):
    """SciPy's exact permutation test up to 20 pairs; beyond, all sums of either half, matched."""
    if len(differences) <= 20:
        return float(
            stats.permutation_test(
                (differences,),
                lambda x, axis: numpy.mean(x, axis=axis),
                permutation_type="samples",
                n_resamples=numpy.inf,
                vectorized=True,
                batch=1 << 14,
            ).pvalue
        )

    def sums(values):
        found = numpy.zeros(1)
        for value in values:
            found = numpy.concatenate([found + value, found - value])
        return found

    half = len(differences) // 2
    first, second = sums(differences[:half]), numpy.sort(sums(differences[half:]))
    seen = abs(sum(differences)) - 1e-12 * sum(abs(d) for d in differences)
    at_most = numpy.searchsorted(second, -seen - first, side="right")
    at_least = len(second) - numpy.searchsorted(second, seen - first, side="left")
    return float((at_most.sum() + at_least.sum()) / 2.0 ** len(differences))


def paired(name, a, b):
    differences = [y - x for x, y in zip(a, b)]
    n = len(differences)
    low, high = stats.ttest_rel(b, a).confidence_interval(0.95)
    # Hesterberg's expanded percentiles, handed to SciPy as the confidence of a plain percentile bootstrap.
    tail = stats.norm.cdf(numpy.sqrt(n / (n - 1)) * stats.t.ppf(0.025, n - 1))
    bootstrap = stats.bootstrap(
        (differences,),
        numpy.mean,
        confidence_level=1 - 2 * tail,
        n_resamples=200_000,
        method="percentile",
        vectorized=True,
        batch=10_000,
        rng=numpy.random.default_rng(1),
    ).confidence_interval
    return {
        "name": name,
        "a": a,
        "b": b,
        "mean": float(numpy.mean(differences)),
        "student_t": [float(low), float(high)],
        "bootstrap": [float(bootstrap.low), float(bootstrap.high)],
        "sign_flip_p": sign_flip_p(differences),
    }


def step_interval(name, rounds):
    """The interval of the median step from the rounds' medians, widened to hold the median of all steps."""
    logs = [float(numpy.log(numpy.median(r))) for r in rounds]
    error = float(numpy.std(logs, ddof=1) / numpy.sqrt(len(logs)))
    low, high = stats.t.interval(0.95, len(logs) - 1, loc=numpy.mean(logs), scale=error)
    median = float(numpy.median(numpy.concatenate(rounds)))
    return {
        "name": name,
        "rounds": rounds,
        "interval": [min(float(numpy.exp(low)), median), max(float(numpy.exp(high)), median)],
    }


def ratio(name, first, second):
    logs = [[float(numpy.log(numpy.median(r))) for r in side] for side in (first, second)]
    interval = stats.ttest_ind(logs[1], logs[0], equal_var=False).confidence_interval(0.95)
    return {
        "name": name,
        "first": first,
        "second": second,
        "ratio": float(numpy.exp(numpy.mean(logs[1]) - numpy.mean(logs[0]))),
        "interval": [float(numpy.exp(interval.low)), float(numpy.exp(interval.high))],
    }


def paired_ratio(name, first, second):
    """Rounds that took turns: SciPy's paired t on the logarithms of their medians."""
    logs = [[float(numpy.log(numpy.median(r))) for r in side] for side in (first, second)]
    interval = stats.ttest_rel(logs[1], logs[0]).confidence_interval(0.95)
    return {
        "name": name,
        "first": first,
        "second": second,
        "ratio": float(numpy.exp(numpy.mean(logs[1]) - numpy.mean(logs[0]))),
        "interval": [float(numpy.exp(interval.low)), float(numpy.exp(interval.high))],
    }


def crossed(name, outcomes, more):
    """The mean over seeds (rows) and images (columns): an analysis of variance by sums of squares about zero, with so many
    more images of each outcome in `more`."""
    seeds, images = outcomes.shape
    correction = outcomes.sum() ** 2 / outcomes.size
    total = (outcomes**2).sum() - correction
    of_seeds = (outcomes.sum(axis=1) ** 2).sum() / images - correction
    of_images = (outcomes.sum(axis=0) ** 2).sum() / seeds - correction
    rest = (total - of_seeds - of_images) / ((seeds - 1) * (images - 1))
    mean = outcomes.mean()
    added = sum(count * (value - mean) ** 2 for value, count in more.items())
    own = max(0.0, (of_images / seeds + added) / (images + sum(more.values()) - 1) - rest / seeds)
    t, z = stats.t.ppf(0.975, seeds - 1), stats.norm.ppf(0.975)
    half = numpy.sqrt(max(t**2 * of_seeds / images / (seeds - 1), z**2 * rest / images) / seeds + z**2 * own / images)
    return {
        "name": name,
        # A letter for each image, a text for each seed.
        "outcomes": ["".join({-1: "-", 0: "0", 1: "1"}[int(outcome)] for outcome in seed) for seed in outcomes],
        "mean": float(mean),
        "interval": [float(mean - half), float(mean + half)],
    }


def outcomes(error, seeds, images):
    """Whether each seed gets each image wrong; images differ in how hard they are."""
    hard = draws.beta(0.05, 0.05 * (1 - error) / error, images)
    return (draws.random((seeds, images)) < hard).astype(float)


def rounds(level, spread, sizes):
    return [
        [float(round(x)) for x in level * numpy.exp(draws.normal(0, spread) + draws.normal(0, 0.02, size))]
        for size in sizes
    ]


def main():
    ratios = [
        ratio("three rounds each", rounds(41e6, 0.01, (4, 3, 3)), rounds(37e6, 0.01, (4, 3, 3))),
        ratio("five rounds and two", rounds(2e6, 0.03, (6,) * 5), rounds(2.1e6, 0.005, (10, 10))),
    ]
    paired_ratios = [
        paired_ratio("five rounds", rounds(41e6, 0.05, (2,) * 5), rounds(37e6, 0.05, (2,) * 5)),
        paired_ratio("nine rounds of several steps", rounds(2e6, 0.02, (7,) * 9), rounds(2.4e6, 0.02, (5,) * 9)),
    ]
    intervals = [
        step_interval("three rounds", rounds(41e6, 0.03, (4, 3, 3))),
        step_interval("nine rounds", rounds(5e5, 0.03, (10,) * 9)),
        step_interval("two levels", [[1e6] * 3] * 5 + [[2e6] * 3] * 4),
    ]
    shared = outcomes(0.05, 5, 360)
    worse = numpy.maximum(shared, outcomes(0.02, 5, 360))
    fixtures = {
        "scipy": scipy.__version__,
        "numpy": numpy.__version__,
        "groups": [described(name, samples) for name, samples in GROUPS.items()],
        "student_t": [
            [probability, degrees, float(stats.t.ppf(probability, degrees))]
            for probability in (0.025, 0.5, 0.9, 0.95, 0.975, 0.995)
            for degrees in (1, 2, 3, 4, 9, 30, 199)
        ],
        "pairs": [paired(name, *sides) for name, sides in PAIRS.items()],
        "ratios": ratios,
        "paired_ratios": paired_ratios,
        "step_intervals": intervals,
        "crossed_errors": [
            crossed("three seeds", outcomes(0.03, 3, 360), {0: 2, 1: 2}),
            crossed("ten seeds", outcomes(0.3, 10, 100), {0: 2, 1: 2}),
            crossed("no wrong image", numpy.zeros((3, 50)), {0: 2, 1: 2}),
            crossed("other images each", numpy.kron(numpy.eye(3), numpy.ones((1, 9))), {0: 2, 1: 2}),
        ],
        "crossed_differences": [
            crossed("five seeds", worse - shared, {-1: 0.5, 0: 1, 1: 0.5}),
            crossed("two seeds", outcomes(0.1, 2, 80) - outcomes(0.2, 2, 80), {-1: 0.5, 0: 1, 1: 0.5}),
        ],
    }
    path = pathlib.Path(__file__).parent.parent / "tests" / "fixtures" / "statistics.json"
    path.write_text(json.dumps(fixtures, indent=1) + "\n")
    print(f"wrote {path}")


if __name__ == "__main__":
    main()
