"""Tests of devices.py with a PyTorch that writes down what it is asked for; tests.py runs them."""

from __future__ import annotations

import unittest
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

from devices import Device


class Torch:
    """Stands in for the module: calls are written down, switches are attributes."""

    def __init__(self, *, resets: bool = True) -> None:
        self.calls: list[str] = []
        self.deterministic: bool | None = None
        self.utils = SimpleNamespace(deterministic=SimpleNamespace(fill_uninitialized_memory=True))
        self.backends = SimpleNamespace(
            cudnn=SimpleNamespace(deterministic=None, benchmark=None, allow_tf32=None),
            cuda=SimpleNamespace(matmul=SimpleNamespace(allow_tf32=None)),
        )

        def reset(device: str) -> None:
            self.calls.append(f"reset {device}")
            if not resets:
                raise RuntimeError("Allocator not initialized for device")

        self.bfloat16, self.float16 = "bfloat16", "float16"
        self.amp = SimpleNamespace(GradScaler=lambda kind, enabled: (kind, enabled))
        self.cuda = SimpleNamespace(
            synchronize=lambda device: self.calls.append(f"synchronize {device}"),
            reset_peak_memory_stats=reset,
            max_memory_allocated=lambda device: 700,
            max_memory_reserved=lambda device: 2048,
        )

    def autocast(self, kind: str, dtype: str) -> Any:
        self.calls.append(f"autocast {kind} {dtype}")
        return nullcontext()

    def use_deterministic_algorithms(self, deterministic: bool) -> None:
        self.deterministic = deterministic


def of(name: str, **torch: bool) -> tuple[Device, Torch]:
    stand_in = Torch(**torch)
    return Device({"device": name}, stand_in), stand_in


class Devices(unittest.TestCase):
    """What the worker does on the processor and on a GPU."""

    def test_the_switches_are_those_of_densenet_bench(self) -> None:
        cases: list[tuple[dict[str, Any], tuple[bool, bool, bool]]] = [
            # What the program leaves out of a specification has its default.
            ({}, (True, False, False)),
            ({"deterministic": False, "cudnn_benchmark": True}, (False, True, False)),
            ({"precision": "tf32"}, (True, False, True)),
        ]
        for run, (deterministic, benchmark, tf32) in cases:
            device, torch = of("cuda:0")
            device.set_switches(run)
            cudnn = torch.backends.cudnn
            self.assertEqual((torch.deterministic, cudnn.deterministic), (deterministic, deterministic))
            self.assertEqual(cudnn.benchmark, benchmark)
            self.assertEqual((cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32), (tf32, tf32))
            self.assertIs(torch.utils.deterministic.fill_uninitialized_memory, False)

    def test_sixteen_bits_are_pytorchs_autocast_and_f16_alone_scales_the_loss(self) -> None:
        for precision, dtype in (("f32", None), ("tf32", None), ("bf16", "bfloat16"), ("f16", "float16")):
            for name, kind in (("cpu", "cpu"), ("cuda:1", "cuda")):
                device, torch = of(name)
                run = {"precision": precision}
                with device.autocast(run):
                    pass
                self.assertEqual(torch.calls, [f"autocast {kind} {dtype}"] if dtype else [])
                self.assertEqual(device.scaler(run), (kind, precision == "f16"))

    def test_a_gpu_is_waited_for_at_both_ends_of_what_is_timed_and_the_processor_is_not(self) -> None:
        device, torch = of("cuda:1")
        self.assertGreaterEqual(device.timed(lambda: torch.calls.append("step")), 0)
        self.assertEqual(torch.calls, ["synchronize cuda:1", "step", "synchronize cuda:1"])
        device, torch = of("cpu")
        device.timed(lambda: torch.calls.append("step"))
        self.assertEqual(torch.calls, ["step"])

    def test_steps_that_run_ahead_are_waited_for_once(self) -> None:
        device, torch = of("cuda:0")
        self.assertIsNotNone(device.window(lambda: torch.calls.append("step"), 3))
        self.assertEqual(torch.calls, ["synchronize cuda:0", "step", "step", "step", "synchronize cuda:0"])
        device, torch = of("cpu")
        self.assertIsNone(device.window(lambda: torch.calls.append("step"), 3))
        self.assertEqual(torch.calls, [])

    def test_peaks_that_cannot_be_reset_are_none(self) -> None:
        device, torch = of("cuda:0")
        self.assertEqual(device.peaks(), (None, None))
        device.reset_peaks()
        self.assertEqual((torch.calls, device.peaks()), (["reset cuda:0"], (700, 2048)))
        device, _ = of("cuda:0", resets=False)
        device.reset_peaks()
        self.assertEqual(device.peaks(), (None, None))

    def test_what_is_placed_on_the_processor_stays_where_it_is(self) -> None:
        moved = SimpleNamespace(to=lambda name: f"on {name}")
        self.assertIs(of("cpu")[0].place(moved), moved)
        self.assertEqual(of("cuda:0")[0].place(moved), "on cuda:0")
