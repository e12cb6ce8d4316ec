"""The comparison's tables: samples in; peers.csv, peer_samples.csv and the table for people out."""

from __future__ import annotations

import csv
import io
import os
import re
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from datetime import datetime, timezone
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import energy
import intervals

# Who runs a case: this program or Burn, PyTorch in one of two ways, or one of them a second time.
OWN = "own"
EAGER = "eager"
COMPILED = "compiled"
# The work of another peer measured again, for the noise floor.
AGAIN = "again"

MEGABYTE = 1e6
MILLISECOND = 1e6
SECOND = 1e9
GIGA = 1e9


@dataclass(frozen=True)
class PeerRow:
    """`peers.csv`, column by column, as the Rust struct of that name."""

    variant: str
    mode: str
    batch_size: int
    peer: str
    status: str
    error: str
    device: str
    precision: str
    threads: int
    allocator: str
    rounds: int
    steps: int
    step_ns_median: int | None
    step_ns_mad: int | None
    images_per_second: float | None
    allocated_peak_bytes: int | None
    process_peak_bytes: int | None
    speed_ratio: float | None
    compiled_speed_ratio: float | None
    peak_share: float | None
    loss_difference: float | None
    step_ns_low: int | None
    step_ns_high: int | None
    speed_ratio_low: float | None
    speed_ratio_high: float | None
    compiled_speed_ratio_low: float | None
    compiled_speed_ratio_high: float | None
    again_ratio: float | None
    again_ratio_low: float | None
    again_ratio_high: float | None
    eager_unit: str
    compiled_unit: str
    check_difference: float | None
    startup_ns: int | None
    first_step_ns: int | None
    cold_compile_ns: int | None
    flops_per_second: float | None
    roofline_share: float | None
    cpu: str
    revision: str
    measured_at: str
    warning: str
    joules_per_image: float | None
    energy_source: str


@dataclass(frozen=True)
class SampleRow:
    """`peer_samples.csv`: a row for each timed step."""

    variant: str
    mode: str
    batch_size: int
    peer: str
    round: int
    step: int
    step_ns: int


@dataclass
class Case:
    """A network in a mode at a batch size, run by one peer: what its processes have given so far."""

    variant: str
    mode: str
    batch_size: int
    peer: str
    threads: int
    allocator: str
    kind: str = OWN
    status: str = "pending"
    error: str = ""
    samples: list[list[int]] = field(default_factory=list)
    allocated_peak_bytes: int | None = None
    process_peak_bytes: int | None = None
    loss_difference: float | None = None
    again_of: str = ""
    device: str = "cpu"
    precision: str = "f32"
    discarded: int = 0
    check_difference: float | None = None
    startups: list[int] = field(default_factory=list)
    first_steps: list[int] = field(default_factory=list)
    cold_compile_ns: int | None = None
    cpu: str = ""
    revision: str = ""
    measured_at: str = ""
    warning: str = ""
    # What a step must compute and move, and what this machine reached in each process: densenet-bench's tell.
    work: dict[str, int] | None = None
    rates: list[dict[str, float]] = field(default_factory=list)
    # Of each process whose energy was counted, that and its steps; and the GPU before and after the steps of each.
    energies: list[tuple[dict[str, Any], int]] = field(default_factory=list)
    gpus: list[dict[str, Any]] = field(default_factory=list)

    def add(self, result: dict[str, Any]) -> None:
        """Takes in what one more process has measured: the samples are kept, and of each peak the highest."""
        self.measured_at = self.measured_at or f"{datetime.now(timezone.utc):%Y-%m-%dT%H:%M:%SZ}"
        self.samples.append(result["step_ns"])
        self.work = result.get("work") or self.work
        self.rates += [result["rates"]] if result.get("rates") else []
        self.energies += [(result["energy"], len(result["step_ns"]))] if result.get("energy") else []
        self.gpus += [result["gpu"]] if result.get("gpu") else []
        for name in ("allocated_peak_bytes", "process_peak_bytes"):
            peaks = [peak for peak in (getattr(self, name), result[name]) if peak is not None]
            setattr(self, name, max(peaks, default=None))
        for name, times in (("startup_ns", self.startups), ("first_step_ns", self.first_steps)):
            if result.get(name) is not None:
                times.append(result[name])

    def key(self) -> tuple[str, str, int]:
        """What is compared with each other."""
        return self.variant, self.mode, self.batch_size

    def times(self) -> list[int]:
        """The steps of all rounds, in nanoseconds."""
        return [time for times in self.samples for time in times]

    def joules_per_image(self) -> float | None:
        """The mean over the processes whose energy was counted."""
        steps = sum(steps for _, steps in self.energies)
        joules = sum(counted["microjoules"] for counted, _ in self.energies) / 1e6
        return joules / (steps * self.batch_size) if steps else None

    def energy_source(self) -> str:
        """Whose counter it was."""
        return self.energies[0][0]["source"] if self.energies else ""

    def gpu_warning(self) -> str:
        """What makes times on its GPU doubtful, of the first process with a reason."""
        return next((said for said in map(energy.warning, self.gpus) if said), "")

    def images_per_second(self) -> float | None:
        """The batch size over the median step."""
        times = self.times()
        return self.batch_size / (median(times) * 1e-9) if times and self.status == "ok" else None


