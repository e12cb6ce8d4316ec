#!/usr/bin/env python3
"""How often intervals of 95 % cover: the simulations behind the choices in docs/methodology.md, "The statistics".

Run it with the Python of scripts/fixtures-statistics.py. It prints five tables: intervals of the mean of paired
differences, of a measurement's median step, of the ratio of two measurements (unpaired, and of rounds that took turns),
and false alarms of the rules for steps that are not steady.
"""

import numpy
from scipy import stats

draws = numpy.random.default_rng(20161)
SETS = 1500
RESAMPLES = 1000

DIFFERENCES = {
    "normal": (lambda n: draws.normal(size=n), 0.0),
    "uniform": (lambda n: draws.uniform(-1, 1, size=n), 0.0),
    "Student's t with 3 degrees": (lambda n: draws.standard_t(3, size=n), 0.0),
    "rounded to few values": (lambda n: numpy.round(1.5 * draws.normal(size=n)), 0.0),
    "exponential": (lambda n: draws.exponential(size=n), 1.0),
}


def mean_intervals(samples):
    n, mean = len(samples), samples.mean()
    half_width = stats.t.ppf(0.975, n - 1) * samples.std(ddof=1) / numpy.sqrt(n)
    means = samples[draws.integers(0, n, (RESAMPLES, n))].mean(1)
    tail = stats.norm.cdf(numpy.sqrt(n / (n - 1)) * stats.t.ppf(0.025, n - 1))
    bias = stats.norm.ppf((numpy.sum(means < mean) + 0.5 * numpy.sum(means == mean)) / RESAMPLES)
    left_out = (samples.sum() - samples) / (n - 1)
    skew = left_out.mean() - left_out
    acceleration = (skew**3).sum() / (6 * (skew**2).sum() ** 1.5)
    z = bias + stats.norm.ppf([0.025, 0.975])
    return {
        "Student's t": (mean - half_width, mean + half_width),
        "percentile": numpy.quantile(means, [0.025, 0.975]),
        "BCa": numpy.quantile(means, stats.norm.cdf(bias + z / (1 - acceleration * z))),
        "expanded percentile": numpy.quantile(means, [tail, 1 - tail]),
    }


def cover_means():
    for n in (10, 20):
        for name, (draw, truth) in DIFFERENCES.items():
            covered = {}
            for _ in range(SETS):
                samples = draw(n)
                while samples.std() == 0:
                    samples = draw(n)
                for method, (low, high) in mean_intervals(samples).items():
                    covered[method] = covered.get(method, 0) + (low <= truth <= high)
            print(f"n = {n}, {name}: {shares(covered)}", flush=True)


