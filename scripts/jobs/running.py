"""What a run costs beside its trials, and what several trials at once bring.

    running.py PROGRAM [--trials N] [--rounds N]

Start-up is the time of a trial of one step beyond that of a process which only prints the version: both load libtorch. The share
outside the trials is that of the moments, a hundred a second, at which a run of trials of about a second each has no process of a trial.
Two trials at once, with one thread each, and one after the other, with two, take turns: the machine's mood is the same for both.
"""

import argparse
import csv
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

STARTS = 10


def ablation(length: str, seeds: int, rates: list[int]) -> str:
    """Small networks on the digits."""
    return f"""
name = "running"
question = "What does a run cost beside its trials?"
[data]
dataset = "digits"
[model]
block-layers = [3, 3, 3]
[train]
{length}
batch-size = 64
seeds = {list(range(seeds))}
[sweep]
"model.growth-rate" = {rates}
"""


def seconds(*command: str | Path) -> float:
    """How long a command takes."""
    start = time.monotonic()
    subprocess.run(list(map(str, command)), check=True, capture_output=True)
    return time.monotonic() - start


def run(program: str, text: str, *more: str) -> tuple[float, list[float]]:
    """Runs an ablation in a folder of its own; its seconds and those of each trial."""
    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / "running.toml"
        file.write_text(text, encoding="utf-8")
        elapsed = seconds(program, "run", file, "--out", name, *more)
        with open(Path(name) / "running/trials.csv", newline="", encoding="utf-8") as table:
            return elapsed, [int(row["wall_ns"]) / 1e9 for row in csv.DictReader(table)]


def start_up(program: str) -> None:
    """The seconds from a trial's start to the end of its first step, beyond those of loading."""
    loading = statistics.median(seconds(program, "--version") for _ in range(STARTS))
    each = []
    for _ in range(3):
        few, _ = run(program, ablation("steps = 1", 1, [4]), "--threads", "1")
        many, _ = run(program, ablation("steps = 1", 1 + STARTS, [4]), "--threads", "1")
        each.append((many - few) / STARTS)
    trial = statistics.median(each)
    print(f"a process that only prints its version: {loading:.2f} s; a trial of one step, its test and its records: {trial:.2f} s")


def outside(program: str, trials: int) -> None:
    """The share of a run's time at which no trial's process is there."""
    _, (probe,) = run(program, ablation("epochs = 4", 1, [4]), "--threads", "1")
    _, (longer,) = run(program, ablation("epochs = 24", 1, [4]), "--threads", "1")
    epochs = max(1, round(1 / max((longer - probe) / 20, 1e-3)))
    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / "running.toml"
        file.write_text(ablation(f"epochs = {epochs}", trials, [4]), encoding="utf-8")
        command = [program, "run", str(file), "--out", name, "--threads", "1"]
        start, moments, empty = time.monotonic(), 0, 0
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        while process.poll() is None:
            moments += 1
            empty += not children.read_text(encoding="ascii").strip()
            time.sleep(0.01)
        elapsed = time.monotonic() - start
        with open(Path(name) / "running/trials.csv", newline="", encoding="utf-8") as table:
            walls = [int(row["wall_ns"]) / 1e9 for row in csv.DictReader(table)]
    share = 100 * empty / moments
    print(f"{trials} trials of {statistics.median(walls):.2f} s of training (median) in {elapsed:.0f} s: {share:.1f} % outside their processes")


def at_once(program: str, rounds: int) -> None:
    """Two trials at once with a thread each, against one after the other with two threads."""
    text = ablation("epochs = 20", 2, [2, 4, 8, 12])
    ratios, alone, beside = [], [], []
    for number in range(rounds):
        ways = [(alone, ["--threads", "2"]), (beside, ["--threads", "1", "--jobs", "2"])]
        for times, more in ways if number % 2 == 0 else reversed(ways):
            times.append(run(program, text, *more)[0])
        ratios.append(beside[-1] / alone[-1])
    print(
        f"8 trials: one after the other with two threads {statistics.median(alone):.1f} s, two at once with one thread each "
        f"{statistics.median(beside):.1f} s, ratio {statistics.median(ratios):.2f} "
        f"({min(ratios):.2f} to {max(ratios):.2f}; {rounds} rounds by turns)"
    )


def main() -> None:
    """Prints a line for each."""
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    start_up(arguments.program)
    outside(arguments.program, arguments.trials)
    at_once(arguments.program, arguments.rounds)


if __name__ == "__main__":
    main()
