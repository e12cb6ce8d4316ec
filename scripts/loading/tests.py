#!/usr/bin/env python3
"""Tests of scripts/loader-speed that need no PyTorch: python3 scripts/loading/tests.py; `cargo test` runs them too."""

from __future__ import annotations

import sys
import unittest
from pathlib import Path

sys.dont_write_bytecode = True

import speed  # noqa: E402
from speed import CONFIGURATIONS, SIDES, TORCHVISION, Configuration  # noqa: E402


class Tables(unittest.TestCase):
    """What is made of the rounds."""

    def setUp(self) -> None:
        self.rates = {
            configuration: [100.0 * (1 + SIDES.index(configuration.side)), 50.0, 80.0]
            for configuration in CONFIGURATIONS
        }

    def test_every_loader_is_compared_with_torchvision_of_the_same_round(self) -> None:
        for configuration in CONFIGURATIONS:
            expected = [1.0 + SIDES.index(configuration.side), 1.0, 1.0]
            self.assertEqual(speed.ratios(self.rates, configuration), expected)

    def test_a_row_has_the_median_the_spread_and_the_ratio(self) -> None:
        lines = speed.table(self.rates).splitlines()
        self.assertEqual(len(lines), 2 + len(CONFIGURATIONS))
        self.assertEqual(lines[2], "| train | 0 | torchvision | 80 | 50 to 100 | 1 |")
        self.assertEqual(lines[3], "| train | 0 | densenet-bench | 80 | 50 to 200 | 1.00 (1.00 to 2.00) |")

    def test_all_sides_have_the_same_configurations(self) -> None:
        groups = {side: [one.group() for one in CONFIGURATIONS if one.side == side] for side in SIDES}
        self.assertEqual(len({tuple(group) for group in groups.values()}), 1)
        self.assertIn(Configuration(TORCHVISION, "test", 2), CONFIGURATIONS)


class Files(unittest.TestCase):
    """What the program reads."""

    def test_the_ablation_file_names_the_folder_and_the_decoding(self) -> None:
        text = speed.ablation(Path("/data/x"), True)
        self.assertIn('path = "/data/x"\n', text)
        self.assertIn("scaled-decoding = true\n", text)
        self.assertIn("mean = [0.485, 0.456, 0.406]\n", text)


if __name__ == "__main__":
    unittest.main()
