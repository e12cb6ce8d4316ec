"""What a report checks before it measures: the program itself, PyTorch's fixtures, that results repeat, and memory."""

from __future__ import annotations

import array
import csv
import json
import math
import os
from pathlib import Path
from typing import Any

from budget import run
from speed import Session

# Of f32 without TF32: the largest differences over the largest value, of logits and of each parameter's gradient.
LOGITS, GRADIENTS = 1e-5, 1e-4
# Of the fixtures those that differ most: both orders, both stems, with and without bottlenecks, squeeze-and-excitation.
FIXTURES = ("basic", "bottleneck-compressed", "imagenet", "article", "post-activation-bottleneck", "squeeze-excitation")
REPEATED = """\
name = "repeats"
question = "Does training end in the same bits twice?"
[data]
dataset = "digits"
train-limit = {images}
test-limit = 64
augment = "shift-flip"
[model]
block-layers = [2, 2]
growth-rate = 8
[train]
epochs = 2
batch-size = 32
{variants}"""
MEMORY = """\
name = "memory"
question = "Is the memory of a step the same in two runs, and as predicted?"
[data]
dataset = "synthetic"
image-size = {size}
train-images = {batch}
test-images = 1
[model]
{model}
[measure]
batch-sizes = [{batch}]
warmup-steps = 2
warmup-seconds = 0.0
steps = 3
rounds = 1
repeats = 2
[sweep]
"run.execution" = ["plain", "aten"]
"""
LARGEST = """\
name = "largest"
question = "Which is the largest batch that fits?"
[data]
dataset = "synthetic"
image-size = {size}
train-images = 16
test-images = 1
[model]
{model}
[run]
execution = "aten"
"""


def fixtures_folder(root: Path) -> Path:
    """PyTorch's numbers, in a checkout and in a bundle."""
    there = root / "fixtures"
    return there if there.exists() else root / "tests" / "fixtures" / "pytorch"


def doctor(session: Session) -> dict[str, Any]:
    """The program's own findings, with what the device reaches."""
    done = run(session.budget, [session.program, "doctor", "--roofline"], most=60.0)
    (session.out / "doctor.txt").write_text(done.said, encoding="utf-8")
    notes = [line for line in done.said.splitlines() if line.startswith("FAILED")]
    return {"ok": done.is_ok, "text": "; ".join(notes) if notes else "no failure (doctor.txt)"}


def tensors_of(path: Path) -> dict[str, tuple[list[int], Any]]:
    """Shapes and values of a safetensors file, without PyTorch."""
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    header.pop("__metadata__", None)
    found = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        values = array.array({"F32": "f", "I64": "q"}[entry["dtype"]])
        values.frombytes(data[8 + length + begin : 8 + length + end])
        found[name] = (entry["shape"], values)
    return found


def write_tensors(path: Path, tensors: dict[str, tuple[list[int], Any]]) -> None:
    """Writes a safetensors file."""
    header, body = {}, b""
    for name, (shape, values) in tensors.items():
        piece = values.tobytes()
        dtype = {"f": "F32", "q": "I64"}[values.typecode]
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(body), len(body) + len(piece)]}
        body += piece
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(len(text).to_bytes(8, "little") + text + body)


def relative(found: Any, expected: Any, least: float = 0.0) -> float:
    """The largest difference over the largest magnitude of what is expected, or over `least`; infinite where one is no number."""
    if len(found) != len(expected) or not all(map(math.isfinite, found)):
        return math.inf
    apart = max((abs(a - b) for a, b in zip(found, expected, strict=True)), default=0.0)
    scale = max(least, max(map(abs, expected), default=0.0))
    return 0.0 if apart == 0.0 else apart / scale if scale else math.inf


