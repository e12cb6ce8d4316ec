//! Remedies for the ablation file and the command line.

use super::{LIST, RUN, Remedy, edit, follow, nothing};

#[test]
fn what_is_advised_for_keys_and_values_is_taken() {
    follow(&[
        Remedy {
            wrong: |place| edit(place, "growth-rate = 2", "growth_rate = 2"),
            command: LIST,
            advice: "did you mean growth-rate?",
            follow: |place| edit(place, "growth_rate", "growth-rate"),
            then: &[],
        },
        Remedy {
            wrong: |place| edit(place, "\"digits\"", "\"cifar-10\""),
            command: LIST,
            advice: "did you mean \"cifar10\"?",
            follow: |place| edit(place, "cifar-10", "cifar10"),
            then: &[],
        },
        Remedy {
            wrong: |place| edit(place, "\"digits\"", "\"coco\""),
            command: LIST,
            advice: "write dataset = \"digits\" for the data set that is embedded",
            follow: |place| edit(place, "coco", "digits"),
            then: &[],
        },
        Remedy {
            wrong: |place| edit(place, "train-limit = 32", "train-limit = 5000"),
            command: LIST,
            advice: "write a limit from 1 to 1437, or leave it out to take all",
            follow: |place| edit(place, "train-limit = 5000\n", ""),
            then: &[],
        },
        Remedy {
            wrong: |place| edit(place, "test-limit = 16", "test-limit = 5000"),
            command: LIST,
            advice: "write a limit from 1 to 360",
            follow: |place| edit(place, "5000", "360"),
            then: &[],
        },
        Remedy {
            wrong: |place| edit(place, "batch-size = 8", "batch-size = 64"),
            command: LIST,
            advice: "write at most 32",
            follow: |place| edit(place, "batch-size = 64", "batch-size = 32"),
            then: &[],
        },
        Remedy {
            wrong: |place| edit(place, "batch-sizes = [8]", "batch-sizes = [64]"),
            command: LIST,
            advice: "write at most 32",
            follow: |place| edit(place, "[64]", "[32]"),
            then: &[],
        },
        Remedy {
            wrong: |place| edit(place, "[1, 1]", "[1, 1, 1, 1, 1]"),
            command: LIST,
            advice: "or fewer blocks",
            follow: |place| edit(place, "[1, 1, 1, 1, 1]", "[1, 1, 1]"),
            then: &[],
        },
        Remedy {
            wrong: |place| edit(place, "block-layers = [1, 1]", "block-layers = [1, 1]\ndepth = 40"),
            command: LIST,
            advice: "keep one of the two",
            follow: |place| edit(place, "\ndepth = 40", ""),
            then: &[],
        },
        Remedy {
            wrong: |place| edit(place, "steps = 2\nbatch", "steps = 2\nepochs = 2\nbatch"),
            command: LIST,
            advice: "keep one of the two",
            follow: |place| edit(place, "epochs = 2\n", ""),
            then: &[],
        },
        Remedy {
            wrong: |place| edit(place, "rounds = 1", "rounds = 3"),
            command: LIST,
            advice: "write at most 2, or more steps",
            follow: |place| edit(place, "rounds = 3", "rounds = 2"),
            then: &[],
        },
        Remedy {
            wrong: |place| edit(place, "[train]", "[run]\nthreads = 4000\n[train]"),
            command: LIST,
            advice: "with --threads or run.threads",
            follow: nothing,
            then: &["run", "tiny.toml", "--list", "--threads", "1"],
        },
        Remedy {
            wrong: |place| {
                edit(
                    place,
                    "growth-rate = 2",
                    "growth-rate = 2\nweights = \"none.safetensors\"",
                )
            },
            command: LIST,
            advice: "name an existing safetensors file of this network",
            follow: |place| edit(place, "\nweights = \"none.safetensors\"", ""),
            then: &[],
        },
    ]);
}

#[test]
fn what_is_advised_for_the_command_line_is_taken() {
    follow(&[
        Remedy {
            wrong: nothing,
            command: &["describe", "densenet-122"],
            advice: "did you mean densenet-121?",
            follow: nothing,
            then: &["describe", "densenet-121"],
        },
        Remedy {
            wrong: nothing,
            command: &["run", "tiny.toml", "--list", "--only", "k*"],
            advice: "it has base",
            follow: nothing,
            then: &["run", "tiny.toml", "--list", "--only", "base"],
        },
        Remedy {
            wrong: nothing,
            command: &["run", "tiny.toml", "--list", "--device", "gpu"],
            advice: "write auto, cpu, cuda:N",
            follow: nothing,
            then: &["run", "tiny.toml", "--list", "--device", "auto"],
        },
        Remedy {
            wrong: nothing,
            command: &[
                "run",
                "tiny.toml",
                "--list",
                "--device",
                "flex",
                "--memory-limit",
                "1GB",
            ],
            advice: "leave it out, or take --device cpu",
            follow: nothing,
            then: &["run", "tiny.toml", "--list", "--device", "cpu", "--memory-limit", "1GB"],
        },
        Remedy {
            wrong: nothing,
            command: &["describe", "tiny.toml", "--fits", "11"],
            advice: "write a number with its unit, such as 11GB",
            follow: nothing,
            then: &["describe", "tiny.toml", "--fits", "11GB"],
        },
        Remedy {
            wrong: nothing,
            command: &["run", "tiny.toml", "--list", "--timeout", "5"],
            advice: "90s, 30m or 12h",
            follow: nothing,
            then: &["run", "tiny.toml", "--list", "--timeout", "90s"],
        },
        Remedy {
            wrong: |place| edit(place, "[train]", "[run]\nexecution = \"aten\"\n[train]"),
            command: &["run", "tiny.toml", "--list", "--device", "flex"],
            advice: "or execution \"plain\"",
            follow: |place| edit(place, "aten", "plain"),
            then: &[],
        },
        Remedy {
            wrong: |place| {
                let text = super::TINY;
                place.write("tiny.toml", &text[..text.find("[train]").unwrap()]);
            },
            command: RUN,
            advice: "add one, or use `describe` or `evaluate`",
            follow: nothing,
            then: &["describe", "tiny.toml"],
        },
        Remedy {
            wrong: nothing,
            command: &["data", "fetch", "stl10"],
            advice: "choose one of digits, noisy-digits, digit-sums, synthetic, cifar10, cifar100, mnist, fashion-mnist, svhn, imagenet",
            follow: nothing,
            then: &["data", "fetch", "digits"],
        },
    ]);
}