def fastest(cases: list[Case], kind: str) -> dict[tuple[str, str, int], Case]:
    """Of each network, mode and batch size the fastest peer of that kind, where one ran: the unit of the ratios."""
    ran = [case for case in cases if case.kind == kind and case.images_per_second() is not None]
    # The last of a key stays: the fastest.
    return {case.key(): case for case in sorted(ran, key=lambda case: case.images_per_second() or 0.0)}


def speed_ratio(case: Case, of: Case | None) -> tuple[float | None, float | None, float | None]:
    """A case's images a second over another's in the rounds of both, and the ends of the 95 % interval."""
    if of is None or case.images_per_second() is None or of.images_per_second() is None:
        return None, None, None
    if case is of:
        return 1.0, None, None
    # Images a second are over the step times.
    ratio, interval = intervals.paired_ratio(case.samples, of.samples)
    low, high = interval or (None, None)
    return ratio, low, high


class Roofline(NamedTuple):
    """What a step must compute, and the least time that this machine takes for it and for the memory that it must move."""

    flops: int
    seconds: float


def rooflines(cases: list[Case]) -> dict[tuple[str, str, int], Roofline]:
    """Of each network, mode and batch size what densenet-bench's processes tell: the best that any of them reached. Those with
    the C library's allocator are left out, which fetches fresh pages for every pass."""
    found = {}
    for case in cases:
        beside = [other for other in cases if other.key() == case.key() and other.kind == OWN and other.allocator != "system"]
        rates = [rate for other in beside for rate in other.rates]
        work = next((other.work for other in beside if other.work), None)
        if work and rates:
            computing = work["flops"] / max(rate["flops_per_second"] for rate in rates)
            moving = work["bytes"] / max(rate["bytes_per_second"] for rate in rates)
            found[case.key()] = Roofline(work["flops"], max(computing, moving))
    return found


def quotient(value: float | None, of: float | None) -> float | None:
    """`value` over `of`, where both are there."""
    return None if value is None or not of else value / of


