#!/usr/bin/env python3
"""Tests of the logic of scripts/publish, which measure nothing: python3 scripts/publishing/tests.py; `cargo test` runs them too."""

from __future__ import annotations

import gzip
import io
import shutil
import subprocess
import sys
import tempfile
import unittest
from contextlib import redirect_stderr
from pathlib import Path

sys.dont_write_bytecode = True

import publisher  # noqa: E402
from jobs import JOBS, Job  # noqa: E402
from publisher import Refusal, State  # noqa: E402

SIMULATION = next(job for job in JOBS if job.prints)
RESUMED = next(job for job in JOBS if job.fresh)


class Folder(unittest.TestCase):
    """A folder for each test."""

    def setUp(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)


class Jobs(unittest.TestCase):
    """The list."""

    def test_ids_are_unique_and_every_file_and_record_exists(self) -> None:
        self.assertEqual(len({job.id for job in JOBS}), len(JOBS))
        records = {*publisher.recorder().RECORDS, "performance"}
        for job in JOBS:
            self.assertIn(job.record, records)
            for word in job.command:
                if "/" in word:
                    self.assertTrue((publisher.ROOT / word).exists(), word)

    def test_every_marker_of_a_record_is_in_its_page(self) -> None:
        for job in JOBS:
            page, markers = job.where.split(": ")
            text = (publisher.ROOT / page).read_text(encoding="utf-8")
            for marker in markers.split(", "):
                self.assertIn(f"<!-- {marker} -->", text)
                self.assertIn(f"<!-- /{marker} -->", text)

    def test_every_goal_of_the_record_has_its_job(self) -> None:
        of_jobs = {job.id for job in JOBS if job.record == "performance"}
        self.assertEqual(of_jobs, set(publisher.recorder().GOALS))


class States(Folder):
    """What was finished, over interruptions and revisions."""

    def state(self, revision: str, **options: bool) -> State:
        """The state as a new process reads it."""
        return State(self.folder / "publishing.json", revision, **options)

    def test_an_interrupted_job_goes_on_and_is_not_begun_anew(self) -> None:
        self.assertIn("--fresh", self.state("a").command(RESUMED))
        self.state("a").set(RESUMED, "started")
        self.assertNotIn("--fresh", self.state("a").command(RESUMED))

    def test_another_revision_half_way_is_refused_with_the_remedy(self) -> None:
        self.state("a").set(RESUMED, "finished")
        with self.assertRaisesRegex(Refusal, "revision a, and this is b.*check out a.*--restart"):
            self.state("b")
        self.assertEqual(self.state("b", restart=True).jobs, {})
        self.assertEqual(self.state("b", only_look=True).jobs, {})
        state = self.state("a")
        for job in JOBS:
            state.set(job, "finished")
        self.assertEqual(self.state("b").jobs, {})

    def test_a_failed_job_is_not_finished(self) -> None:
        failing = Job("failing", ("false",), "memory", "", prints=True)
        with self.assertRaisesRegex(Refusal, "failing: false ended with 1"):
            publisher.run(failing, self.state("a"), self.folder)
        self.assertEqual(self.state("a").jobs, {"failing": "started"})


class Refusals(unittest.TestCase):
    """A changed tree and a busy machine."""

    def test_a_changed_tree_is_refused_but_not_what_publishing_wrote(self) -> None:
        recorded = " M README.md\n M docs/performance.md\n?? results/published/memory/\n M docs/images/x.png\n"
        publisher.refuse_changes(recorded, measures=False)
        publisher.refuse_changes("", measures=True)
        with self.assertRaisesRegex(Refusal, "README.md.*git stash"):
            publisher.refuse_changes(recorded, measures=True)
        with self.assertRaisesRegex(Refusal, "src/main.rs.*commit"):
            publisher.refuse_changes(" M README.md\n M src/main.rs\n", measures=False)

    def test_results_of_a_program_of_another_revision_or_a_changed_tree_are_refused(self) -> None:
        with tempfile.TemporaryDirectory() as name:
            made = Path(name) / "environment.json"
            made.write_text('{"revision": "abc", "dirty": "false"}', encoding="utf-8")
            publisher.refuse_other_program(Path(name), "abc")
            with self.assertRaisesRegex(Refusal, "of revision abc.*scripts/build"):
                publisher.refuse_other_program(Path(name), "abd")
            made.write_text('{"revision": "abc", "dirty": "true"}', encoding="utf-8")
            with self.assertRaisesRegex(Refusal, "changed: true"):
                publisher.refuse_other_program(Path(name), "abc")
            # A comparison with PyTorch has no environment; its rows say what it is of.
            made.rename(Path(name) / "other.json")
            (Path(name) / "peers.csv").write_text("peer,revision\na,abc\n", encoding="utf-8")
            publisher.refuse_other_program(Path(name), "abc")
            with self.assertRaisesRegex(Refusal, "of revision abc.*scripts/build"):
                publisher.refuse_other_program(Path(name), "abd")

    def test_a_busy_machine_times_nothing_unless_told_to(self) -> None:
        publisher.refuse_load(9.0, [SIMULATION], busy=False)
        publisher.refuse_load(publisher.BUSY, [RESUMED._replace(timed=True)], busy=False)
        with self.assertRaisesRegex(Refusal, "load is 9.0.*--busy"):
            publisher.refuse_load(9.0, [RESUMED._replace(timed=True)], busy=False)
        with redirect_stderr(io.StringIO()) as said:
            publisher.refuse_load(9.0, [RESUMED._replace(timed=True)], busy=True)
        self.assertIn("warning", said.getvalue())


