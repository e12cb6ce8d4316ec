"""Builds the two libraries that both sides share: mimalloc, preloaded for Python, and the allocator that counts."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import subprocess
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
# There in a bundle of scripts/bundle, which brings the libraries with it.
BUNDLE = ROOT / "lib" / "bundle.json"
COUNTER = ROOT / "src" / "libtorch" / "counting_allocator.cpp"

# What the crate's features add to the compiler's command line, as in the build script of libmimalloc-sys.
FEATURES = {
    "override": ["-DMI_MALLOC_OVERRIDE", "-fno-builtin-malloc"],
    "secure": ["-DMI_SECURE=4"],
    "no_thp": ["-DMI_NO_THP=1"],
}


class BuildError(Exception):
    """A library cannot be built; the message says what to do."""


@dataclass(frozen=True)
class Mimalloc:
    """The sources of the mimalloc that is in densenet-bench."""

    version: str
    folder: Path
    features: tuple[str, ...]

    def command(self) -> list[str]:
        """The compiler's command without the output: a shared library with the crate's definitions for a release."""
        model = "local-dynamic" if "local_dynamic_tls" in self.features else "initial-exec"
        added = [flag for feature in self.features for flag in FEATURES.get(feature, [])]
        includes = [f"-I{self.folder / 'include'}", f"-I{self.folder / 'src'}"]
        release = ["-DMI_DEBUG=0", "-DMI_BUILD_RELEASE", "-DNDEBUG", f"-ftls-model={model}"]
        source = self.folder / "src" / "static.c"
        compiler = shlex.split(os.environ.get("CC", "cc"))
        return [*compiler, "-O3", "-fPIC", "-shared", "-pthread", *includes, *release, *added, str(source)]


def find_mimalloc() -> Mimalloc:
    """Asks cargo where the crate's sources are and with which features it is built; in a bundle it is built."""
    if BUNDLE.exists():
        return Mimalloc(json.loads(BUNDLE.read_text(encoding="utf-8"))["mimalloc"], BUNDLE.parent, ())
    command = ["cargo", "metadata", "--locked", "--format-version", "1"]
    answer = json.loads(output(command))
    package = next((p for p in answer["packages"] if p["name"] == "libmimalloc-sys"), None)
    if package is None:
        raise BuildError("densenet-bench is built without mimalloc; the sides would have different allocators")
    node = next(node for node in answer["resolve"]["nodes"] if node["id"] == package["id"])
    features = tuple(sorted(node["features"]))
    sources = Path(package["manifest_path"]).parent / "c_src" / "mimalloc" / ("v2" if "v2" in features else "v3")
    return Mimalloc(version_in(sources / "include" / "mimalloc.h"), sources, features)


def version_in(header: Path) -> str:
    """mimalloc's own version, from `MI_MALLOC_VERSION`: 30302 is 3.3.2."""
    for line in header.read_text(encoding="utf-8").splitlines():
        words = line.split()
        if words[:2] == ["#define", "MI_MALLOC_VERSION"]:
            major, rest = divmod(int(words[2]), 10_000)
            return f"{major}.{rest // 100}.{rest % 100}"
    raise BuildError(f"{header} does not say which mimalloc it is; its crate has changed, so this script has to")


def build_mimalloc(mimalloc: Mimalloc, folder: Path) -> Path:
    """The shared library to preload."""
    if BUNDLE.exists():
        return BUNDLE.with_name("libmimalloc.so")
    return build(mimalloc.command(), "libmimalloc", folder, mimalloc.version)


def build_counter(torch: Path, folder: Path) -> Path:
    """The allocator that counts, against the headers and libc10 of the PyTorch in the folder `torch`."""
    if BUNDLE.exists():
        # It is in the library that the program calls libtorch by, which is one for each version.
        version = next(line for line in (torch / "version.py").read_text().splitlines() if line.startswith("__version__"))
        return BUNDLE.parent / ".".join(version.split("'")[1].split(".")[:2]) / "libdensenet-torch.so"
    includes = [f"-I{torch / 'include'}"]
    # The wheels are built with the new ABI since 2.6.
    flags = ["-O2", "-fPIC", "-shared", "-std=c++17", "-D_GLIBCXX_USE_CXX11_ABI=1"]
    libraries = [f"-L{torch / 'lib'}", "-lc10", f"-Wl,-rpath,{torch / 'lib'}"]
    compiler = shlex.split(os.environ.get("CXX", "c++"))
    return build([*compiler, *flags, *includes, str(COUNTER), *libraries], "libcounting", folder, COUNTER.read_text())


def build(command: list[str], name: str, folder: Path, depends: str) -> Path:
    """Runs a compiler unless its result, named by the command and what it depends on, is there already."""
    digest = hashlib.sha256("\0".join([*command, depends]).encode()).hexdigest()[:16]
    library = folder / f"{name}-{digest}.so"
    if not library.exists():
        folder.mkdir(parents=True, exist_ok=True)
        unfinished = library.with_suffix(".unfinished")
        output([*command, "-o", str(unfinished)])
        unfinished.replace(library)
    return library


def output(command: list[str]) -> str:
    """What a command prints, called in the project's folder."""
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    except OSError as error:
        raise BuildError(f"{command[0]} cannot be started ({error.strerror}); install it, or set CC and CXX") from error
    if done.returncode != 0:
        raise BuildError(f"`{shlex.join(command)}` failed:\n{done.stderr.strip()}")
    return done.stdout
