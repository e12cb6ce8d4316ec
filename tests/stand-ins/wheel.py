"""Makes a wheel that answers to torch's name: wheel.py MACHINE FOLDER LIBRARIES [MEMBER=TEXT ...]

It has the shared libraries of the folder LIBRARIES where torch has its own, a header, and a link as archives keep
links; each MEMBER is put in as well, under exactly that name. Prints the wheel's path.
"""

import pathlib
import stat
import sys
import zipfile

machine, folder, libraries, *members = sys.argv[1:]
path = pathlib.Path(folder) / f"torch-2.9.0-cp311-cp311-manylinux_2_28_{machine}.whl"
with zipfile.ZipFile(path, "w") as wheel:
    wheel.writestr("torch/version.py", "__version__ = '2.9.0+cu128'\n")
    wheel.writestr("torch/include/a.h", "// a header\n")
    wheel.writestr("torch/__init__.py", "raise RuntimeError('no Python is needed')\n")
    link = zipfile.ZipInfo("torch/include/link.h")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    wheel.writestr(link, "/etc/hostname")
    for library in sorted(pathlib.Path(libraries).iterdir()):
        wheel.write(library, f"torch/lib/{library.name}")
    for member in members:
        name, text = member.split("=", 1)
        wheel.writestr(name, text)
    information = "torch-2.9.0.dist-info"
    wheel.writestr(f"{information}/METADATA", "Metadata-Version: 2.1\nName: torch\nVersion: 2.9.0\n")
    wheel.writestr(f"{information}/WHEEL", "Wheel-Version: 1.0\nGenerator: wheel.py\nRoot-Is-Purelib: false\n")
    wheel.writestr(f"{information}/RECORD", "")
print(path)
