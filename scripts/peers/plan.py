"""What is compared: the variants that densenet-bench has laid out, and the ways of running each."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from tables import AGAIN, COMPILED, EAGER, OWN, Case

WORKER = Path(__file__).resolve().parent / "worker.py"
# What may stand between a variant's name and its execution.
SIGNS = "-_.+,"
# Variables by which allocators, OpenMP and inductor are set. A process as installed has none but the number of threads.
OURS = ("LD_PRELOAD", "MIMALLOC_", "MALLOC_", "OMP_", "GOMP_", "KMP_", "TORCHINDUCTOR_")
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS")


@dataclass(frozen=True)
class Peer:
    """A way of running PyTorch."""

    name: str
    layout: str
    compiled: bool = False
    # `torch.optim.SGD(fused=True)`, in place of what PyTorch chooses by itself.
    fused: bool = False
    # PyTorch's own allocator, waiting rules and algorithms: only the number of threads is given.
    installed: bool = False

    def runs_in(self, mode: str) -> bool:
        """Whether it is another peer than the one without a fused optimizer, which evaluation has not."""
        return mode == "train" or not self.fused


# The optimizer costs the same in either layout, and which layout is the faster one depends on the network; so both have it.
# torch.compile takes the longest to measure: as installed it runs in the one layout that libtorch recommends for processors.
PEERS = (
    Peer("PyTorch eager NCHW", "contiguous"),
    Peer("PyTorch eager channels-last", "channels-last"),
    Peer("PyTorch eager NCHW, fused SGD", "contiguous", fused=True),
    Peer("PyTorch eager channels-last, fused SGD", "channels-last", fused=True),
    Peer("PyTorch compile NCHW", "contiguous", compiled=True),
    Peer("PyTorch compile channels-last", "channels-last", compiled=True),
    Peer("PyTorch eager NCHW, as installed", "contiguous", installed=True),
    Peer("PyTorch eager channels-last, as installed", "channels-last", installed=True),
    Peer("PyTorch compile channels-last, as installed", "channels-last", compiled=True, installed=True),
)
# Burn's plain execution without this program's allocator and waiting rules.
STOCK = "stock Burn"
SYSTEM = "system"
# The one whose losses the others' are compared with.
REFERENCE = PEERS[0].name
# That one measured a second time, for the noise floor.
REFERENCE_AGAIN = f"{REFERENCE}, again"
# Who may stand beside this program.
NAMES = (STOCK, *(peer.name for peer in PEERS), REFERENCE_AGAIN)


@dataclass(frozen=True)
class Tools:
    """What processes are started with."""

    program: Path
    python: Path
    mimalloc: Path
    counter: Path
    inductor: Path


@dataclass(frozen=True)
class Network:
    """Variants that differ in their execution alone: PyTorch runs them once."""

    name: str
    own: list[tuple[str, dict[str, Any]]]
    allocator: str

    @property
    def first(self) -> dict[str, Any]:
        """The variant whose files PyTorch is given; the others' hold the same."""
        return self.own[0][1]


@dataclass(frozen=True)
class Task:
    """A case, and the command of each of its processes."""

    case: Case
    rounds: list[list[str | Path]]
    environment: dict[str, str]
    # What prints its answers for the batch; none where they are another's, or not to be compared.
    answers: list[str | Path] | None = None


@dataclass(frozen=True)
class Curve:
    """The losses of a network's first steps, by one peer."""

    variant: str
    peer: str
    batch_size: int
    steps: int
    command: list[str | Path]
    environment: dict[str, str]
    own: bool


