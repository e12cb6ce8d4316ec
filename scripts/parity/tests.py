#!/usr/bin/env python3
"""Tests of scripts/parity-of-training that need neither PyTorch nor densenet-bench; tests/scripts.rs runs them."""

from __future__ import annotations

import importlib.util
import json
import tempfile
import unittest
from pathlib import Path

import parity
from parity import Failure, Trial

HAS_SCIPY = importlib.util.find_spec("scipy") is not None
if HAS_SCIPY:
    from equivalence import equivalence


def trials(errors: list[float], variant: str = "growth-rate=8") -> list[Trial]:
    return [Trial(variant, seed, error, {}) for seed, error in enumerate(errors)]


class Folder(unittest.TestCase):
    """What densenet-bench leaves, and what is kept beside it."""

    def setUp(self) -> None:
        self.place = tempfile.TemporaryDirectory()
        self.addCleanup(self.place.cleanup)
        self.folder = Path(self.place.name)

    def write(self, status: str) -> None:
        # An ID that looks like a number is guarded.
        (self.folder / "trials.csv").write_text(
            "trial,variant,seed,status,error,final_test_error\n"
            f"'1234567890123456,growth-rate=8,3,{status},,0.025\n",
            encoding="utf-8",
        )
        own = self.folder / "trials" / "1234567890123456"
        own.mkdir(parents=True, exist_ok=True)
        (own / "trial.json").write_text(json.dumps({"settings": {"train": {}}}), encoding="utf-8")

    def test_a_trial_has_the_settings_of_its_own_record(self) -> None:
        self.write("ok")
        self.assertEqual(list(parity.trials_of(self.folder)), [Trial("growth-rate=8", 3, 0.025, {"train": {}})])

    def test_a_trial_that_failed_is_named(self) -> None:
        self.write("failed")
        with self.assertRaisesRegex(Failure, "growth-rate=8 seed 3: failed"):
            list(parity.trials_of(self.folder))

    def test_what_was_trained_before_an_interruption_is_not_trained_again(self) -> None:
        file = self.folder / "pytorch_trials.csv"
        made: list[int] = []

        def train(trial: Trial) -> float:
            if len(made) == 2:
                raise KeyboardInterrupt
            made.append(trial.seed)
            return trial.seed / 360

        wanted = trials([0.1, 0.2, 0.3])
        with self.assertRaises(KeyboardInterrupt):
            parity.complete(wanted, file, train, lambda _: None)
        self.assertEqual(made, [0, 1])
        made.clear()
        errors = parity.complete(wanted, file, train, lambda _: None)
        self.assertEqual(made, [2])
        self.assertEqual(errors, {("growth-rate=8", seed): seed / 360 for seed in range(3)})


@unittest.skipUnless(HAS_SCIPY, "SciPy is not installed")
class Equivalent(unittest.TestCase):
    """The table and its tests."""

    def test_small_differences_are_equivalent_and_large_ones_are_not(self) -> None:
        own = [0.030, 0.032, 0.028, 0.031, 0.029]
        for shift, expected in ((0.0, True), (0.001, True), (0.01, False), (-0.01, False)):
            theirs = {("growth-rate=8", seed): error - shift for seed, error in enumerate(own)}
            is_equivalent = equivalence(list(theirs.values()), own, 0.005).p <= 0.05
            table = parity.report(trials(own), theirs, 0.5)
            self.assertEqual(is_equivalent, expected, table)
        self.assertIn("| growth-rate=8 | 5 | 3.00 ± 0.16 | 4.00 ± 0.16 | -1.00 |", table)

    def test_few_and_scattered_seeds_are_not_equivalent_although_their_means_are(self) -> None:
        own = [0.01, 0.05, 0.03]
        self.assertFalse(equivalence(own, own, 0.005).p <= 0.05)


if __name__ == "__main__":
    unittest.main()