def fixture(session: Session, name: str, spec: dict[str, Any], folder: Path, source: Path) -> tuple[float, float]:
    """The differences of one fixture's logits and gradients on the device from PyTorch's."""
    described = json.loads((source / f"{name}.json").read_text(encoding="utf-8"))
    tensors = tensors_of(source / f"{name}.safetensors")
    weights = {key.removeprefix("weights/"): value for key, value in tensors.items() if key.startswith("weights/")}
    gradients = {key.removeprefix("gradients/"): value for key, value in tensors.items() if key.startswith("gradients/")}
    size = described["training"]["batch_size"]
    shape, pixels = tensors["images"]
    values = math.prod(shape[1:])
    batch = {
        "images": ([1, size, *shape[1:]], pixels[: size * values]),
        "labels": ([1, size], array.array("q", described["labels"][:size])),
    }
    write_tensors(folder / "weights.safetensors", weights)
    write_tensors(folder / "batch.safetensors", batch)
    settings = {**spec["settings"], "model": described["network"], "preset": None}
    spec = {**spec, "settings": settings, "input": described["input"], "classes": described["classes"], "batch_size": size}
    (folder / "spec.json").write_text(json.dumps(spec), encoding="utf-8")
    words = [session.program, "answers", folder / "spec.json", "--weights", folder / "weights.safetensors"]
    words += ["--batches", folder / "batch.safetensors", "--gradients", folder / "gradients.safetensors"]
    done = run(session.budget, words, least=3.0, most=60.0)
    answers = done.json()
    if not done.is_ok or answers is None:
        raise RuntimeError(f"{name}: {done.reason()}")
    logits = tensors["logits/training"][1]
    apart_logits = max(relative(answers["logits"], logits), relative([answers["loss"]], [described["loss"]]))
    found = {key: value[1] for key, value in tensors_of(folder / "gradients.safetensors").items()}
    largest = max(max(map(abs, values), default=0.0) for _, values in gradients.values())
    floor = described["tolerances"].get("gradient_floor", 0.0) * largest
    vanishing = described["vanishing"]["gradients"]
    apart = [relative(found[key], value, floor) for key, (_, value) in gradients.items() if key not in vanishing]
    return apart_logits, max(apart, default=math.inf)