class Plan:
    """The index that `densenet-bench inputs` has written into `folder`."""

    def __init__(self, folder: Path, tools: Tools, *, compiled: bool, only: Sequence[str] = ()) -> None:
        self.folder = folder
        self.tools = tools
        self.only = only
        self.peers = [peer for peer in PEERS if (compiled or not peer.compiled) and self.is_wanted(peer.name)]
        self.index: dict[str, Any] = json.loads((folder / "index.json").read_text(encoding="utf-8"))
        self.rounds: int = self.index["rounds"]
        # The processor with its kind and the vector instructions in use, and the program's revision.
        self.cpu: str = self.index["cpu"]
        self.revision: str = self.index["environment"]["revision"]
        self.networks = networks_of(self.index["variants"], folder)

    def is_wanted(self, name: str) -> bool:
        """Whether a peer takes part: where only some do, those whose name matches, and the reference."""
        return not self.only or name == REFERENCE or any(fnmatchcase(name, glob) for glob in self.only)

    def threads(self) -> str:
        """The threads on both sides, as a person writes them."""
        counts = sorted({variant["threads"] for variant in self.index["variants"]})
        return " or ".join(str(count) for count in counts)

    def variables(self) -> str:
        """The variables that both sides are given, as a person writes them."""
        given = dict.fromkeys(
            " ".join(f"{name}={value}" for name, value in sorted(variant["variables"].items()))
            for variant in self.index["variants"]
        )
        return " or ".join(given)

    def installed_environment(self, variant: dict[str, Any], *, compiled: bool) -> dict[str, str]:
        """The variables of a process as installed: the threads alone are ours, and where compiled code is kept."""
        variables = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
        variables |= {name: value for name, value in variant["variables"].items() if name in THREADS}
        return variables | ({"TORCHINDUCTOR_CACHE_DIR": str(self.tools.inductor)} if compiled else {})

    def environment(self, variant: dict[str, Any], *, python: bool) -> dict[str, str]:
        """The variables of a process: the same threads on both sides, and mimalloc for Python, which has it not."""
        variables = {**os.environ, **variant["variables"]}
        if python:
            variables["LD_PRELOAD"] = f"{self.tools.mimalloc} {os.environ.get('LD_PRELOAD', '')}".strip()
            variables["TORCHINDUCTOR_CACHE_DIR"] = str(self.tools.inductor)
            # Compile in the process itself: the workers that would else be started take the processor from the first steps.
            variables["TORCHINDUCTOR_COMPILE_THREADS"] = "1"
        return variables

    def tasks(self) -> list[Task]:
        """Every case in the ablation's order: densenet-bench in each execution, then PyTorch."""
        return [
            task
            for network in self.networks
            for measurement in range(len(network.first["measurements"]))
            for task in self.beside_each_other(network, measurement)
        ]

    def beside_each_other(self, network: Network, number: int) -> list[Task]:
        """One network in one mode at one batch size by everyone."""
        first = network.first
        mode, size = (first["measurements"][number][key] for key in ("mode", "batch_size"))
        spec = spec_of(first, self.folder)
        device, precision = spec["device"], spec["settings"]["run"].get("precision", "f32")

        def case(peer: str, kind: str, allocator: str = network.allocator) -> Case:
            case = Case(network.name, mode, size, peer, first["threads"], allocator, kind)
            case.device, case.precision, case.cpu, case.revision = device, precision, self.cpu, self.revision
            return case

        tasks: list[Task] = []
        last: list[Task] = []
        compared = mode != "train" or not drops(spec_of(first, self.folder))
        for peer, variant in network.own:
            specs = [self.folder / spec for spec in variant["measurements"][number]["rounds"]]
            environment = self.environment(variant, python=False)
            tasks.append(self.own_task(case(peer, OWN), specs, environment, variant, number, compared))
        plain = next((variant for _, variant in network.own if variant["execution"] == "plain"), None)
        # Of a GPU's memory the C library's allocator knows nothing.
        if plain is not None and network.allocator != SYSTEM and device == "cpu" and self.is_wanted(STOCK):
            specs = [self.stock_spec(spec) for spec in plain["measurements"][number]["rounds"]]
            environment = self.installed_environment(plain, compiled=False)
            tasks.append(self.own_task(case(STOCK, OWN, SYSTEM), specs, environment, plain, number, compared))
        measurement = first["measurements"][number]
        for peer in (peer for peer in self.peers if peer.runs_in(mode)):
            files = (first["weights"], measurement["batch"])
            counter: list[str | Path] = [] if peer.installed else ["--counter", self.tools.counter]
            specs = [self.folder / spec for spec in measurement["rounds"]]
            commands = [self.worker("measure", spec, peer, *files) + counter for spec in specs]
            answers = self.worker("answers", specs[0], peer, *files) if compared else None
            kind = COMPILED if peer.compiled else EAGER
            allocator = SYSTEM if peer.installed else network.allocator
            environment = self.peer_environment(first, peer)
            tasks.append(Task(case(peer.name, kind, allocator), commands, environment, answers))
            if peer.name == REFERENCE and self.is_wanted(REFERENCE_AGAIN):
                again = case(REFERENCE_AGAIN, AGAIN)
                again.again_of = REFERENCE
                last = [Task(again, commands, environment)]
        return tasks + last

    def own_task(
        self,
        case: Case,
        specs: list[Path],
        environment: dict[str, str],
        variant: dict[str, Any],
        number: int,
        compared: bool,
    ) -> Task:
        """This program's measurement of these specs."""
        files: list[str | Path] = ["--weights", self.folder / variant["weights"]]
        files += ["--batches", self.folder / variant["measurements"][number]["batch"]]
        answers = [self.tools.program, "answers", specs[0], *files] if compared else None
        return Task(case, [[self.tools.program, "measurement", spec] for spec in specs], environment, answers)

    def stock_spec(self, path: str) -> Path:
        """A round's spec with the system's allocator, as a file beside it."""
        spec = json.loads((self.folder / path).read_text(encoding="utf-8"))
        spec["settings"]["run"]["allocator"] = SYSTEM
        stock = (self.folder / path).with_suffix(".stock.json")
        stock.write_text(json.dumps(spec), encoding="utf-8")
        return stock

    def peer_environment(self, variant: dict[str, Any], peer: Peer) -> dict[str, str]:
        """The variables of a process of PyTorch."""
        if peer.installed:
            return self.installed_environment(variant, compiled=peer.compiled)
        return self.environment(variant, python=True)

    def curves(self) -> list[Curve]:
        """The loss curves of every network that has some, the reference's before the others'."""
        return [curve for network in self.networks if network.first["losses"] for curve in self.curves_of(network)]

    def curves_of(self, network: Network) -> list[Curve]:
        """A network's loss curves."""
        first = network.first
        losses = first["losses"]
        batches, size, steps = losses["batches"], losses["batch_size"], losses["steps"]
        curves = [
            Curve(
                network.name,
                peer.name,
                size,
                steps,
                self.worker("losses", self.folder / losses["spec"], peer, first["weights"], batches),
                self.environment(first, python=True),
                own=False,
            )
            for peer in self.peers
            if not peer.installed  # It computes what the others compute.
        ]
        for peer, variant in network.own:
            own = variant["losses"]
            files = ["--weights", self.folder / variant["weights"], "--batches", self.folder / own["batches"]]
            command = [self.tools.program, "losses", self.folder / own["spec"], *files]
            curves.append(
                Curve(network.name, peer, size, steps, command, self.environment(variant, python=False), own=True)
            )
        return curves

    def notes(self) -> list[str]:
        """Why networks have no loss curves."""
        firsts = ((network.name, network.first) for network in self.networks)
        return [f"{name}: {first['no_losses']}" for name, first in firsts if first["no_losses"]]

    def worker(self, work: str, spec: Path, peer: Peer, weights: str, batches: str) -> list[str | Path]:
        """The command of a PyTorch process."""
        words: list[str | Path] = [self.tools.python, WORKER, work, spec]
        words += ["--weights", self.folder / weights, "--batches", self.folder / batches, "--layout", peer.layout]
        switches = {"--compile": peer.compiled, "--fused": peer.fused, "--installed": peer.installed}
        return words + [switch for switch, is_on in switches.items() if is_on]


