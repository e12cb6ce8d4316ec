"""Makes every published table anew, in one revision, on a quiet machine; goes on after an interruption.

    scripts/publish              run what is not finished at this revision, record the tables, keep their results
    scripts/publish --list       the jobs, their state, and the tables that no job makes yet
    scripts/publish --dry-run    the commands that would run
    scripts/publish --check      compute the published tables from results/published again and compare the documents

Results are in results/ID, their copies for readers in results/published/ID. Finished jobs of the same revision are not run
again. A changed tree, a busy machine and results of another revision half-way are refused.
"""

from __future__ import annotations

import argparse
import gzip
import importlib.machinery
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from types import ModuleType

from jobs import BY_HAND, JOBS, Job

ROOT = Path(__file__).resolve().parent.parent.parent
# Of runnable programs over the last minute; above it, another program takes part of what is timed.
BUSY = 0.5
PAGES = {"README": "README.md", "PERFORMANCE": "docs/performance.md", "METHODOLOGY": "docs/methodology.md", "FINDINGS": "docs/findings.md"}
# Above this a table is kept compressed.
LARGE = 500_000
KEPT = (".csv", ".json", ".toml", ".md")


class Refusal(Exception):
    """Why nothing is published: the thing, the rule, the remedy."""


def recorder() -> ModuleType:
    """scripts/record-readme as a module."""
    loader = importlib.machinery.SourceFileLoader("record_readme", str(ROOT / "scripts" / "record-readme"))
    spec = importlib.util.spec_from_loader("record_readme", loader)
    assert spec
    module = importlib.util.module_from_spec(spec)
    writes, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    loader.exec_module(module)
    sys.dont_write_bytecode = writes
    return module


class State:
    """Which jobs of which revision were started and finished, in a file that outlives an interruption."""

    def __init__(self, path: Path, revision: str, restart: bool = False, only_look: bool = False) -> None:
        self.path, self.revision, self.jobs = path, revision, {}
        if not path.exists() or restart:
            return
        text = json.loads(path.read_text(encoding="utf-8"))
        unfinished = [job.id for job in JOBS if text["jobs"].get(job.id) != "finished"]
        if text["revision"] == revision:
            self.jobs = text["jobs"]
        elif unfinished and not only_look:
            raise Refusal(
                f"{path}: {', '.join(unfinished)} not finished at revision {text['revision'][:12]}, and this is {revision[:12]}; "
                f"all tables are of one revision: check out {text['revision'][:12]} and go on, or begin anew with --restart"
            )

    def set(self, job: Job, state: str) -> None:
        """Remembers a job's state."""
        self.jobs[job.id] = state
        self.path.parent.mkdir(parents=True, exist_ok=True)
        beside = self.path.with_suffix(".new")
        beside.write_text(json.dumps({"revision": self.revision, "jobs": self.jobs}, indent=1) + "\n", encoding="utf-8")
        beside.replace(self.path)

    def command(self, job: Job) -> list[str]:
        """The job's command: anew, or going on where this revision was interrupted."""
        return [*job.command, *(() if job.id in self.jobs else job.fresh)]


def refuse_changes(status: str, measures: bool) -> None:
    """Refuses what `git status --porcelain` says is changed, but for what publishing itself writes where nothing is built."""
    written = () if measures else (*PAGES.values(), "docs/images/", "results/published/")
    changed = [line[3:] for line in status.splitlines() if not line[3:].startswith(written)]
    if changed:
        raise Refusal(
            f"the tree is changed ({', '.join(changed[:3])}); a published table is of one revision: commit first, or where only "
            "recorded tables changed, `git stash --include-untracked` (finished jobs are recorded again without being run)"
        )


def refuse_other_program(folder: Path, revision: str) -> None:
    """Refuses results of a program that was not built from this revision. A comparison with PyTorch says it in its rows."""
    if (folder / "environment.json").is_file():
        made = json.loads((folder / "environment.json").read_text(encoding="utf-8"))
        programs = {(made["revision"], made["dirty"])}
    elif (folder / "peers.csv").is_file():
        # Only a clean tree is built here: a changed one is refused before anything is run.
        programs = {(row["revision"], "false") for row in recorder().rows_of(folder / "peers.csv")}
    else:
        return
    for made_by, dirty in sorted(programs):
        if made_by != revision or dirty != "false":
            raise Refusal(
                f"{folder}: made by a program of revision {made_by[:12]} (changed: {dirty}), and this is "
                f"{revision[:12]}; build with scripts/build and run scripts/publish again with --restart"
            )


def refuse_load(load: float, jobs: list[Job], busy: bool) -> None:
    """Refuses to time anything on a busy machine."""
    timed = [job.id for job in jobs if job.timed]
    if not timed or load <= BUSY:
        return
    text = f"the machine's load is {load:.1f}, above {BUSY}, and {', '.join(timed)} measure speeds"
    if not busy:
        raise Refusal(f"{text}; close other programs, or run with --busy")
    print(f"warning: {text}; run all the same (--busy)", file=sys.stderr)


