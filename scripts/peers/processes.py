"""Runs one measuring process and says how it ended."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PR_SET_PDEATHSIG = 1
# What a process says that could not get the memory it asked for: densenet-bench ends without a result then.
OUT_OF_MEMORY = ("can't allocate memory", "out of memory", "bad_alloc")


@dataclass(frozen=True)
class Ended:
    """How a process ended: its own words where it had any."""

    status: str
    error: str = ""
    result: dict[str, Any] = field(default_factory=dict)


def run(command: Sequence[str | Path], environment: dict[str, str], timeout: float) -> Ended:
    """Runs `command`, which prints one JSON object with `status` and `error`, in a process group of its own.

    Whatever it does instead (it crashes, is killed, says nothing, takes longer than `timeout` seconds) becomes a status
    and an error. The whole group is ended with it, also where this process is interrupted.
    """
    kills = memory_kills()
    with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as complained:
        process = subprocess.Popen(
            [str(word) for word in command],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=complained,
            start_new_session=True,
            preexec_fn=before_start,
        )
        try:
            process.wait(timeout)
        except subprocess.TimeoutExpired:
            return Ended("timeout", f"it took longer than {timeout:g} s; give it more with --timeout")
        finally:
            end_group(process)
        if process.returncode == -signal.SIGKILL and memory_kills() > kills:
            return Ended("oom", "the system killed the process when memory was used up")
        return ended(process.returncode, contents(said), contents(complained))


def before_start() -> None:
    """In the child: the system ends it when its parent ends, and before all others where memory runs out."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    try:
        Path("/proc/self/oom_score_adj").write_text("1000")
    except OSError:
        pass  # Where the system does not let it, it takes its chances.


def memory_kills() -> int:
    """How many processes the system has killed for want of memory; 0 where it does not tell."""
    try:
        lines = Path("/proc/vmstat").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("oom_kill ")), 0)


def end_group(process: subprocess.Popen[bytes]) -> None:
    """Ends a process and those that it has started, and waits for it."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()


def contents(file: Any) -> str:
    """All that a process has written to a temporary file."""
    file.seek(0)
    return bytes(file.read()).decode("utf-8", "replace")


def ended(code: int, said: str, complained: str) -> Ended:
    """What an exit status, standard output and standard error come to."""
    try:
        result = json.loads(said)
        status, error = result["status"], result["error"]
    except (ValueError, KeyError, TypeError):
        memory = any(sign in complained.lower() for sign in OUT_OF_MEMORY)
        return Ended("oom" if memory else "failed", f"{how(code)}: {last_line(complained)}")
    if status == "ok" and code != 0:
        return Ended("failed", f"{how(code)} after it had measured: {last_line(complained)}")
    return Ended(status, error, result)


def how(code: int) -> str:
    """An exit status in words."""
    if code == -signal.SIGKILL:
        return "the process was killed (signal 9; by hand, or by the system where memory runs out)"
    if code < 0:
        return f"the process was ended by signal {-code} ({signal.strsignal(-code)})"
    return f"the process ended with status {code} and without a result"


def last_line(text: str) -> str:
    """The last line that says anything."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it printed nothing"
