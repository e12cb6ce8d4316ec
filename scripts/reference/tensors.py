"""Reads safetensors with PyTorch alone, which is all that a machine to measure on may have."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from torch import Tensor

DTYPES = {"F32": torch.float32, "I64": torch.int64}


def load_file(path: Path) -> dict[str, Tensor]:
    """The tensors of a file by their names. https://github.com/huggingface/safetensors#format: the header's length in 8 bytes, a JSON
    header, the values one after the other."""
    data = bytearray(Path(path).read_bytes())
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        kind = DTYPES.get(entry["dtype"])
        if kind is None:
            raise ValueError(f"{path}: {name} is of type {entry['dtype']}; there are {', '.join(DTYPES)}")
        begin, end = entry["data_offsets"]
        if begin == end:
            tensors[name] = torch.empty(entry["shape"], dtype=kind)
            continue
        # Copied: each has to start where its type can.
        values = torch.frombuffer(data[8 + length + begin : 8 + length + end], dtype=kind)
        tensors[name] = values.reshape(entry["shape"])
    return tensors
