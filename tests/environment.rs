//! What is recorded of the environment, from a process that has secrets in its own.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::process::Command;

use densenet_bench::backends::CPU;
use densenet_bench::formats::ablation::RunSettings;
use densenet_bench::host::Environment;
use serde_json::Value;

/// Set for the process that prints its record in place of testing anything.
const PRINT: &str = "DENSENET_BENCH_TEST_PRINTS_ITS_ENVIRONMENT";

/// The records of a process with those variables, of the run and of one process of it, as they are written to files.
fn recorded(variables: &[(&str, &OsStr)]) -> String {
    let output = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "the_record_holds_listed_variables_and_no_others",
            "--nocapture",
        ])
        .env(PRINT, "1")
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let printed = String::from_utf8(output.stdout).unwrap();
    let (_, after) = printed.split_once("<record>").unwrap();
    after.split_once("</record>").unwrap().0.to_owned()
}

#[test]
fn the_record_holds_listed_variables_and_no_others() {
    if std::env::var_os(PRINT).is_some() {
        let run = RunSettings::default();
        let whole = Environment::observe(CPU.device(0), None, &run, 2);
        let part = whole.of_process(CPU.device(0), &run, 1);
        println!("<record>{}</record>", serde_json::json!([whole, part]));
        return;
    }
    // Names that hold secrets, and names that resemble listed ones.
    let secrets = [
        "AWS_SECRET_ACCESS_KEY",
        "CARGO_REGISTRY_TOKEN",
        "GITHUB_TOKEN",
        "HTTPS_PROXY",
        "OMP_NUM_THREADS_OLD",
        "SLURM_JOB_ID_TOKEN",
        "omp_num_threads",
        "MY PASSWORD",
    ];
    let values: Vec<String> = (0..secrets.len()).map(|index| format!("hunter2-{index}")).collect();
    let mut variables: Vec<(&str, &OsStr)> = (secrets.into_iter()).zip(values.iter().map(OsStr::new)).collect();
    variables.push(("SLURM_JOB_ID", OsStr::new("4711")));
    variables.push(("PYTORCH_ALLOC_CONF", OsStr::new("expandable_segments:True")));
    variables.push(("GLIBC_TUNABLES", OsStr::from_bytes(b"\xff\x1b[2J")));

    let text = recorded(&variables);
    assert!(!text.contains("hunter2"), "{text}");
    for name in secrets {
        assert!(!text.contains(&format!("\"{name}\"")), "{name}: {text}");
    }
    let records: Value = serde_json::from_str(&text).unwrap();
    for record in records.as_array().unwrap() {
        assert_eq!(record["variables"]["SLURM_JOB_ID"], "4711");
        assert_eq!(record["variables"]["PYTORCH_ALLOC_CONF"], "expandable_segments:True");
        assert_eq!(record["variables"]["GLIBC_TUNABLES"], "\u{fffd}\u{1b}[2J");
    }
    // What a process is given is recorded in the place of what its parent had.
    assert_eq!(records[0]["variables"]["OMP_NUM_THREADS"], "2");
    assert_eq!(records[1]["variables"]["OMP_NUM_THREADS"], "1");
}
