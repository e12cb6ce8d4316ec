"""Speed and memory beside PyTorch in the same call: rounds of densenet-bench's processes stand between rounds of PyTorch."""

from __future__ import annotations

import json
import os
import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tables
from budget import Budget, Server, TimeIsUp, run
from works import COMPILED, Timing, Work, ablation

HERE = Path(__file__).resolve().parent
# The largest relative difference of the losses at the initial weights, by precision: rounding differs, the function does not.
LOSS_TOLERANCE = {"f32": 1e-4, "tf32": 1e-2, "bf16": 3e-2}


@dataclass
class Session:
    """What every part of a report is made with."""

    program: Path
    python: str
    device: str
    budget: Budget
    out: Path
    timing: Timing
    # Whether the Python that runs this has PyTorch to stand beside.
    has_pytorch: bool = True
    # Precisions that this program and the device are known to have, and the losses at the initial weights by network and precision.
    precisions: set[str] = field(default_factory=set)
    losses: dict[tuple[str, str], float | None] = field(default_factory=dict)
    # Variants by their names: the settings of `[run]` of each that this program knows.
    own: dict[str, str] = field(default_factory=dict)

    @property
    def logs(self) -> Path:
        """Where what processes say goes."""
        return self.out / "logs"


@dataclass
class Measured:
    """A work and what became of it."""

    work: Work
    cases: list[tables.Case] = field(default_factory=list)
    note: str = ""
    # By peer: what was found before its steps were timed.
    doubts: dict[str, str] = field(default_factory=dict)


def without_device(session: Session, folder: Path, work: Work) -> str:
    """Why the device cannot be used at all; nothing where it can."""
    return refusal(session, folder, {"plain": '"run.execution" = "plain"'}, work)


def refusal(session: Session, folder: Path, settings: dict[str, str], work: Work) -> str:
    """Why this program cannot carry a work out on the device; nothing where it can."""
    file = folder / "probe.toml"
    file.write_text(ablation(work, session.timing, settings), encoding="utf-8")
    done = run(session.budget, [session.program, "run", file, "--list", "--device", session.device], most=60.0)
    # Without the path of a file that is gone after this.
    return "" if done.is_ok else re.sub(r"^error: (\S*probe\.toml:\d+: )?", "", done.reason())


def known_variants(session: Session, folder: Path, work: Work) -> dict[str, str]:
    """densenet-bench's ways of running a network here: `aten`, and captured as a CUDA graph where the program has that."""
    ways = {"aten": '"run.execution" = "aten"'}
    if session.device.startswith("cuda"):
        graphed = {
            "aten, graph": '"run.execution" = "aten", "run.cuda-graph" = true',
            "aten, no graph": '"run.execution" = "aten", "run.cuda-graph" = false',
        }
        if not refusal(session, folder, graphed, work):
            ways = graphed
    return ways


def measure(session: Session, work: Work, folder: Path) -> Measured:
    """Measures a work; what is there when the time is up is kept."""
    measured = Measured(work)
    session.budget.need(work.least)
    folder.mkdir(parents=True, exist_ok=True)
    variants = {name.replace(", ", "-"): keys for name, keys in session.own.items()}
    if work.precision not in session.precisions:
        if reason := refusal(session, folder, variants, work):
            measured.note = reason
            return measured
        session.precisions.add(work.precision)
    file = folder / "work.toml"
    file.write_text(ablation(work, session.timing, variants), encoding="utf-8")
    inputs = folder / "inputs"
    inputs.mkdir(exist_ok=True)
    words = [session.program, "inputs", file, "--out", inputs, "--device", session.device]
    done = run(session.budget, words, most=120.0)
    if not done.is_ok:
        measured.note = done.reason()
        return measured
    index = json.loads((inputs / "index.json").read_text(encoding="utf-8"))
    own = {f"densenet-bench {name}": entry for name, entry in zip(session.own, index["variants"], strict=True)}
    threads = index["variants"][0]["threads"]

    def case(peer: str, kind: str) -> tables.Case:
        case = tables.Case(work.network.name, "train", work.batch_size, peer, threads, "keep-pages", kind)
        case.device, case.precision = session.device, work.precision
        case.cpu, case.revision = index["cpu"], index["environment"]["revision"]
        measured.cases.append(case)
        return case

    ours = {name: case(name, tables.OWN) for name in own}
    theirs = {name: case(f"PyTorch {name}", tables.COMPILED if name in COMPILED else tables.EAGER) for name in work.peers if session.has_pytorch}
    try:
        beside(session, measured, inputs, own, ours, theirs)
    except TimeIsUp as up:
        measured.note = f"the time was up: {up}"
    for unfinished in measured.cases:
        if unfinished.status == "pending":
            unfinished.status, unfinished.error = ("ok", "") if unfinished.samples else ("timeout", measured.note or "not measured")
    return measured


