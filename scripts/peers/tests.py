#!/usr/bin/env python3
"""Tests of what needs no PyTorch: python3 scripts/peers/tests.py; `cargo test` runs them too."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import sys
import tempfile
import unittest
from pathlib import Path

import answers
import intervals
import tables
from compare import Comparison
from device_tests import Devices  # noqa: F401 (run as part of these)
from energy_tests import Energies, Gpus  # noqa: F401
from disturbance import Watch, disturbance
from libraries import Mimalloc, version_in
from plan import PEERS, REFERENCE, REFERENCE_AGAIN, STOCK, Plan, Task, Tools, in_turn
from processes import run
from tables import AGAIN, COMPILED, EAGER, OWN, Case, PeerRow, SampleRow


def measured(peer: str, kind: str, peak: int, *rounds: list[int]) -> Case:
    """A case of batches of 10 images whose rounds gave these times."""
    case = Case("base", "train", 10, peer, 2, "keep-pages", kind, status="ok")
    for number, times in enumerate(rounds):
        case.add({"step_ns": times, "allocated_peak_bytes": peak + number, "process_peak_bytes": None})
    return case


def four() -> list[Case]:
    """densenet-bench at 20 ms beside two eager layouts at 40 and 30 ms and a compiled one at 25 ms."""
    ms = 1_000_000
    return [
        measured("densenet-bench plain", OWN, 1000, [20 * ms, 18 * ms], [30 * ms]),
        measured("PyTorch eager NCHW", EAGER, 3000, [40 * ms]),
        measured("PyTorch eager channels-last", EAGER, 4004, [30 * ms]),
        measured("PyTorch compile NCHW", COMPILED, 2002, [25 * ms]),
    ]


class Tables(unittest.TestCase):
    """Samples to rows to text."""

    def test_the_median_of_all_rounds_decides_and_the_better_eager_layout_is_the_measure(self) -> None:
        rows = tables.peer_rows(four())
        own = rows[0]
        self.assertEqual((own.rounds, own.steps, own.step_ns_median, own.step_ns_mad), (2, 3, 20_000_000, 2_000_000))
        self.assertEqual(own.images_per_second, 500.0)
        self.assertEqual((own.allocated_peak_bytes, own.process_peak_bytes), (1001, None))
        # The first round's median of 19 ms beside the only one of the others.
        to_eagers, to_compileds = [30 / 19, 0.75, 1.0, 1.2], [25 / 19, 0.625, 25 / 30, 1.0]
        for row, to_eager, to_compiled in zip(rows, to_eagers, to_compileds, strict=True):
            self.assertAlmostEqual(row.speed_ratio or 0, to_eager)
            self.assertAlmostEqual(row.compiled_speed_ratio or 0, to_compiled)
        # Of the faster layout's peak, not of the smaller one.
        self.assertEqual([row.peak_share for row in rows], [0.25, 3000 / 4004, 1.0, 0.5])

    def test_the_unit_is_the_fastest_peer_whoever_that_is_and_the_share_is_of_counted_bytes(self) -> None:
        ms = 1_000_000
        installed = measured("PyTorch eager NCHW, as installed", EAGER, 0, [28 * ms])
        installed.allocated_peak_bytes = None
        fused = measured("PyTorch compile NCHW, fused SGD", COMPILED, 2000, [24 * ms])
        rows = tables.peer_rows([*four(), installed, fused])
        self.assertEqual({row.eager_unit for row in rows}, {installed.peer})
        self.assertEqual({row.compiled_unit for row in rows}, {fused.peer})
        self.assertAlmostEqual(rows[0].speed_ratio or 0, 28 / 19)
        self.assertAlmostEqual(rows[0].compiled_speed_ratio or 0, 24 / 19)
        self.assertEqual((rows[4].speed_ratio, rows[4].peak_share, rows[0].peak_share), (1.0, None, 0.25))
        (said,) = tables.units(rows)
        self.assertEqual(said, f"base train 10: *times eager* are to {installed.peer} and *times compile* are to {fused.peer}")
        # It is another's turn where the fastest has failed.
        installed.status = "failed"
        self.assertEqual(tables.peer_rows([*four(), installed])[0].eager_unit, "PyTorch eager channels-last")

    def test_start_up_and_first_step_are_the_medians_of_the_processes(self) -> None:
        case = measured("PyTorch eager NCHW", EAGER, 1)
        for startup, first in ((5, 90), (9, 20), (6, 30), (None, None)):
            result = {"step_ns": [1], "allocated_peak_bytes": 1, "process_peak_bytes": 1, "startup_ns": startup}
            case.add(result | {"first_step_ns": first})
        (row,) = tables.peer_rows([case])
        self.assertEqual((row.startup_ns, row.first_step_ns, row.cold_compile_ns), (6, 30, None))

    def test_the_roofline_is_that_of_this_programs_own_processes_with_their_allocator(self) -> None:
        ms = 1_000_000
        own, eager = four()[:2]
        stock = measured("stock Burn", OWN, 1, [50 * ms])
        other = measured("densenet-bench plain", OWN, 1, [20 * ms])
        other.batch_size = 20
        stock.allocator = "system"
        for case, flops, moved in ((own, 4e12, 1e9), (own, 5e12, 2e9), (stock, 9e12, 9e9), (other, 9e12, 9e9)):
            result = {"step_ns": [50 * ms], "allocated_peak_bytes": 1, "process_peak_bytes": 1, "work": {"flops": 2e10, "bytes": 2e7}}
            case.add(result | {"rates": {"flops_per_second": flops, "bytes_per_second": moved}})
        rows = tables.peer_rows([own, eager, stock, other])
        # 20 GFLOP at 5 TFLOP/s take 4 ms, 20 MB at 2 GB/s take 10 ms; eager's step takes 40 ms.
        self.assertAlmostEqual(rows[1].roofline_share or 0, 0.25)
        self.assertAlmostEqual(rows[1].flops_per_second or 0, 5e11)
        self.assertAlmostEqual(rows[2].roofline_share or 0, 0.2)
        self.assertIn("|   500.0 |         25.0 |", tables.markdown_table(rows).splitlines()[3])
        # Nobody has told what there is to compute.
        self.assertEqual(tables.peer_rows(four())[1].roofline_share, None)

    def test_a_case_that_failed_keeps_its_samples_and_has_no_speed(self) -> None:
        cases = four()
        cases[2].status, cases[2].error = "failed", 'it said "no", and ended'
        cases[3].status = "failed"
        rows = tables.peer_rows(cases)
        self.assertEqual((rows[2].steps, rows[2].step_ns_median, rows[2].speed_ratio), (1, None, None))
        self.assertEqual(rows[0].compiled_speed_ratio, None)
        self.assertAlmostEqual(rows[0].speed_ratio or 0, 40 / 19)
        self.assertEqual(len(tables.sample_rows(cases)), 6)
        self.assertIn('"it said ""no"", and ended"', tables.csv_text(PeerRow, rows))

    def test_text_that_begins_like_a_formula_is_guarded_and_numbers_are_not(self) -> None:
        cases = four()
        for case, error in zip(cases, ["=1+1", "'quoted'", "\t@A1", "a=1"], strict=True):
            case.status, case.error = "failed", error
        cases[0].loss_difference = -0.5
        rows = list(csv.DictReader(io.StringIO(tables.csv_text(PeerRow, tables.peer_rows(cases)), newline="")))
        self.assertEqual([row["error"] for row in rows], ["'=1+1", "''quoted'", "'\t@A1", "a=1"])
        self.assertEqual(rows[0]["loss_difference"], "-0.5")

    def test_what_a_process_said_acts_neither_on_a_terminal_nor_on_markdown(self) -> None:
        self.assertEqual(tables.shown("\x1b[2J  a\tb\u202e"), "\\x1b[2J  a\\tb\\u202e")
        self.assertEqual(tables.markdown_text("<b>|[a](b)\n [1, 2]`"), "\\<b>\\|[a\\](b) [1, 2]\\`")

    def test_samples_are_counted_within_their_round(self) -> None:
        text = tables.csv_text(SampleRow, tables.sample_rows(four()[:1]))
        self.assertEqual(text.splitlines()[0], "variant,mode,batch_size,peer,round,step,step_ns")
        self.assertEqual(text.splitlines()[2:], [f"base,train,10,densenet-bench plain,{end}" for end in ENDS])

    def test_the_table_for_people_is_a_rectangle(self) -> None:
        lines = tables.markdown_table(tables.peer_rows(four())).splitlines()
        self.assertEqual(len({len(line) for line in lines}), 1)
        self.assertIn(" 20.0 |", lines[2])

    def test_a_file_is_written_whole_or_not_at_all(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "table.csv"
            tables.write_whole(path, "one\n")
            with self.assertRaises(UnicodeEncodeError):
                tables.write_whole(path, "\ud800")
            self.assertEqual(path.read_text(), "one\n")
            self.assertEqual(os.listdir(folder), ["table.csv"])


    def test_what_slows_down_a_whole_round_is_not_in_the_interval_of_a_ratio(self) -> None:
        ms = 1_000_000
        rounds = [10, 14, 9, 20, 12]
        cases = [
            measured("densenet-bench plain", OWN, 1, *([n * ms] for n in rounds)),
            measured("PyTorch eager NCHW", EAGER, 1, *([2 * n * ms + n] for n in rounds)),
            measured("PyTorch eager NCHW, again", AGAIN, 1, *([2 * n * ms + n + ms // 100] for n in rounds)),
        ]
        cases[2].again_of = "PyTorch eager NCHW"
        rows = tables.peer_rows(cases)
        self.assertAlmostEqual(rows[0].speed_ratio or 0, 2.0, 5)
        self.assertTrue(1.99 < (rows[0].speed_ratio_low or 0) < 2.001 and (rows[0].speed_ratio_high or 9) < 2.01)
        self.assertLess(rows[0].step_ns_low or 0, 10 * ms)
        self.assertEqual((rows[1].speed_ratio, rows[1].speed_ratio_low, rows[0].again_ratio), (1.0, None, None))
        self.assertTrue(0.999 < (rows[2].again_ratio or 0) < 1.0)
        (said,) = tables.noise_floor(rows)
        self.assertIn("PyTorch eager NCHW, again: 1.000 [", said)
        self.assertIn("are within the noise floor", said)
        lines = tables.markdown_table(rows).splitlines()
        self.assertEqual(len({len(line) for line in lines}), 1)
        self.assertIn("2.00 [2.00, 2.00]", lines[2])
        # A measurement of fewer rounds has ratios without an interval.
        for case in cases:
            del case.samples[4:]
        few = tables.peer_rows(cases)
        self.assertEqual((few[0].speed_ratio_low, few[2].again_ratio_low), (None, None))
        self.assertIn("n too small", tables.noise_floor(few)[0])
        self.assertEqual(tables.noise_floor(few[:2]), [])

    def test_students_t_has_its_tabled_quantiles(self) -> None:
        for degrees, quantile in ((1, 12.706205), (2, 4.302653), (4, 2.776445), (8, 2.306004), (30, 2.042272)):
            self.assertAlmostEqual(intervals.t_quantile(degrees), quantile, 5)


ENDS = ("0,1,18000000", "1,0,30000000")


class Processes(unittest.TestCase):
    """What becomes of a process."""

    def ended(self, script: str, timeout: float = 30) -> tuple[str, str]:
        """How a shell script ends."""
        ending = run(["/bin/sh", "-c", script], dict(os.environ), timeout)
        return ending.status, ending.error

    def test_a_result_is_taken_as_it_is_said(self) -> None:
        self.assertEqual(self.ended("""echo '{"status": "ok", "error": ""}'"""), ("ok", ""))
        self.assertEqual(self.ended("""echo '{"status": "oom", "error": "much"}'; exit 1"""), ("oom", "much"))

    def test_a_process_that_crashes_says_its_last_line(self) -> None:
        expected = "the process ended with status 3 and without a result: sorry"
        self.assertEqual(self.ended("echo first >&2; echo sorry >&2; exit 3"), ("failed", expected))

    def test_a_killed_process_is_a_failure(self) -> None:
        status, error = self.ended("kill -9 $$")
        self.assertEqual(status, "failed")
        self.assertIn("killed (signal 9", error)

    def test_a_process_that_takes_too_long_is_ended_with_its_children(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            alive = Path(folder) / "alive"
            status, error = self.ended(f"(sleep 1; touch {alive}) & sleep 600", timeout=0.2)
            self.assertEqual((status, error), ("timeout", "it took longer than 0.2 s; give it more with --timeout"))
            run(["/bin/sleep", "1.2"], dict(os.environ), 30)
            self.assertFalse(alive.exists())


class Disturbance(unittest.TestCase):
    """What is said of a process that other programs held up."""

    def of(self, ran: int, waited: int, stolen: int = 0) -> str | None:
        """The verdict on a window of a second, in milliseconds."""
        times = {"wall_ns": 1000, "ran_ns": ran, "waited_ns": waited, "stolen_ns": stolen, "preempted": 0}
        return disturbance({name: time * 1_000_000 for name, time in times.items()})

    def test_it_is_judged_as_this_programs_own_processes_are(self) -> None:
        for ran, waited, stolen in ((1990, 10, 0), (300, 2, 0), (0, 0, 0), (2000, 0, 90), (100, 0, 20)):
            self.assertIsNone(self.of(ran, waited, stolen))
        self.assertEqual(self.of(820, 1180), "its threads got 41 % of the processor time that they asked for")
        # One of sixteen threads shares its processor, and the others wait for it.
        self.assertIn("94 %", self.of(8500, 500) or "")
        self.assertIn("hypervisor took 15 %", self.of(2000, 0, 300) or "")
        self.assertIsNone(disturbance(None))

    def test_work_is_processor_time(self) -> None:
        watch = Watch()
        if not watch.threads:
            self.skipTest("this kernel keeps no scheduling statistics")
        sum(range(2_000_000))
        found = watch.elapsed() or {}
        self.assertGreater(found["ran_ns"] + found["waited_ns"], 1_000_000)


class Order(unittest.TestCase):
    """Who is measured when."""

    def test_who_is_first_at_a_case_moves_on_with_the_rounds(self) -> None:
        cases = [Case("v", "train", size, peer, 2, "keep-pages") for size in (8, 16) for peer in "abc"]
        tasks = [Task(case, [], {}) for case in cases]
        order = [f"{task.case.peer}{task.case.batch_size}" for task in in_turn(tasks, 1)]
        self.assertEqual(order, ["b8", "c8", "a8", "b16", "c16", "a16"])


class Answers(unittest.TestCase):
    """What is compared before anything is timed."""

    REFERENCE = {"logits": [1.0, -4.0], "loss": 2.0, "gradient_norm": 0.5}

    def of(self, **changed: object) -> tuple[float, str]:
        """The largest difference of changed answers, and the verdict."""
        apart = answers.differences({**self.REFERENCE, **changed}, self.REFERENCE)
        return max(apart.values()), answers.verdict(apart, REFERENCE)

    def test_who_computes_the_same_is_timed(self) -> None:
        self.assertEqual(self.of(), (0.0, ""))
        # Over the largest logit, not over the one that differs.
        self.assertEqual(self.of(logits=[1.002, -4.0])[0], (1.002 - 1.0) / 4)
        self.assertEqual(self.of(logits=[1.002, -4.0], loss=2.001)[1], "")
        evaluated = {"logits": [1.0], "loss": None, "gradient_norm": None}
        self.assertEqual(answers.differences(evaluated, evaluated), {"logits": 0.0})

    def test_who_does_not_is_told_by_what(self) -> None:
        difference, said = self.of(logits=[1.0, -4.1], gradient_norm=0.51)
        self.assertAlmostEqual(difference, 0.025)
        self.assertIn("not timed", said)
        self.assertIn("beyond 0.001 of its logits 2.5e-02, gradients' norm 2.0e-02", said)
        for wrong in ({"logits": [1.0, None]}, {"logits": [1.0]}, {"loss": float("nan")}, {"loss": None}):
            self.assertEqual(self.of(**wrong)[0], float("inf"), wrong)
            self.assertIn("inf", self.of(**wrong)[1])

    def compared(self, *printed: str) -> list[Case]:
        """The cases of peers that print these answers, the reference's last, after they have been compared."""
        names = [f"peer {number}" for number in range(len(printed) - 1)] + [REFERENCE]
        tasks = [
            Task(Case("v", "train", 8, name, 2, "keep-pages"), [], dict(os.environ), ["/bin/echo", line])
            for name, line in zip(names, printed, strict=True)
        ]
        comparison = object.__new__(Comparison)
        comparison.timeout, comparison.failed = 30, False
        with contextlib.redirect_stderr(io.StringIO()):
            comparison.check(tasks, "answers 1/1")
        return [task.case for task in tasks]

    def test_a_peer_that_differs_has_failed_before_it_is_timed(self) -> None:
        line = json.dumps({"status": "ok", "error": "", **self.REFERENCE, "cold_compile_ns": 7})
        wrong, broken = line.replace("-4.0", "-3.0"), json.dumps({"status": "oom", "error": "much"})
        same, differs, none, reference = self.compared(line, wrong, broken, line)
        self.assertEqual((same.status, same.check_difference, same.cold_compile_ns), ("pending", 0.0, 7))
        self.assertEqual((differs.status, differs.check_difference), ("failed", 0.25))
        self.assertIn(f"it does not compute what {REFERENCE} does", differs.error)
        self.assertEqual((none.status, none.error), ("oom", "much"))
        self.assertEqual((reference.status, reference.check_difference), ("pending", None))


