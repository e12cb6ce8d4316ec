#!/usr/bin/env python3
"""Runs the networks of an ablation file in densenet-bench and in PyTorch, side by side. scripts/compare-pytorch calls
this, with the program and the environment built."""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import platform
import re
import shlex
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timezone
from fnmatch import fnmatchcase
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from types import FrameType
from typing import Any

import answers
import libraries
import tables
from disturbance import EXTRA_TRIES, disturbance, share
from plan import NAMES, REFERENCE, Curve, Plan, Task, Tools, in_turn
from processes import Ended, run

ROOT = libraries.ROOT
# What is made for the comparison beside the packages: libraries, compiled kernels, the files handed to both sides.
MADE = Path(tempfile.gettempdir()) / f"densenet-bench-peers-{os.getuid()}" if libraries.BUNDLE.exists() else ROOT / ".venv" / "peers"
# The loss curves are also compared over this many steps, before rounding has grown.
FEWER_STEPS = 10
TABLES = ("peers.csv", "peer_samples.csv", "peers.md")
USAGE = """\
Runs every variant, mode and batch size of FILE.toml's [measure] in densenet-bench, in eager PyTorch (NCHW and
channels-last, with the default and the fused optimizer) and with torch.compile (both layouts): the same initial weights,
batches, threads and allocator, round by round, each in a process of its own; beside them PyTorch as installed and stock Burn,
which have an allocator of their own. Who gives other logits, losses or gradients is not timed. FILE.toml alone decides the
work, so that nobody tunes one side. Variants that differ in run.execution alone stand beside each other, and PyTorch runs
their network once.

The first call makes a virtual environment with torch 2.9.0 in the project's .venv/, which takes 7 GB.
The results go to results/NAME/ (or DIR/NAME/): peers.csv, peer_samples.csv, peers.md and plots.
Exit status: 0 all ok; 1 something failed; 2 bad usage or bad input, nothing started; 130, 143 interrupted."""


class InputError(Exception):
    """Bad usage or bad input: nothing was started."""


class Interrupted(Exception):
    """Ctrl-C or SIGTERM; the signal is its argument."""


