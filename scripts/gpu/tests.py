#!/usr/bin/env python3
"""Tests of scripts/gpu-report's logic, which need no PyTorch and no GPU: python3 scripts/gpu/tests.py; `cargo test` runs them too."""

from __future__ import annotations

import array
import json
import os
import shutil
import sys
import tempfile
import time
import unittest
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from typing import Any

sys.dont_write_bytecode = True
HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "peers")]

import checks  # noqa: E402
import pages  # noqa: E402
import report  # noqa: E402
import speed  # noqa: E402
import tables  # noqa: E402
import works  # noqa: E402
from budget import Budget, Server, TimeIsUp, run  # noqa: E402


class Folder(unittest.TestCase):
    """A folder for each test."""

    def setUp(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)

    def session(self, budget: Budget, program: str = "exit 1") -> speed.Session:
        """A session whose program is a shell script."""
        file = self.folder / "program"
        file.write_text(f"#!/bin/sh\n{program}\n")
        file.chmod(0o755)
        out = self.folder / "out"
        (out / "logs").mkdir(parents=True)
        ways = {"aten": '"run.execution" = "aten"'}
        return speed.Session(file, sys.executable, "cpu", budget, out, works.REHEARSED_TIMING, ways)


class Budgets(Folder):
    """The time."""

    def test_what_takes_longer_than_what_is_left_is_not_begun_and_what_runs_out_is_ended(self) -> None:
        budget = Budget(0.5)
        with self.assertRaises(TimeIsUp):
            run(budget, ["touch", self.folder / "begun"], least=2.0)
        self.assertFalse((self.folder / "begun").exists())
        begun = time.monotonic()
        with self.assertRaises(TimeIsUp):
            run(budget, ["sh", "-c", "sleep 30 & sleep 30"], least=0.1)
        self.assertLess(time.monotonic() - begun, 5.0)

    def test_a_command_has_a_limit_of_its_own_and_its_words_are_kept(self) -> None:
        budget = Budget(60)
        self.assertEqual(run(budget, ["sleep", "30"], most=0.2).status, "it took longer than 0 s")
        done = run(budget, ["sh", "-c", 'echo \'{"a": 1}\'; echo why >&2; exit 3'])
        self.assertEqual((done.is_ok, done.json(), done.reason()), (False, {"a": 1}, "why"))

    def test_a_server_answers_line_by_line_until_it_ends_or_the_time_is_up(self) -> None:
        answers = "while read line; do if [ $line = stop ]; then echo gone >&2; exit; fi; "
        answers += "if [ $line = sleep ]; then sleep 30; fi; echo '{\"said\": \"'$line'\"}'; done"
        server = Server(Budget(60), ["sh", "-c", answers], dict(os.environ), self.folder / "log")
        self.addCleanup(server.close)
        self.assertEqual([server.ask(word, 5.0)["said"] for word in ("one", "two")], ["one", "two"])
        with self.assertRaisesRegex(RuntimeError, "longer than 0 s"):
            server.ask("sleep", 0.2)
        other = Server(Budget(60), ["sh", "-c", answers], dict(os.environ), self.folder / "other")
        self.addCleanup(other.close)
        with self.assertRaisesRegex(RuntimeError, "gone"):
            other.ask("stop", 5.0)
        short = Server(Budget(0.2), ["sh", "-c", answers], dict(os.environ), self.folder / "short")
        self.addCleanup(short.close)
        with self.assertRaises(TimeIsUp):
            short.ask("sleep", 5.0)


class Parts(Folder):
    """What a report does when a part fails or has no time."""

    def test_a_part_that_fails_is_a_line_and_those_after_it_go_on(self) -> None:
        written = report.Report(self.session(Budget(60)), rehearsed=True, minutes=1.0)

        def breaks() -> dict[str, Any]:
            raise ValueError("broken\x1b[2J | see below")

        def too_long() -> dict[str, Any]:
            raise TimeIsUp("3 s were left")

        for name, work in (("one", breaks), ("two", too_long), ("three", lambda: {"ok": True, "text": "fine"})):
            written.part(name, work)
        found = json.loads((written.session.out / "report.json").read_text())
        self.assertEqual([part["status"] for part in found["parts"]], ["failed", "left out", "ok"])
        page = (written.session.out / "report.md").read_text()
        self.assertIn("| one | failed | ValueError: broken\\\\x1b[2J \\| see below |", page)
        self.assertIn("| two | left out | the time was up: 3 s were left |", page)
        self.assertIn(pages.NEVER_RUN, page)

    def test_a_work_that_the_program_refuses_is_a_note_and_no_failure(self) -> None:
        session = self.session(Budget(60), "echo 'error: /tmp/x/probe.toml:25: run.precision: no such precision' >&2; exit 2")
        written = report.Report(session, rehearsed=True, minutes=1.0)
        result = written.work(works.REHEARSED[0], self.folder / "work")
        self.assertEqual(result, {"ok": True, "text": "run.precision: no such precision"})

    def test_a_work_without_the_time_for_it_is_not_begun(self) -> None:
        session = self.session(Budget(5.0), f"touch {self.folder}/begun")
        with self.assertRaises(TimeIsUp):
            speed.measure(session, works.WORKS[0], self.folder / "work")
        self.assertFalse((self.folder / "begun").exists())

    def test_the_folder_is_bounded_and_what_others_repeat_goes_first(self) -> None:
        written = report.Report(self.session(Budget(60)), rehearsed=True, minutes=1.0)
        written.part("one", lambda: {"ok": True, "text": "fine"})
        plots = written.session.out / "speed-f32" / "plots"
        plots.mkdir(parents=True)
        for name, size in (("a.pdf", report.LIMIT), ("a.svg", 10)):
            (plots / name).write_bytes(b"x" * size)
        written.bound()
        self.assertEqual(sorted(path.name for path in plots.iterdir()), ["a.svg"])
        self.assertTrue((written.session.out / "report.json").exists())


