//! Remedies for trials and result folders.

use std::fs;
use std::path::PathBuf;

use super::{LIST, RUN, Remedy, edit, follow, nothing};
use crate::workplace::{Workplace, said};

/// The folder of the one trial.
fn trial(place: &Workplace) -> PathBuf {
    let mut entries = fs::read_dir(place.path("results/tiny/trials")).unwrap();
    entries.next().unwrap().unwrap().path()
}

/// A path of the place, as an argument.
fn text(path: PathBuf) -> String {
    path.into_os_string().into_string().unwrap()
}

#[test]
fn a_trial_that_ran_out_of_time_ends_with_more_of_it_and_can_be_exported_meanwhile() {
    let place = Workplace::new();
    place.write("tiny.toml", super::TINY);
    let output = place.run(&[RUN, &["--timeout", "1ms"]].concat());
    assert_eq!(output.status.code(), Some(1));
    assert!(
        said(&output).contains("give it more time with --timeout"),
        "{}",
        said(&output)
    );

    let folder = text(trial(&place));
    let refused = place.refused(&["export", &folder, "--weights", "w.safetensors"]);
    assert!(refused.ends_with("run it first, or add --initial"), "{refused}");
    place.ok(&["export", &folder, "--weights", "w.safetensors", "--initial"]);

    let status = place.ok(&["status", "results/tiny"]);
    assert!(
        status.contains("`densenet-bench run` with the same file resumes it"),
        "{status}"
    );
    place.ok(&[RUN, &["--timeout", "1h"]].concat());
    place.ok(&["export", &folder, "--weights", "w.safetensors"]);

    // Damaged weights: "remove … and run again".
    fs::write(trial(&place).join("weights.safetensors"), "x").unwrap();
    let refused = place.refused(&["export", &folder, "--weights", "w.safetensors"]);
    assert!(
        refused.contains("; remove ") && refused.ends_with(" and run again"),
        "{refused}"
    );
    fs::remove_dir_all(&folder).unwrap();
    place.ok(RUN);
    place.ok(&["export", &folder, "--weights", "w.safetensors"]);
}

#[test]
fn a_trial_that_cannot_be_resumed_is_started_over_as_the_message_says() {
    let place = Workplace::new();
    place.write("tiny.toml", super::TINY);
    let stopped = |threads: &str| {
        let arguments = [
            "run",
            "tiny.toml",
            "--device",
            "cpu",
            "--threads",
            threads,
            "--timeout",
            "1ms",
        ];
        assert_eq!(place.run(&arguments).status.code(), Some(1));
    };
    stopped("1");
    let refused = place.run(RUN);
    // A trial that was killed before it recorded anything has nothing to resume.
    if !refused.status.success() {
        let message = said(&refused);
        assert!(message.contains("start all over with --fresh"), "{message}");
        place.ok(&[RUN, &["--fresh"]].concat());
    }
}

#[test]
fn results_of_other_data_are_set_aside_by_fresh() {
    let place = Workplace::new();
    place.write("tiny.toml", super::TINY);
    edit(
        &place,
        "\"digits\"\ntrain-limit = 32\ntest-limit = 16",
        "\"folder\"\nimage-size = 8\npath = \"images\"",
    );
    edit(&place, "batch-size = 8", "batch-size = 2");
    edit(&place, "batch-sizes = [8]", "batch-sizes = [2]");
    for name in [
        "train/a/1.png",
        "train/a/2.png",
        "train/b/1.png",
        "test/a/1.png",
        "test/b/1.png",
    ] {
        super::image(&place.path("images").join(name));
    }
    place.ok(RUN);
    super::image(&place.path("images/test/b/2.png"));
    let refused = place.refused(RUN);
    assert!(
        refused.ends_with("was trained on other data; start over with --fresh"),
        "{refused}"
    );
    place.ok(&[RUN, &["--fresh"]].concat());
}