def fixtures(session: Session, folder: Path, root: Path, names: tuple[str, ...] = FIXTURES) -> dict[str, Any]:
    """PyTorch's logits and gradients on the device, by `aten`, and where the program has graphs with these, too."""
    source = fixtures_folder(root)
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "fixtures.toml"
    text = 'name = "fixtures"\nquestion = "?"\n[data]\ndataset = "digits"\n[model]\ndepth = 10\n[measure]\nbatch-sizes = [4]\n'
    variants = "".join(f'[[variant]]\nname = "{name.replace(", ", "-")}"\nset = {{ {of} }}\n' for name, of in session.own.items())
    file.write_text(text + variants, encoding="utf-8")
    done = run(session.budget, [session.program, "inputs", file, "--out", folder, "--device", session.device], most=60.0)
    if not done.is_ok:
        return {"ok": False, "text": done.reason()}
    index = json.loads((folder / "index.json").read_text(encoding="utf-8"))
    worst, lines = {"logits": 0.0, "gradients": 0.0}, []
    for way, entry in zip(session.own, index["variants"], strict=True):
        os.environ.update(entry["variables"])
        spec = json.loads((folder / entry["measurements"][0]["rounds"][0]).read_text(encoding="utf-8"))
        for name in names:
            logits, gradients = fixture(session, name, spec, folder, source)
            worst = {"logits": max(worst["logits"], logits), "gradients": max(worst["gradients"], gradients)}
            lines.append(f"{way}, {name}: logits and loss {logits:.1e}, gradients {gradients:.1e}")
    (session.logs / "fixtures.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    ok = worst["logits"] <= LOGITS and worst["gradients"] <= GRADIENTS
    said = f"{len(lines)} fixtures; largest differences: logits and loss {worst['logits']:.1e} (at most {LOGITS:g}), "
    return {"ok": ok, "text": f"{said}gradients {worst['gradients']:.1e} (at most {GRADIENTS:g})", **worst}


def rows(path: Path) -> list[dict[str, str]]:
    """A table's rows."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def repeats(session: Session, folder: Path, images: int) -> dict[str, Any]:
    """Whether two trainings on the device end in the same weights, to the bit."""
    folder.mkdir(parents=True, exist_ok=True)
    ways = {**session.own, "plain": '"run.execution" = "plain"'}
    variants = "".join(f'[[variant]]\nname = "{name.replace(", ", "-")}"\nset = {{ {keys} }}\n' for name, keys in ways.items())
    file = folder / "repeats.toml"
    file.write_text(REPEATED.format(images=images, variants=variants), encoding="utf-8")
    hashes = []
    for out in ("one", "two"):
        words = [session.program, "run", file, "--out", folder / out, "--device", session.device]
        done = run(session.budget, words, least=5.0, most=120.0)
        if not done.is_ok:
            return {"ok": False, "text": done.reason()}
        hashes.append({row["variant"]: row["weights_sha256"] for row in rows(folder / out / "repeats" / "trials.csv")})
    made = json.loads((folder / "one" / "repeats" / "environment.json").read_text(encoding="utf-8"))
    (session.out / "environment.json").write_text(json.dumps(made, indent=1) + "\n", encoding="utf-8")
    differing = [name for name, one in hashes[0].items() if hashes[1].get(name) != one or not one]
    said = f"{len(hashes[0])} trainings twice: "
    return {"ok": not differing, "text": said + (f"other weights of {', '.join(differing)}" if differing else "the same weights")}


def memory(session: Session, folder: Path, model: str, size: int, batch: int) -> dict[str, Any]:
    """Whether a step's allocated peak is the same in two runs, to the byte; beside the prediction, the reserve and NVML's figure."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "memory.toml"
    file.write_text(MEMORY.format(model=model, size=size, batch=batch), encoding="utf-8")
    done = run(session.budget, [session.program, "run", file, "--out", folder, "--device", session.device], least=5.0)
    if not done.is_ok:
        return {"ok": False, "text": done.reason()}
    measured = rows(folder / "memory" / "batches.csv")
    peaks: dict[str, set[str]] = {}
    for row in measured:
        peaks.setdefault(row["execution"], set()).add(row["allocated_peak_bytes"])
    same = all(len(found) == 1 and "" not in found for found in peaks.values())
    said = []
    for row in (row for row in measured if row["repeat"] == "0"):
        figures = [("allocated", "allocated_peak_bytes"), ("predicted", "predicted_peak_bytes"), ("reserved", "reserved_peak_bytes")]
        figures.append((row["process_peak_source"] or "process", "process_peak_bytes"))
        each = ", ".join(f"{name} {int(row[column]) / 1e6:.1f} MB" for name, column in figures if row[column])
        said.append(f"{row['execution']}: {each}")
    repeated = "the same allocated bytes in two runs" if same else f"other allocated bytes in two runs ({peaks})"
    return {"ok": same, "text": f"{repeated}; {'; '.join(said)}", "rows": measured}


def largest(session: Session, folder: Path, model: str, size: int) -> dict[str, Any]:
    """The largest batch that fits, by trying."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "largest.toml"
    file.write_text(LARGEST.format(model=model, size=size), encoding="utf-8")
    words = [session.program, "run", file, "--out", folder, "--device", session.device, "--find-max-batch"]
    words += [] if session.device.startswith("cuda") else ["--memory-limit", "40MB"]
    done = run(session.budget, words, least=5.0, most=90.0)
    (session.logs / "largest.txt").write_text(done.said + done.complained, encoding="utf-8")
    table = folder / "largest" / "boundaries.csv"
    found = rows(table) if table.exists() else []
    said = [f"{row['largest_batch_size'] or 'none'} fits, {row['smallest_too_large'] or 'none'} does not" for row in found]
    return {"ok": done.is_ok, "text": "; ".join(said) if said else done.reason(), "rows": found}

