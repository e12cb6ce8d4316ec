#!/usr/bin/env python3
"""PyTorch's side of one work of a report: peer_server.py SPEC.json --weights W --batches B --peers JSON

Builds each peer in turn and prints its memory and its loss; then times `steps` of every peer for each line that it reads, and prints
them. So rounds of densenet-bench's processes stand between rounds of PyTorch. The rules are those of scripts/peers/worker.py.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).resolve().parent.parent / folder) for folder in ("peers", "reference")]

import torch
import worker
from auxiliary import loss_of
from devices import Device
from torch import Tensor

# As torch.compile is called; eager PyTorch has none.
MODES = {"compile default": "default", "compile reduce-overhead": "reduce-overhead"}


class Peer:
    """One way of running the network, built and warmed up."""

    def __init__(self, name: str, spec: dict[str, Any], device: Device, files: argparse.Namespace) -> None:
        begun = time.perf_counter_ns()
        self.device = device
        before = torch.cuda.memory_allocated(device.name) if device.is_cuda else 0
        layout = torch.contiguous_format if name.endswith("NCHW") else torch.channels_last
        images, labels = worker.batch_of(files.batches, device, layout)
        model = worker.build(spec, device, files.weights, layout, compiled=False)
        network = torch.compile(model, dynamic=False, fullgraph=True, mode=MODES[name]) if name in MODES else model
        optimizer = worker.optimizer_of(model, spec["settings"]["train"], fused=False)
        reduced = spec["settings"]["run"].get("precision") == "bf16"

        def step() -> Tensor:
            optimizer.zero_grad(set_to_none=True)
            kind = "cuda" if device.is_cuda else "cpu"
            with torch.autocast(kind, dtype=torch.bfloat16) if reduced else contextlib.nullcontext():
                loss = loss_of(network(images), labels)
            loss.backward()
            optimizer.step()
            return loss.detach()

        self.step: Callable[[], Tensor] = step
        self.loss = step().item()
        device.synchronize()
        self.first_step_ns = time.perf_counter_ns() - begun
        for _ in range(max(1, spec["warmup_steps"])):
            step()
        device.synchronize()
        self.allocated: int | None = None
        if device.is_cuda:
            device.reset_peaks()
            step()
            device.synchronize()
            peak = device.peaks()[0]
            # Without what the peers before it hold.
            self.allocated = None if peak is None else peak - before

    def round(self, steps: int) -> dict[str, Any]:
        """Times steps after one that is not timed: others have used the device meanwhile."""
        self.device.timed(self.step)
        meter = self.device.meter()
        times = [self.device.timed(self.step) for _ in range(steps)]
        return {"step_ns": times, **meter.stop()}


def main() -> None:
    """Builds, then answers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("spec", type=Path)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--batches", type=Path, required=True)
    parser.add_argument("--peers", type=json.loads, required=True)
    arguments = parser.parse_args()
    spec = json.loads(arguments.spec.read_text(encoding="utf-8"))
    device = Device(spec, torch)
    torch.set_num_threads(spec["threads"])
    device.set_switches(spec["settings"]["run"])
    torch.manual_seed(spec["seed"])
    built: dict[str, Peer] = {}
    for line in sys.stdin:
        asked = json.loads(line)
        name = asked.get("build")
        if name is not None:
            try:
                peer = Peer(name, spec, device, arguments)
                built[name] = peer
                answer = {"loss": peer.loss, "first_step_ns": peer.first_step_ns, "allocated": peer.allocated, "error": ""}
            except Exception as error:  # Whatever it is, it becomes the row's error.
                answer = {"error": f"{type(error).__name__}: {error}".splitlines()[0]}
        else:
            answer = {name: peer.round(asked["steps"]) for name, peer in built.items()}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
