"""The comparison's tables: samples in; peers.csv, peer_samples.csv and the table for people out."""

from __future__ import annotations

import csv
import io
import os
import re
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from pathlib import Path
from statistics import median
from typing import Any

# Who runs a case: this program, or PyTorch in one of two ways.
OWN = "own"
EAGER = "eager"
COMPILED = "compiled"

MEGABYTE = 1e6
MILLISECOND = 1e6


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

    def add(self, result: dict[str, Any]) -> None:
        """Takes in what one more process has measured: the samples are kept, and of each peak the highest."""
        self.samples.append(result["step_ns"])
        for name in ("allocated_peak_bytes", "process_peak_bytes"):
            peaks = [peak for peak in (getattr(self, name), result[name]) if peak is not None]
            setattr(self, name, max(peaks, default=None))

    def key(self) -> tuple[str, str, int]:
        """What is compared with each other."""
        return self.variant, self.mode, self.batch_size

    def times(self) -> list[int]:
        """The steps of all rounds, in nanoseconds."""
        return [time for times in self.samples for time in times]

    def images_per_second(self) -> float | None:
        """The batch size over the median step."""
        times = self.times()
        return self.batch_size / (median(times) * 1e-9) if times and self.status == "ok" else None


def fastest(cases: list[Case], kind: str) -> dict[tuple[str, str, int], Case]:
    """Of each network, mode and batch size the faster layout of that kind, where one ran."""
    ran = [case for case in cases if case.kind == kind and case.images_per_second() is not None]
    # The last of a key stays: the fastest.
    return {case.key(): case for case in sorted(ran, key=lambda case: case.images_per_second() or 0.0)}


def quotient(value: float | None, of: float | None) -> float | None:
    """`value` over `of`, where both are there."""
    return None if value is None or not of else value / of


def peer_rows(cases: list[Case]) -> list[PeerRow]:
    """A row for each case; what the ratios are to is the faster layout of the same network, mode and batch size."""
    eager, compiled = fastest(cases, EAGER), fastest(cases, COMPILED)
    rows = []
    for case in cases:
        times = case.times() if case.status == "ok" else []
        middle = median(times) if times else None
        speed = case.images_per_second()
        best, best_compiled = eager.get(case.key()), compiled.get(case.key())
        rows.append(
            PeerRow(
                variant=case.variant,
                mode=case.mode,
                batch_size=case.batch_size,
                peer=case.peer,
                status=case.status,
                error=case.error,
                device="cpu",
                precision="f32",
                threads=case.threads,
                allocator=case.allocator,
                rounds=len(case.samples),
                steps=len(case.times()),
                step_ns_median=None if middle is None else round(middle),
                step_ns_mad=None if middle is None else round(median(abs(time - middle) for time in times)),
                images_per_second=speed,
                allocated_peak_bytes=case.allocated_peak_bytes,
                process_peak_bytes=case.process_peak_bytes,
                speed_ratio=quotient(speed, best and best.images_per_second()),
                compiled_speed_ratio=quotient(speed, best_compiled and best_compiled.images_per_second()),
                peak_share=quotient(case.allocated_peak_bytes, best and best.allocated_peak_bytes),
                loss_difference=case.loss_difference,
            )
        )
    return rows


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
    ("step, median ± MAD (ms)", True),
    ("n", True),
    ("allocated peak (MB)", True),
    ("process peak (MB)", True),
    ("times eager", True),
    ("times compile", True),
    ("share of eager's peak (%)", True),
    ("loss difference", True),
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

    step = ""
    if row.step_ns_median is not None and row.step_ns_mad is not None:
        step = f"{row.step_ns_median / MILLISECOND:.1f} ± {row.step_ns_mad / MILLISECOND:.1f}"
    return [
        row.variant,
        row.mode,
        str(row.batch_size),
        row.peer,
        row.status if row.status != "ok" else written(row.images_per_second, ".1f"),
        step,
        str(row.steps),
        written(row.allocated_peak_bytes, ".1f", MEGABYTE),
        written(row.process_peak_bytes, ".1f", MEGABYTE),
        written(row.speed_ratio, ".2f"),
        written(row.compiled_speed_ratio, ".2f"),
        written(row.peak_share, ".1f", 0.01),
        written(row.loss_difference, ".1e"),
    ]


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