def beside(
    session: Session,
    measured: Measured,
    inputs: Path,
    own: dict[str, dict[str, Any]],
    ours: dict[str, tables.Case],
    theirs: dict[str, tables.Case],
) -> None:
    """Builds PyTorch's peers, then goes round by round."""
    first = next(iter(own.values()))
    measurement = first["measurements"][0]
    files = ["--weights", inputs / first["weights"], "--batches", inputs / measurement["batch"]]
    environment = {**os.environ, **first["variables"]}
    environment["TORCHINDUCTOR_CACHE_DIR"] = str(inputs / "inductor")
    words = [session.python, HERE / "peer_server.py", inputs / measurement["rounds"][0], *files, "--peers", json.dumps(list(theirs))]
    if not theirs:
        for number in range(session.timing.rounds):
            turn(session, number, inputs, own, ours)
        return
    loss = own_loss(session, measured.work, inputs, first, files)
    server = Server(session.budget, words, environment, session.logs / "pytorch.log")
    try:
        for name, case in theirs.items():
            built = server.ask(json.dumps({"build": name}), 240.0 if name in COMPILED else 90.0)
            if built.get("error"):
                lacks_memory = "out of memory" in built["error"].lower()
                case.status, case.error = "oom" if lacks_memory else "failed", built["error"]
                continue
            case.allocated_peak_bytes = built["allocated"]
            case.first_steps.append(built["first_step_ns"])
            if loss is not None and built["loss"]:
                case.check_difference = abs(built["loss"] - loss) / abs(loss)
                tolerance = LOSS_TOLERANCE[measured.work.precision]
                if not case.check_difference <= tolerance:
                    measured.doubts[case.peer] = f"its loss at the initial weights differs by {case.check_difference:.1e}, more than {tolerance:g}"
        for number in range(session.timing.rounds):
            turn(session, number, inputs, own, ours)
            steps = max(1, session.timing.steps // session.timing.rounds)
            for name, result in server.ask(json.dumps({"steps": steps}), 120.0).items():
                theirs[name].add({"process_peak_bytes": None, "allocated_peak_bytes": None, **result})
    except RuntimeError as error:
        for case in theirs.values():
            if case.status == "pending" and not case.samples:
                case.status, case.error = "failed", str(error)
        # The program's own rounds do not wait for PyTorch.
        for number in range(session.timing.rounds):
            turn(session, number, inputs, own, {name: case for name, case in ours.items() if len(case.samples) <= number})
    finally:
        server.close()


def turn(
    session: Session, number: int, inputs: Path, own: dict[str, dict[str, Any]], ours: dict[str, tables.Case]
) -> None:
    """One process of each of densenet-bench's variants; the first of them changes from round to round."""
    names = list(ours)
    for name in names[number % max(1, len(names)) :] + names[: number % max(1, len(names))]:
        case = ours[name]
        if case.status != "pending":
            continue
        spec = inputs / own[name]["measurements"][0]["rounds"][number]
        environment = {**os.environ, **own[name]["variables"]}
        done = run(session.budget, [session.program, "measurement", spec], least=2.0, most=120.0, environment=environment)
        result = done.json()
        if result is None:
            lacks_memory = "out of memory" in done.complained.lower() or "can't allocate memory" in done.complained.lower()
            case.status, case.error = "oom" if lacks_memory else "failed", done.reason()
        elif result["status"] != "ok":
            case.status, case.error = result["status"], result["error"]
        else:
            case.add(result)


def own_loss(session: Session, work: Work, inputs: Path, entry: dict[str, Any], files: list[Any]) -> float | None:
    """densenet-bench's loss at the initial weights, at the first batch size of a network in a precision; none at the others."""
    key = (work.network.name, work.precision)
    if key in session.losses:
        return None
    spec = inputs / entry["measurements"][0]["rounds"][0]
    environment = {**os.environ, **entry["variables"]}
    done = run(session.budget, [session.program, "answers", spec, *files], least=2.0, environment=environment)
    answers = done.json()
    session.losses[key] = answers["loss"] if done.is_ok and answers else None
    return session.losses[key]


def judge(session: Session, measured: list[Measured]) -> None:
    """Asks densenet-bench whether steps were steady, as it judges its own measurements; it takes no device."""
    cases = [(each.doubts.get(case.peer, ""), case) for each in measured for case in each.cases if case.samples]
    samples = json.dumps([case.samples for _, case in cases])
    answer = subprocess.run(
        [session.program, "steadiness"], input=samples, capture_output=True, text=True, check=False, timeout=30
    )
    warnings = json.loads(answer.stdout) if answer.returncode == 0 else [""] * len(cases)
    for (doubt, case), steadiness in zip(cases, warnings, strict=True):
        case.warning = "; ".join(said for said in (doubt, case.gpu_warning(), steadiness) if said)


def write(session: Session, measured: list[Measured]) -> list[str]:
    """Writes a folder of tables for each precision and has densenet-bench plot them; gives the folders' names."""
    names = []
    for precision in dict.fromkeys(each.work.precision for each in measured):
        cases = [case for each in measured if each.work.precision == precision for case in each.cases]
        if not cases:
            continue
        folder = session.out / f"speed-{precision}"
        folder.mkdir(exist_ok=True)
        names.append(folder.name)
        rows = tables.peer_rows(cases)
        # densenet-bench plots folders with an ablation file: here that of the first of the works.
        first = next(each.work for each in measured if each.work.precision == precision and each.cases)
        variants = {name.replace(", ", "-"): keys for name, keys in session.own.items()}
        tables.write_whole(folder / "ablation.toml", ablation(first, session.timing, variants))
        tables.write_whole(folder / "peers.csv", tables.csv_text(tables.PeerRow, rows))
        tables.write_whole(folder / "peer_samples.csv", tables.csv_text(tables.SampleRow, tables.sample_rows(cases)))
        tables.write_whole(folder / "peers.md", tables.markdown_table(rows))
    return names

