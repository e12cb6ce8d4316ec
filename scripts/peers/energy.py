"""The energy and the state of the device while PyTorch's steps are timed, as densenet-bench reads its own: NVML's counters of a GPU
(src/host/gpu.rs), RAPL's of the processor's packages (src/host/energy.rs). Everything is read, nothing is set."""

from __future__ import annotations

import ctypes
import time
from pathlib import Path
from typing import Any

POWERCAP = Path("/sys/class/powercap")
# As in src/host/energy.rs: no shorter time has an energy.
LEAST_NS = 500_000_000
# Of nvml.h.
SM, MEMORY, TEMPERATURE_OF_GPU = 1, 2, 0
REASONS = {
    0x1: "GPU_IDLE",
    0x2: "APPLICATIONS_CLOCKS_SETTING",
    0x4: "SW_POWER_CAP",
    0x8: "HW_SLOWDOWN",
    0x10: "SYNC_BOOST",
    0x20: "SW_THERMAL_SLOWDOWN",
    0x40: "HW_THERMAL_SLOWDOWN",
    0x80: "HW_POWER_BRAKE_SLOWDOWN",
    0x100: "DISPLAY_CLOCK_SETTING",
}
# The rules of src/host/gpu_state.rs: reasons that nobody chose, and the share by which a clock may move.
CHOSEN = ("GPU_IDLE", "APPLICATIONS_CLOCKS_SETTING", "DISPLAY_CLOCK_SETTING")
STEADY = 0.05


class Gpu:
    """One GPU through NVML; `None` stands for what its driver does not report."""

    def __init__(self, library: Any, device: ctypes.c_void_p) -> None:
        self.library = library
        self.device = device

    @classmethod
    def of(cls, uuid: str, path: str = "libnvidia-ml.so.1") -> Gpu | None:
        """The GPU of that UUID (`GPU-…`); none without NVML, or where it does not know it."""
        try:
            library = ctypes.CDLL(path)
        except OSError:
            return None
        device = ctypes.c_void_p()
        if library.nvmlInit_v2() or library.nvmlDeviceGetHandleByUUID(uuid.encode(), ctypes.byref(device)):
            return None
        return cls(library, device)

    def number(self, kind: Any, function: str, *words: int) -> int | None:
        """What a function writes to its last argument."""
        value = kind()
        try:
            answer = getattr(self.library, function)(self.device, *words, ctypes.byref(value))
        except AttributeError:  # A driver from before that function.
            return None
        return int(value.value) if answer == 0 else None

    def microjoules(self) -> int | None:
        """What it has taken since its driver was loaded."""
        millijoules = self.number(ctypes.c_ulonglong, "nvmlDeviceGetTotalEnergyConsumption")
        return None if millijoules is None else 1000 * millijoules

    def state(self) -> dict[str, Any]:
        """Clocks, limits and modes, under the names of densenet-bench's records."""
        number, small = self.number, ctypes.c_uint
        reasons = number(ctypes.c_ulonglong, "nvmlDeviceGetCurrentClocksThrottleReasons")
        state = {
            "sm_clock_mhz": number(small, "nvmlDeviceGetClockInfo", SM),
            "memory_clock_mhz": number(small, "nvmlDeviceGetClockInfo", MEMORY),
            "power_limit_mw": number(small, "nvmlDeviceGetEnforcedPowerLimit"),
            "temperature_c": number(small, "nvmlDeviceGetTemperature", TEMPERATURE_OF_GPU),
            "throttle_reasons": None if reasons is None else [name for bit, name in REASONS.items() if reasons & bit],
        }
        return {name: value for name, value in state.items() if value is not None}


def warning(record: dict[str, Any] | None) -> str:
    """What makes times on that GPU doubtful: clocks that were held down or that moved. The record has its state at the `start`
    and at the `end`."""
    if not record:
        return ""
    start, end = record.get("start") or {}, record.get("end") or {}
    reasons = [*(start.get("throttle_reasons") or []), *(end.get("throttle_reasons") or [])]
    held = list(dict.fromkeys(reason for reason in reasons if reason not in CHOSEN))
    said = [f"the GPU's clocks were held down ({', '.join(held)})"] if held else []
    for name, key in (("SM", "sm_clock_mhz"), ("memory", "memory_clock_mhz")):
        before, after = start.get(key), end.get(key)
        if before is not None and after is not None and abs(after - before) > STEADY * before:
            said.append(f"the GPU's {name} clock was {before} MHz before the timed steps and {after} MHz after them")
    return "; ".join(said)


def packages(folder: Path = POWERCAP) -> list[tuple[int, int | None]] | None:
    """The counters of the processor's packages, each with where it starts again, in microjoules; none where one cannot be read."""
    found = []
    try:
        for zone in sorted(folder.iterdir()):
            name = zone / "name"
            if not name.is_file() or not name.read_text().startswith("package-"):
                continue
            limit = zone / "max_energy_range_uj"
            found.append((int((zone / "energy_uj").read_text()), int(limit.read_text()) if limit.is_file() else None))
    except (OSError, ValueError):
        return None
    return found or None


class Meter:
    """What a device takes from its making on: a GPU's counter, else the processor's packages'."""

    def __init__(self, gpu: Gpu | None, on_processor: bool, folder: Path = POWERCAP) -> None:
        self.gpu, self.on_processor, self.folder = gpu, on_processor, folder
        self.start_state = gpu.state() if gpu else None
        self.before = self.counters()
        self.begun = time.perf_counter_ns()

    def counters(self) -> list[tuple[int, int | None]] | None:
        """The device's counters now."""
        if self.gpu is not None:
            one = self.gpu.microjoules()
            return None if one is None else [(one, None)]
        return packages(self.folder) if self.on_processor else None

    def stop(self, wall_ns: int | None = None) -> dict[str, Any]:
        """`energy` and `gpu` of a round's result; the time since the start unless told."""
        wall_ns = time.perf_counter_ns() - self.begun if wall_ns is None else wall_ns
        after = self.counters()
        record = {"start": self.start_state, "end": self.gpu.state()} if self.gpu else None
        return {"energy": self.over(after, wall_ns), "gpu": record}

    def over(self, after: list[tuple[int, int | None]] | None, wall_ns: int) -> dict[str, Any] | None:
        """The energy of that time; none of too short a one, and where the counters do not go together."""
        if wall_ns < LEAST_NS or self.before is None or after is None or len(after) != len(self.before):
            return None
        total = 0
        for (first, limit), (last, _) in zip(self.before, after, strict=True):
            if last < first and limit is None:
                return None
            total += last - first if last >= first else limit + last - first
        source = "nvml-gpu" if self.gpu is not None else "rapl-packages"
        return {"microjoules": total, "wall_ns": wall_ns, "source": source}