#[test]
fn what_is_advised_for_a_variant_a_folder_or_a_batch_is_taken() {
    follow(&[
        Remedy {
            wrong: |place| {
                edit(
                    place,
                    "rounds = 1\n",
                    "rounds = 1\n[sweep]\n\"model.growth-rate\" = [2, 3]\n",
                );
                place.ok(&[RUN, &["--only", "growth-rate=3"]].concat());
                let row = place
                    .rows::<densenet_bench::formats::tables::TrialRow>("results/tiny")
                    .remove(1);
                let folder = text(place.path("results/tiny/trials").join(row.trial));
                place.ok(&["export", &folder, "--weights", "w.safetensors"]);
            },
            command: &["evaluate", "tiny.toml", "--weights", "w.safetensors", "--device", "cpu"],
            advice: "choose one with --variant: growth-rate=2, growth-rate=3",
            follow: nothing,
            then: &[
                "evaluate",
                "tiny.toml",
                "--weights",
                "w.safetensors",
                "--device",
                "cpu",
                "--variant",
                "growth-rate=3",
            ],
        },
        Remedy {
            wrong: |place| {
                place.ok(RUN);
            },
            command: &["plot", "results"],
            advice: "name a result folder, such as results/growth",
            follow: nothing,
            then: &["plot", "results/tiny"],
        },
        Remedy {
            wrong: |place| {
                let two = "rounds = 1\n[sweep]\n\"model.growth-rate\" = [2, 3]\n";
                edit(place, "rounds = 1\n", two);
            },
            command: &["describe", "tiny.toml", "--svg", "tiny.svg"],
            advice: "choose one with --variant: growth-rate=2, growth-rate=3",
            follow: nothing,
            then: &[
                "describe",
                "tiny.toml",
                "--svg",
                "tiny.svg",
                "--variant",
                "growth-rate=3",
            ],
        },
        Remedy {
            wrong: |place| {
                place.ok(RUN);
                let row = place
                    .rows::<densenet_bench::formats::tables::TrialRow>("results/tiny")
                    .remove(0);
                let folder = text(place.path("results/tiny/trials").join(row.trial));
                place.ok(&["export", &folder, "--weights", "w.safetensors"]);
            },
            command: &["plot", "--heatmap", "w.safetensors", "--out", "heatmap.png"],
            advice: "name a file that ends in .svg, such as heatmap.svg",
            follow: nothing,
            then: &["plot", "--heatmap", "w.safetensors", "--out", "heatmap.svg"],
        },
        Remedy {
            wrong: |place| {
                place.ok(RUN);
                edit(place, "test-limit = 16", "test-limit = 8");
                place.ok(&[RUN, &["--out", "other"]].concat());
            },
            command: &["compare", "results/tiny", "other/tiny"],
            advice: "or compare nevertheless with --anyway",
            follow: nothing,
            then: &["compare", "results/tiny", "other/tiny", "--anyway"],
        },
        Remedy {
            wrong: nothing,
            command: &[
                "run",
                "tiny.toml",
                "--device",
                "cpu",
                "--threads",
                "2",
                "--memory-limit",
                "100kB",
            ],
            advice: "`run --find-max-batch` finds the largest",
            follow: nothing,
            then: &[
                "run",
                "tiny.toml",
                "--device",
                "cpu",
                "--threads",
                "2",
                "--find-max-batch",
                "--memory-limit",
                "4MB",
            ],
        },
        Remedy {
            wrong: |place| place.write("results", "a file"),
            command: RUN,
            advice: "name a folder that can be written with --out",
            follow: nothing,
            then: &[
                "run",
                "tiny.toml",
                "--device",
                "cpu",
                "--threads",
                "2",
                "--out",
                "elsewhere",
            ],
        },
        Remedy {
            wrong: nothing,
            command: &["export", ".", "--weights", "w.safetensors"],
            advice: "`run --list` prints the IDs",
            follow: nothing,
            then: LIST,
        },
    ]);
}
