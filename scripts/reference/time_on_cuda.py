#!/usr/bin/env python3
"""Times training steps of PyTorch's networks on a GPU, for docs/performance.md ("On a GPU").

    CUBLAS_WORKSPACE_CONFIG=:4096:8 python3 scripts/reference/time_on_cuda.py [--compile]

Prints a line for each network, batch size, memory layout and precision. The rules are those of `densenet-bench`: one
batch stays on the device, five steps warm up, the device is synchronised before each reading of the clock, operations are
deterministic. With --compile it times `torch.compile` instead, on DenseNet-BC-100 alone.
"""

from __future__ import annotations

import argparse
import statistics
import time
from dataclasses import dataclass

import torch
from densenet import DenseNet, Options
from torch.nn import functional as F

STEPS = 15
WARMUP_STEPS = 5
LAYOUTS = {"nchw": torch.contiguous_format, "channels-last": torch.channels_last}


@dataclass(frozen=True)
class Work:
    """A network, the shape of its images and its batch sizes."""

    name: str
    options: Options
    classes: int
    size: int
    batch_sizes: tuple[int, ...]


BC_100 = Work(
    "densenet-bc-100-12",
    Options((16, 16, 16), 12, bottleneck=True, compression=0.5, initial_channels=24),
    classes=10,
    size=32,
    batch_sizes=(64, 256),
)
DENSENET_121 = Work(
    "densenet-121",
    Options((6, 12, 24, 16), 32, bottleneck=True, compression=0.5, initial_channels=64, stem="imagenet"),
    classes=1000,
    size=224,
    batch_sizes=(32, 128),
)


def measure(work: Work, batch_size: int, layout: str, tf32: bool, mode: str | None) -> None:
    """Times one network and prints its line; `mode` is that of `torch.compile`, None for eager."""
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = tf32
    torch.manual_seed(0)
    torch._dynamo.reset()
    torch.cuda.empty_cache()
    device, memory_format = torch.device("cuda:0"), LAYOUTS[layout]
    model = DenseNet(work.options, work.classes, 3).to(device, memory_format=memory_format).train()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.001, momentum=0.9, weight_decay=1e-4)
    images = torch.randn(batch_size, 3, work.size, work.size, device=device).contiguous(memory_format=memory_format)
    labels = torch.randint(work.classes, (batch_size,), device=device)
    network = model if mode is None else torch.compile(model, dynamic=False, mode=mode)

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        F.cross_entropy(network(images), labels).backward()
        optimizer.step()

    for _ in range(WARMUP_STEPS):
        step()
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    times = []
    for _ in range(STEPS):
        begun = time.perf_counter()
        step()
        torch.cuda.synchronize()
        times.append(time.perf_counter() - begun)
    median = statistics.median(times)
    deviation = statistics.median(abs(time - median) for time in times)
    print(
        f"{work.name}, batch {batch_size}, {layout}, {'tf32' if tf32 else 'f32'}, {mode or 'eager'}: "
        f"{median * 1e3:.2f} ms, MAD {deviation * 1e3:.2f}; {batch_size / median:.0f} images/s; "
        f"{torch.cuda.max_memory_allocated() / 1e6:.1f} MB allocated at the peak",
        flush=True,
    )


def main() -> None:
    """Times what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--compile", action="store_true")
    arguments = parser.parse_args()
    torch.use_deterministic_algorithms(True)
    torch.utils.deterministic.fill_uninitialized_memory = False
    print(f"PyTorch {torch.__version__}, cuDNN {torch.backends.cudnn.version()}, {torch.cuda.get_device_name(0)}")
    if arguments.compile:
        for mode in ("default", "reduce-overhead"):
            measure(BC_100, 64, "channels-last", tf32=False, mode=mode)
        return
    for tf32 in (False, True):
        for layout in LAYOUTS:
            for work in (BC_100, DENSENET_121):
                for batch_size in work.batch_sizes:
                    measure(work, batch_size, layout, tf32, mode=None)


if __name__ == "__main__":
    main()
