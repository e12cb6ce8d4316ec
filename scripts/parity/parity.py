#!/usr/bin/env python3
"""Whole trainings in densenet-bench and in PyTorch; scripts/parity-of-training calls this, with the environment built."""

from __future__ import annotations

import argparse
import csv
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
FILE = ROOT / "ablations" / "parity.toml"
COLUMNS = ("variant", "seed", "test_error")
USAGE = """\
Trains every variant of ablations/parity.toml with every seed in densenet-bench, and by the same recipe in PyTorch, whose
initialisation and orders are its own. For each variant: both sides' errors, the difference of their means with Welch's 95 %
interval, and two one-sided tests of whether it is smaller than --margin. The results go to results/parity/ (or
DIR/parity/): pytorch_trials.csv beside the program's trials.csv, and parity.md. Trainings that are there are not made again.
Exit status: 0 the comparison was made, whatever it shows; 1 something failed; 2 bad usage."""


class Failure(Exception):
    """What went wrong, for a person."""


@dataclass(frozen=True)
class Trial:
    """A finished training of densenet-bench."""

    variant: str
    seed: int
    error: float
    settings: dict[str, Any]


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="scripts/parity-of-training", description=USAGE, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path("results"), metavar="DIR", help="where the folder parity goes")
    parser.add_argument("--margin", type=float, default=0.5, help="the largest difference that is none, in points (0.5)")
    parser.add_argument("--threads", type=int, default=2, metavar="N", help="threads on both sides (2)")
    parser.add_argument("--program", type=Path, required=True, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if not 0 < options.margin < 100:
        parser.error("--margin must be above 0 and below 100")
    if options.threads < 1:
        parser.error("--threads must be at least 1")
    return options


def trials_of(folder: Path) -> Iterator[Trial]:
    """The trials of a result folder, with the settings that they were trained by."""
    with open(folder / "trials.csv", newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            identity = row["trial"].removeprefix("'")
            if row["status"] != "ok":
                raise Failure(f"{row['variant']} seed {row['seed']}: {row['status']}: {row['error']}; run it again")
            record = json.loads((folder / "trials" / identity / "trial.json").read_text(encoding="utf-8"))
            yield Trial(row["variant"], int(row["seed"]), float(row["final_test_error"]), record["settings"])


def made_before(file: Path) -> dict[tuple[str, int], float]:
    """PyTorch's errors that are there already."""
    if not file.is_file():
        return {}
    with open(file, newline="", encoding="utf-8") as rows:
        return {(row["variant"], int(row["seed"])): float(row["test_error"]) for row in csv.DictReader(rows)}


def complete(
    trials: list[Trial], file: Path, train: Callable[[Trial], float], say: Callable[[str], None]
) -> dict[tuple[str, int], float]:
    """PyTorch's error for every trial; each that is missing is trained, and added to the file at once."""
    errors = made_before(file)
    if not file.is_file():
        file.write_text(",".join(COLUMNS) + "\n", encoding="utf-8")
    for number, trial in enumerate(trials, start=1):
        key = (trial.variant, trial.seed)
        if key in errors:
            continue
        errors[key] = train(trial)
        with open(file, "a", newline="", encoding="utf-8") as rows:
            csv.writer(rows, lineterminator="\n").writerow([*key, repr(errors[key])])
        say(f"PyTorch {number}/{len(trials)}  {trial.variant} seed {trial.seed}: test error {100 * errors[key]:.2f} %")
    return errors


def report(trials: list[Trial], theirs: dict[tuple[str, int], float], margin: float) -> str:
    """The table."""
    from equivalence import equivalence, spread

    lines = [
        "| variant | n | densenet-bench, test error (%) | PyTorch (%) | difference (points) | 95 % interval | "
        f"p of a difference of {margin:g} or more | p of equal spreads |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for variant in dict.fromkeys(trial.variant for trial in trials):
        own = [trial.error for trial in trials if trial.variant == variant]
        other = [theirs[variant, trial.seed] for trial in trials if trial.variant == variant]
        found = equivalence(other, own, margin / 100)
        lines.append(
            f"| {variant} | {len(own)} | {spread(own)} | {spread(other)} | {100 * found.difference:+.2f} | "
            f"[{100 * found.low:.2f}, {100 * found.high:.2f}] | {found.p:.2g} | {found.p_of_spreads:.2g} |"
        )
    return "\n".join(lines) + "\n"


def main() -> int:
    """Trains on both sides and prints the table."""
    options = parse()
    command = [options.program, "run", FILE, "--out", options.out, "--device", "cpu", "--threads", str(options.threads)]
    if subprocess.run(command, check=False).returncode != 0:
        print("error: densenet-bench did not finish; its message is above", file=sys.stderr)
        return 1
    folder = options.out / "parity"
    try:
        trials = list(trials_of(folder))
    except Failure as failure:
        print(f"error: {failure}", file=sys.stderr)
        return 1

    # Before the library is loaded: threads that wait for each other on a busy machine are not to spin.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    import torch
    from training import Digits, trained_error

    torch.set_num_threads(options.threads)
    digits = Digits()
    theirs = complete(
        trials,
        folder / "pytorch_trials.csv",
        lambda trial: trained_error(trial.settings, trial.seed, digits),
        lambda text: print(text, file=sys.stderr, flush=True),
    )
    table = report(trials, theirs, options.margin)
    (folder / "parity.md").write_text(table, encoding="utf-8")
    print(table, end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
