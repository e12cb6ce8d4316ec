#!/usr/bin/env python3
"""Measures what is asked of a GPU and writes one folder. scripts/gpu-report and a bundle's gpu-report call this."""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE.parent / "peers"))

import checks  # noqa: E402
import pages  # noqa: E402
import speed  # noqa: E402
import tables  # noqa: E402
import works  # noqa: E402
from budget import Budget, TimeIsUp, run  # noqa: E402

# Of the whole folder, in bytes.
LIMIT = 16_000_000
USAGE = """\
Runs on a GPU machine, in a checkout or in a bundle (scripts/bundle), in less than 9 minutes, and writes one folder of tables, plots and
logs of less than 16 MB, which scripts/record-readme gpu-report takes into the documentation:

  doctor, with what the device reaches; PyTorch's fixtures on the device (f32 without TF32: logits 1e-5, gradients 1e-4); two
  trainings to the same bits; a step's memory twice to the same byte, beside the prediction, the reserve and NVML; then speed and memory
  beside PyTorch in the same call, round by round: eager in both layouts, torch.compile by default and with reduce-overhead, in f32, TF32
  and bf16; and the largest batch that fits.

It goes by priority, rewrites the report after each part, and leaves out what there is no time for. Its code was rehearsed on the CPU
(--rehearse) and has never run on a GPU by its authors. Nothing of the GPU is set.
Exit status: 0 all that ran is ok; 1 something failed; 2 bad usage, nothing started."""


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="gpu-report", description=USAGE, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path("gpu-report"), metavar="DIR", help="the folder to write (gpu-report)")
    parser.add_argument("--device", metavar="cuda:N", help="the GPU (cuda:0; with --rehearse cpu)")
    parser.add_argument("--minutes", type=float, default=8.5, help="the time for all of it (8.5)")
    parser.add_argument("--rehearse", action="store_true", help="on the CPU, with small shapes, by the same code; not to be recorded")
    parser.add_argument("--program", type=Path, required=True, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    arguments.device = arguments.device or ("cpu" if arguments.rehearse else "cuda:0")
    if not re.fullmatch(r"cpu|cuda:\d+", arguments.device):
        parser.error(f"--device is {arguments.device}; it must be cuda:N")
    if arguments.device == "cpu" and not arguments.rehearse:
        parser.error("--device is cpu; a report is of a GPU, and a rehearsal of one asks for --rehearse")
    if not 0.05 <= arguments.minutes <= 60:
        parser.error(f"--minutes is {arguments.minutes:g}; it must be from 0.05 to 60")
    if arguments.out.exists() and any(arguments.out.iterdir() if arguments.out.is_dir() else [arguments.out]):
        parser.error(f"{arguments.out} is there already; name another folder with --out, or move it away")
    return arguments


class Report:
    """What has been found, and the folder as it stands."""

    def __init__(self, session: speed.Session, rehearsed: bool, minutes: float) -> None:
        self.session = session
        self.all_time = session.budget
        self.measured: list[speed.Measured] = []
        self.found: dict[str, Any] = {
            "rehearsed": rehearsed,
            "device": session.device,
            "minutes": minutes,
            "started": f"{datetime.now(timezone.utc):%Y-%m-%dT%H:%M:%SZ}",
            "parts": [],
        }

    def part(self, name: str, work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Does a part and writes what there is; what fails or finds no time is a line of the report, and never its end."""
        budget = self.session.budget
        begun = budget.spent()
        try:
            result = work()
            status = "ok" if result.pop("ok") else "failed"
        except TimeIsUp as up:
            result, status = {"text": f"the time was up: {up}"}, "left out"
        except Exception as error:  # Whatever it is, the other parts go on.
            result, status = {"text": f"{type(error).__name__}: {error}"}, "failed"
        entry = {"part": name, "status": status, "seconds": round(budget.spent() - begun, 1), **result}
        self.found["parts"].append(entry)
        said = f"{status:<9}{name} ({entry['seconds']:.0f} s): {entry['text']}"
        print(tables.shown(said), file=sys.stderr, flush=True)
        self.write()
        return entry

    def work(self, work: works.Work, folder: Path) -> dict[str, Any]:
        """One measurement beside PyTorch."""
        measured = speed.measure(self.session, work, folder)
        self.measured.append(measured)
        shutil.rmtree(folder, ignore_errors=True)
        done = [case for case in measured.cases if case.samples]
        failed = [case for case in measured.cases if case.status not in ("ok", "timeout")]
        said = [f"{case.peer} {case.images_per_second() or 0:.0f} images/s" for case in done]
        said += [f"{case.peer}: {case.status}: {case.error}" for case in failed]
        said += [measured.note] if measured.note else []
        # What the program or the device does not have is no failure, and neither is a batch that does not fit.
        wrong = [case for case in failed if case.status != "oom"]
        return {"ok": not wrong, "text": "; ".join(said)}

    def write(self) -> None:
        """The folder as it stands."""
        speed.judge(self.session, self.measured)
        self.found["speed"] = speed.write(self.session, self.measured)
        self.found["ended"] = f"{datetime.now(timezone.utc):%Y-%m-%dT%H:%M:%SZ}"
        self.found["spent_seconds"] = round(self.all_time.spent(), 1)
        out = self.session.out
        (out / "report.json").write_text(json.dumps(self.found, indent=1) + "\n", encoding="utf-8")
        (out / "report.md").write_text(pages.page(out, self.found), encoding="utf-8")

    def plot(self) -> dict[str, Any]:
        """densenet-bench's own plots of the tables, where it draws them in time."""
        wrong = []
        for name in self.found["speed"]:
            done = run(self.session.budget, [self.session.program, "plot", self.session.out / name], least=0.5, most=30.0)
            wrong += [] if done.is_ok else [f"{name}: {done.reason()}"]
        return {"ok": not wrong, "text": "; ".join(wrong) if wrong else "drawn"}

    def bound(self) -> None:
        """Keeps the folder small: the largest files that only repeat others go first."""
        for pattern in ("**/*.pdf", "**/*.png", "logs/*", "**/peer_samples.csv"):
            if sum(path.stat().st_size for path in self.session.out.rglob("*") if path.is_file()) < LIMIT:
                return
            for path in self.session.out.glob(pattern):
                path.unlink()


def everything(report: Report, scratch: Path, rehearse: bool) -> None:
    """All parts, by priority."""
    session = report.session
    chosen = works.REHEARSED if rehearse else works.WORKS
    first = chosen[0]
    report.part("doctor", lambda: checks.doctor(session))
    session.own = {"aten": '"run.execution" = "aten"'}

    def ways() -> dict[str, Any]:
        session.own = speed.known_variants(session, scratch, first)
        pytorch = report_of_pytorch(session)
        session.has_pytorch = bool(pytorch["torch"])
        beside = f"PyTorch {pytorch['torch']}" if session.has_pytorch else f"no PyTorch beside it ({pytorch['error']})"
        return {"ok": True, "text": f"{', '.join(session.own)}; {beside}", "peers": pytorch}

    report.part("ways of running", ways)
    network = first.network
    names = checks.FIXTURES[:2] if rehearse else checks.FIXTURES
    report.part("fixtures", lambda: checks.fixtures(session, scratch / "fixtures", ROOT, names))
    report.part("determinism", lambda: checks.repeats(session, scratch / "repeats", 64 if rehearse else 512))
    memory = (network.model, network.image_size, first.batch_size)
    report.part("memory", lambda: checks.memory(session, scratch / "memory", *memory))
    for number, work in enumerate(chosen):
        report.part(f"speed: {work.name}", lambda: report.work(work, scratch / f"work-{number}"))
        if number == 5 or work is chosen[-1] and number < 5:
            report.part("largest batch", lambda: checks.largest(session, scratch / "largest", network.model, network.image_size))


def report_of_pytorch(session: speed.Session) -> dict[str, str]:
    """The versions of PyTorch, CUDA and cuDNN, as PyTorch says them."""
    asked = "import json, torch; b = torch.backends.cudnn; print(json.dumps({'torch': torch.__version__, 'cuda': "
    asked += "torch.version.cuda or '', 'cudnn': str(b.version() or '')}))"
    done = run(session.budget, [session.python, "-c", asked], most=60.0)
    return done.json() or {"torch": "", "error": done.reason()}


def main() -> int:
    """The report from its command line to its exit status."""
    arguments = parse()
    out = arguments.out.resolve()
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    timing = works.REHEARSED_TIMING if arguments.rehearse else works.TIMING
    # The last seconds are for plots and for the last page.
    reserve = min(15.0, 6 * arguments.minutes)
    budget = Budget(60 * arguments.minutes - reserve)
    session = speed.Session(arguments.program.resolve(), sys.executable, arguments.device, budget, out, timing)
    with tempfile.TemporaryDirectory(prefix="gpu-report-") as scratch:
        if reason := speed.without_device(session, Path(scratch), works.REHEARSED[0]):
            print(tables.shown(f"error: {reason}"), file=sys.stderr)
            return 2
    (out / "logs").mkdir(parents=True, exist_ok=True)
    report = Report(session, arguments.rehearse, arguments.minutes)
    with tempfile.TemporaryDirectory(prefix="gpu-report-", ignore_cleanup_errors=True) as scratch:
        everything(report, Path(scratch), arguments.rehearse)
        session.budget = Budget(reserve)
        report.part("plots", report.plot)
    report.bound()
    failed = any(part["status"] == "failed" for part in report.found["parts"])
    print(out / "report.md")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
