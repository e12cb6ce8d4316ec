"""What is compared: the variants that densenet-bench has laid out, and the ways of running each."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tables import Case

WORKER = Path(__file__).resolve().parent / "worker.py"


@dataclass(frozen=True)
class Peer:
    """A way of running PyTorch."""

    name: str
    layout: str
    compiled: bool


PEERS = (
    Peer("PyTorch eager NCHW", "contiguous", compiled=False),
    Peer("PyTorch eager channels-last", "channels-last", compiled=False),
    Peer("PyTorch compile NCHW", "contiguous", compiled=True),
    Peer("PyTorch compile channels-last", "channels-last", compiled=True),
)
# The one whose losses the others' are compared with.
REFERENCE = PEERS[0].name


@dataclass(frozen=True)
class Tools:
    """What processes are started with."""

    program: Path
    python: Path
    mimalloc: Path
    counter: Path
    inductor: Path


@dataclass(frozen=True)
class Task:
    """A case, and the command of each of its processes."""

    case: Case
    rounds: list[list[str | Path]]
    environment: dict[str, str]


@dataclass(frozen=True)
class Curve:
    """The losses of a variant's first steps, by one peer."""

    variant: str
    peer: str
    batch_size: int
    steps: int
    command: list[str | Path]
    environment: dict[str, str]
    own: bool


class Plan:
    """The index that `densenet-bench inputs` has written into `folder`."""

    def __init__(self, folder: Path, tools: Tools, *, compiled: bool) -> None:
        self.folder = folder
        self.tools = tools
        self.peers = [peer for peer in PEERS if compiled or not peer.compiled]
        self.index: dict[str, Any] = json.loads((folder / "index.json").read_text(encoding="utf-8"))
        self.rounds: int = self.index["rounds"]

    def threads(self) -> str:
        """The threads on both sides, as a person writes them."""
        counts = sorted({variant["threads"] for variant in self.index["variants"]})
        return " or ".join(str(count) for count in counts)

    def environment(self, variant: dict[str, Any], *, python: bool) -> dict[str, str]:
        """The variables of a process: the same threads on both sides, and mimalloc for Python, which has it not."""
        variables = {**os.environ, **variant["variables"]}
        if python:
            variables["LD_PRELOAD"] = f"{self.tools.mimalloc} {os.environ.get('LD_PRELOAD', '')}".strip()
            variables["TORCHINDUCTOR_CACHE_DIR"] = str(self.tools.inductor)
        return variables

    def tasks(self) -> list[Task]:
        """Every case in the ablation's order, densenet-bench first."""
        return [
            task
            for variant in self.index["variants"]
            for measurement in variant["measurements"]
            for task in self.beside_each_other(variant, measurement)
        ]

    def beside_each_other(self, variant: dict[str, Any], measurement: dict[str, Any]) -> list[Task]:
        """One variant, mode and batch size by every peer."""
        specs = [self.folder / spec for spec in measurement["rounds"]]

        def case(peer: str, *, eager: bool = False) -> Case:
            size, threads = measurement["batch_size"], variant["threads"]
            return Case(variant["variant"], measurement["mode"], size, peer, threads, eager)

        own: list[list[str | Path]] = [[self.tools.program, "measurement", spec] for spec in specs]
        tasks = [Task(case(self.own_name(variant)), own, self.environment(variant, python=False))]
        for peer in self.peers:
            commands = [
                self.worker("measure", spec, peer, variant["weights"], measurement["batch"])
                + ["--counter", self.tools.counter]
                for spec in specs
            ]
            eager = case(peer.name, eager=not peer.compiled)
            tasks.append(Task(eager, commands, self.environment(variant, python=True)))
        return tasks

    def curves(self) -> list[Curve]:
        """The loss curves of every variant that has some, the reference's before the others'."""
        return [curve for variant in self.index["variants"] if variant["losses"] for curve in self.curves_of(variant)]

    def curves_of(self, variant: dict[str, Any]) -> list[Curve]:
        """A variant's loss curves."""
        losses = variant["losses"]
        spec, batches = self.folder / losses["spec"], losses["batches"]
        files = ["--weights", self.folder / variant["weights"], "--batches", self.folder / batches]
        commands = [
            (peer.name, self.worker("losses", spec, peer, variant["weights"], batches), False) for peer in self.peers
        ]
        commands.append((self.own_name(variant), [self.tools.program, "losses", spec, *files], True))
        return [
            Curve(
                variant["variant"],
                peer,
                losses["batch_size"],
                losses["steps"],
                command,
                self.environment(variant, python=not own),
                own,
            )
            for peer, command, own in commands
        ]

    def notes(self) -> list[str]:
        """Why variants have no loss curves."""
        return [f"{v['variant']}: {v['no_losses']}" for v in self.index["variants"] if v["no_losses"]]

    def worker(self, work: str, spec: Path, peer: Peer, weights: str, batches: str) -> list[str | Path]:
        """The command of a PyTorch process."""
        words: list[str | Path] = [self.tools.python, WORKER, work, spec]
        words += ["--weights", self.folder / weights, "--batches", self.folder / batches, "--layout", peer.layout]
        return words + (["--compile"] if peer.compiled else [])

    @staticmethod
    def own_name(variant: dict[str, Any]) -> str:
        """densenet-bench's name in the tables, with the execution of the variant."""
        return f"densenet-bench {variant['execution']}"


def in_turn(tasks: list[Task], number: int) -> list[Task]:
    """The order of a round: the ablation's, but who is first at a case moves on by one each round."""
    cases: dict[tuple[str, str, int], list[Task]] = {}
    for task in tasks:
        cases.setdefault((task.case.variant, task.case.mode, task.case.batch_size), []).append(task)
    order = []
    for beside in cases.values():
        first = number % len(beside)
        order += beside[first:] + beside[:first]
    return order
