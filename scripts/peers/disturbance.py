"""Whether other programs held up a process while it was timed: what `src/host/processor_time.rs` sees of this program's
processes, for PyTorch's, and the same verdict on both."""

from __future__ import annotations

import time
from pathlib import Path

# How often a disturbed round is measured again.
EXTRA_TRIES = 2
# The bounds of src/host/processor_time.rs.
SMALLEST_SHARE = 0.9
LARGEST_WAIT = 0.25
LARGEST_STEAL = 0.05
SMALLEST_STEAL_NS = 30_000_000

Processor = dict[str, int]


class Watch:
    """A look at this process's threads, to be compared with a later one."""

    def __init__(self) -> None:
        self.threads = threads()
        self.stolen_ns = stolen_ns()
        self.started = time.perf_counter_ns()

    def elapsed(self) -> Processor | None:
        """What happened since the start; None where the system does not keep such statistics."""
        wall_ns = time.perf_counter_ns() - self.started
        now = threads()
        if not self.threads or not now:
            return None
        nothing = (0, 0, 0)
        changes = [
            tuple(max(0, after - before) for after, before in zip(found, self.threads.get(name, nothing), strict=True))
            for name, found in now.items()
        ]
        ran, waited, preempted = (sum(column) for column in zip(*changes, strict=True))
        stolen = max(0, stolen_ns() - self.stolen_ns)
        return {"wall_ns": wall_ns, "ran_ns": ran, "waited_ns": waited, "preempted": preempted, "stolen_ns": stolen}


def threads() -> dict[str, tuple[int, int, int]]:
    """Of each thread the time that it ran, that it waited for a processor, and how often it lost one to another."""
    found = {}
    try:
        # Brings a running thread's time up to date.
        Path("/proc/self/stat").read_bytes()
        for folder in Path("/proc/self/task").iterdir():
            ran, waited, _ = (int(word) for word in (folder / "schedstat").read_text().split())
            lines = (folder / "status").read_text().splitlines()
            lost = [int(line.split()[1]) for line in lines if line.startswith("nonvoluntary_ctxt_switches:")]
            found[folder.name] = (ran, waited, sum(lost))
    except (OSError, ValueError):
        # Another system, or a thread that ended meanwhile.
        pass
    return found if any(ran for ran, _, _ in found.values()) else {}


def stolen_ns() -> int:
    """What a hypervisor has taken from this machine's processors, to a hundredth of a second."""
    try:
        words = Path("/proc/stat").read_text().split("\n", 1)[0].split()
        return int(words[8]) * 10_000_000
    except (OSError, ValueError, IndexError):
        return 0


def share(processor: Processor | None) -> float | None:
    """Of the processor time that the threads asked for, the share that they got."""
    if processor is None or not processor["ran_ns"]:
        return None
    return processor["ran_ns"] / (processor["ran_ns"] + processor["waited_ns"])


def disturbance(processor: Processor | None) -> str | None:
    """What disturbed a process, in words; None where nothing did, or where that is not known."""
    got = share(processor)
    if processor is None or got is None:
        return None
    if got < SMALLEST_SHARE or processor["waited_ns"] > LARGEST_WAIT * processor["wall_ns"]:
        return f"its threads got {100 * got:.0f} % of the processor time that they asked for"
    stolen = processor.get("stolen_ns", 0)
    if stolen >= SMALLEST_STEAL_NS and stolen > LARGEST_STEAL * processor["ran_ns"]:
        return f"the hypervisor took {100 * stolen / processor['ran_ns']:.0f} % of the processor time that its threads got"
    return None