class Published(Folder):
    """The kept results and what is computed from them."""

    def test_large_tables_are_compressed_and_read_back(self) -> None:
        source, target = self.folder / "from", self.folder / "to"
        source.mkdir()
        (source / "samples.csv").write_text("a,b\n" + "1,2\n" * publisher.LARGE, encoding="utf-8")
        (source / "trials.csv").write_text("a,b\n3,4\n", encoding="utf-8")
        (source / "lock").write_text("", encoding="utf-8")
        publisher.keep(source, target)
        self.assertEqual(sorted(path.name for path in target.iterdir()), ["samples.csv.gz", "trials.csv"])
        self.assertEqual(gzip.decompress((target / "samples.csv.gz").read_bytes()), (source / "samples.csv").read_bytes())
        rows_of = publisher.recorder().rows_of
        self.assertEqual(len(rows_of(target / "samples.csv")), publisher.LARGE)
        self.assertEqual(rows_of(target / "trials.csv"), [{"a": "3", "b": "4"}])

    def test_a_changed_digit_in_a_document_is_found(self) -> None:
        published = self.folder / "published"
        (published / "error-coverage").mkdir(parents=True)
        (published / "error-coverage" / "output.md").write_text("| a |\n|---:|\n| 12.5 |\n", encoding="utf-8")
        for page in publisher.PAGES.values():
            (self.folder / page).parent.mkdir(exist_ok=True)
            (self.folder / page).write_text("nothing\n", encoding="utf-8")
        page = self.folder / "docs/methodology.md"
        text = "x\n<!-- error-coverage -->\n| a |\n|---:|\n| 12.5 |\n<!-- /error-coverage -->\n"
        page.write_text(text, encoding="utf-8")
        self.assertEqual(publisher.differences(self.folder, published), [])
        page.write_text(text.replace("12.5", "12.6"), encoding="utf-8")
        found = publisher.differences(self.folder, published)
        self.assertEqual(found, ["docs/methodology.md:5: says `| 12.6 |`, computed `| 12.5 |`"])

    def test_memory_is_that_of_the_largest_batch_with_the_largest_difference_of_all(self) -> None:
        (self.folder / "environment.json").write_text(
            '{"cpu": "C", "threads": 2, "started": "2026-01-02T03"}', encoding="utf-8"
        )
        (self.folder / "batches.csv").write_text(
            "variant,mode,status,batch_size,predicted_peak_bytes,allocated_peak_bytes\n"
            "v,train,ok,16,2000000000,2000000000\nv,train,ok,8,990000,1000000\nv,evaluate,ok,32,5,6\n",
            encoding="utf-8",
        )
        module = publisher.recorder()
        module.METHODOLOGY = self.folder / "page.md"
        module.METHODOLOGY.write_text("<!-- memory -->\n<!-- /memory -->\n".replace("\n<!-- /", "\n\n<!-- /"), encoding="utf-8")
        module.memory(self.folder)
        self.assertIn("| `v` | 8, 16 | 2,000.0 | 2,000.0 | -1.00 |", module.METHODOLOGY.read_text(encoding="utf-8"))


class Documents(unittest.TestCase):
    """The documents of this checkout."""

    def test_every_published_table_is_what_its_results_give(self) -> None:
        self.assertEqual(publisher.differences(publisher.ROOT, publisher.ROOT / "results" / "published"), [])

    def test_every_published_folder_has_its_job(self) -> None:
        folder = publisher.ROOT / "results" / "published"
        found = {path.name for path in folder.iterdir() if path.is_dir()} if folder.exists() else set()
        self.assertLessEqual(found, {job.id for job in JOBS})

    def test_the_list_is_printed(self) -> None:
        script = [sys.executable, str(publisher.ROOT / "scripts" / "publish"), "--list"]
        listed = subprocess.run(script, stdout=subprocess.PIPE, text=True, check=False)
        self.assertEqual(listed.returncode, 0)
        for job in JOBS:
            self.assertIn(job.id, listed.stdout)


if __name__ == "__main__":
    unittest.main()