def median_intervals(steps):
    """Of an array [round, step] of logarithms of step times."""
    medians = numpy.median(steps, axis=1)
    n = len(medians)
    half_width = stats.t.ppf(0.975, n - 1) * medians.std(ddof=1) / numpy.sqrt(n)
    pooled = numpy.sort(steps.reshape(-1))
    ranks = [k for k in range(1, len(pooled) // 2 + 1) if 1 - 2 * stats.binom.cdf(k - 1, len(pooled), 0.5) >= 0.95]
    intervals = {"t on rounds": (medians.mean() - half_width, medians.mean() + half_width)}
    if ranks:
        intervals["ranks of pooled steps"] = (pooled[ranks[-1] - 1], pooled[-ranks[-1]])
    return intervals


def cover_medians():
    """Processes spread by 3 %; the truth is the median of all processes."""
    for rounds, steps in ((3, 3), (3, 10), (5, 2), (5, 10), (9, 2), (9, 10)):
        for within in (0.01, 0.03, 0.05):
            covered = {}
            for _ in range(SETS):
                drawn = 0.03 * draws.normal(size=(rounds, 1)) + within * draws.normal(size=(rounds, steps))
                for method, (low, high) in median_intervals(drawn).items():
                    covered[method] = covered.get(method, 0) + (low <= 0 <= high)
            print(f"{rounds} rounds of {steps} steps, steps {within}: {shares(covered)}", flush=True)


def cover_ratios_in_turns():
    """Rounds slowed as a whole by 8 %, processes by 3 or 5 %, steps by 2 %: paired t on the rounds' ratios, and Welch."""
    for between in (0.03, 0.05):
        for rounds, steps in ((3, 3), (5, 2), (5, 10), (9, 2)):
            covered, seen, width = {}, {}, {}
            for _ in range(SETS):
                shared = 0.08 * draws.normal(size=(rounds, 1))
                a, b = (
                    numpy.median(
                        shared + between * draws.normal(size=(rounds, 1)) + 0.02 * draws.normal(size=(rounds, steps)),
                        axis=1,
                    )
                    for _ in range(2)
                )
                for method, test in (
                    ("paired", stats.ttest_rel(b, a)),
                    ("Welch", stats.ttest_ind(b, a, equal_var=False)),
                ):
                    low, high = test.confidence_interval(0.95)
                    covered[method] = covered.get(method, 0) + (low <= 0 <= high)
                    seen[method] = seen.get(method, 0) + (low + numpy.log(1.2) > 0)
                    width[method] = width.get(method, 0) + (numpy.exp(high) - numpy.exp(low)) / SETS
            widths = ", ".join(f"{method} {mean:.3f}" for method, mean in width.items())
            print(
                f"processes {between}, {rounds} rounds of {steps} steps: covers {shares(covered)}; "
                f"power for 20 %: {shares(seen)}; mean width at 1: {widths}",
                flush=True,
            )


def false_alarms_of_rounds():
    """The rule within rounds of three steps: t at 99 % on the differences of last and first steps, and 5 %."""
    for spread in (0.02, 0.05, 0.1):
        for rounds in (3, 5):
            steps = 1 + spread * draws.normal(size=(20_000, rounds, 3))
            apart = steps[:, :, 2] - steps[:, :, 0]
            half = stats.t.ppf(0.995, rounds - 1) * apart.std(ddof=1, axis=1) / numpy.sqrt(rounds)
            mean = numpy.abs(apart.mean(axis=1))
            alarms = (mean > half) & (mean > 0.05 * numpy.median(steps.reshape(20_000, -1), axis=1))
            print(f"spread {spread}, {rounds} rounds of 3 steps: {100 * alarms.mean():.2f} % false alarms")


def ratio_intervals(first, second):
    """Of two arrays [round, step] of logarithms of step times."""

    def welch():
        a, b = numpy.median(first, axis=1), numpy.median(second, axis=1)
        interval = stats.ttest_ind(b, a, equal_var=False).confidence_interval(0.95)
        return interval.low, interval.high

    def resampled(side, by_round):
        rounds, steps = side.shape
        if not by_round:
            side = side.reshape(1, -1)
            rounds, steps = side.shape
        chosen = draws.integers(0, rounds, (RESAMPLES, rounds))
        step = draws.integers(0, steps, (RESAMPLES, rounds, steps))
        return numpy.median(side[chosen[:, :, None], step].reshape(RESAMPLES, -1), axis=1)

    def bootstrap(by_round):
        return numpy.quantile(resampled(second, by_round) - resampled(first, by_round), [0.025, 0.975])

    return {
        "Welch on rounds": welch(),
        "bootstrap of rounds, then steps": bootstrap(True),
        "bootstrap of steps": bootstrap(False),
    }


def cover_ratios():
    for between, within in ((0.0, 0.03), (0.01, 0.03), (0.03, 0.03), (0.03, 0.01)):
        covered = {}
        for _ in range(SETS):
            sides = [
                between * draws.normal(size=(3, 1)) + within * draws.normal(size=(3, 10)) for _ in range(2)
            ]
            for method, (low, high) in ratio_intervals(*sides).items():
                covered[method] = covered.get(method, 0) + (low <= 0 <= high)
        print(f"processes {between}, steps {within}: {shares(covered)}", flush=True)


def false_alarms():
    for spread in (0.02, 0.1):
        for n in (8, 10, 20, 30):
            steps = 1 + spread * draws.normal(size=(20_000, n))
            first, second = steps[:, : n // 2], steps[:, -(n // 2) :]
            levels = [numpy.median(half, axis=1, keepdims=True) for half in (first, second)]
            residuals = numpy.concatenate([first - levels[0], second - levels[1]], axis=1)
            error = 1.2533 * 1.4826 * numpy.median(numpy.abs(residuals), axis=1) * numpy.sqrt(2 / (n // 2))
            apart = numpy.abs(levels[1] - levels[0])[:, 0]
            alarms = (apart > 4 * error) & (apart > 0.05 * numpy.median(steps, axis=1))
            print(f"spread {spread}, {n} steps: {100 * alarms.mean():.2f} % false alarms")


def shares(covered):
    return ", ".join(f"{method} {100 * count / SETS:.1f} %" for method, count in covered.items())


if __name__ == "__main__":
    cover_means()
    cover_medians()
    cover_ratios()
    cover_ratios_in_turns()
    false_alarms()
    false_alarms_of_rounds()
