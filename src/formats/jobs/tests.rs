//! Job files with hostile names do with them what is meant, when a shell runs them and when their engines read them.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use super::quoting::tests::HOSTILE;
use super::*;

/// A program that writes its arguments, one a line with an end of its own, to `arguments` in its folder, and ends with the status
/// in `status`.
const PROGRAM: &str = "#!/bin/sh\nhere=$(dirname -- \"$0\")\nfor word in \"$@\"; do printf '%s<end>' \"$word\"; done >\"$here/arguments\"\n\
                       exit \"$(cat \"$here/status\")\"\n";

fn program(folder: &Path, status: u8) -> String {
    let path = folder.join("it's $(a program)");
    fs::write(&path, PROGRAM).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(folder.join("status"), status.to_string()).unwrap();
    path.display().to_string()
}

fn job(program: String) -> Job {
    Job {
        name: "growth".to_owned(),
        program,
        run: HOSTILE.map(str::to_owned).to_vec(),
        results: HOSTILE[4].to_owned(),
        units: (0..12).map(|unit| format!("{unit:016x}")).collect(),
        resources: Resources {
            gpus: 1,
            processors: 4,
            time: Some("04:00:00".parse().unwrap()),
            partition: Some("gpu".to_owned()),
            at_once: Some(3),
        },
    }
}

fn text(files: &[JobFile], name: &str) -> String {
    let file = files.iter().find(|file| file.name == name);
    file.unwrap().text.clone()
}

/// Runs a script in an empty folder beside the program's; what it was called with.
fn run(script: &str, folder: &Path) -> (Vec<String>, Output) {
    let empty = tempfile::tempdir().unwrap();
    fs::write(empty.path().join("script.sh"), script).unwrap();
    let mut bash = Command::new("bash");
    bash.arg("script.sh").current_dir(empty.path());
    // A `scontrol` that says what it was asked.
    let tools = folder.join("tools");
    fs::create_dir_all(&tools).unwrap();
    fs::write(tools.join("scontrol"), "#!/bin/sh\necho \"scontrol $*\"\n").unwrap();
    fs::set_permissions(tools.join("scontrol"), fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", tools.display(), std::env::var("PATH").unwrap());
    bash.env("PATH", path)
        .env("SLURM_ARRAY_TASK_ID", "7")
        .env("SLURM_JOB_ID", "42");
    let output = bash.output().unwrap();
    assert_eq!(fs::read_dir(empty.path()).unwrap().count(), 1, "a name was run");
    let words = fs::read_to_string(folder.join("arguments")).unwrap();
    (words.split_terminator("<end>").map(str::to_owned).collect(), output)
}

#[test]
fn an_array_script_calls_the_program_with_the_words_as_they_are_and_its_own_part() {
    let folder = tempfile::tempdir().unwrap();
    let files = slurm(&job(program(folder.path(), 0)), 1001);
    let script = text(&files, "array.sh");
    let (words, output) = run(&script, folder.path());
    let mut expected = HOSTILE.map(str::to_owned).to_vec();
    expected.extend(["--shard", "7/12", "--steal"].map(str::to_owned));
    assert_eq!(words, expected);
    assert!(output.status.success() && output.stdout.is_empty());
    for option in [
        "--job-name=growth",
        "--array=0-11%3",
        "--cpus-per-task=4",
        "--gpus-per-task=1",
        "--time=0-04:00:00",
        "--signal=B:USR1@120",
        "--partition=gpu",
        "--requeue",
    ] {
        assert!(script.contains(&format!("#SBATCH {option}\n")), "{option}: {script}");
    }
    let (words, _) = run(&text(&files, "finish.sh"), folder.path());
    assert_eq!(words, ["merge", "--into", HOSTILE[4]]);
}

#[test]
fn a_task_that_saved_before_its_time_was_up_is_put_into_the_queue_again_and_another_is_not() {
    let folder = tempfile::tempdir().unwrap();
    for (status, requeued) in [(138, "scontrol requeue 42\n"), (1, ""), (143, "")] {
        let files = slurm(&job(program(folder.path(), status)), 1001);
        let (_, output) = run(&text(&files, "array.sh"), folder.path());
        assert_eq!(output.status.code(), Some(i32::from(status)));
        assert_eq!(String::from_utf8(output.stdout).unwrap(), requeued);
    }
}

#[test]
fn an_array_is_no_larger_than_its_cluster_takes() {
    let configuration = "MaxArraySize            = 5\nMaxJobCount = 10000\n";
    assert_eq!((largest_array(Some(configuration)), largest_array(None)), (5, 1001));
    let files = slurm(&job("p".to_owned()), 5);
    assert!(text(&files, "array.sh").contains("#SBATCH --array=0-4%3\n"));
    assert!(text(&files, "array.sh").contains("\"$SLURM_ARRAY_TASK_ID/5\""));
}

#[test]
fn a_job_definition_file_has_a_task_for_each_unit_and_one_behind_them_all() {
    let files = hyperqueue(&job("p".to_owned()));
    let file: toml::Table = text(&files, "job.toml").parse().unwrap();
    let tasks = file["task"].as_array().unwrap();
    assert_eq!(tasks.len(), 13);
    for (id, task) in tasks.iter().enumerate() {
        assert_eq!(task["id"].as_integer(), Some(id as i64));
        let command: Vec<&str> = task["command"]
            .as_array()
            .unwrap()
            .iter()
            .map(|word| word.as_str().unwrap())
            .collect();
        let resources = &task["request"][0]["resources"];
        if id < 12 {
            assert_eq!(command[1..15], HOSTILE);
            assert_eq!(command[15..], ["--trial", &format!("{id:016x}")]);
            assert_eq!(resources["gpus/nvidia"].as_integer(), Some(1));
            assert_eq!(resources["cpus"].as_integer(), Some(4));
        } else {
            assert_eq!(command, ["p", "merge", "--into", HOSTILE[4]]);
            assert_eq!(task["deps"].as_array().unwrap().len(), 12);
        }
    }
}

#[test]
fn the_objects_of_kubernetes_have_the_words_in_quotes_and_no_variable_among_them() {
    let container = Container {
        image: "registry/densenet-bench:1",
        volume_claim: None,
        ablation: "name = \"growth\"\nquestion = \"# no: comment\"\n",
    };
    let files = kubernetes(&job("p".to_owned()), &container);
    let text = text(&files, "job.yaml");
    assert!(text.contains("  completions: 12\n  parallelism: 3\n"), "{text}");
    assert!(text.contains("            - \"$$(touch owned)\"\n"), "{text}");
    assert!(
        text.contains("  ablation.toml: \"name = \\\"growth\\\"\\nquestion = \\\"# no: comment\\\"\\n\"\n"),
        "{text}"
    );
    assert!(text.contains("              nvidia.com/gpu: \"1\"\n"), "{text}");
    assert!(text.contains("kind: PersistentVolumeClaim"));
    let own = Container {
        volume_claim: Some("mine"),
        ..container
    };
    let claimed = kubernetes(&job("p".to_owned()), &own).remove(0).text;
    assert!(
        !claimed.contains("kind: PersistentVolumeClaim") && claimed.contains("claimName: \"mine\"\n"),
        "{claimed}"
    );
}
