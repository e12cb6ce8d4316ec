#!/usr/bin/env python3
"""Compares every cell of the tables of result folders with what each program reads: see scripts/check-tables."""

import csv
import datetime
import math
import pathlib
import re
import sys

import events
import programs

# What a column's name says: its cells are texts, whatever they look like.
TEXTS = set(
    "ablation trial variant status error device execution precision family dataset block_layers weights_sha256 mode "
    "process_peak_source allocator warning peer eager_unit compiled_unit cpu revision host measured_at data_fingerprint "
    "correct sha256 target target_tensor layout".split()
)

# What doubles hold exactly, and what a spreadsheet shows and stores.
EXACT = 2**53
SHEET = 10**15

WHOLE = re.compile(r"[0-9]+")
NUMBER = re.compile(r"-?([0-9]+(\.[0-9]+)?(e-?[0-9]+)?|inf)|NaN")


def table_of(path):
    with open(path, newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    return {name: [row[at] for row in rows] for at, name in enumerate(header)}


def ulps(one, other):
    if math.isinf(one) or math.isinf(other):
        return 0 if one == other else math.inf
    return abs(one - other) / math.ulp(max(abs(one), abs(other)))


class Check:
    """One program's reading of one table."""

    def __init__(self, program, path, slack):
        # The last digits that a number may be off, in units of the last place.
        self.program, self.path, self.slack = program, path, slack
        self.faults, self.rounded, self.cells = [], 0, 0

    def column(self, name, written, read):
        if len(written) != len(read):
            self.faults.append(f"{name}: {len(read)} rows, not {len(written)}")
            return
        for row, (text, value) in enumerate(zip(written, read)):
            self.cells += 1
            if not self.agrees(name, text, value):
                place = f"{self.path.name}, row {row}, column {name}"
                self.faults.append(f"{place}: {text!r} is read as {value!r} ({type(value).__name__})")

    def agrees(self, name, text, value):
        if text == "":
            return value is None or value == ""
        if isinstance(value, datetime.datetime):
            # A moment, which DuckDB tells from other texts: it has to be the same one.
            return value == datetime.datetime.fromisoformat(text)
        if name in TEXTS:
            # Line ends within a cell are one's own affair.
            return isinstance(value, str) and value.replace("\r\n", "\n") == text.replace("\r\n", "\n")
        if text in ("true", "false"):
            return value == (text == "true") or value == text
        if WHOLE.fullmatch(text):
            return self.is_whole(int(text), value)
        if NUMBER.fullmatch(text):
            return self.is_number(text, value)
        return value == text

    def is_whole(self, number, value):
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return False
        if int(value) == number:
            return True
        limit = SHEET if self.program == "LibreOffice Calc" else EXACT
        self.rounded += 1
        return number > limit and abs(int(value) - number) <= 5 * number / limit

    def is_number(self, text, value):
        number = float(text)
        if math.isnan(number):
            return value is None or value == "NaN" or value != value
        if not isinstance(value, (int, float)):
            # A spreadsheet has no infinity.
            return self.program == "LibreOffice Calc" and value == text
        if self.program == "LibreOffice Calc":
            return math.isclose(number, value, rel_tol=5 / SHEET)
        return ulps(number, float(value)) <= self.slack


def readings():
    """What is tried: (program, how, its reader, the last places that a number may be off)."""
    there = programs.versions()
    for program, reader in programs.READERS.items():
        if program not in there:
            print(f"{program}: not installed, not asked")
            continue
        # R's own way to read decimals is off by one in the last place now and then.
        yield f"{program} {there[program]}", program, reader, int(program == "R")


def main():
    paths = [path for folder in sys.argv[1:] for path in sorted(pathlib.Path(folder).glob("*.csv"))]
    if not paths:
        sys.exit(f"error: {' '.join(sys.argv[1:])}: there are no tables; name a result folder, such as results/growth")
    tables = {path: table_of(path) for path in paths}
    failed = False
    for title, program, reader, slack in readings():
        cells, rounded, faults = 0, 0, []
        for path, table in tables.items():
            check = Check(program, path, slack)
            if not next(iter(table.values())):
                # A table without rows: that its columns are there is all.
                continue
            read = reader(path)
            if list(read) != list(table):
                check.faults.append(f"{path.name}: the columns are {list(read)}")
            for name in table:
                check.column(name, table[name], read.get(name, []))
            cells, rounded, faults = cells + check.cells, rounded + check.rounded, faults + check.faults
        failed |= bool(faults)
        note = f", {rounded} whole numbers of more digits than it keeps" if rounded else ""
        print(f"{title}: {len(paths)} tables, {cells} cells, {len(faults)} read as anything else{note}")
        for fault in faults[:20]:
            print(f"  {fault}")
    for folder in map(pathlib.Path, sys.argv[1:]):
        if (folder / "tensorboard").is_dir():
            scalars, faults = events.faults(folder)
            failed |= bool(faults) or not scalars
            print(f"TensorBoard: {scalars} scalars, {len(faults)} files read as anything else")
            for fault in faults[:20]:
                print(f"  {fault}")
    sys.exit(failed)


main()
