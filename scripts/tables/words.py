#!/usr/bin/env python3
"""Asks every program what it takes words for: a column of nothing else, two rows of it (scripts/check-tables --words)."""

import csv
import json
import pathlib
import sys
import tempfile

import programs
from pandas._libs.parsers import STR_NA_VALUES

# Names that people give, and what looks like a number, a date or a truth value in some program's eyes.
CANDIDATES = """
Null NAN na Na none NONE nil NIL missing . - ? inf Inf INF infinity Infinity -inf
true false True False TRUE FALSE T F t f yes no Yes No NO Y N y n on off
1 12 001 1e5 1E5 1e400 1_000 1,000 1,5 12,345 1,000.5 0x1F 0x1f 0x1p3 0xg 0b1 0o7 1.5 1. .5 1e 1e+5 1e-5 +1 -1 1d5 1f 1L 1i 2+3i
1,2,3 1234567890123456 0012345678901234 1234e567 12345678901e4567 12e34567890123ab e1979bc3da6c8a93
1-2 31-1 2024-01 2024-01-02 2024-1-2 6-12-24 12-12-12 1-2-3 1-2-2024 24-12-6 1.2.3 10.5.2024 2024-13-01 20240102 1-2-3-4
2024-W01 2024-001 1:30 12:30 1/2 mar1 MAR1 mar-1 1-mar sept1 dec10 jan2024 jan-2024 1-mar-2024 may mon q1 5may 10am 1h30
1a k12 12k k-12 5M 5s base wide-24 growth-rate=12 augment=none block-layers=6-12-24 bottleneck=true 1=2 1+2 e5 [6,12,24] [12]
""".split()
WORDS = sorted(set(CANDIDATES) | (STR_NA_VALUES - {""}))


def taken_for(word, values):
    """None where every cell is the word itself."""
    if all(value == word and isinstance(value, str) for value in values):
        return None
    value = values[0]
    if value is None or value != value:
        return "missing"
    return {bool: "truth", int: "number", float: "number", complex: "number"}.get(type(value), "date")


def main():
    there = programs.versions()
    lacking = set(programs.READERS) - set(there)
    if lacking:
        sys.exit(f"error: {', '.join(sorted(lacking))} must be installed: the list is that of all programs")
    words = {word: {} for word in WORDS}
    with tempfile.TemporaryDirectory() as folder:
        for word in WORDS:
            path = pathlib.Path(folder) / "word.csv"
            with open(path, "w", newline="", encoding="utf-8") as file:
                csv.writer(file, lineterminator="\n").writerows([["name", "row"], [word, "a"], [word, "b"]])
            for program, reader in programs.READERS.items():
                if program == "LibreOffice Calc":
                    continue
                found = taken_for(word, reader(path)["name"])
                if found:
                    words[word][program] = found
        # A spreadsheet decides cell by cell, so that one sheet asks for all.
        path = pathlib.Path(folder) / "words.csv"
        with open(path, "w", newline="", encoding="utf-8") as file:
            csv.writer(file, lineterminator="\n").writerows([["name"], *([word] for word in WORDS)])
        for word, value in zip(WORDS, programs.with_calc(path)["name"], strict=True):
            found = taken_for(word, [value])
            if found:
                words[word]["LibreOffice Calc"] = found
    text = json.dumps({"versions": there, "words": words}, indent=1, ensure_ascii=False)
    pathlib.Path(sys.argv[1]).write_text(text + "\n", encoding="utf-8")


main()
