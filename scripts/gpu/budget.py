"""The time of a report, and processes that end with it."""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Word = str | os.PathLike[str]


class TimeIsUp(Exception):
    """Less time is left than the next thing takes at the least."""


class Budget:
    """So many seconds from now on."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self.begun = clock()
        self.end = self.begun + seconds

    def left(self) -> float:
        """Seconds that are left, 0 at the least."""
        return max(0.0, self.end - self.clock())

    def spent(self) -> float:
        """Seconds since the start."""
        return self.clock() - self.begun

    def need(self, seconds: float) -> None:
        """Refuses what is known to take longer than what is left."""
        if self.left() < seconds:
            raise TimeIsUp(f"{self.left():.0f} s were left, and it takes {seconds:.0f} s at the least")


@dataclass(frozen=True)
class Done:
    """How a process ended."""

    status: str
    said: str
    complained: str

    @property
    def is_ok(self) -> bool:
        """Whether it ended by itself and well."""
        return self.status == "ok"

    def json(self) -> Any:
        """What it printed, as JSON; none where it is not."""
        try:
            return json.loads(self.said)
        except ValueError:
            return None

    def reason(self) -> str:
        """The last line that it complained in, or how it ended."""
        lines = [line.strip() for line in self.complained.splitlines() if line.strip()]
        return lines[-1] if lines else self.status


def end_group(process: subprocess.Popen[bytes]) -> None:
    """Ends a process and those that it has started."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()


def run(
    budget: Budget, words: Sequence[Word], *, least: float = 1.0, most: float = 120.0, environment: dict[str, str] | None = None
) -> Done:
    """Runs a command in a process group of its own, for `most` seconds or what is left of the budget.

    Raises TimeIsUp where less than `least` is left, or where the budget ended it.
    """
    budget.need(least)
    limit = min(most, budget.left())
    with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as complained:
        process = subprocess.Popen(
            [os.fspath(word) for word in words],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=complained,
            start_new_session=True,
        )
        try:
            process.wait(limit)
            status = "ok" if process.returncode == 0 else f"it ended with status {process.returncode}"
        except subprocess.TimeoutExpired:
            status = f"it took longer than {limit:.0f} s"
            if limit < most:
                raise TimeIsUp(f"it was ended after {limit:.0f} s") from None
        finally:
            end_group(process)
        return Done(status, contents(said), contents(complained))


def contents(file: Any) -> str:
    """All that was written to a temporary file."""
    file.seek(0)
    return bytes(file.read()).decode("utf-8", "replace")


class Server:
    """A process that answers each line of its input by a line of JSON."""

    def __init__(self, budget: Budget, words: Sequence[Word], environment: dict[str, str], log: Path) -> None:
        self.budget = budget
        self.log = log
        with open(log, "ab") as complained:
            self.process = subprocess.Popen(
                [os.fspath(word) for word in words],
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=complained,
                start_new_session=True,
            )
        self.selector = selectors.DefaultSelector()
        assert self.process.stdout is not None
        self.selector.register(self.process.stdout, selectors.EVENT_READ)
        self.unread = b""

    def ask(self, line: str, most: float) -> dict[str, Any]:
        """Its answer; raises TimeIsUp where the budget ends first, and RuntimeError where it ends or takes longer than `most`."""
        assert self.process.stdin is not None and self.process.stdout is not None
        try:
            self.process.stdin.write(f"{line}\n".encode())
            self.process.stdin.flush()
        except BrokenPipeError:
            raise RuntimeError(self.last_words()) from None
        until = time.monotonic() + min(most, self.budget.left())
        while b"\n" not in self.unread:
            wait = until - time.monotonic()
            if wait <= 0 or not self.selector.select(wait):
                if self.budget.left() <= 0.0:
                    raise TimeIsUp("PyTorch was still at work")
                raise RuntimeError(f"it took longer than {most:.0f} s")
            more = os.read(self.process.stdout.fileno(), 1 << 16)
            if not more:
                raise RuntimeError(self.last_words())
            self.unread += more
        answer, _, self.unread = self.unread.partition(b"\n")
        said: dict[str, Any] = json.loads(answer)
        return said

    def last_words(self) -> str:
        """Why it ended."""
        lines = [line for line in self.log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
        return lines[-1].strip() if lines else "it ended without a word"

    def close(self) -> None:
        """Ends it."""
        self.selector.close()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except BrokenPipeError:
                    pass
        end_group(self.process)
