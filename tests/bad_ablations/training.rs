//! `[train]`, `[measure]` and `[run]`.

use super::{refuses, section};

#[test]
fn a_learning_rate_that_is_not_finite_and_positive_is_refused() {
    refuses(
        &section("train", "learning-rate = inf"),
        "growth.toml:8: train.learning-rate: learning-rate is inf; it must be finite and above 0; the paper's is 0.1",
    );
    refuses(
        &section("train", "learning-rate = nan"),
        "growth.toml:8: train.learning-rate: learning-rate is nan; it must be finite and above 0; the paper's is 0.1",
    );
    refuses(
        &section("train", "learning-rate = 0.0"),
        "growth.toml:8: train.learning-rate: learning-rate is 0.0; it must be finite and above 0; the paper's is 0.1",
    );
    refuses(
        &section("train", "learning-rate = -0.1"),
        "growth.toml:8: train.learning-rate: learning-rate is -0.1; it must be finite and above 0; the paper's is 0.1",
    );
    refuses(
        &section("train", "learning-rate = 1e999"),
        "growth.toml:8: train.learning-rate: learning-rate is inf; it must be finite and above 0; the paper's is 0.1",
    );
}

#[test]
fn options_of_the_optimizer_out_of_their_range_are_refused() {
    refuses(
        &section("train", "momentum = 1.0"),
        "growth.toml:8: train.momentum: momentum is 1.0; it must be at least 0 and below 1; the paper's is 0.9",
    );
    refuses(
        &section("train", "momentum = -0.1"),
        "growth.toml:8: train.momentum: momentum is -0.1; it must be at least 0 and below 1; the paper's is 0.9",
    );
    refuses(
        &section("train", "weight-decay = -1e-4"),
        "growth.toml:8: train.weight-decay: weight-decay is -0.0001; it must be finite and at least 0; the paper's is 1e-4",
    );
    refuses(
        &section("train", "weight-decay = inf"),
        "growth.toml:8: train.weight-decay: weight-decay is inf; it must be finite and at least 0; the paper's is 1e-4",
    );
}

#[test]
fn nesterov_without_momentum_is_refused() {
    refuses(
        &section("train", "momentum = 0\nnesterov = true"),
        "growth.toml:9: train.nesterov: nesterov is true, but the momentum is 0 and there is none to look ahead by; write a momentum such as 0.9, or leave nesterov out",
    );
}

#[test]
fn milestones_that_are_not_ascending_shares_are_refused() {
    refuses(
        &section("train", "milestones = [0.5, 1.0]"),
        "growth.toml:8: train.milestones: milestones has 1.0; each must be above 0 and below 1; the paper's are [0.5, 0.75]",
    );
    refuses(
        &section("train", "milestones = [150, 225]"),
        "growth.toml:8: train.milestones: milestones has 150; each must be above 0 and below 1; the paper's are [0.5, 0.75]",
    );
    refuses(
        &section("train", "milestones = [0.75, 0.5]"),
        "growth.toml:8: train.milestones: milestones has 0.5 after 0.75; each must be larger than the one before; the paper's are [0.5, 0.75]",
    );
    refuses(
        &section("train", "milestones = [0.5, 0.5]"),
        "growth.toml:8: train.milestones: milestones has 0.5 after 0.5; each must be larger than the one before; the paper's are [0.5, 0.75]",
    );
    refuses(
        &section("train", "milestones = []"),
        "growth.toml:8: train.milestones: milestones is empty; it must have at least one value; the paper's are [0.5, 0.75]",
    );
    refuses(
        &section("train", "gamma = 0"),
        "growth.toml:8: train.gamma: gamma is 0; it must be above 0 and at most 1; the paper's is 0.1",
    );
    refuses(
        &section("train", "gamma = 10"),
        "growth.toml:8: train.gamma: gamma is 10; it must be above 0 and at most 1; the paper's is 0.1",
    );
}

