#!/usr/bin/env python3
"""Checks what scripts/bundle has linked: check.py PROGRAM LIBRARY…

The program takes its C++ from the library and has no path of this machine to it, exports the allocator that serves libtorch too, and
finds every function that it asks for in each library.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path


def said(*command: str) -> str:
    """What a command prints."""
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def symbols(path: str, kinds: str) -> set[str]:
    """The dynamic symbols of these kinds, as `nm` names them, without their versions."""
    lines = (line.split() for line in said("nm", "--dynamic", path).splitlines())
    return {words[-1].split("@")[0] for words in lines if len(words) >= 2 and words[-2] in kinds}


def faults(program: str, libraries: list[str]) -> list[str]:
    """What is wrong, in words."""
    found = []
    dynamic = said("readelf", "--dynamic", program)
    if "libdensenet-torch.so" not in dynamic:
        found.append("the program does not need libdensenet-torch.so")
    if re.search(r"\((RPATH|RUNPATH)\)", dynamic):
        found.append("the program has a library path of the machine that it was linked on")
    if extra := re.findall(r"\[(libtorch[^\]]*|libc10[^\]]*|libgomp[^\]]*)\]", dynamic):
        found.append(f"the program itself needs {', '.join(extra)}")
    exported = symbols(program, "TW")
    found += [f"the program does not export {name}" for name in ("malloc", "free", "posix_memalign") if name not in exported]
    asked = {name for name in symbols(program, "U") if name.startswith(("at_", "ag_", "atg_", "densenet_bench_"))}
    if not asked:
        found.append("the program asks for no function of libtorch")
    for library in libraries:
        beside = Path(library).with_name("cpu") / "libdensenet-cuda.so"
        there = symbols(library, "TW") | (symbols(str(beside), "TW") if beside.exists() else set())
        missing = sorted(asked - there)
        found += [f"{library} lacks {len(missing)} functions, such as {missing[0]}"] if missing else []
    return found


if __name__ == "__main__":
    if wrong := faults(sys.argv[1], sys.argv[2:]):
        sys.exit("\n".join(f"error: {line}" for line in wrong))
