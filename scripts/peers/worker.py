#!/usr/bin/env python3
"""One process of PyTorch's side: reads a measurement that densenet-bench has described, makes it, prints JSON.

    worker.py measure SPEC.json --weights W --batches B --layout channels-last --compile --counter LIBRARY
    worker.py losses SPEC.json --weights W --batches B --layout contiguous
    worker.py answers SPEC.json --weights W --batches B --layout contiguous

With --installed nothing but the number of threads is set: PyTorch has its own allocator, waiting rules and algorithms, and
its bytes are not counted. `measure` keeps to the rules of `densenet-bench measurement` and prints the same object: one batch stays on the device,
steps are made until warm-up is over by count and by time, then each timed step has a clock reading on either side.
`losses` trains on a row of batches and prints the loss of each step. `answers` prints a batch's logits, and in training its
loss and the gradients' norm.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import math
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "reference"))

import families
import torch
from auxiliary import logits_of, loss_of
from devices import Device
from disturbance import Watch
from processes import OUT_OF_MEMORY
from safetensors.torch import load_file
from torch import Tensor, nn

LAYOUTS = {"contiguous": torch.contiguous_format, "channels-last": torch.channels_last}


class Counter:
    """The counting allocator: the bytes of live tensors, as densenet-bench counts them on its own side."""

    def __init__(self, library: Path) -> None:
        """Puts the allocator before libtorch's; tensors that were made earlier are not counted."""
        self.library = ctypes.CDLL(str(library))
        self.library.densenet_bench_count_peak.restype = ctypes.c_uint64
        self.library.densenet_bench_count_limit.argtypes = [ctypes.c_uint64]
        self.library.densenet_bench_count_limit.restype = None
        self.library.densenet_bench_count_reset_peak.restype = None
        if self.library.densenet_bench_count_install() != 0:
            raise RuntimeError("the counting allocator cannot take its place; leave other allocators out of PyTorch")

    def limit(self, most: int) -> None:
        """Refuses allocations beyond `most` live bytes."""
        self.library.densenet_bench_count_limit(most)

    def reset_peak(self) -> None:
        """Lets the peak begin again at what is live now."""
        self.library.densenet_bench_count_reset_peak()

    def peak(self) -> int:
        """The most bytes that were live at once since the last reset."""
        return int(self.library.densenet_bench_count_peak())


def prepare(spec: dict[str, Any], device: Device, installed: bool) -> None:
    """The settings that densenet-bench makes in its own process before it measures; as installed, the threads alone."""
    if hasattr(ctypes.CDLL(None), "mi_version") == installed:
        state = "loaded, which PyTorch as installed has not" if installed else "not loaded"
        raise RuntimeError(f"mimalloc is {state}; start this through scripts/compare-pytorch")
    torch.set_num_threads(spec["threads"])
    if installed:
        return
    torch.set_num_interop_threads(1)
    device.set_switches(spec["settings"]["run"])
    torch.manual_seed(spec["seed"])


def build(
    spec: dict[str, Any], device: Device, weights: Path, layout: torch.memory_format, compiled: bool
) -> nn.Module:
    """The network with its initial weights, in training or evaluation mode."""
    model = families.build(spec["settings"]["model"], spec["classes"], image_channels=spec["input"]["channels"])
    missing, unexpected = model.load_state_dict(load_file(weights), strict=False)
    lacking = [name for name in missing if not name.endswith("num_batches_tracked")]
    if unexpected or lacking:
        raise RuntimeError(f"{weights}: the weights are not this network's: {(unexpected + lacking)[0]}")
    device.place(model).to(memory_format=layout).train(spec["mode"] == "train")
    # The shapes never change: no code for other batch sizes. A network that does not compile whole is an error.
    return torch.compile(model, dynamic=False, fullgraph=True) if compiled else model


def optimizer_of(model: nn.Module, train: dict[str, Any], fused: bool) -> torch.optim.SGD:
    """SGD with the settings of [train]; PyTorch chooses how it is carried out unless `fused`."""
    return torch.optim.SGD(
        model.parameters(),
        lr=train["learning_rate"],
        momentum=train["momentum"],
        dampening=0,
        nesterov=train["nesterov"],
        weight_decay=train["weight_decay"],
        fused=True if fused else None,
    )


