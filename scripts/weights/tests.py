#!/usr/bin/env python3
"""Tests of scripts/convert-weights that need no PyTorch: python3 scripts/weights/tests.py; `cargo test` runs them too."""

from __future__ import annotations

import contextlib
import io
import sys
import tempfile
import unittest
from pathlib import Path

sys.dont_write_bytecode = True

import convert  # noqa: E402
from convert import Refusal  # noqa: E402


class Tensor:
    """A stand-in."""


def is_tensor(value: object) -> bool:
    """Whether it is one."""
    return isinstance(value, Tensor)


class Arguments(unittest.TestCase):
    """What is refused before PyTorch is set up."""

    def setUp(self) -> None:
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = Path(temporary.name)

    def refused(self, *arguments: str) -> str:
        """What is said to arguments that are refused, in one line."""
        said = io.StringIO()
        with contextlib.redirect_stderr(said):
            self.assertEqual(convert.main(["--check", *arguments]), 2)
        self.assertEqual(said.getvalue().count("\n"), 1)
        return said.getvalue()

    def test_two_files_are_asked_for(self) -> None:
        with contextlib.redirect_stderr(io.StringIO()), self.assertRaises(SystemExit) as exit:
            convert.main(["--check", "only.pth"])
        self.assertEqual(exit.exception.code, 2)

    def test_a_source_that_is_not_there_or_needs_no_conversion_is_named(self) -> None:
        target = str(self.folder / "out.safetensors")
        self.assertIn("it does not exist; name a file", self.refused(str(self.folder / "w.pth"), target))
        self.assertIn("it is a folder; name a file", self.refused(str(self.folder), target))
        ours = self.folder / "w.safetensors"
        ours.write_bytes((2).to_bytes(8, "little") + b"{}")
        self.assertIn("it is safetensors already", self.refused(str(ours), target))

    def test_a_target_is_not_overwritten_and_needs_its_folder(self) -> None:
        source = self.folder / "w.pth"
        source.write_bytes(b"PK\x03\x04and so on")
        self.assertIn("it exists; remove it", self.refused(str(source), str(source)))
        self.assertIn("its folder does not exist", self.refused(str(source), str(self.folder / "no" / "out")))
        self.assertEqual(convert.main(["--check", str(source), str(self.folder / "out.safetensors")]), 0)


class StateDicts(unittest.TestCase):
    """What is taken of a file's content."""

    def refused(self, loaded: object) -> str:
        """Why it is not taken."""
        with self.assertRaises(Refusal) as refusal:
            convert.state_dict(loaded, is_tensor)
        return str(refusal.exception)

    def test_a_state_dict_is_found_by_itself_and_in_a_checkpoint(self) -> None:
        own = {"conv.weight": Tensor(), "conv.bias": Tensor()}
        self.assertEqual(convert.state_dict(own, is_tensor), own)
        for place in convert.PLACES:
            self.assertEqual(convert.state_dict({"epoch": 3, place: own}, is_tensor), own)

    def test_anything_else_is_refused_with_what_it_has(self) -> None:
        own = {"weight": Tensor()}
        self.assertIn("it holds a list", self.refused([Tensor()]))
        self.assertIn("it holds a Tensor", self.refused(Tensor()))
        self.assertIn("it has epoch, net", self.refused({"epoch": 3, "net": own}))
        self.assertIn("it has state_dict and model", self.refused({"state_dict": own, "model": own}))
        self.assertIn("has more than tensors (epoch)", self.refused({**own, "epoch": 3}))
        self.assertIn("is empty", self.refused({"state_dict": {}}))
        self.assertIn("has no tensors", self.refused({}))
        many = {f"key{number}": number for number in range(9)}
        self.assertIn("key4 and 4 more", self.refused(many))


if __name__ == "__main__":
    unittest.main()
