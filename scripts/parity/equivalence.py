"""Whether two groups of errors are equivalent: Welch's interval of their difference, and two one-sided tests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from scipy import stats

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Equivalence:
    """The difference of two means, the second's less the first's."""

    difference: float
    low: float
    high: float
    # The larger p of the two one-sided tests of Welch's t: that the difference is not below the margin, and that it is not
    # above its negative (Schuirmann 1987).
    p: float
    # Of equal spreads, by Brown and Forsythe's test, which a single far seed does not decide.
    p_of_spreads: float


def equivalence(first: Sequence[float], second: Sequence[float], margin: float) -> Equivalence:
    """Compares two groups of at least two errors each, against a margin in the errors' unit."""
    interval = stats.ttest_ind(second, first, equal_var=False).confidence_interval(CONFIDENCE)
    # Shifted by the margin, the difference is tested against zero.
    below = stats.ttest_ind([error - margin for error in second], first, equal_var=False, alternative="less").pvalue
    above = stats.ttest_ind([error + margin for error in second], first, equal_var=False, alternative="greater").pvalue
    spreads = stats.levene(first, second, center="median").pvalue
    difference = fmean(second) - fmean(first)
    return Equivalence(difference, float(interval.low), float(interval.high), float(max(below, above)), float(spreads))


def spread(errors: Sequence[float]) -> str:
    """Mean and sample standard deviation in percent."""
    return f"{100 * fmean(errors):.2f} ± {100 * stdev(errors):.2f}"
