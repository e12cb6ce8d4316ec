"""The device of PyTorch's side: the switches, the waiting and the counters that densenet-bench has on its own."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any


class Device:
    """`cpu` or `cuda:N`, as the measurement names it; `torch` is the module. No GPU has run this yet."""

    def __init__(self, spec: dict[str, Any], torch: Any) -> None:
        self.name: str = spec["device"]
        self.torch = torch
        self.is_reset = False

    @property
    def is_cuda(self) -> bool:
        """Whether it works beside the processor, has statistics of its own, and has to be waited for."""
        return self.name.startswith("cuda")

    def set_switches(self, run: dict[str, Any]) -> None:
        """The switches of src/libtorch/switches.cpp, as `[run]` says; PyTorch's own default is TF32 in cuDNN."""
        deterministic, tf32 = run.get("deterministic", True), run.get("precision", "f32") == "tf32"
        self.torch.use_deterministic_algorithms(deterministic)
        # Filling what an operation is about to write itself would cost time, and is off on the other side too.
        self.torch.utils.deterministic.fill_uninitialized_memory = False
        backends = self.torch.backends
        backends.cudnn.deterministic = deterministic
        backends.cudnn.benchmark = run.get("cudnn_benchmark", False)
        backends.cuda.matmul.allow_tf32 = tf32
        backends.cudnn.allow_tf32 = tf32

    def autocast(self, run: dict[str, Any]) -> AbstractContextManager[Any]:
        """Forward pass and loss in 16 bits by PyTorch's rules, where `precision` says so."""
        precision = run.get("precision", "f32")
        if precision not in ("bf16", "f16"):
            return nullcontext()
        dtype = self.torch.bfloat16 if precision == "bf16" else self.torch.float16
        autocast: AbstractContextManager[Any] = self.torch.autocast(self.kind, dtype=dtype)
        return autocast

    def scaler(self, run: dict[str, Any]) -> Any:
        """What scales the loss in f16, and hands everything on as it is in any other precision."""
        return self.torch.amp.GradScaler(self.kind, enabled=run.get("precision", "f32") == "f16")

    @property
    def kind(self) -> str:
        """The device without its index."""
        return self.name.partition(":")[0]

    def place(self, what: Any) -> Any:
        """A tensor or a module on the device, in the layout that it has."""
        return what.to(self.name) if self.is_cuda else what

    def synchronize(self) -> None:
        """Waits until the device has done all that it was given."""
        if self.is_cuda:
            self.torch.cuda.synchronize(self.name)

    def timed(self, work: Callable[[], object]) -> int:
        """The nanoseconds from a device that has done everything to one that has."""
        self.synchronize()
        before = time.perf_counter_ns()
        work()
        self.synchronize()
        return time.perf_counter_ns() - before

    def window(self, step: Callable[[], object], steps: int) -> int | None:
        """Steps one behind the other with one synchronisation at their end; None where the processor does the work."""
        if not self.is_cuda:
            return None

        def all_steps() -> None:
            for _ in range(steps):
                step()

        return self.timed(all_steps)

    def reset_peaks(self) -> None:
        """Lets the peaks of the caching allocator begin again at what is live and held now."""
        try:
            self.torch.cuda.reset_peak_memory_stats(self.name)
            self.is_reset = True
        except RuntimeError:
            self.is_reset = False

    def peaks(self) -> tuple[int | None, int | None]:
        """The most bytes of live tensors, and the most that the caching allocator held, since the reset; none where it failed."""
        if not self.is_reset:
            return None, None
        cuda = self.torch.cuda
        return int(cuda.max_memory_allocated(self.name)), int(cuda.max_memory_reserved(self.name))
