"""Intervals of step times and of their ratios from rounds, as `src/statistics/rounds.rs` computes them: Student's t on the
logarithms of the rounds' medians."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean, median, stdev

# The fewest rounds for the interval of a median, and for that of a ratio.
OF_AN_INTERVAL = 3
OF_A_RATIO = 5

Interval = tuple[float, float]


def step_interval(rounds: Sequence[Sequence[int]]) -> Interval | None:
    """The 95 % interval of the median step, widened to hold the median of all steps."""
    if len(rounds) < OF_AN_INTERVAL:
        return None
    low, high = t_interval([math.log(median(steps)) for steps in rounds])
    middle = median(step for steps in rounds for step in steps)
    return min(math.exp(low), middle), max(math.exp(high), middle)


def paired_ratio(first: Sequence[Sequence[int]], second: Sequence[Sequence[int]]) -> tuple[float | None, Interval | None]:
    """The second's step time over the first's in the rounds that both have, and its 95 % interval."""
    logs = [math.log(median(b) / median(a)) for a, b in zip(first, second, strict=False)]
    if not logs:
        return None, None
    ratio = math.exp(fmean(logs))
    if len(logs) < OF_A_RATIO:
        return ratio, None
    low, high = t_interval(logs)
    return ratio, (math.exp(low), math.exp(high))


def t_interval(samples: Sequence[float]) -> Interval:
    """The 95 % interval of the mean of at least two samples by Student's t."""
    half = t_quantile(len(samples) - 1) * stdev(samples) / math.sqrt(len(samples))
    return fmean(samples) - half, fmean(samples) + half


def t_quantile(degrees: int) -> float:
    """The 97.5 % quantile of Student's t, found by halving."""
    low, high = 0.0, 13.0
    while high - low > 1e-12:
        middle = (low + high) / 2
        low, high = (middle, high) if t_below(middle, degrees) < 0.975 else (low, middle)
    return (low + high) / 2


def t_below(value: float, degrees: int) -> float:
    """The probability that Student's t stays below a positive value: closed forms for whole degrees of freedom
    (Abramowitz and Stegun 1964, 26.7.3 and 26.7.4)."""
    angle = math.atan(value / math.sqrt(degrees))
    sine, square = math.sin(angle), math.cos(angle) ** 2
    odd = degrees % 2
    term, total = (math.cos(angle), 0.0) if odd else (1.0, 0.0)
    # Of odd degrees the factors are 2/3, 4/5, ..., of even ones 1/2, 3/4, ...
    for step in range((degrees - odd) // 2):
        total += term
        term *= square * (2 * step + 1 + odd) / (2 * step + 2 + odd)
    within = (2 / math.pi) * (angle + sine * total) if odd else sine * total
    return 0.5 + within / 2
