"""Tests of energy.py over a folder like the kernel's and a library that answers like NVML (tests/stand-ins/nvml.c); tests.py runs them."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

import energy

STAND_IN = Path(__file__).resolve().parent.parent.parent / "tests" / "stand-ins" / "nvml.c"
GPU = "driver 570\ngpu GPU-5a5e1f7c 7 8.0 80000000000 3000000 NVIDIA A100\n"


class Folder(unittest.TestCase):
    """A folder for each test."""

    def setUp(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)


class Energies(Folder):
    """RAPL's counters."""

    def zone(self, zone: str, name: str, microjoules: str) -> None:
        (self.folder / zone).mkdir(exist_ok=True)
        for file, text in (("name", name), ("energy_uj", microjoules), ("max_energy_range_uj", "1000")):
            (self.folder / zone / file).write_text(text + "\n")

    def test_the_packages_are_summed_over_a_start_anew_and_their_parts_are_not(self) -> None:
        self.zone("intel-rapl:0", "package-0", "700")
        self.zone("intel-rapl:1", "package-1", "50")
        self.zone("intel-rapl:0:0", "core", "1")
        meter = energy.Meter(None, on_processor=True, folder=self.folder)
        self.zone("intel-rapl:0", "package-0", "100")
        self.zone("intel-rapl:1", "package-1", "90")
        expected = {"microjoules": 440, "wall_ns": energy.LEAST_NS, "source": "rapl-packages"}
        self.assertEqual(meter.stop(energy.LEAST_NS), {"energy": expected, "gpu": None})
        self.assertIsNone(meter.stop(energy.LEAST_NS - 1)["energy"])

    def test_what_cannot_be_read_is_absent(self) -> None:
        self.assertIsNone(energy.packages(self.folder))
        self.assertIsNone(energy.packages(self.folder / "none"))
        self.zone("intel-rapl:0", "package-0", "no number")
        self.assertIsNone(energy.packages(self.folder))
        self.assertIsNone(energy.Meter(None, on_processor=False, folder=self.folder).stop(10**9)["energy"])


class Gpus(Folder):
    """NVML's counter and states."""

    def gpu(self, state: str) -> energy.Gpu:
        library = self.folder / "libnvidia-ml.so.1"
        subprocess.run(["cc", "-std=c11", "-shared", "-fPIC", "-o", library, STAND_IN, "-ldl"], check=True)
        self.says(state)
        found = energy.Gpu.of("GPU-5a5e1f7c", str(library))
        assert found is not None
        return found

    def says(self, state: str) -> None:
        (self.folder / "state").write_text(GPU + state)

    def test_energy_and_states_are_read_at_both_ends_and_clocks_that_moved_are_a_warning(self) -> None:
        gpu = self.gpu("energy 5000\nclocks 1980 2619 1980 2619\nheat 41\nheld 1\npower 700000\n")
        meter = energy.Meter(gpu, on_processor=False)
        self.says("energy 5250\nclocks 1410 2619 1980 2619\nheat 80\nheld 4\n")
        stopped = meter.stop(energy.LEAST_NS)
        self.assertEqual(stopped["energy"]["microjoules"], 250_000)
        start = {"sm_clock_mhz": 1980, "memory_clock_mhz": 2619, "power_limit_mw": 700_000, "temperature_c": 41}
        self.assertEqual(stopped["gpu"]["start"], {**start, "throttle_reasons": ["GPU_IDLE"]})
        self.assertEqual(
            energy.warning(stopped["gpu"]),
            "the GPU's clocks were held down (SW_POWER_CAP); the GPU's SM clock was 1980 MHz before the timed steps and 1410 "
            "MHz after them",
        )

    def test_what_an_older_driver_does_not_report_is_absent_and_no_warning(self) -> None:
        gpu = self.gpu("")
        self.assertEqual((gpu.state(), gpu.microjoules()), ({}, None))
        self.assertEqual(energy.warning({"start": {}, "end": {}}), "")
        self.assertEqual(energy.warning(None), "")
        self.assertIsNone(energy.Gpu.of("GPU-other", str(self.folder / "libnvidia-ml.so.1")))
        self.assertIsNone(energy.Gpu.of("GPU-other", str(self.folder / "none")))
