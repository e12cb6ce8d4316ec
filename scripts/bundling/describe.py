#!/usr/bin/env python3
"""Writes what a bundle is, lib/bundle.json, and builds the allocator that both sides of a comparison share into it:
describe.py FOLDER VERSION…"""

from __future__ import annotations

import json
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "scripts" / "peers"))

import libraries  # noqa: E402


def newest_glibc(program: Path) -> str:
    """The newest version of the C library that a program asks for."""
    text = subprocess.run(["readelf", "--version-info", program], capture_output=True, text=True, check=True).stdout
    return ".".join(map(str, max(tuple(map(int, version.split("."))) for version in re.findall(r"GLIBC_([0-9.]+)", text))))


def main() -> None:
    """Writes both."""
    folder, versions = Path(sys.argv[1]), sys.argv[2:]
    mimalloc = libraries.find_mimalloc()
    with tempfile.TemporaryDirectory() as built:
        library = folder / "lib" / "libmimalloc.so"
        shutil.copyfile(libraries.build_mimalloc(mimalloc, Path(built)), library)
    subprocess.run(["strip", library], check=True)
    described = {
        "mimalloc": mimalloc.version,
        "pytorch": versions,
        "glibc": newest_glibc(folder / "bin" / "densenet-bench"),
        "machine": platform.machine(),
    }
    (folder / "lib" / "bundle.json").write_text(json.dumps(described, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