class Training:
    """Steps of training in the precision of `[run]`."""

    def __init__(self, spec: dict[str, Any], device: Device, model: nn.Module, fused: bool) -> None:
        self.model = model
        self.optimizer = optimizer_of(model, spec["settings"]["train"], fused)
        self.scaler = device.scaler(spec["settings"]["run"])
        self.autocast = lambda: device.autocast(spec["settings"]["run"])

    def step(self, images: Tensor, labels: Tensor) -> Tensor:
        """One step; gives its loss, as a tensor."""
        self.optimizer.zero_grad(set_to_none=True)
        with self.autocast():
            loss = loss_of(self.model(images), labels)
        self.scaler.scale(loss).backward()
        self.scaler.step(self.optimizer)
        self.scaler.update()
        return loss.detach()


def step_of(
    spec: dict[str, Any], device: Device, model: nn.Module, batch: tuple[Tensor, Tensor], fused: bool
) -> Callable[[], Tensor]:
    """What is timed: a training step, or a forward pass in evaluation."""
    images, labels = batch
    if spec["mode"] == "train":
        training = Training(spec, device, model, fused)
        return lambda: training.step(images, labels)

    def forward() -> Tensor:
        with torch.inference_mode(), device.autocast(spec["settings"]["run"]):
            return model(images)

    return forward


def measure(spec: dict[str, Any], arguments: argparse.Namespace) -> dict[str, Any]:
    """Times steps on one batch and counts the bytes of their tensors."""
    device = Device(spec, torch)
    counter = None if device.is_cuda or arguments.installed else Counter(arguments.counter)
    prepare(spec, device, arguments.installed)
    if counter is not None and spec["memory_limit"] is not None:
        counter.limit(spec["memory_limit"])
    layout = LAYOUTS[arguments.layout]
    batch = batch_of(arguments.batches, device, layout)
    model = build(spec, device, arguments.weights, layout, arguments.compile)
    step = step_of(spec, device, model, batch, arguments.fused)
    startup = since_start()
    first = device.timed(step)  # With --compile it compiles; it is no warm-up then.
    begun, made = time.perf_counter_ns(), 0 if arguments.compile else 1
    spent = 0 if arguments.compile else first
    while made < spec["warmup_steps"] or spent + time.perf_counter_ns() - begun < spec["warmup_seconds"] * 1e9:
        step()
        device.synchronize()
        made += 1
    if counter is not None:
        counter.reset_peak()
    elif device.is_cuda:
        device.reset_peaks()
    watch = Watch()
    times = [device.timed(step) for _ in range(spec["steps"])]
    processor = watch.elapsed()
    allocated, reserved = (counter.peak(), None) if counter is not None else device.peaks()
    return {
        "step_ns": times,
        "window_ns": device.window(step, spec["steps"]),
        "phases": [],
        "allocated_peak_bytes": allocated,
        "reserved_peak_bytes": reserved,
        # NVML, which the other side asks on a GPU, is not asked here, and a resident set is not the GPU's memory.
        "process_peak_bytes": None if device.is_cuda else peak_resident_bytes(),
        "process_peak_source": "" if device.is_cuda else "resident-set",
        # Where a GPU does the work, how long the processor's threads waited says little.
        "processor": None if device.is_cuda else processor,
        "startup_ns": startup,
        "first_step_ns": first,
    }


def batch_of(path: Path, device: Device, layout: torch.memory_format) -> tuple[Tensor, Tensor]:
    """The first batch of a file, as tensors of their own on the device."""
    batches = load_file(path)
    images, labels = batches["images"][0].clone(memory_format=layout), batches["labels"][0].clone()
    return device.place(images), device.place(labels)