def peer_rows(cases: list[Case]) -> list[PeerRow]:
    """A row for each case; what the ratios are to is the fastest peer of the same network, mode and batch size."""
    eager, compiled = fastest(cases, EAGER), fastest(cases, COMPILED)
    counted = fastest([case for case in cases if case.allocated_peak_bytes is not None], EAGER)
    by_name = {(case.key(), case.peer): case for case in cases}
    limits = rooflines(cases)
    rows = []
    for case in cases:
        times = case.times() if case.status == "ok" else []
        middle = median(times) if times else None
        speed = case.images_per_second()
        best, best_compiled = eager.get(case.key()), compiled.get(case.key())
        best_counted = counted.get(case.key())
        limit = limits.get(case.key())
        interval = intervals.step_interval(case.samples) if times else None
        to_eager, to_eager_low, to_eager_high = speed_ratio(case, best)
        to_compiled, to_compiled_low, to_compiled_high = speed_ratio(case, best_compiled)
        again, again_low, again_high = speed_ratio(case, by_name.get((case.key(), case.again_of)))
        rows.append(
            PeerRow(
                variant=case.variant,
                mode=case.mode,
                batch_size=case.batch_size,
                peer=case.peer,
                status=case.status,
                error=case.error,
                device=case.device,
                precision=case.precision,
                threads=case.threads,
                allocator=case.allocator,
                rounds=len(case.samples),
                steps=len(case.times()),
                step_ns_median=None if middle is None else round(middle),
                step_ns_mad=None if middle is None else round(median(abs(time - middle) for time in times)),
                images_per_second=speed,
                allocated_peak_bytes=case.allocated_peak_bytes,
                process_peak_bytes=case.process_peak_bytes,
                speed_ratio=to_eager,
                compiled_speed_ratio=to_compiled,
                peak_share=quotient(case.allocated_peak_bytes, best_counted and best_counted.allocated_peak_bytes),
                loss_difference=case.loss_difference,
                step_ns_low=None if interval is None else round(interval[0]),
                step_ns_high=None if interval is None else round(interval[1]),
                speed_ratio_low=to_eager_low,
                speed_ratio_high=to_eager_high,
                compiled_speed_ratio_low=to_compiled_low,
                compiled_speed_ratio_high=to_compiled_high,
                again_ratio=again,
                again_ratio_low=again_low,
                again_ratio_high=again_high,
                eager_unit="" if best is None else best.peer,
                compiled_unit="" if best_compiled is None else best_compiled.peer,
                check_difference=case.check_difference,
                startup_ns=whole_median(case.startups),
                first_step_ns=whole_median(case.first_steps),
                cold_compile_ns=case.cold_compile_ns,
                flops_per_second=None if limit is None or middle is None else limit.flops / (middle * 1e-9),
                roofline_share=None if limit is None or middle is None else limit.seconds / (middle * 1e-9),
                cpu=case.cpu,
                revision=case.revision,
                measured_at=case.measured_at,
                warning=case.warning,
                joules_per_image=case.joules_per_image() if times else None,
                energy_source=case.energy_source() if times else "",
            )
        )
    return rows


def whole_median(times: list[int]) -> int | None:
    """The median, where there is one."""
    return round(median(times)) if times else None


def sample_rows(cases: list[Case]) -> list[SampleRow]:
    """Every raw step, counted from 0 within its round."""
    return [
        SampleRow(case.variant, case.mode, case.batch_size, case.peer, number, step, time)
        for case in cases
        for number, times in enumerate(case.samples)
        for step, time in enumerate(times)
    ]


