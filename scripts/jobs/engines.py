"""Runs what `submit` writes for HyperQueue and Kubernetes, in folders with hostile names, and compares the results with those of a
run alone.

    engines.py PROGRAM

HyperQueue's tasks run in its `LocalCluster`, from the job definition file; Kubernetes' objects are checked against its
published schemas, and the indexed job's command is run by hand for each index.
"""

import json
import os
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

import hyperqueue
import kubernetes_validate
import yaml
from hyperqueue.cluster import LocalCluster, WorkerConfig
from same import main as same

ABLATION = r"""
name = "small"
question = "Does \"$(touch owned)\" stay a text: 'one', # two, {three}?"
[data]
dataset = "digits"
train-limit = 128
test-limit = 64
[model]
block-layers = [1]
[train]
epochs = 1
batch-size = 32
seeds = [0, 1]
[measure]
batch-sizes = [8]
steps = 2
rounds = 1
[sweep]
"model.growth-rate" = [4, 6]
"""

# A folder whose name a shell, YAML or HyperQueue might take for something else.
HOSTILE = "it's $(touch owned) `touch owned` ${HOME} %{JOB_ID}; # \"x\""


def run(program: str, *words: str | Path, variables: dict[str, str] | None = None) -> str:
    """Runs the program; what it prints."""
    environment = {**os.environ, **(variables or {})}
    command = [program, *map(str, words)]
    done = subprocess.run(command, env=environment, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{command}: {done.returncode}\n{done.stderr}")
    return done.stdout


def check_same(folder: Path, other: Path) -> None:
    """Ends with an error where two result folders differ."""
    sys.argv[1:] = [str(folder), str(other)]
    if same() != 0:
        raise SystemExit(f"{folder} is not {other}")


def with_hyperqueue(program: str, file: Path, place: Path, alone: Path) -> None:
    """The tasks of the job definition file, in a cluster within this process."""
    out = place / HOSTILE
    run(program, "submit", "hyperqueue", file, "--out", out, "--cpus-per-task", "1", "--dry-run")
    jobs = tomllib.loads((out / "small/jobs/hyperqueue/job.toml").read_text(encoding="utf-8"))
    with LocalCluster() as cluster:
        cluster.start_worker(WorkerConfig(cores=2))
        client = cluster.client()
        job = hyperqueue.Job(default_workdir=place / "hq")
        tasks = {}
        for task in jobs["task"]:
            cpus = task["request"][0]["resources"]["cpus"]
            tasks[task["id"]] = job.program(
                task["command"],
                deps=[tasks[before] for before in task.get("deps", [])],
                resources=hyperqueue.ffi.protocol.ResourceRequest(cpus=cpus),
            )
        client.wait_for_jobs([client.submit(job)])
    print(f"hyperqueue: {len(tasks)} tasks")
    check_same(out / "small", alone)


def with_kubernetes(program: str, file: Path, place: Path, alone: Path) -> None:
    """The objects against their schemas, and the pods' command for each index."""
    out = place / "kubernetes"
    words = ["--cpus-per-task", "1", "--gpus-per-task", "1", "--time", "1h", "--limit", "2", "--image", 'registry/"image":1']
    run(program, "submit", "kubernetes", file, "--out", out, *words, "--dry-run")
    text = (out / "small/jobs/kubernetes/job.yaml").read_text(encoding="utf-8")
    objects = list(yaml.safe_load_all(text))
    for one in objects:
        kubernetes_validate.validate(one, "1.30", strict=True)
    kinds = [one["kind"] for one in objects]
    assert kinds == ["ConfigMap", "PersistentVolumeClaim", "Job"], kinds
    assert objects[0]["data"]["ablation.toml"] == file.read_text(encoding="utf-8")
    container = objects[2]["spec"]["template"]["spec"]["containers"][0]
    assert container["image"] == 'registry/"image":1'
    variables = {variable["name"]: variable["value"] for variable in container["env"]}
    here = {"/ablation/ablation.toml": str(file), "/results": str(place / "pods")}
    arguments = [here.get(word, word) for word in container["args"]]
    completions = objects[2]["spec"]["completions"]
    for index in range(completions):
        run(program, *arguments, variables={**variables, "JOB_COMPLETION_INDEX": str(index)})
    print(f"kubernetes: {len(objects)} objects, {completions} pods")
    check_same(place / "pods/small", alone)


def main() -> None:
    """Both engines, in a folder of their own."""
    program = sys.argv[1]
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        os.chdir(place)
        (place / "hq").mkdir()
        file = place / "it's $(an) ablation.toml"
        file.write_text(ABLATION, encoding="utf-8")
        run(program, "run", file, "--threads", "1", "--out", place / "alone")
        with_hyperqueue(program, file, place, place / "alone/small")
        with_kubernetes(program, file, place, place / "alone/small")
        assert not list(place.rglob("owned")), "a name was run"
        rows = json.loads(run(program, "status", place / "pods/small", "--json"))
        assert all(row["status"] == "ok" for row in rows["trials"]), rows


if __name__ == "__main__":
    main()