#[test]
fn milestones_and_gamma_with_another_schedule_are_refused() {
    refuses(
        &section(
            "train",
            r#"schedule = "cosine"
milestones = [0.5]"#,
        ),
        r#"growth.toml:9: train.milestones: milestones is for the schedule step, but the schedule is cosine; remove milestones, or write schedule = "step""#,
    );
    refuses(
        &section(
            "train",
            r#"schedule = "constant"
gamma = 0.1"#,
        ),
        r#"growth.toml:9: train.gamma: gamma is for the schedule step, but the schedule is constant; remove gamma, or write schedule = "step""#,
    );
    refuses(
        &section("train", r#"schedule = "steps""#),
        r#"growth.toml:8: train.schedule: schedule is "steps"; it must be "constant", "step" or "cosine"; did you mean "step"?"#,
    );
}

#[test]
fn missing_or_repeated_seeds_are_refused() {
    refuses(
        &section("train", "seeds = [0, 1, 0]"),
        "growth.toml:8: train.seeds: seeds has 0 twice; each may stand once; write each seed once, such as [0, 1, 2]",
    );
    refuses(
        &section("train", "seeds = []"),
        "growth.toml:8: train.seeds: seeds is empty; it must have at least one value; write each seed once, such as [0, 1, 2]",
    );
    refuses(
        &section("train", "seeds = [-1]"),
        "growth.toml:8: train.seeds: seeds has -1; each must be from 0 to 9223372036854775807; write each seed once, such as [0, 1, 2]",
    );
    refuses(
        &section("train", "seeds = 3"),
        "growth.toml:8: train.seeds: seeds is 3; it must be a list of different whole numbers from 0 to 9223372036854775807; write each seed once, such as [0, 1, 2]",
    );
}

#[test]
fn epochs_and_steps_together_are_refused() {
    refuses(
        &section("train", "epochs = 1\nsteps = 100"),
        "growth.toml:9: train.steps: epochs and steps are both given, and each decides how long training lasts; keep one of the two",
    );
}

#[test]
fn training_without_steps_or_with_empty_batches_is_refused() {
    refuses(
        &section("train", "epochs = 0"),
        "growth.toml:8: train.epochs: epochs is 0; it must be from 1 to 1000000000; the paper's are 300 on CIFAR",
    );
    refuses(
        &section("train", "steps = 0"),
        "growth.toml:8: train.steps: steps is 0; it must be from 1 to 1000000000; leave out [train] to train nothing",
    );
    refuses(
        &section("train", "batch-size = 0"),
        "growth.toml:8: train.batch-size: batch-size is 0; it must be from 1 to 1000000000; the paper's is 64 on CIFAR",
    );
}

#[test]
fn missing_or_repeated_batch_sizes_to_measure_are_refused() {
    refuses(
        &section("measure", "batch-sizes = []"),
        "growth.toml:8: measure.batch-sizes: batch-sizes is empty; it must have at least one value; write each size once, such as [16, 32, 64]",
    );
    refuses(
        &section("measure", "batch-sizes = [8, 16, 8]"),
        "growth.toml:8: measure.batch-sizes: batch-sizes has 8 twice; each may stand once; write each size once, such as [16, 32, 64]",
    );
    refuses(
        &section("measure", "batch-sizes = [0]"),
        "growth.toml:8: measure.batch-sizes: batch-sizes has 0; each must be from 1 to 1000000000; write each size once, such as [16, 32, 64]",
    );
    refuses(
        &section("measure", "batch-sizes = 64"),
        "growth.toml:8: measure.batch-sizes: batch-sizes is 64; it must be a list of different whole numbers from 1 to 1000000000; write each size once, such as [16, 32, 64]",
    );
}

#[test]
fn invalid_modes_and_steps_to_measure_are_refused() {
    refuses(
        &section("measure", r#"mode = "training""#),
        r#"growth.toml:8: measure.mode: mode is "training"; it must be "train" or "evaluate", or a list of them; write mode = ["train", "evaluate"] for both"#,
    );
    refuses(
        &section("measure", r#"mode = ["train", "test"]"#),
        r#"growth.toml:8: measure.mode: mode has "test", a string; each must be "train" or "evaluate"; write mode = ["train", "evaluate"] for both"#,
    );
    refuses(
        &section("measure", r#"mode = ["train", "train"]"#),
        r#"growth.toml:8: measure.mode: mode has "train" twice; each may stand once; write mode = ["train", "evaluate"] for both"#,
    );
    refuses(
        &section("measure", "mode = []"),
        r#"growth.toml:8: measure.mode: mode is empty; it must have at least one value; write mode = ["train", "evaluate"] for both"#,
    );
    refuses(
        &section("measure", "steps = 0"),
        "growth.toml:8: measure.steps: steps is 0; it must be from 1 to 1000000000; leave it out for 10",
    );
    refuses(
        &section("measure", "steps = 4\nrounds = 5"),
        "growth.toml:9: measure.rounds: rounds is 5, and there are 4 steps to time: a round would have none; write at most 4, or more steps",
    );
    refuses(
        &section("measure", "warmup-steps = -1"),
        "growth.toml:8: measure.warmup-steps: warmup-steps is -1; it must be from 0 to 1000000000; leave it out for 3",
    );
}

#[test]
fn cudnns_search_is_refused_beside_determinism() {
    let rule = "cudnn-benchmark is true, and deterministic is too: the fastest algorithm may be another each time, so that results \
                do not repeat; write deterministic = false beside it, or leave cudnn-benchmark out";
    let at = |line: usize| format!("growth.toml:{line}: run.cudnn-benchmark: {rule}");
    refuses(&section("run", "cudnn-benchmark = true"), &at(8));
    refuses(&section("run", "deterministic = true\ncudnn-benchmark = true"), &at(9));
    refuses(
        &section("run", "cudnn-benchmark = 1"),
        "growth.toml:8: run.cudnn-benchmark: cudnn-benchmark is 1; it must be true or false; write true or false",
    );
}

#[test]
fn a_layout_is_refused_where_the_execution_has_no_choice() {
    for (execution, why) in [
        ("plain", "Burn's modules have maps in nchw alone"),
        ("recompute", "it has its maps as is fastest on the device"),
        ("fused", "its kernels work on maps in channels-last alone"),
    ] {
        let rule = format!(
            "growth.toml:9: run.layout: layout is \"nchw\", which is for the execution aten, but the execution is {execution}: \
             {why}; remove layout, or write execution = \"aten\""
        );
        refuses(
            &section("run", &format!("execution = \"{execution}\"\nlayout = \"nchw\"")),
            &rule,
        );
    }
    refuses(
        &section("run", "layout = \"nhwc\""),
        r#"growth.toml:8: run.layout: layout is "nhwc"; it must be "auto", "nchw" or "channels-last"; leave it out for "auto""#,
    );
}

#[test]
fn sixteen_bits_are_refused_for_executions_without_autocast() {
    for precision in ["bf16", "f16"] {
        for execution in ["plain", "recompute", "fused"] {
            let rule = format!(
                "growth.toml:9: run.precision: precision is \"{precision}\", which the execution aten alone has, and the execution \
                 is {execution}; write execution = \"aten\" beside it, or leave precision out"
            );
            let lines = format!("execution = \"{execution}\"\nprecision = \"{precision}\"");
            refuses(&section("run", &lines), &rule);
        }
    }
}

#[test]
fn a_cuda_graph_is_refused_where_steps_differ_from_one_another() {
    let refused = |line: usize, rule: &str| {
        format!("growth.toml:{line}: run.cuda-graph: cuda-graph is true, and {rule}, or leave cuda-graph out")
    };
    refuses(
        &section("run", "execution = \"plain\"\ncuda-graph = true"),
        &refused(
            9,
            "the execution is plain, whose steps are not recorded; write execution = \"aten\"",
        ),
    );
    let aten = |more: &str| section("run", &format!("execution = \"aten\"\ncuda-graph = true\n{more}"));
    refuses(
        &aten("precision = \"f16\""),
        &refused(
            9,
            "precision is \"f16\": whether a step is skipped is decided between its operations; write precision = \"bf16\"",
        ),
    );
    refuses(
        &aten("[sweep]\n\"model.dropout\" = [0.2]"),
        &refused(
            9,
            "dropout is 0.2: its masks are drawn anew in each step; write dropout = 0",
        )
        .replace("cuda-graph is true", "in variant dropout=0.2, cuda-graph is true"),
    );
    refuses(
        &aten("[train]\nmixup = 0.2"),
        &refused(
            9,
            "mixup is 0.2: each step's loss has shares of its own; write mixup = 0",
        ),
    );
}

#[test]
fn instructions_that_no_kernel_has_are_refused() {
    refuses(
        &section("run", r#"instructions = "sse2""#),
        r#"growth.toml:8: run.instructions: instructions is "sse2"; it must be "auto", "avx512", "avx2", "neon" or "portable"; leave it out for the fastest that the processor has"#,
    );
}

#[test]
fn an_execution_that_this_version_lacks_is_refused() {
    refuses(
        &section("run", r#"execution = "compiled""#),
        r#"growth.toml:8: run.execution: execution is "compiled"; it must be "auto", "plain", "aten", "recompute" or "fused"; leave it out for "plain""#,
    );
}

#[test]
fn a_seed_of_what_is_held_out_needs_something_held_out() {
    refuses(
        &super::data("dataset = \"digits\"\nvalidation-seed = 3"),
        "growth.toml:5: data.validation-seed: validation-seed is for validation-share, and nothing is held out; remove validation-seed, or write a validation-share such as 0.1",
    );
    refuses(
        &section("train", "order-seed = -1"),
        "growth.toml:8: train.order-seed: order-seed is -1; it must be from 0 to 9223372036854775807; leave it out for the trial's seed",
    );
}

#[test]
fn a_primary_number_that_no_trial_has_is_refused() {
    refuses(
        &section("compare", "primary = \"test_error\""),
        "growth.toml:8: compare.primary: primary is \"test_error\"; it must be \"final_test_error\", \"final_test_loss\", \"final_validation_error\", \"final_validation_loss\", \"final_train_error\" or \"final_train_loss\"; leave it out for the test error",
    );
    refuses(
        &section("train", "[compare]\nprimary = \"final_validation_error\""),
        "growth.toml:9: compare.primary: primary is \"final_validation_error\", and variant base holds no images out; hold some out with validation-share under [data], or leave primary out for the test error",
    );
    refuses(
        &section("sweep", "\"compare.primary\" = [\"final_test_loss\"]"),
        "growth.toml:8: sweep.compare.primary: compare.primary is the whole ablation's and cannot differ between variants; vary keys of the sections, such as \"model.growth-rate\"",
    );
}

#[test]
fn a_warm_up_or_a_smoothing_beyond_its_limits_is_refused() {
    refuses(
        &section("train", "label-smoothing = 1"),
        "growth.toml:8: train.label-smoothing: label-smoothing is 1; it must be at least 0 and below 1; 0.1 is that of Inception-v3, 0.0 has none",
    );
    refuses(
        &section("train", "warmup-steps = -1"),
        "growth.toml:8: train.warmup-steps: warmup-steps is -1; it must be from 0 to 1000000000; leave it out to start at the learning rate",
    );
    refuses(
        &section("train", "steps = 10\nwarmup-steps = 10"),
        "growth.toml:9: train.warmup-steps: warmup-steps is 10, and the run has 10 steps: it would end before the warm-up does; write at most 9, or leave warmup-steps out",
    );
}

#[test]
fn keys_of_fine_tuning_that_do_not_go_together_are_refused() {
    refuses(
        &section("train", "freeze = 3"),
        "growth.toml:8: train.freeze: freeze is 3; it must be text, or a list of texts; \"features\" freezes all of a DenseNet but its classifier, \"none\" nothing",
    );
    refuses(
        &section("train", "freeze = [\"features\", \"features\"]"),
        "growth.toml:8: train.freeze: freeze has \"features\" twice; each may stand once; \"features\" freezes all of a DenseNet but its classifier, \"none\" nothing",
    );
    refuses(
        &section("train", "freeze = [\"features\", \"\"]"),
        "growth.toml:8: train.freeze: freeze has \"\", a string; each must be text that says something; \"features\" freezes all of a DenseNet but its classifier, \"none\" nothing",
    );
    refuses(
        &section("train", "new-head = true"),
        "growth.toml:8: train.new-head: new-head is true, and there are no weights: without them every layer is drawn from the seed; name a file under [model], such as weights = \"pretrained.safetensors\", or leave new-head out",
    );
    refuses(
        &section("train", "learning-rate-groups = \"classifier\""),
        "growth.toml:7: train.group-learning-rates: learning-rate-groups has 1 name, and group-learning-rates has 0 numbers; write one for each of learning-rate-groups",
    );
    refuses(
        &section(
            "train",
            "learning-rate-groups = \"classifier\"\ngroup-learning-rates = [0.1, 0.2]",
        ),
        "growth.toml:9: train.group-learning-rates: learning-rate-groups has 1 name, and group-learning-rates has 2 numbers; write one for each of learning-rate-groups",
    );
    refuses(
        &section(
            "train",
            "learning-rate-groups = \"classifier\"\ngroup-learning-rates = [0]",
        ),
        "growth.toml:9: train.group-learning-rates: group-learning-rates has 0; each must be finite and above 0; write one for each of learning-rate-groups",
    );
}