def shown(text: str) -> str:
    """Text on one line in which every character that acts in place of being seen is written as its escape."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def markdown_text(text: str) -> str:
    """Text of which Markdown makes nothing but itself within a line; what stood on several lines is on one."""
    return re.sub(r"[\\`*_~$|<&]|\](?=[(\[:])", r"\\\g<0>", shown(" ".join(text.split())))


# What makes a cell a formula to a spreadsheet, or looks like a guarded one; the program guards and reads alike.
FORMULA_SIGNS = tuple("=+-@\t\r\n＝＋－＠'")


def cell(value: object) -> object:
    """A value as it is written to a table: text that begins like a formula gets an apostrophe before it."""
    if isinstance(value, float):
        # `repr` of a float reads back to the same bits.
        return repr(value)
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_SIGNS) else value


def csv_text(kind: type[PeerRow] | type[SampleRow], rows: Iterable[PeerRow | SampleRow]) -> str:
    """A table with its header, which is there even without rows; nothing where nothing was measured."""
    names = [column.name for column in fields(kind)]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    for row in rows:
        writer.writerow(cell(getattr(row, name)) for name in names)
    return text.getvalue()


HEADINGS = [
    ("variant", False),
    ("mode", False),
    ("batch", True),
    ("peer", False),
    ("images/s", True),
    ("step, median [95 %] (ms)", True),
    ("n", True),
    ("GFLOP/s", True),
    ("roofline (%)", True),
    ("allocated peak (MB)", True),
    ("process peak (MB)", True),
    ("times eager", True),
    ("times compile", True),
    ("share of eager's peak (%)", True),
    ("loss difference", True),
    ("check", True),
    ("start-up (s)", True),
    ("first step (s)", True),
    ("cold compile (s)", True),
]


def markdown_table(rows: list[PeerRow]) -> str:
    """The table for people; a case without numbers shows its status."""
    lines = [[name for name, _ in HEADINGS]]
    lines.append(["---:" if right else "---" for _, right in HEADINGS])
    lines.extend(cells(row) for row in rows)
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADINGS))]
    # The rule's dashes reach from side to side.
    lines[1] = [
        cell.rjust(width, "-") if cell.endswith(":") else cell.ljust(width, "-")
        for cell, width in zip(lines[1], widths, strict=True)
    ]
    text = ""
    for line in lines:
        columns = zip(line, widths, HEADINGS, strict=True)
        padded = [cell.rjust(width) if right else cell.ljust(width) for cell, width, (_, right) in columns]
        text += f"| {' | '.join(padded)} |\n"
    return text


def cells(row: PeerRow) -> list[str]:
    """A row of the table for people."""

    def written(value: float | None, form: str, unit: float = 1.0) -> str:
        return "" if value is None else format(value / unit, form)

    def between(value: float | None, low: float | None, high: float | None, form: str, unit: float = 1.0) -> str:
        ends = "" if low is None or high is None else f" [{low / unit:{form}}, {high / unit:{form}}]"
        return written(value, form, unit) + ends

    return [
        row.variant,
        row.mode,
        str(row.batch_size),
        row.peer,
        row.status if row.status != "ok" else written(row.images_per_second, ".1f"),
        between(row.step_ns_median, row.step_ns_low, row.step_ns_high, ".1f", MILLISECOND),
        str(row.steps),
        written(row.flops_per_second, ".1f", GIGA),
        written(row.roofline_share, ".1f", 0.01),
        written(row.allocated_peak_bytes, ".1f", MEGABYTE),
        written(row.process_peak_bytes, ".1f", MEGABYTE),
        between(row.speed_ratio, row.speed_ratio_low, row.speed_ratio_high, ".2f"),
        between(row.compiled_speed_ratio, row.compiled_speed_ratio_low, row.compiled_speed_ratio_high, ".2f"),
        written(row.peak_share, ".1f", 0.01),
        written(row.loss_difference, ".1e"),
        written(row.check_difference, ".1e"),
        written(row.startup_ns, ".2f", SECOND),
        written(row.first_step_ns, ".3f", SECOND),
        written(row.cold_compile_ns, ".1f", SECOND),
    ]


def units(rows: list[PeerRow]) -> list[str]:
    """Which peers the ratios of a network, mode and batch size are to, a line for each."""
    lines = {}
    for row in rows:
        of = [(heading, unit) for heading, unit in (("eager", row.eager_unit), ("compile", row.compiled_unit)) if unit]
        if of:
            said = " and ".join(f"*times {heading}* are to {unit}" for heading, unit in of)
            lines[row.variant, row.mode, row.batch_size] = f"{row.variant} {row.mode} {row.batch_size}: {said}"
    return list(lines.values())


def noise_floor(rows: list[PeerRow]) -> list[str]:
    """What the work that was measured twice says of all ratios, as a person reads it first."""
    again = [row for row in rows if row.again_ratio is not None]
    if not again:
        return []
    said, factors = [], []
    for row in again:
        text = f"{row.variant} {row.mode} {row.batch_size}, {row.peer}: {row.again_ratio:.3f}"
        if row.again_ratio_low is None or row.again_ratio_high is None:
            said.append(f"{text} (n too small for an interval: {row.rounds} rounds)")
        else:
            said.append(f"{text} [{row.again_ratio_low:.3f}, {row.again_ratio_high:.3f}]")
            factors.append(max(row.again_ratio_high, 1 / row.again_ratio_low))
    floor = f" Ratios from {1 / max(factors):.3f} to {max(factors):.3f} are within the noise floor." if factors else ""
    return [f"A/A, the same work measured again, images/s over the first's: {'; '.join(said)}.{floor}"]


def write_whole(path: Path, text: str) -> None:
    """Writes a file by way of a temporary one beside it: it is there whole or not at all."""
    handle, name = tempfile.mkstemp(prefix=".writing-", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
