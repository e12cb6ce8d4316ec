"""A report as Markdown: for people, and for scripts/record-readme."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import tables

NEVER_RUN = "This is a rehearsal on the CPU: its numbers say nothing of a GPU."


def cell(text: str) -> str:
    """Text within a Markdown table."""
    return tables.markdown_text(text)


def facts(folder: Path, found: dict[str, Any]) -> str:
    """Where and with what, in a sentence."""
    path = folder / "environment.json"
    made = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    gpu = made.get("gpu_record") or {}
    model = f"{gpu['name']} (driver {gpu['driver']}, {gpu['memory_bytes'] / 1e9:.0f} GB)" if gpu else found["device"]
    versions = {"libtorch": made.get("libtorch"), **(made.get("versions") or {})}
    libraries = ", ".join(f"{name} {version}" for name, version in versions.items() if version)
    pytorch = next((part.get("peers", {}).get("torch") for part in found["parts"] if part.get("peers")), "")
    said = [model, made.get("cpu", ""), f"densenet-bench {made.get('revision', '')[:12]}".strip(), libraries]
    said += [f"PyTorch {pytorch}"] if pytorch else []
    start = gpu.get("start") or {}
    if start:
        modes = {"power limit": f"{start.get('power_limit_mw', 0) / 1000:.0f} W", "ECC": start.get("ecc"), "MIG": start.get("mig")}
        modes["persistence"] = start.get("persistence_mode")
        said.append(", ".join(f"{name} {value}" for name, value in modes.items() if value is not None))
    return f"{'; '.join(part for part in said if part)}; {found['started'][:10]}, {found['spent_seconds']:.0f} s."


def table_of_parts(found: dict[str, Any]) -> str:
    """A line for each part that is no measurement of speed."""
    lines = ["| part | result | what was found |", "| --- | --- | --- |"]
    parts = [part for part in found["parts"] if not part["part"].startswith(("speed", "plots", "ways"))]
    lines += [f"| {cell(part['part'])} | {part['status']} | {cell(part['text'])} |" for part in parts]
    return "\n".join(lines)


# Below the table.
HOW = (
    "Training steps, each between two synchronisations; rounds of densenet-bench's processes stand between rounds of PyTorch, which compiles in "
    "channels-last. Times eager: images a second over those of the faster eager layout within a round. Energy: the GPU's own counter."
)


def table_of_speeds(folder: Path, found: dict[str, Any]) -> str:
    """A line for each network, batch size, precision and peer."""
    header = ["network", "batch", "precision", "who", "images/s", "step (ms)", "n", "times eager", "allocated peak (MB)", "J / image"]
    lines = [f"| {' | '.join(header)} |", f"| {' | '.join(['---', '---:', '---', '---', *['---:'] * 6])} |"]
    for name in found.get("speed", []):
        with (folder / name / "peers.csv").open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        for row in rows:
            speed = f"{float(row['images_per_second']):.0f}" if row["images_per_second"] else row["status"]
            if row["warning"]:
                speed += " (doubtful)"
            step = f"{int(row['step_ns_median']) / 1e6:.2f}" if row["step_ns_median"] else ""
            ends = f" [{float(row['speed_ratio_low']):.2f}, {float(row['speed_ratio_high']):.2f}]" if row["speed_ratio_low"] else ""
            times = f"{float(row['speed_ratio']):.2f}{ends}" if row["speed_ratio"] else ""
            peak = f"{int(row['allocated_peak_bytes']) / 1e6:.0f}" if row["allocated_peak_bytes"] else ""
            joules = f"{float(row['joules_per_image']):.3f}" if row["joules_per_image"] else ""
            values = [row["variant"], row["batch_size"], row["precision"], row["peer"], speed, step, row["steps"], times, peak, joules]
            lines.append(f"| {' | '.join(cell(value) for value in values)} |")
    return "\n".join(lines)


def left_out(found: dict[str, Any]) -> str:
    """What there was no time for, and what the program or the device does not have."""
    parts = [part for part in found["parts"] if part["part"].startswith("speed") and (part["status"] != "ok" or "images/s" not in part["text"])]
    return "\n".join(f"- {cell(part['part'].removeprefix('speed: '))}: {part['status']}: {cell(part['text'])}" for part in parts)


def doubts(folder: Path, found: dict[str, Any]) -> str:
    """What makes speeds doubtful."""
    lines = []
    for name in found.get("speed", []):
        with (folder / name / "peers.csv").open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                if row["warning"]:
                    lines.append(f"- {row['variant']} {row['batch_size']} {row['precision']}, {cell(row['peer'])}: {cell(row['warning'])}")
    return "\n".join(lines)


def body(folder: Path, found: dict[str, Any]) -> str:
    """The part that is recorded in the documentation."""
    each = [facts(folder, found), table_of_parts(found), table_of_speeds(folder, found), HOW, left_out(found), doubts(folder, found)]
    return "\n\n".join(part for part in each if part)


def page(folder: Path, found: dict[str, Any]) -> str:
    """report.md."""
    note = [NEVER_RUN] if found["rehearsed"] else []
    return "\n\n".join(["# densenet-bench on a GPU", *note, body(folder, found)]) + "\n"