def drops(spec: dict[str, Any]) -> bool:
    """Whether the network has dropout, by which each side drops other values in training."""
    return bool(spec["settings"]["model"].get("dropout"))


def networks_of(variants: list[dict[str, Any]], folder: Path) -> list[Network]:
    """The variants gathered by what PyTorch is to do for them, which knows no `[run] execution`."""
    works: dict[str, list[dict[str, Any]]] = {}
    for variant in variants:
        works.setdefault(work_of(variant, folder), []).append(variant)
    names: set[str] = set()
    networks = []
    for alike in works.values():
        name = shared_name(alike)
        others = {variant["variant"] for variant in variants if variant not in alike}
        if name in names | others:
            name = alike[0]["variant"]
        names.add(name)
        executions = [variant["execution"] for variant in alike]
        own = [
            (f"densenet-bench {execution}" + (f", {v['variant']}" if executions.count(execution) > 1 else ""), v)
            for execution, v in zip(executions, alike, strict=True)
        ]
        run = spec_of(alike[0], folder)["settings"]["run"]
        networks.append(Network(name, own, run.get("allocator", "keep-pages")))
    return networks


def spec_of(variant: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The spec of a variant's first round."""
    text = (folder / variant["measurements"][0]["rounds"][0]).read_text(encoding="utf-8")
    spec: dict[str, Any] = json.loads(text)
    return spec


def work_of(variant: dict[str, Any], folder: Path) -> str:
    """All that decides what PyTorch does for a variant and how long it takes, as text."""
    spec = spec_of(variant, folder)
    del spec["variant"], spec["settings"]["run"]["execution"], spec["settings"]["preset"]
    cells = [(each["mode"], each["batch_size"], len(each["rounds"])) for each in variant["measurements"]]
    return json.dumps([spec, cells, variant["variables"], variant["threads"]], sort_keys=True)


def shared_name(variants: list[dict[str, Any]]) -> str:
    """What the variants' names have in common beside their executions: `k24` of `k24-plain` and `k24-fused`, `base`
    where nothing else is there; the first one's name where they are not named so."""
    several = len(variants) > 1
    left = {without_execution(variant["variant"], variant["execution"], several) for variant in variants}
    return left.pop() if len(left) == 1 else variants[0]["variant"]


def without_execution(name: str, execution: str, several: bool) -> str:
    """A variant's name without the part that tells its execution. Where it stands alone, only that of a sweep is sure to
    be one."""
    parts = [part for part in name.split(",") if part not in (f"execution={execution}", f"run.execution={execution}")]
    if len(parts) < len(name.split(",")):
        return ",".join(parts) or "base"
    if not several:
        return name
    for sign in SIGNS:
        if name.endswith(sign + execution):
            return name.removesuffix(sign + execution)
    return "base" if name == execution else name


def in_turn(tasks: list[Task], number: int) -> list[Task]:
    """The order of a round: the ablation's, but who is first at a case moves on by one each round."""
    cases: dict[tuple[str, str, int], list[Task]] = {}
    for task in tasks:
        cases.setdefault(task.case.key(), []).append(task)
    order = []
    for beside in cases.values():
        first = number % len(beside)
        order += beside[first:] + beside[:first]
    return order
