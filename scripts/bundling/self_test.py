#!/usr/bin/env python3
"""Checks that a bundle runs on this machine: self_test.py PROGRAM. Each check is a line; the exit status is 0 if all are ok."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

BUNDLE = Path(__file__).resolve().parent.parent
TRAINED = """\
name = "self-test"
question = "Does it train here, and to the same bits twice?"
[data]
dataset = "digits"
train-limit = 64
test-limit = 32
[model]
block-layers = [1, 1]
growth-rate = 4
[train]
steps = 4
batch-size = 16
[run]
execution = "{execution}"
"""
COMPARED = """\
name = "beside"
question = "Does PyTorch compute the same here?"
[data]
dataset = "digits"
[model]
block-layers = [1, 1]
growth-rate = 4
bottleneck = true
[train]
learning-rate = 0.001
[measure]
batch-sizes = [8]
warmup-steps = 1
warmup-seconds = 0.0
steps = 2
rounds = 1
"""


def run(*command: str | Path, folder: Path) -> tuple[bool, str]:
    """Whether a command ended well, and what it said."""
    done = subprocess.run(
        [str(word) for word in command], cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    return done.returncode == 0, done.stdout + done.stderr


def pytorch(folder: Path) -> tuple[bool, str]:
    """Whether PyTorch can be imported, and which it is."""
    return run(
        sys.executable, "-c", "import torch; print('PyTorch', torch.__version__, 'CUDA', torch.version.cuda)", folder=folder
    )


def trained_twice(program: Path, folder: Path, execution: str) -> tuple[bool, str]:
    """Whether two trainings end in the same weights."""
    (folder / "self-test.toml").write_text(TRAINED.format(execution=execution), encoding="utf-8")
    hashes = []
    for out in (f"{execution}-one", f"{execution}-two"):
        ok, said = run(program, "run", "self-test.toml", "--out", out, "--device", "cpu", folder=folder)
        if not ok:
            return False, said
        header, row = (folder / out / "self-test" / "trials.csv").read_text(encoding="utf-8").splitlines()[:2]
        hashes.append(row.split(",")[header.split(",").index("weights_sha256")])
    return hashes[0] == hashes[1], f"weights {hashes[0][:12]} and {hashes[1][:12]}"


def beside_pytorch(program: Path, folder: Path) -> tuple[bool, str]:
    """Whether a comparison on the CPU agrees."""
    (folder / "beside.toml").write_text(COMPARED, encoding="utf-8")
    script = BUNDLE / "scripts" / "peers" / "compare.py"
    words = ("--program", program, "beside.toml", "--out", "compared", "--no-compile", "--threads", "2")
    return run(sys.executable, script, *words, folder=folder)


def main() -> int:
    """All checks, in their order."""
    program = Path(sys.argv[1])
    failed = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        checks = [
            ("PyTorch can be imported", lambda: pytorch(folder)),
            ("doctor", lambda: run(program, "doctor", folder=folder)),
            *(
                (f"{execution} trains, and to the same bits twice", lambda e=execution: trained_twice(program, folder, e))
                for execution in ("plain", "aten", "recompute", "fused")
            ),
            ("PyTorch beside it computes the same", lambda: beside_pytorch(program, folder)),
        ]
        for what, check in checks:
            ok, said = check()
            print(f"{'ok' if ok else 'FAILED':<7}{what}", flush=True)
            if not ok:
                failed += 1
                print("".join(f"       {line}\n" for line in said.strip().splitlines()[-15:]), flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