def say(text: str) -> None:
    """Tells a person; what a process said does not act on the terminal."""
    print("\n".join(tables.shown(line) for line in text.split("\n")), file=sys.stderr, flush=True)


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="scripts/compare-pytorch", description=USAGE, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("file", type=Path, metavar="FILE.toml", help="an ablation file with [measure]")
    parser.add_argument("--out", type=Path, default=Path("results"), metavar="DIR", help="where the folder NAME goes")
    parser.add_argument("--only", metavar="GLOB", help="only variants whose name matches, with * and ?")
    parser.add_argument(
        "--device", default="cpu", metavar="cpu|cuda:N", help="the device of both sides (cpu); no GPU has run this yet"
    )
    parser.add_argument("--threads", type=int, metavar="N", help="threads on both sides")
    parser.add_argument("--no-compile", action="store_true", help="leave torch.compile out")
    parser.add_argument(
        "--peer",
        action="append",
        default=[],
        metavar="GLOB",
        help="beside this program only peers whose name matches, with * and ?, such as 'PyTorch eager channels-last'; may be "
        "repeated; eager NCHW, with which answers are compared, is always there",
    )
    parser.add_argument(
        "--timeout", type=float, default=1800, metavar="SECONDS", help="for each process, compiling included (1800)"
    )
    parser.add_argument("--program", type=Path, required=True, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if not re.fullmatch(r"cpu|cuda:\d+", arguments.device):
        parser.error(f"--device is {arguments.device}; it must be cpu or cuda:N, a device that both sides have")
    if arguments.threads is not None and arguments.threads < 1:
        parser.error("--threads must be at least 1")
    unknown = [glob for glob in arguments.peer if not any(fnmatchcase(name, glob) for name in NAMES)]
    if unknown:
        parser.error(f"--peer is {unknown[0]!r}, which no peer's name matches; there are {', '.join(NAMES)}")
    if not arguments.timeout > 0:
        parser.error("--timeout must be above 0")
    return arguments


@dataclass
class Comparison:
    """A comparison under way: the tables are written anew after every process."""

    folder: Path
    plan: Plan
    heading: list[str]
    timeout: float
    tasks: list[Task] = field(init=False)
    losses: dict[tuple[str, str], list[float]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    failed: bool = False

    def __post_init__(self) -> None:
        self.tasks = self.plan.tasks()
        self.notes = self.plan.notes()

    def run(self) -> None:
        """The answers, while the cache of compiled code is empty, then the loss curves, then the rounds."""
        cases = self.cases()
        for number, beside in enumerate(cases, start=1):
            self.check(beside, f"answers {number}/{len(cases)}")
            self.write()
        curves = self.plan.curves()
        for number, curve in enumerate(curves, start=1):
            self.follow(curve, f"losses {number}/{len(curves)}")
        self.write()
        for number in range(self.plan.rounds):
            for task in in_turn(self.tasks, number):
                self.measure(task, number)
                self.write()
        self.judge()
        self.write()

    def judge(self) -> None:
        """Asks densenet-bench whether each case's steps were steady, as it judges its own measurements."""
        measured = [task.case for task in self.tasks if task.case.samples]
        answer = subprocess.run(
            [self.plan.tools.program, "steadiness"],
            input=json.dumps([case.samples for case in measured]),
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        for case, warning in zip(measured, json.loads(answer.stdout), strict=True):
            case.warning = "; ".join(said for said in (case.gpu_warning(), warning) if said)

    def cases(self) -> list[list[Task]]:
        """The tasks that are beside each other: a network in a mode at a batch size."""
        keys = dict.fromkeys(task.case.key() for task in self.tasks)
        return [[task for task in self.tasks if task.case.key() == key] for key in keys]

    def check(self, beside: list[Task], place: str) -> None:
        """Compares what everyone gives for the batch that is to be timed, the reference's first. Who differs, or gives
        nothing, has failed and is not timed."""
        reference: dict[str, Any] | None = None
        for task in sorted(beside, key=lambda task: task.case.peer != REFERENCE):
            if task.answers is None:
                continue
            case = task.case
            what = f"{place}  {case.variant} {case.mode} {case.batch_size}  {case.peer}"
            ended = run(task.answers, task.environment, self.timeout)
            if ended.status != "ok":
                self.fail(case, ended.status, ended.error, what)
                continue
            case.cold_compile_ns = ended.result.get("cold_compile_ns")
            if case.peer == REFERENCE:
                reference = ended.result
                say(f"{what}: the others' are compared with its")
            elif reference is None:
                say(f"{what}: {REFERENCE} has none to compare with")
            else:
                apart = answers.differences(ended.result, reference)
                case.check_difference = max(apart.values())
                reason = answers.verdict(apart, REFERENCE, case.precision)
                if reason:
                    self.fail(case, "failed", reason, what)
                else:
                    say(f"{what}: {', '.join(f'{name} {value:.1e}' for name, value in apart.items())}")

    def fail(self, case: tables.Case, status: str, error: str, what: str) -> None:
        """A case is given up."""
        self.failed = True
        case.status, case.error = status, error
        say(f"{what}: {status}: {error}")

    def follow(self, curve: Curve, place: str) -> None:
        """Takes one loss curve and compares it with the reference's."""
        ended = run(curve.command, curve.environment, self.timeout)
        what = f"{curve.variant}, {curve.peer}"
        if ended.status != "ok":
            self.failed = True
            self.notes.append(f"no losses of {what}: {ended.error} ({ended.status})")
            say(f"{place}  {what}: {ended.status}: {ended.error}")
            return
        # JSON has no number for a loss that is none.
        losses = [float("nan") if loss is None else loss for loss in ended.result["losses"]]
        self.losses[curve.variant, curve.peer] = losses
        reference = self.losses.get((curve.variant, REFERENCE))
        if reference is None:
            say(f"{place}  {what}: {REFERENCE} has none to compare with")
            return
        difference = largest_difference(losses, reference)
        say(f"{place}  {what}: {losses[0]:.6f} to {losses[-1]:.6f}, largest difference {difference:.1e}")
        for task in self.tasks:
            case = task.case
            if (case.variant, case.peer, case.mode) == (curve.variant, curve.peer, "train"):
                # The batch size of the curve alone: nothing was compared at the others.
                case.loss_difference = difference if case.batch_size == curve.batch_size else None

    def measure(self, task: Task, number: int) -> None:
        """Makes one measurement, unless the case has failed already."""
        case = task.case
        if case.status not in ("pending", "ok") or number >= len(task.rounds):
            return
        place = f"round {number + 1}/{self.plan.rounds}  {case.variant} {case.mode} {case.batch_size}  {case.peer}"
        smaller = [
            other.case.batch_size
            for other in self.tasks
            if (other.case.variant, other.case.mode, other.case.peer) == (case.variant, case.mode, case.peer)
            and other.case.status == "oom"
            and other.case.batch_size < case.batch_size
        ]
        if smaller:
            ended = Ended("oom", f"not tried: out of memory at batch size {min(smaller)} already")
        else:
            ended = self.undisturbed(task, number, place)
        case.status, case.error = ended.status, ended.error
        if ended.status == "ok":
            case.add(ended.result)
            speed = case.batch_size / (median(ended.result["step_ns"]) * 1e-9)
            say(f"{place}: {speed:.1f} images/s")
        else:
            self.fail(case, ended.status, ended.error, place)

    def undisturbed(self, task: Task, number: int, place: str) -> Ended:
        """A round, and again where other programs disturbed it. Kept is the first undisturbed try, else the one whose
        threads got the largest share of the processor time that they asked for; never the fastest."""
        tries = []
        while True:
            ended = run(task.rounds[number], task.environment, self.timeout)
            tries.append(ended)
            disturbed = disturbance(ended.result.get("processor")) if ended.status == "ok" else None
            if disturbed is None:
                break
            if len(tries) > EXTRA_TRIES:
                ended = max(tries, key=lambda tried: share(tried.result["processor"]) or 0.0)
                self.notes.append(f"{place}: disturbed in every try: {disturbance(ended.result['processor'])}")
                break
            say(f"{place}: {disturbed}; it is measured again ({len(tries)} of {EXTRA_TRIES})")
        task.case.discarded += len(tries) - 1
        return ended

    def write(self) -> None:
        """Writes the tables as they stand."""
        cases = [task.case for task in self.tasks]
        rows = tables.peer_rows(cases)
        texts = (
            tables.csv_text(tables.PeerRow, rows),
            tables.csv_text(tables.SampleRow, tables.sample_rows(cases)),
            self.report(rows),
        )
        for name, text in zip(TABLES, texts, strict=True):
            tables.write_whole(self.folder / name, text)

    def report(self, rows: list[tables.PeerRow]) -> str:
        """peers.md: where and how, the table, and what else there is to say."""
        failures = [f"{r.variant} {r.mode} {r.batch_size}, {r.peer}: {tables.markdown_text(r.error)}" for r in rows if r.error]
        again = [
            f"{t.case.variant} {t.case.mode} {t.case.batch_size}, {t.case.peer}: disturbed rounds that were measured again: "
            f"{t.case.discarded}"
            for t in self.tasks
            if t.case.discarded
        ]
        doubtful = [f"{r.variant} {r.mode} {r.batch_size}, {r.peer}: {tables.markdown_text(r.warning)}" for r in rows if r.warning]
        notes = [*tables.units(rows), *self.loss_lines(), *self.notes, *again, *doubtful, *failures]
        below = "".join(f"- {note}\n" for note in notes)
        table = tables.markdown_table(rows)
        return "\n".join([*self.heading, "", *self.floor(rows), table, *([below] if below else [])])

    def floor(self, rows: list[tables.PeerRow]) -> list[str]:
        """The noise floor as a paragraph, where something was measured twice."""
        return [line for said in tables.noise_floor(rows) for line in (tables.markdown_text(said), "")]

    def loss_lines(self) -> list[str]:
        """densenet-bench's losses against PyTorch's, over few steps and over all: rounding grows with them."""
        lines = []
        for curve in (curve for curve in self.plan.curves() if curve.own):
            own = self.losses.get((curve.variant, curve.peer))
            if own is None:
                continue
            some = min(FEWER_STEPS, curve.steps)
            apart = []
            for peer in self.plan.peers:
                theirs = self.losses.get((curve.variant, peer.name))
                if theirs is not None:
                    early, all_steps = largest_difference(own[:some], theirs[:some]), largest_difference(own, theirs)
                    apart.append(f"{peer.name} {early:.1e}, {all_steps:.1e}")
            lines.append(
                f"{curve.variant}: largest difference of the loss of {curve.peer} at batch size {curve.batch_size}, "
                f"over the first {some} and the first {curve.steps} steps, from {'; '.join(apart)}"
            )
        return lines


def largest_difference(losses: list[float], others: list[float]) -> float:
    """The largest absolute difference of two curves; NaN where either has one."""
    differences = [abs(loss - other) for loss, other in zip(losses, others, strict=True)]
    return float("nan") if any(difference != difference for difference in differences) else max(differences)


def heading(plan: Plan) -> list[str]:
    """Where, when, with what and how, in lines of Markdown."""
    environment = plan.index["environment"]
    revision = environment["revision"][:12] + (", with uncommitted changes" if environment["dirty"] == "true" else "")
    words = " ".join(["scripts/compare-pytorch", *(shlex.quote(word) for word in command_line())])
    load = os.getloadavg()[0]
    return [
        f"`{words}`, {datetime.now(timezone.utc):%Y-%m-%d %H:%M} UTC",
        "",
        f"{on_gpu(environment)}{plan.cpu}, {environment['logical_cores']} logical cores, {plan.threads()} threads on "
        "both sides; "
        f"load of the machine at the start {load:.1f}; {plan.rounds} rounds, each a process of its own.",
        f"densenet-bench {environment['version']} ({revision}), Burn {environment['burn']}, tch {environment['tch']}, "
        f"libtorch {environment['libtorch']}; PyTorch {metadata.version('torch')}, Python {platform.python_version()}, "
        f"mimalloc {libraries.find_mimalloc().version} on both sides.",
        f"In the environment of both, but of what runs as installed: {plan.variables()}.",
        "The ratios are to the images a second of the fastest eager and of the fastest compiled PyTorch, whoever that is (below "
        "the table), within a round, with 95 % intervals (a paired t, from five rounds on); the share is of the peak of the "
        "fastest eager one whose bytes are counted; the loss difference is from eager NCHW's, in nats; the check is the largest "
        "relative difference from its logits, loss and gradients' norm, before anything was timed.",
        "GFLOP/s are of convolutions and classifier; the share of the roofline is the least time in which this machine could "
        "compute and move what they must, by what densenet-bench's own processes reached after their steps, over the median step.",
        "As installed, PyTorch has its own allocator and waiting rules; stock Burn is the plain execution with the C library's "
        "allocator and those rules. Both are given the number of threads alone.",
    ]


def on_gpu(environment: dict[str, Any]) -> str:
    """The device and its model, where that is not the processor."""
    if environment["device"] == "cpu":
        return ""
    gpu = environment.get("gpu_record")
    model = f" ({gpu['name']}, driver {gpu['driver']})" if gpu else ""
    return f"{environment['device']}{model} beside "


def command_line() -> list[str]:
    """The arguments as the user gave them."""
    words = sys.argv[1:]
    # The script that calls this one names the program first.
    return words[2:] if words[:1] == ["--program"] else words


def tools(program: Path, inductor: Path) -> Tools:
    """Builds what both sides share; compiled code goes to `inductor`, empty for each comparison."""
    if any(sign in str(path) for sign in " :" for path in (MADE, ROOT)):
        # LD_PRELOAD, which brings mimalloc into PyTorch's processes, takes both for the end of a path.
        raise InputError(f"{ROOT}: a path with a space or a colon in it cannot be preloaded; move the project to another")
    torch = pytorch_folder()
    return Tools(
        program=program,
        python=Path(sys.executable),
        mimalloc=libraries.build_mimalloc(libraries.find_mimalloc(), MADE),
        counter=libraries.build_counter(torch, MADE),
        inductor=inductor,
    )


def pytorch_folder() -> Path:
    """Where PyTorch is installed, without importing it."""
    spec = find_spec("torch")
    if spec is None or not spec.submodule_search_locations:
        raise InputError(f"{sys.executable} has no PyTorch; install torch 2.9 to 2.11")
    return Path(next(iter(spec.submodule_search_locations))).resolve()


def lay_out(arguments: argparse.Namespace, folder: Path) -> None:
    """Lets densenet-bench check the file and write weights, batches and measurements."""
    words: list[str | Path] = [arguments.program, "inputs", arguments.file, "--out", folder, "--device", arguments.device]
    words += ["--only", arguments.only] if arguments.only is not None else []
    words += ["--threads", str(arguments.threads)] if arguments.threads is not None else []
    status = subprocess.run(words, stdin=subprocess.DEVNULL, check=False).returncode
    if status != 0:
        # What is wrong has been said.
        raise SystemExit(2 if status == 2 else 1)


@contextmanager
def results(arguments: argparse.Namespace, name: str) -> Iterator[Path]:
    """The result folder, held against other runs, with the ablation file in it and older comparisons set aside."""
    folder = arguments.out / name
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / ".lock", "w", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise InputError(f"{folder}: another run is using this folder; wait for it, or take --out") from error
        text = arguments.file.read_text(encoding="utf-8")
        as_run = folder / "ablation.toml"
        if not as_run.exists():
            tables.write_whole(as_run, text)
        elif as_run.read_text(encoding="utf-8") != text:
            raise InputError(f"{folder}: its ablation.toml is not {arguments.file}; take another folder with --out")
        older = [folder / table for table in TABLES if (folder / table).exists()]
        if older:
            aside = next(path for number in range(1, 10**6) if not (path := folder / f"peers.{number}").exists())
            aside.mkdir()
            for table in older:
                table.rename(aside / table.name)
            say(f"the older comparison is kept in {aside}")
        yield folder


def interrupt(number: int, _: FrameType | None) -> None:
    """Ctrl-C and SIGTERM end the comparison; what it has so far is kept."""
    raise Interrupted(number)


def main() -> int:
    """The comparison from its command line to its exit status."""
    arguments = parse()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, interrupt)
    MADE.mkdir(parents=True, exist_ok=True)
    try:
        with tempfile.TemporaryDirectory(prefix="inputs-", dir=MADE, ignore_cleanup_errors=True) as inputs:
            lay_out(arguments, Path(inputs))
            shared = tools(arguments.program, Path(inputs) / "inductor")
            plan = Plan(Path(inputs), shared, compiled=not arguments.no_compile, only=arguments.peer)
            with results(arguments, plan.index["ablation"]) as folder:
                return compare(Comparison(folder, plan, heading(plan), arguments.timeout))
    except (InputError, libraries.BuildError, OSError) as error:
        say(f"error: {error}")
        return 2
    except Interrupted as interrupted:
        return 128 + int(interrupted.args[0])


def compare(comparison: Comparison) -> int:
    """Runs and prints a comparison."""
    say(f"results go to {comparison.folder}")
    try:
        comparison.run()
    except OSError as error:
        say(f"error: {error}; what was measured is in {comparison.folder}")
        return 1
    except Interrupted as interrupted:
        for task in comparison.tasks:
            if task.case.status in ("pending", "ok") and len(task.case.samples) < len(task.rounds):
                task.case.status, task.case.error = "interrupted", "the comparison was interrupted before its turn"
        comparison.write()
        say(f"interrupted; what was measured is in {comparison.folder}")
        return 128 + int(interrupted.args[0])
    print((comparison.folder / "peers.md").read_text(encoding="utf-8"), end="")
    # The table is printed already; what the program prints of it is the same in other words.
    drawn = subprocess.run([comparison.plan.tools.program, "plot", comparison.folder], stdout=subprocess.DEVNULL)
    if drawn.returncode == 0:
        say(f"plots of speed and memory by batch size are in {comparison.folder / 'plots'}")
    return 1 if comparison.failed or drawn.returncode != 0 else 0


if __name__ == "__main__":
    sys.exit(main())
