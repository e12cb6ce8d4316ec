"""What is published, as data: each job's command, its results folder, and the table that is recorded from it."""

from __future__ import annotations

from typing import NamedTuple


class Job(NamedTuple):
    """A command whose results are in results/ID, and the record of scripts/record-readme that reads them."""

    id: str
    command: tuple[str, ...]
    record: str
    # The document and the markers that the record writes.
    where: str
    # Added where the job does not go on after an interruption.
    fresh: tuple[str, ...] = ()
    # What the command prints is the result, in results/ID/output.md.
    prints: bool = False
    # Speeds are measured, so a busy machine is refused.
    timed: bool = True


def run(name: str, record: str, where: str, timed: bool = True) -> Job:
    """An ablation of densenet-bench alone."""
    return Job(name, ("scripts/densenet-bench", "run", f"ablations/{name}.toml"), record, where, ("--fresh",), timed=timed)


def beside_pytorch(name: str, file: str, record: str, where: str, *options: str) -> Job:
    """An ablation beside PyTorch; it has no resumption, and starts anew."""
    return Job(name, ("scripts/compare-pytorch", file, *options), record, where)


GOALS = ("bc-100", "densenet-40", "article-224", "densenet-121-224", "bc-other", "bc-100-evaluate", "digits-22")

JOBS = (
    Job(
        "error-coverage",
        ("python3", "scripts/error-coverage.py", "--rounds", "2000"),
        "error-coverage",
        "docs/methodology.md: error-coverage",
        prints=True,
        timed=False,
    ),
    Job(
        "parity",
        ("scripts/parity-of-training",),
        "parity",
        "README.md: parity",
        timed=False,
    ),
    run("memory", "memory", "docs/methodology.md: memory", timed=False),
    run("variance", "variance", "docs/methodology.md: variance", timed=False),
    run("growth", "growth", "README.md: growth"),
    *(run(name, name, f"docs/findings.md: {name}") for name in ("connectivity", "lineage")),
    run("execution", "execution", "docs/performance.md: execution"),
    beside_pytorch("compare", "ablations/compare.toml", "compare", "docs/performance.md: compare"),
    beside_pytorch(
        "families",
        "ablations/performance/families.toml",
        "families",
        "docs/performance.md: families",
        "--no-compile",
        "--peer",
        "PyTorch eager channels-last",
    ),
    *(
        beside_pytorch(name, f"ablations/performance/{name}.toml", "performance", "docs/performance.md: goals, everyone")
        for name in GOALS
    ),
)

# Tables of measurements that no job makes yet: where, and the command that their page names.
BY_HAND = (
    ("docs/methodology.md: intervals of means, medians and ratios", "scripts/interval-coverage.py"),
    ("docs/methodology.md: memory of networks drawn at random", "scripts/sweep-memory --family NAME --frozen 0.5 --seed 3"),
    ("docs/methodology.md: shares of the processor", "none"),
    ("docs/performance.md: profile", "scripts/profile ablations/performance/bc-100.toml"),
    ("docs/performance.md: allocator, threads, parts, GPU", "in the text above each"),
)