class Networks(unittest.TestCase):
    """Which variants PyTorch runs once for all."""

    def plan(
        self,
        variants: list[tuple[str, str, int]],
        mode: str = "train",
        dropout: float = 0.0,
        device: str = "cpu",
        only: tuple[str, ...] = (),
    ) -> Plan:
        """The plan of variants of these names, executions and growth rates."""
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        entries = []
        for number, (name, execution, growth) in enumerate(variants):
            model = {"growth_rate": growth, "dropout": dropout}
            run = {"execution": execution, "precision": "tf32"}
            spec = {"variant": name, "device": device, "settings": {"model": model, "run": run, "preset": None}}
            Path(folder.name, f"{number}.json").write_text(json.dumps(spec))
            measurement = {"mode": mode, "batch_size": 8, "batch": "b", "rounds": [f"{number}.json"] * 2}
            losses = {"batches": "b", "spec": f"{number}.json", "batch_size": 8, "steps": 5}
            entry = {"variant": name, "execution": execution, "threads": 2, "weights": "w"}
            entry["variables"] = {"OMP_NUM_THREADS": "2", "MKL_NUM_THREADS": "2", "OMP_WAIT_POLICY": "passive"}
            entry["variables"] |= {"GOMP_SPINCOUNT": "9", "MIMALLOC_PURGE_DELAY": "-1"}
            entries.append(entry | {"measurements": [measurement], "losses": losses, "no_losses": ""})
        Path(folder.name, "index.json").write_text(json.dumps({"rounds": 2, "variants": entries, "cpu": "a processor", "environment": {"revision": "1"}}))
        nothing = Path("/none")
        return Plan(Path(folder.name), Tools(nothing, nothing, nothing, nothing, nothing), compiled=True, only=only)

    def names(self, variants: list[tuple[str, str, int]]) -> list[tuple[str, list[str]]]:
        """The networks' names with this program's peers."""
        return [(network.name, [peer for peer, _ in network.own]) for network in self.plan(variants).networks]

    def test_pytorch_runs_once_for_all_executions_of_a_network(self) -> None:
        variants = [(f"execution={e}", e, 12) for e in ("plain", "fused")]
        plan = self.plan([*variants, ("wide", "plain", 24)])
        peers = [peer.name for peer in PEERS]
        beside = ["densenet-bench plain", "densenet-bench fused", STOCK, *peers, REFERENCE_AGAIN]
        cases = [(task.case.variant, task.case.peer) for task in plan.tasks()]
        self.assertEqual(cases, [("base", p) for p in beside] + [("wide", p) for p in [beside[0], *beside[2:]]])
        self.assertEqual({(task.case.device, task.case.precision) for task in plan.tasks()}, {("cpu", "tf32")})
        # Of this program 2 and 1, of PyTorch 6 each: as installed it computes the same.
        self.assertEqual(len(plan.curves()), 15)
        self.assertEqual(plan.tasks()[3].environment["TORCHINDUCTOR_COMPILE_THREADS"], "1")
        # Each execution measures with the spec that names it.
        self.assertEqual([task.rounds[0][-1] for task in plan.tasks()[:2]], [plan.folder / f"{n}.json" for n in (0, 1)])

    def test_who_runs_as_installed_is_given_the_number_of_threads_and_no_other_rule_of_ours(self) -> None:
        before = dict(os.environ)
        self.addCleanup(lambda: (os.environ.clear(), os.environ.update(before)))
        os.environ |= {"LD_PRELOAD": "mine.so", "OMP_WAIT_POLICY": "active", "MIMALLOC_PURGE_DELAY": "0"}
        tasks = {task.case.peer: task for task in self.plan([("a", "plain", 8)]).tasks()}
        installed = [peer.name for peer in PEERS if peer.installed]
        self.assertEqual(len(installed), 3)
        for peer in [STOCK, *installed]:
            task = tasks[peer]
            given = {name for name in task.environment if name not in before or task.environment[name] != before[name]}
            cache = {"TORCHINDUCTOR_CACHE_DIR"} if "compile" in peer else set()
            self.assertEqual(given, {"OMP_NUM_THREADS", "MKL_NUM_THREADS"} | cache, peer)
            self.assertEqual(task.case.allocator, "system")
            for command in [*task.rounds, task.answers or []]:
                self.assertEqual("--counter" in command, False)
                self.assertEqual("--installed" in command, peer != STOCK)
        others = [peer.name for peer in PEERS if not peer.installed]
        for peer in others:
            environment = tasks[peer].environment
            self.assertEqual((environment["OMP_WAIT_POLICY"], environment["MIMALLOC_PURGE_DELAY"]), ("passive", "-1"))
            self.assertTrue(environment["LD_PRELOAD"].startswith("/none"))
            self.assertEqual(tasks[peer].case.allocator, "keep-pages")

    def test_stock_burn_is_the_plain_execution_with_the_systems_allocator(self) -> None:
        plan = self.plan([("a", "fused", 8), ("b", "plain", 8)])
        stock = next(task for task in plan.tasks() if task.case.peer == STOCK)
        spec = json.loads(Path(stock.rounds[0][-1]).read_text())
        self.assertEqual(spec["settings"]["run"], {"execution": "plain", "precision": "tf32", "allocator": "system"})
        self.assertEqual(spec["variant"], "b")
        self.assertNotIn(STOCK, [task.case.peer for task in self.plan([("a", "fused", 8)]).tasks()])
        on_gpu = self.plan([("a", "plain", 8)], device="cuda:0").tasks()
        self.assertNotIn(STOCK, [task.case.peer for task in on_gpu])
        self.assertEqual({(task.case.device, task.case.precision) for task in on_gpu}, {("cuda:0", "tf32")})

    def test_only_the_peers_that_are_asked_for_run_and_the_reference_always(self) -> None:
        def peers(*only: str) -> list[str]:
            plan = self.plan([("a", "plain", 8)], only=only)
            curves = {curve.peer for curve in plan.curves()}
            timed = [task.case.peer for task in plan.tasks()]
            self.assertLessEqual(curves, set(timed))
            return timed[1:]

        last = "PyTorch eager channels-last"
        self.assertEqual(peers(last), [REFERENCE, last])
        self.assertEqual(peers("stock*"), [STOCK, REFERENCE])
        self.assertEqual(peers("*, again"), [REFERENCE, REFERENCE_AGAIN])
        self.assertEqual(sorted(peers("*")), sorted(peers()))
        self.assertEqual(len(peers()), len(PEERS) + 2)

    def test_everyone_answers_before_anything_is_timed_but_for_the_same_work_again(self) -> None:
        tasks = self.plan([("a", "plain", 8)]).tasks()
        silent = [task.case.peer for task in tasks if task.answers is None]
        self.assertEqual(silent, [REFERENCE_AGAIN])
        fused = [peer.name for peer in PEERS if peer.fused]
        self.assertEqual([t.case.peer for t in tasks if "--fused" in t.rounds[0]], fused)
        # Evaluation has no optimizer; networks with dropout have no answers to compare in training.
        evaluated = self.plan([("a", "plain", 8)], mode="evaluate", dropout=0.2).tasks()
        self.assertEqual([task.case.peer for task in evaluated if task.case.peer in fused or task.answers is None], silent)
        dropped = self.plan([("a", "plain", 8)], dropout=0.2).tasks()
        self.assertEqual([task.answers for task in dropped], [None] * len(dropped))

    def test_a_network_is_called_by_what_its_variants_share(self) -> None:
        own = ["densenet-bench plain", "densenet-bench fused"]
        for one, other, name in [
            ("growth-rate=8,execution=plain", "growth-rate=8,execution=fused", "growth-rate=8"),
            ("bc-plain", "bc-fused", "bc"),
            ("plain", "fused", "base"),
            ("here", "there", "here"),
        ]:
            self.assertEqual(self.names([(one, "plain", 8), (other, "fused", 8)]), [(name, own)])
        self.assertEqual(self.names([("bc-plain", "plain", 8)]), [("bc-plain", own[:1])])
        self.assertEqual(self.names([("execution=plain", "plain", 8)]), [("base", own[:1])])

    def test_no_two_networks_and_no_two_peers_have_one_name(self) -> None:
        taken = self.names([("a-plain", "plain", 8), ("a-fused", "fused", 8), ("a", "plain", 9)])
        self.assertEqual([name for name, _ in taken], ["a-plain", "a"])
        twice = self.names([("one", "plain", 8), ("two", "plain", 8)])
        self.assertEqual(twice, [("one", ["densenet-bench plain, one", "densenet-bench plain, two"])])


class Libraries(unittest.TestCase):
    """What mimalloc is built from."""

    def test_the_version_is_read_from_the_header(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            header = Path(folder) / "mimalloc.h"
            header.write_text("#define MI_MALLOC_VERSION 30302   // 3.3.2\n")
            self.assertEqual(version_in(header), "3.3.2")

    def test_the_crates_features_decide_the_definitions(self) -> None:
        override = Mimalloc("3.3.2", Path("/c"), ("override",)).command()
        self.assertIn("-DMI_MALLOC_OVERRIDE", override)
        self.assertNotIn("-DMI_SECURE=4", override)
        self.assertIn("-DMI_SECURE=4", Mimalloc("3.3.2", Path("/c"), ("secure",)).command())


if __name__ == "__main__":
    if sys.argv[1:] == ["--table"]:
        print(tables.csv_text(PeerRow, tables.peer_rows(four())), end="")
    else:
        unittest.main()
