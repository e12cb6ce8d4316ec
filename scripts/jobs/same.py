"""Whether two result folders are the same to the last bit, but for wall-clock, memory and host columns.

    same.py FOLDER OTHER
"""

import csv
import hashlib
import sys
from pathlib import Path

# What differs between two runs of the same trials.
LEFT_OUT = {
    "trials.csv": "wall_ns train_images_per_second peak_memory_bytes processor_share warning host".split(),
    "steps.csv": [],
    "epochs.csv": "wall_ns train_ns test_ns".split(),
    "correctness.csv": [],
}


def outcome(folder: Path) -> dict[str, object]:
    """Tables without the columns that may differ, and the digests of the weights."""
    found: dict[str, object] = {}
    for table, left_out in LEFT_OUT.items():
        with open(folder / table, newline="", encoding="utf-8") as file:
            rows = csv.DictReader(file)
            found[table] = [{name: value for name, value in row.items() if name not in left_out} for row in rows]
    for weights in sorted(folder.glob("trials/*/weights.safetensors")):
        found[weights.parent.name] = hashlib.sha256(weights.read_bytes()).hexdigest()
    return found


def main() -> int:
    """Compares the two folders of the command line."""
    one, two = (outcome(Path(folder)) for folder in sys.argv[1:3])
    differing = [name for name in sorted(one.keys() | two.keys()) if one.get(name) != two.get(name)]
    for name in differing:
        print(f"{name} differs", file=sys.stderr)
    trials = len(one["trials.csv"])
    if not differing:
        print(f"the same to the last bit: {trials} trials, {len(one['steps.csv'])} steps, {len(one) - len(LEFT_OUT)} files of weights")
    return 1 if differing or trials == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