def losses(spec: dict[str, Any], arguments: argparse.Namespace) -> dict[str, Any]:
    """Trains on every batch of the file in turn, at a constant learning rate; gives each step's loss."""
    device = Device(spec, torch)
    prepare(spec, device, arguments.installed)
    layout = LAYOUTS[arguments.layout]
    batches = load_file(arguments.batches)
    model = build(spec, device, arguments.weights, layout, arguments.compile)
    training = Training(spec, device, model, arguments.fused)
    curve = [
        training.step(device.place(images.contiguous(memory_format=layout)), device.place(labels))
        for images, labels in zip(batches["images"], batches["labels"], strict=True)
    ]
    return {"losses": torch.stack(curve).tolist()}


def answers(spec: dict[str, Any], arguments: argparse.Namespace) -> dict[str, Any]:
    """What the network gives for the batch that is timed, by the same passes as a timed step."""
    device = Device(spec, torch)
    prepare(spec, device, arguments.installed)
    layout = LAYOUTS[arguments.layout]
    images, labels = batch_of(arguments.batches, device, layout)
    model = build(spec, device, arguments.weights, layout, arguments.compile)
    loss = norm = None
    before = time.perf_counter_ns()
    if spec["mode"] == "train":
        with device.autocast(spec["settings"]["run"]):
            outputs = model(images)
            logits, of_batch = logits_of(outputs), loss_of(outputs, labels)
        of_batch.backward()
        device.synchronize()
        took = time.perf_counter_ns() - before
        gradients = [parameter.grad for parameter in model.parameters() if parameter.grad is not None]
        norm = math.sqrt(sum(float(gradient.double().square().sum()) for gradient in gradients))
        loss = of_batch.item()
    else:
        with torch.inference_mode(), device.autocast(spec["settings"]["run"]):
            logits = model(images)
        device.synchronize()
        took = time.perf_counter_ns() - before
    cold = took if arguments.compile and compiled_anew() else None
    flat = logits.detach().flatten().tolist()
    return {"logits": flat, "loss": loss, "gradient_norm": norm, "cold_compile_ns": cold}


def compiled_anew() -> bool:
    """Whether torch.compile took nothing from its cache."""
    from torch._dynamo.utils import counters

    hits = counters["inductor"]["fxgraph_cache_hit"] + counters["aot_autograd"]["autograd_cache_hit"]
    misses = counters["inductor"]["fxgraph_cache_miss"] + counters["aot_autograd"]["autograd_cache_miss"]
    return hits == 0 and misses > 0


def since_start() -> int | None:
    """Nanoseconds since this process was started, to 10 ms; None where the system does not say it."""
    try:
        # The fields after the name, which may hold anything; the times are hundredths of a second since the system's start.
        fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
        uptime = float(Path("/proc/uptime").read_text().split()[0])
    except (OSError, ValueError):
        return None
    return max(0, round(100 * uptime) - int(fields[19])) * 10_000_000


def peak_resident_bytes() -> int | None:
    """The highest resident set of this process; None where the system does not tell."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return None


WORKS = {"measure": measure, "losses": losses, "answers": answers}


def main() -> int:
    """Does what the command line says; a failure is an answer too."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", choices=list(WORKS))
    parser.add_argument("spec", type=Path)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--batches", type=Path, required=True)
    parser.add_argument("--layout", choices=list(LAYOUTS), required=True)
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--fused", action="store_true", help="the fused optimizer")
    parser.add_argument("--installed", action="store_true", help="set the threads alone")
    parser.add_argument("--counter", type=Path, help="the counting allocator's library; `measure` needs it, but with --installed")
    arguments = parser.parse_args()
    if arguments.work == "measure" and (arguments.counter is None) != arguments.installed:
        parser.error("measure needs one of --counter and --installed")
    spec = json.loads(arguments.spec.read_text(encoding="utf-8"))
    try:
        result = WORKS[arguments.work](spec, arguments)
    except Exception as error:  # Whatever it is, it becomes the row's error.
        said = f"{type(error).__name__}: {error}"
        first = next((line.strip() for line in said.splitlines() if line.strip()), said)
        memory = isinstance(error, MemoryError) or any(sign in said.lower() for sign in OUT_OF_MEMORY)
        print(json.dumps({"status": "oom" if memory else "failed", "error": first}))
        return 1
    print(json.dumps({"status": "ok", "error": "", **result}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
