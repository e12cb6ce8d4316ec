"""Time and memory of planning, merging and reporting large studies, at three sizes.

    scale.py PROGRAM [--trials N]
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

RATES = [2, 3, 4, 5, 6, 7, 8, 9, 10, 11]
STEPS = 1000

# What the sizes must stay within: seconds, and megabytes of the resident set.
LIMITS = {"plan": (1.0, 300.0), "merge": (60.0, 500.0), "report": (20.0, None)}


def ablation(seeds: int, steps: int) -> str:
    """Ten variants by so many seeds."""
    return f"""
name = "scale"
question = "What does a large study cost?"
[data]
dataset = "digits"
[model]
block-layers = [1]
[train]
steps = {steps}
seeds = {list(range(seeds))}
[sweep]
"model.growth-rate" = {RATES}
"""


def measured(*command: str | Path, output: Path | None = None) -> tuple[float, float, float]:
    """Runs a command; its seconds, those of processors, and the megabytes of its highest resident set."""
    with open(output or os.devnull, "wb") as stdout:
        start = time.monotonic()
        process = subprocess.Popen(list(map(str, command)), stdout=stdout, stderr=subprocess.PIPE)
        said = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - start
    if status != 0:
        raise SystemExit(f"{command}: {status}\n{said.decode()}")
    return seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1000


def simulate(program: str, place: Path, seeds: int) -> None:
    """Two shards' folders, `a` and `b`, of trials that have ended, after the example of one real trial of each variant."""
    file = place / "scale.toml"
    file.write_text(ablation(seeds, STEPS), encoding="utf-8")
    example = place / "example.toml"
    example.write_text(ablation(1, STEPS).replace(f"steps = {STEPS}", "steps = 2"), encoding="utf-8")
    subprocess.run([program, "run", example, "--threads", "1", "--out", place / "example"], check=True, capture_output=True)
    examples = {}
    for trial in (place / "example/scale/trials").iterdir():
        record = json.loads((trial / "trial.json").read_text(encoding="utf-8"))
        examples[record["variant"]] = (trial, record)
    for folder in ("a", "b"):
        (place / folder / "trials").mkdir(parents=True)
        (place / folder / "ablation.toml").write_bytes(file.read_bytes())
    planned = subprocess.run([program, "plan", file, "--format", "jsonl"], check=True, capture_output=True, text=True)
    for index, line in enumerate(planned.stdout.splitlines()):
        unit = json.loads(line)
        example, record = examples[unit["variant"]]
        trial, variant, seed = unit["trial"], unit["variant"], unit["seed"]
        own = place / "ab"[index % 2] / "trials" / trial
        own.mkdir()
        settings = record["settings"]
        settings = {**settings, "train": {**settings["train"], "seeds": [0], "duration": {"steps": STEPS}}}
        changed = {**record, "trial": trial, "seed": seed, "steps": unit["steps"], "epochs": unit["epochs"], "settings": settings}
        (own / "trial.json").write_text(json.dumps(changed), encoding="utf-8")
        for name in ("environment.json", "result.json", "weights.safetensors"):
            (own / name).write_bytes((example / name).read_bytes())
        rows = (f"{trial},{variant},{seed},{step // 23},{step},{2.3 / (1 + 0.01 * step) + seed * 1e-6!r},0.1\n" for step in range(STEPS))
        (own / "steps.csv").write_text("trial,variant,seed,epoch,step,loss,learning_rate\n" + "".join(rows), encoding="utf-8")
        header, row = (example / "epochs.csv").read_text(encoding="utf-8").splitlines()[:2]
        cells = row.split(",")
        epochs = "".join(",".join([trial, variant, str(seed), str(epoch), *cells[4:]]) + "\n" for epoch in range(unit["epochs"]))
        (own / "epochs.csv").write_text(header + "\n" + epochs, encoding="utf-8")
        header, row = (example / "correctness.csv").read_text(encoding="utf-8").splitlines()[:2]
        (own / "correctness.csv").write_text(header + "\n" + ",".join([trial, variant, str(seed), *row.split(",")[3:]]) + "\n", encoding="utf-8")


def main() -> int:
    """Prints a row for each measurement; 1 where one is beyond its limit."""
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--trials", type=int, default=10_000, help="the largest study; a half and a quarter of it are the others")
    arguments = parser.parse_args()
    program, beyond = arguments.program, []

    def show(what: str, trials: int, measures: tuple[float, float, float], is_largest: bool) -> None:
        seconds, of_processors, megabytes = measures
        print(f"| {what} | {trials:,} | {seconds:.2f} | {of_processors:.2f} | {megabytes:.0f} |", flush=True)
        most_seconds, most_megabytes = LIMITS[what]
        if is_largest and (seconds > most_seconds or (most_megabytes is not None and megabytes > most_megabytes)):
            beyond.append(what)

    print("| what | trials | seconds | of processors | MB |\n|---|---:|---:|---:|---:|")
    for part in (4, 2, 1):
        trials = 10 * arguments.trials // part
        with tempfile.TemporaryDirectory() as name:
            file = Path(name) / "scale.toml"
            file.write_text(ablation(trials // len(RATES), STEPS), encoding="utf-8")
            show("plan", trials, measured(program, "plan", file, "--format", "jsonl", output=Path(name) / "plan.jsonl"), part == 1)
    for part in (4, 2, 1):
        trials = arguments.trials // part
        with tempfile.TemporaryDirectory() as name:
            place = Path(name)
            simulate(program, place, trials // len(RATES))
            show("merge", trials, measured(program, "merge", place / "a", place / "b", "--into", place / "all"), part == 1)
            show("report", trials, measured(program, "report", place / "all"), part == 1)
            rows = sum(1 for _ in open(place / "all/steps.csv", encoding="utf-8")) - 1
            assert rows == trials * STEPS, rows
    for what in beyond:
        print(f"error: {what} is beyond its limit of {LIMITS[what]}", file=sys.stderr)
    return 1 if beyond else 0


if __name__ == "__main__":
    sys.exit(main())
