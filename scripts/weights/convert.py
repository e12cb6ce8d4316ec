#!/usr/bin/env python3
"""Converts weights that PyTorch saved to safetensors, which densenet-bench reads.

    scripts/convert-weights resnet50.pth resnet50.safetensors

The file holds a state dict, or a checkpoint with one under state_dict, model or model_state_dict. It is read with
`torch.load(weights_only=True)`: a pickle that would run code is refused. Names and types stay as they are; densenet-bench
renames and converts what is unambiguous, and says so.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

# Where checkpoints have their state dict.
PLACES = ("state_dict", "model", "model_state_dict")
# As many names as a message shows.
SHOWN = 5


class Refusal(Exception):
    """Why a file is not converted, in one line."""


def shown(names: list[Any]) -> str:
    """The first names, and how many more there are."""
    first = ", ".join(str(name) for name in names[:SHOWN])
    return first if len(names) <= SHOWN else f"{first} and {len(names) - SHOWN} more"


def check_paths(source: Path, target: Path) -> None:
    """Checks what can be checked without PyTorch."""
    if not source.is_file():
        what = "is a folder" if source.is_dir() else "does not exist"
        raise Refusal(f"{source}: it {what}; name a file that torch.save wrote")
    with source.open("rb") as file:
        start = file.read(9)
    # The length of the header, then the header as JSON.
    if len(start) == 9 and start[8:] == b"{" and not start.startswith((b"PK", b"\x80")):
        raise Refusal(f"{source}: it is safetensors already; give it to densenet-bench as it is")
    if target.exists():
        raise Refusal(f"{target}: it exists; remove it, or name another file")
    if not target.parent.is_dir():
        raise Refusal(f"{target}: its folder does not exist; make it, or name another one")


def state_dict(loaded: Any, is_tensor: Callable[[Any], bool]) -> dict[str, Any]:
    """The tensors by their names of what a file holds."""
    if is_tensor(loaded) or not isinstance(loaded, Mapping):
        kind = type(loaded).__name__
        raise Refusal(f"it holds a {kind}; save the model's state_dict, torch.save(model.state_dict(), FILE)")
    if not any(is_tensor(value) for value in loaded.values()):
        there = [place for place in PLACES if isinstance(loaded.get(place), Mapping)]
        if len(there) > 1:
            raise Refusal(f"it has {' and '.join(there)}; save the one that is meant alone")
        if not there:
            names = f": it has {shown(list(loaded))}" if loaded else ""
            raise Refusal(f"it has no tensors, nor any under {', '.join(PLACES)}{names}")
        loaded = loaded[there[0]]
    others = [name for name, value in loaded.items() if not is_tensor(value)]
    if others or not loaded:
        what = f"has more than tensors ({shown(others)})" if others else "is empty"
        raise Refusal(f"its state dict {what}; save the model's state_dict alone")
    return {str(name): value for name, value in loaded.items()}


def convert(source: Path, target: Path) -> int:
    """Converts a file; gives the number of tensors."""
    import pickle

    import torch
    from safetensors.torch import save_file

    try:
        loaded = torch.load(source, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        found = re.search(r"GLOBAL ([\w.]+)", str(error))
        what = found.group(1) if found else "more than tensors"
        raise Refusal(
            f"{source}: it holds {what}, which could run code when it is read; load it where you trust it, and save the "
            "state_dict alone"
        ) from error
    # A damaged pickle fails in any way.
    except Exception as error:
        first = (str(error).strip().splitlines() or [""])[0]
        said = f"{type(error).__name__}: {first}"
        raise Refusal(f"{source}: PyTorch cannot read it ({said}); name a file that torch.save wrote") from error
    try:
        tensors = state_dict(loaded, torch.is_tensor)
    except Refusal as error:
        raise Refusal(f"{source}: {error}") from error
    odd = [name for name, tensor in tensors.items() if tensor.layout != torch.strided or tensor.is_quantized]
    if odd:
        raise Refusal(f"{source}: {shown(odd)} is sparse or quantised; save the float model that it was made from")
    # In memory of their own: safetensors refuses tensors that share theirs.
    tensors = {name: tensor.detach().clone().contiguous() for name, tensor in tensors.items()}
    descriptor, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    os.close(descriptor)
    try:
        save_file(tensors, temporary)
        os.chmod(temporary, 0o644)
        os.replace(temporary, target)
    except BaseException:
        os.unlink(temporary)
        raise
    return len(tensors)


def main(arguments: list[str]) -> int:
    """Converts, or says in one line why not."""
    parser = argparse.ArgumentParser(
        prog="scripts/convert-weights", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("source", metavar="IN.pth", type=Path, help="what torch.save wrote")
    parser.add_argument("target", metavar="OUT.safetensors", type=Path, help="the file to write")
    parser.add_argument("--check", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    try:
        check_paths(given.source, given.target)
        if not given.check:
            count = convert(given.source, given.target)
            print(f"{given.target}: {count} tensors", file=sys.stderr)
    except Refusal as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
