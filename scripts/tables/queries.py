#!/usr/bin/env python3
"""Runs the queries of docs/results.md, as they stand there, on result folders, and compares what they give.

    queries.py DOCUMENT FOLDER      FOLDER has results/growth, as the queries name it
"""

import collections
import csv
import math
import os
import pathlib
import re
import statistics
import sys

import duckdb


def queries(document):
    """The blocks of code between the markers, each with its language."""
    text = document.read_text(encoding="utf-8")
    between = re.search(r"<!-- queries -->\n(.*?)<!-- end -->", text, re.DOTALL)
    if not between:
        sys.exit(f"error: {document}: there is no <!-- queries --> block")
    return re.findall(r"(\w+):\n\n```(\w+)\n(.*?)```", between[1], re.DOTALL)


def rows_of(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def expected():
    """The same numbers by the standard library: a row for each variant."""
    epochs = collections.defaultdict(list)
    for row in rows_of("results/growth/epochs.csv"):
        epochs[row["trial"]].append(int(row["train_ns"]))
    variants = collections.defaultdict(list)
    for row in rows_of("results/growth/trials.csv"):
        if row["status"] == "ok":
            variants[row["variant"]].append((float(row["final_test_error"]), statistics.mean(epochs[row["trial"]])))
    table = []
    for variant, trials in variants.items():
        errors, times = zip(*trials)
        table.append((variant, len(trials), statistics.mean(errors), statistics.stdev(errors), statistics.mean(times) / 1e9))
    return table


def result(language, code):
    """What a query gives, row by row."""
    if language == "sql":
        return duckdb.connect().execute(code).fetchall()
    names = {}
    exec(code, names)  # noqa: S102 - the document is this repository's
    table = names["table"]
    if hasattr(table, "iter_rows"):
        return list(table.iter_rows())
    return list(table.itertuples(index=False, name=None))


def agrees(row, other):
    numbers = zip(row[1:], other[1:])
    return row[0] == other[0] and len(row) == len(other) and all(math.isclose(a, b, rel_tol=1e-9) for a, b in numbers)


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    found = queries(pathlib.Path(sys.argv[1]))
    os.chdir(sys.argv[2])
    wanted = expected()
    failed = [name for name in ("pandas", "Polars", "DuckDB") if name not in {name for name, *_ in found}]
    for name in failed:
        print(f"{name}: there is no query")
    for name, language, code in found:
        rows = result(language, code)
        is_right = len(rows) == len(wanted) and all(map(agrees, rows, wanted))
        print(f"{name}: {'as expected' if is_right else f'gives {rows}, not {wanted}'}")
        failed += [] if is_right else [name]
    sys.exit(bool(failed))


main()