def keep(source: Path, target: Path) -> None:
    """Copies what the tables are computed from; large tables compressed."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for path in sorted(source.iterdir()):
        if not path.is_file() or path.suffix not in KEPT:
            continue
        if path.suffix == ".csv" and path.stat().st_size > LARGE:
            packed = gzip.compress(path.read_bytes(), mtime=0)
            (target / f"{path.name}.gz").write_bytes(packed)
        elif path.name == "environment.json":
            # The command as a reader calls it, without where the checkout is.
            (target / path.name).write_text(path.read_text(encoding="utf-8").replace(f"{ROOT}/", ""), encoding="utf-8")
        else:
            shutil.copyfile(path, target / path.name)


def run(job: Job, state: State, results: Path) -> None:
    """Runs a job to its end."""
    command = state.command(job)
    state.set(job, "started")
    print(f"{job.id}: {' '.join(command)}", flush=True)
    if job.prints:
        # The Python of the caller may have packages that the system's has not.
        program = [sys.executable if word == "python3" else word for word in command]
        output = subprocess.run(program, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
        (results / job.id).mkdir(parents=True, exist_ok=True)
        (results / job.id / "output.md").write_text(output.stdout, encoding="utf-8")
        source = {"command": " ".join(job.command), "revision": state.revision}
        (results / job.id / "source.json").write_text(json.dumps(source, indent=1) + "\n", encoding="utf-8")
    else:
        output = subprocess.run(command, cwd=ROOT, check=False)
    if output.returncode != 0:
        raise Refusal(f"{job.id}: {' '.join(command)} ended with {output.returncode}; see above, then run scripts/publish again")
    if not job.prints:
        refuse_other_program(results / job.id, state.revision)
    state.set(job, "finished")


def record(name: str, results: Path, members: list[Job]) -> None:
    """Splices a record's tables into the documents, and keeps the results of its finished jobs."""
    if subprocess.run([ROOT / "scripts" / "record-readme", name, "--results", results], check=False).returncode != 0:
        raise Refusal(f"{name} is not recorded; see above")
    for job in members:
        keep(results / job.id, results / "published" / job.id)


def differences(root: Path, published: Path) -> list[str]:
    """Computes the published tables from their kept results again: the lines of documents that differ."""
    module = recorder()
    names = {job.record for job in JOBS if (published / job.id).is_dir()}
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for constant, page in PAGES.items():
            copy = Path(folder) / page
            copy.parent.mkdir(exist_ok=True)
            shutil.copyfile(root / page, copy)
            setattr(module, constant, copy)
        module.picture = lambda *_: None
        for name in sorted(names):
            module.record(name, published)
        for page in PAGES.values():
            says = (root / page).read_text(encoding="utf-8").splitlines()
            computed = (Path(folder) / page).read_text(encoding="utf-8").splitlines()
            found.extend(
                f"{page}:{number}: says `{one}`, computed `{other}`"
                for number, (one, other) in enumerate(zip(says, computed), 1)
                if one != other
            )
            if len(says) != len(computed):
                found.append(f"{page}: has {len(says)} lines, computed {len(computed)}")
    return found


def check() -> int:
    """Compares the documents with the published results."""
    found = differences(ROOT, ROOT / "results" / "published")
    for line in found:
        print(f"error: {line}", file=sys.stderr)
    if found:
        print("a table is recorded, never typed: run scripts/publish, or restore the document", file=sys.stderr)
    kept = [job.id for job in JOBS if (ROOT / "results" / "published" / job.id).is_dir()]
    others = [f"{job.where} ({job.id})" for job in JOBS if job.id not in kept] + [where for where, _ in BY_HAND]
    print(f"computed again from results/published: {', '.join(kept)}")
    print(f"not checked, since no results of theirs are kept: {'; '.join(others)}")
    return 1 if found else 0


def listing(state: State) -> None:
    """Prints the jobs and what no job makes."""
    for job in JOBS:
        print(f"{job.id:18} {state.jobs.get(job.id, 'not run'):9} {job.where}: {' '.join(job.command)}")
    for where, command in BY_HAND:
        print(f"{'-':18} {'by hand':9} {where}: {command}")


def git(*arguments: str) -> str:
    """What git prints."""
    return subprocess.run(["git", *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout


def publish(options: argparse.Namespace) -> None:
    """Runs, records and keeps."""
    results = ROOT / "results"
    state = State(results / "publishing.json", git("rev-parse", "HEAD").strip(), options.restart, options.list)
    if options.list:
        return listing(state)
    wanted = [job for job in JOBS if not options.only or job.id in options.only]
    todo = [job for job in wanted if state.jobs.get(job.id) != "finished"]
    if options.dry_run:
        return print("\n".join(f"{job.id}: {' '.join(state.command(job))}" for job in todo))
    refuse_changes(git("status", "--porcelain"), any(not job.prints for job in todo))
    refuse_load(os.getloadavg()[0], todo, options.busy)
    for job in todo:
        run(job, state, results)
    for name in dict.fromkeys(job.record for job in wanted):
        members = [job for job in JOBS if job.record == name]
        finished = [job for job in members if state.jobs.get(job.id) == "finished"]
        if len(finished) < len(members):
            missing = ", ".join(job.id for job in members if job not in finished)
            print(f"{name}: recorded without {missing}, not finished at this revision", file=sys.stderr)
        record(name, results, finished)


def main(arguments: list[str]) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="scripts/publish", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--list", action="store_true", help="list the jobs and their state")
    parser.add_argument("--only", action="append", metavar="ID", choices=[job.id for job in JOBS], help="this job; repeatable")
    parser.add_argument("--dry-run", action="store_true", help="print the commands")
    parser.add_argument("--busy", action="store_true", help="measure speeds on a busy machine all the same")
    parser.add_argument("--restart", action="store_true", help="forget what was finished")
    parser.add_argument("--check", action="store_true", help="compute the published tables again and compare")
    options = parser.parse_args(arguments)
    try:
        if options.check:
            return check()
        publish(options)
    except Refusal as refusal:
        print(f"error: {refusal}", file=sys.stderr)
        return 2
    return 0
