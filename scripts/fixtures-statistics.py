#!/usr/bin/env python3
"""Writes tests/fixtures/statistics.json: what SciPy says of a few groups of samples, for tests/statistics.rs.

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


def main():
    fixtures = {
        "scipy": scipy.__version__,
        "numpy": numpy.__version__,
        "groups": [described(name, samples) for name, samples in GROUPS.items()],
        "student_t": [
            [probability, degrees, float(stats.t.ppf(probability, degrees))]
            for probability in (0.025, 0.5, 0.9, 0.95, 0.975, 0.995)
            for degrees in (1, 2, 3, 4, 9, 30, 199)
        ],
    }
    path = pathlib.Path(__file__).parent.parent / "tests" / "fixtures" / "statistics.json"
    path.write_text(json.dumps(fixtures, indent=1) + "\n")
    print(f"wrote {path}")


if __name__ == "__main__":
    main()