class Works(Folder):
    """What is measured."""

    def test_every_network_that_is_asked_for_is_there_and_the_first_come_first(self) -> None:
        asked = [("bc-100", size) for size in (64, 256)] + [("densenet-121", size) for size in (4, 32, 128)]
        asked += [("article", 16), ("article", 64), ("resnet-50", 64)]
        for precision in ("f32", "tf32", "bf16"):
            there = [(work.network.name, work.batch_size) for work in works.WORKS if work.precision == precision]
            self.assertEqual(set(there), set(asked), precision)
        compiled = [work for work in works.WORKS if set(works.COMPILED) <= set(work.peers)]
        self.assertGreaterEqual(len(compiled), 2)
        self.assertEqual({work.network.name for work in works.WORKS[:5]}, {"bc-100", "densenet-121"})
        self.assertEqual(len(set(works.WORKS)), len(works.WORKS))

    def test_the_checks_of_numbers_tell_right_from_wrong(self) -> None:
        self.assertEqual(checks.relative([1.0, 2.0], [1.0, 2.0]), 0.0)
        self.assertAlmostEqual(checks.relative([1.0, 2.2], [1.0, 2.0]), 0.1)
        self.assertEqual(checks.relative([float("nan")], [1.0]), float("inf"))
        self.assertEqual(checks.relative([1.0], [1.0, 2.0]), float("inf"))
        self.assertAlmostEqual(checks.relative([1e-6], [0.0], least=1.0), 1e-6)

    def test_tensors_are_read_as_they_were_written(self) -> None:
        tensors = {"a/b": ([2, 2], array.array("f", [1.0, -2.5, 0.0, 4.0])), "labels": ([1, 3], array.array("q", [7, 0, -1]))}
        checks.write_tensors(self.folder / "t.safetensors", tensors)
        self.assertEqual(checks.tensors_of(self.folder / "t.safetensors"), tensors)


def recorder() -> Any:
    """scripts/record-readme as a module."""
    loader = SourceFileLoader("record_readme", str(HERE.parent / "record-readme"))
    module = module_from_spec(spec_from_loader("record_readme", loader))  # type: ignore[arg-type]
    loader.exec_module(module)
    return module


class Recording(Folder):
    """What goes into the documentation."""

    def test_a_report_is_taken_into_its_page_and_a_rehearsal_is_not(self) -> None:
        written = report.Report(self.session(Budget(60)), rehearsed=False, minutes=1.0)
        measured = speed.Measured(works.WORKS[0])
        for peer, kind, step in (("densenet-bench aten", tables.OWN, 19), ("PyTorch eager NCHW", tables.EAGER, 38)):
            case = tables.Case("bc-100", "train", 64, peer, 2, "keep-pages", kind, device="cuda:0", status="ok")
            case.samples = [[step * 10**6] * 3] * 3
            measured.cases.append(case)
        written.measured.append(measured)
        written.part("fixtures", lambda: {"ok": True, "text": "12 fixtures"})
        module = recorder()
        module.PERFORMANCE = self.folder / "performance.md"
        module.IMAGES = self.folder / "images"
        module.PERFORMANCE.write_text("before\n<!-- gpu-report -->\nold\n<!-- /gpu-report -->\nafter\n")
        module.gpu_report(written.session.out)
        page = module.PERFORMANCE.read_text()
        self.assertTrue(page.startswith("before\n<!-- gpu-report -->\n") and page.endswith("<!-- /gpu-report -->\nafter\n"))
        self.assertIn("| fixtures | ok | 12 fixtures |", page)
        self.assertIn("| bc-100 | 64 | f32 | densenet-bench aten | 3368 | 19.00 | 9 | 2.00 |", page)
        written.found["rehearsed"] = True
        written.write()
        with self.assertRaisesRegex(SystemExit, "a rehearsal on the CPU is not published"):
            module.gpu_report(written.session.out)


if __name__ == "__main__":
    unittest.main()
