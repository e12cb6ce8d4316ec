"""Compares every scalar that TensorBoard reads from a result folder's event files with the tables: see scripts/check-tables."""

import csv
import struct

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator


def single(text):
    """The nearest number of 32 bits, which is what an event holds."""
    return struct.unpack("f", struct.pack("f", float(text)))[0]


def is_of(row, trial):
    """Whether a row is a trial's; an apostrophe stands before an ID that programs would take for a number."""
    return row["trial"].removeprefix("'") == trial


def expected(folder, trial):
    """What the tables say of a trial: the values of each tag by step."""
    tags = {}
    ends = {}
    with open(folder / "steps.csv", newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if is_of(row, trial):
                ends[row["epoch"]] = int(row["step"])
                for tag, column in (("step/train_loss", "loss"), ("step/learning_rate", "learning_rate")):
                    tags.setdefault(tag, {})[int(row["step"])] = single(row[column])
    with open(folder / "epochs.csv", newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if is_of(row, trial):
                for column in ("train_loss", "train_error", "validation_loss", "validation_error", "test_loss", "test_error"):
                    if row[column]:
                        tags.setdefault(f"epoch/{column}", {})[ends[row["epoch"]]] = single(row[column])
    return tags


def faults(folder):
    """How many scalars TensorBoard reads, and what it reads otherwise than the tables say."""
    read, found = 0, []
    for path in sorted(folder.glob("tensorboard/**/events.out.tfevents.*")):
        trial = path.name.rsplit(".", 1)[1]
        # Every scalar, and not a sample of them.
        events = EventAccumulator(str(path), size_guidance={"scalars": 0})
        events.Reload()
        tags = {
            tag: {event.step: event.value for event in events.Scalars(tag)} for tag in events.Tags()["scalars"]
        }
        read += sum(map(len, tags.values()))
        if tags != expected(folder, trial):
            found.append(f"{path}: not what the tables say of trial {trial}")
    return read, found
