//! The memory of training steps: what is counted, what is predicted, and what happens where it does not suffice.

#![cfg(feature = "libtorch")]

#[macro_use]
mod skipped;
mod workplace;

use std::path::Path;

use densenet_bench::backends::CPU;
use densenet_bench::formats::ablation::parse;
use densenet_bench::formats::tables::{BatchRow, BoundaryRow, Status};
use densenet_bench::host::vector_instructions;
use densenet_bench::measurement::{Cells, MeasurementRecord, Origin, RoundResult, RoundSpec, measurements};
use densenet_bench::network::VectorInstructions;
use densenet_bench::trials::prepare;
use workplace::Workplace;

/// A step for the momentum to be there, and one that is counted.
const MEASURE: &str = "[measure]\nwarmup-steps = 1\nwarmup-seconds = 0.0\nsteps = 1\nrounds = 1\n";

/// What holds oneDNN, libtorch's own kernels and MKL to AVX2.
const AVX2_ONLY: [(&str, &str); 3] = [
    ("ONEDNN_MAX_CPU_ISA", "AVX2"),
    ("ATEN_CPU_CAPABILITY", "avx2"),
    ("MKL_ENABLE_INSTRUCTIONS", "AVX2"),
];

/// The measurements of an ablation with this text after its head, `[measure]` included.
fn records(text: &str, threads: usize, instructions: VectorInstructions) -> Vec<MeasurementRecord> {
    let text = format!("name = \"memory\"\nquestion = \"?\"\n{text}");
    let ablation = parse(&text, Path::new("memory.toml")).unwrap();
    let experiment = prepare(ablation, 1, None).unwrap();
    let cells = Cells {
        device: CPU.device(0),
        threads: Some(threads),
        available_threads: threads,
        memory_limit: None,
        instructions,
        origin: &Origin::default(),
    };
    measurements(&experiment, &vec![true; experiment.prepared.len()], cells)
}

/// The allocated peak that a process of its own counts, held to AVX2 where that is what the prediction is for.
fn counted(record: &MeasurementRecord, instructions: VectorInstructions) -> u64 {
    let place = Workplace::new();
    let spec = RoundSpec {
        phase_steps: 0,
        ..record.spec.clone()
    };
    place.write("spec.json", &serde_json::to_string(&spec).unwrap());
    let mut command = place.command(&["measurement", "spec.json"]);
    if instructions == VectorInstructions::Avx2 {
        command.envs(AVX2_ONLY);
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let result: RoundResult = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(result.status, Status::Ok, "{}", result.error);
    result.allocated_peak_bytes.unwrap()
}

/// Measures every variant with a number of threads and compares: within a hundredth.
fn compare_with(text: &str, threads: usize, instructions: VectorInstructions) {
    let records = records(text, threads, instructions);
    assert!(!records.is_empty());
    for record in records {
        let counted = counted(&record, instructions) as f64;
        let predicted = record.predicted_peak_bytes.unwrap() as f64;
        let ratio = predicted / counted;
        assert!(
            (0.99..=1.01).contains(&ratio),
            "{} ({}) at batch size {} with {threads} threads and {instructions:?}: predicted {predicted}, counted \
             {counted}, ratio {ratio:.3}",
            record.spec.variant,
            record.mode_name(),
            record.spec.batch_size
        );
    }
}

/// With two threads on what this processor has.
fn compare(text: &str) {
    compare_with(text, 2, vector_instructions());
}

#[test]
fn the_predicted_peaks_of_training_and_evaluation_on_digits_are_within_a_hundredth_of_the_counted_one() {
    compare(&format!(
        "[data]\ndataset = \"digits\"\n[model]\nblock-layers = [3, 3, 3]\n{MEASURE}batch-sizes = [1, 8, 128]\n\
         mode = [\"train\", \"evaluate\"]\n[sweep]\n\"model.bottleneck\" = [false, true]\n"
    ));
}

#[test]
fn the_predicted_peak_of_every_kind_of_network_is_within_a_hundredth_of_the_counted_one() {
    let variant = |name: &str, set: &str| format!("[[variant]]\nname = \"{name}\"\nset = {{ {set} }}\n");
    let bc = "\"model.bottleneck\" = true, \"model.compression\" = 0.5";
    let variants = [
        variant("one-block", "\"model.block-layers\" = [4]"),
        variant(
            "without-momentum",
            "\"train.momentum\" = 0.0, \"train.nesterov\" = false",
        ),
        variant("bc-odd", &format!("{bc}, \"data.image-size\" = 13")),
        variant("bc-dropout", &format!("{bc}, \"model.dropout\" = 0.2")),
        variant(
            "bc-dropout-3x3",
            &format!("{bc}, \"model.dropout\" = 0.2, \"model.dropout-after\" = \"3x3\""),
        ),
        variant(
            "without-relus",
            "\"model.transition-relu\" = false, \"model.final-relu\" = false",
        ),
        variant("post", "\"model.order\" = \"post-activation\""),
        variant("bc-post", &format!("{bc}, \"model.order\" = \"post-activation\"")),
        variant(
            "imagenet",
            &format!("{bc}, \"model.stem\" = \"imagenet\", \"data.image-size\" = 40"),
        ),
    ];
    compare(&format!(
        "[data]\ndataset = \"synthetic\"\nimage-size = 12\ntrain-images = 64\ntest-images = 8\n\
         [model]\nblock-layers = [2, 3]\n[train]\n{MEASURE}batch-sizes = [1, 8, 64]\n{}",
        variants.concat()
    ));
}

#[test]
fn the_predicted_peaks_of_residual_networks_are_within_a_hundredth_of_the_counted_one() {
    let variant = |name: &str, set: &str| format!("[[variant]]\nname = \"{name}\"\nset = {{ {set} }}\n");
    let variants = [
        variant("padding", "\"model.shortcut\" = \"padding\""),
        variant("projection", "\"model.shortcut\" = \"projection\""),
        variant(
            "bottleneck",
            "\"model.bottleneck\" = true, \"model.shortcut\" = \"projection\"",
        ),
        variant("imagenet", "\"model.stem\" = \"imagenet\", \"data.image-size\" = 40"),
    ];
    compare(&format!(
        "[data]\ndataset = \"synthetic\"\nimage-size = 16\ntrain-images = 128\ntest-images = 8\n\
         [model]\nfamily = \"resnet\"\nblock-layers = [2, 1, 1]\ninitial-channels = 16\n[train]\n{MEASURE}batch-sizes = [1, 8]\n\
         mode = [\"train\", \"evaluate\"]\n{}",
        variants.concat()
    ));
}

#[test]
fn the_predicted_peaks_of_networks_in_pre_activation_order_are_within_a_hundredth_of_the_counted_one() {
    let families = [
        ("wide-resnet", "\"model.widening-factor\" = 2"),
        (
            "wide-resnet-dropout",
            "\"model.widening-factor\" = 3, \"model.dropout\" = 0.3",
        ),
        ("preact-resnet", "\"data.image-size\" = 13"),
        ("preact-resnet-bottleneck", "\"model.bottleneck\" = true"),
    ];
    let variants = families.map(|(name, set)| {
        let family = if name.starts_with("wide") {
            "wide-resnet"
        } else {
            "preact-resnet"
        };
        format!("[[variant]]\nname = \"{name}\"\nset = {{ \"model.family\" = \"{family}\", {set} }}\n")
    });
    compare(&format!(
        "[data]\ndataset = \"synthetic\"\nimage-size = 16\ntrain-images = 128\ntest-images = 8\n\
         [model]\nblock-layers = [2, 1, 1]\ninitial-channels = 16\n[train]\n{MEASURE}batch-sizes = [1, 8]\n\
         mode = [\"train\", \"evaluate\"]\n{}",
        variants.concat()
    ));
}

#[test]
fn the_predicted_peaks_of_vggs_are_within_a_hundredth_of_the_counted_one() {
    let variants = [
        ("plain", "\"model.batch-norm\" = false"),
        ("batch-norm", "\"model.batch-norm\" = true"),
        ("dropout", "\"model.dropout\" = 0.5"),
        ("as-large", "\"data.image-size\" = 28"),
        (
            "mostly-matrices",
            "\"model.classifier-width\" = 512, \"data.image-size\" = 9",
        ),
    ];
    let variants = variants.map(|(name, set)| format!("[[variant]]\nname = \"{name}\"\nset = {{ {set} }}\n"));
    compare(&format!(
        "[data]\ndataset = \"synthetic\"\nimage-size = 33\ntrain-images = 128\ntest-images = 8\n\
         [model]\nfamily = \"vgg\"\nblock-layers = [1, 2]\ninitial-channels = 16\nclassifier-width = 64\ndropout = 0.0\n\
         [train]\n{MEASURE}batch-sizes = [1, 8]\nmode = [\"train\", \"evaluate\"]\n{}",
        variants.concat()
    ));
}

/// Variants of one network by what is frozen of it.
fn frozen(network: &str, parts: &[&str]) -> String {
    let variants = parts.iter().enumerate().map(|(index, part)| {
        format!("[[variant]]\nname = \"frozen-{index}\"\nset = {{ \"train.freeze\" = {part} }}\n")
    });
    let variants: String = variants.collect();
    format!(
        "[data]\ndataset = \"synthetic\"\nimage-size = 16\ntrain-images = 64\ntest-images = 8\n[model]\n{network}\n[train]\n\
         {MEASURE}batch-sizes = [1, 8, 64]\n{variants}"
    )
}

#[test]
fn the_predicted_peaks_of_a_dense_network_with_a_frozen_part_are_within_a_hundredth_of_the_counted_one() {
    compare(&frozen(
        "block-layers = [3, 3, 2]\nbottleneck = true\ncompression = 0.5",
        &[
            "\"features\"",
            "\"features.conv0\"",
            "[\"features.conv0\", \"features.denseblock1\"]",
            "[\"features.conv0\", \"features.denseblock1\", \"features.transition1\"]",
            "\"features.denseblock2\"",
            "\"*.norm*\"",
            "\"*.conv*\"",
            "\"*.bias\"",
        ],
    ));
}

#[test]
fn the_predicted_peaks_of_other_networks_with_a_frozen_part_are_within_a_hundredth_of_the_counted_one() {
    compare(&frozen(
        "family = \"resnet\"\nblock-layers = [2, 1, 1]\nshortcut = \"projection\"",
        &[
            "[\"conv1\", \"bn1\", \"layer1\"]",
            "[\"conv1\", \"bn1\", \"layer1\", \"layer2\", \"layer3\"]",
            "\"layer2\"",
            "\"*.bn*\"",
        ],
    ));
    compare(&frozen(
        "family = \"vgg\"\nblock-layers = [1, 2]\ninitial-channels = 16\nclassifier-width = 64\ndropout = 0.0",
        &["\"features\"", "[\"features\", \"classifier.0\"]", "\"classifier.0\""],
    ));
}

#[test]
fn the_predicted_peaks_of_inception_networks_with_a_frozen_part_are_within_a_hundredth_of_the_counted_one() {
    let variants = [
        ("stem", "\"conv?.*\""),
        ("convolutions", "\"*.conv.weight\""),
        ("one-module", "\"inception3a\""),
        (
            "half-of-a-module",
            "[\"conv?.*\", \"inception3a.branch1\", \"inception3a.branch2.0\"]",
        ),
        ("shifts", "\"*.bn.bias\""),
    ];
    let variants = variants
        .map(|(name, parts)| format!("[[variant]]\nname = \"{name}\"\nset = {{ \"train.freeze\" = {parts} }}\n"));
    compare(&format!(
        "[data]\ndataset = \"synthetic\"\nimage-size = 64\ntrain-images = 64\ntest-images = 8\n\
         [model]\nfamily = \"googlenet\"\nwidth-multiplier = 0.125\ndropout = 0.0\n\
         [train]\n{MEASURE}batch-sizes = [1, 8]\n{}",
        variants.concat()
    ));
}

/// A network whose weights take more than its maps, with nothing and with its convolutions frozen.
#[test]
fn frozen_tensors_take_neither_gradients_nor_momentum_in_any_execution() {
    let text = |execution: &str| {
        format!(
            "[data]\ndataset = \"synthetic\"\nimage-size = 4\ntrain-images = 64\ntest-images = 8\n[model]\n\
             block-layers = [4, 4]\ngrowth-rate = 32\nbottleneck = true\n[train]\n{MEASURE}batch-sizes = [2]\n\
             [run]\nexecution = \"{execution}\"\n[[variant]]\nname = \"whole\"\n[[variant]]\nname = \"frozen\"\n\
             set = {{ \"train.freeze\" = \"*.conv*\" }}\n"
        )
    };
    let place = Workplace::new();
    place.write("x.toml", &format!("name = \"x\"\nquestion = \"?\"\n{}", text("plain")));
    let described: serde_json::Value = serde_json::from_str(&place.ok(&["describe", "x.toml", "--json"])).unwrap();
    let frozen = 4 * described["variants"][1]["frozen_parameters"].as_u64().unwrap();
    assert!(frozen > 2_000_000, "{frozen}");
    let instructions = vector_instructions();
    for execution in ["plain", "aten", "recompute", "fused"] {
        let [whole, some] = records(&text(execution), 2, instructions)
            .iter()
            .map(|record| counted(record, instructions))
            .collect::<Vec<u64>>()[..]
        else {
            panic!("two variants")
        };
        // Their momentum, and most of their gradients: without them the peak is at an earlier moment.
        assert!(
            whole - some > frozen + frozen / 2,
            "{execution}: {whole} bytes, {some} with {frozen} bytes of parameters frozen"
        );
    }
}

#[test]
fn the_predicted_peaks_of_inception_networks_are_within_a_hundredth_of_the_counted_one() {
    let variants = [
        ("heads", "\"model.auxiliary-heads\" = true"),
        ("without-heads", "\"model.auxiliary-heads\" = false"),
        ("dropout", "\"model.dropout\" = 0.2, \"model.auxiliary-dropout\" = 0.7"),
        ("odd-sides", "\"data.image-size\" = 75"),
    ];
    let variants = variants.map(|(name, set)| format!("[[variant]]\nname = \"{name}\"\nset = {{ {set} }}\n"));
    compare(&format!(
        "[data]\ndataset = \"synthetic\"\nimage-size = 64\ntrain-images = 128\ntest-images = 8\n\
         [model]\nfamily = \"googlenet\"\nwidth-multiplier = 0.25\ndropout = 0.0\nauxiliary-dropout = 0.0\n\
         [train]\n{MEASURE}batch-sizes = [1, 8]\nmode = [\"train\", \"evaluate\"]\n{}",
        variants.concat()
    ));
}

#[test]
fn the_predicted_peaks_of_networks_with_rectangular_windows_are_within_a_hundredth_of_the_counted_one() {
    let variants = [
        ("without-head", "\"model.auxiliary-heads\" = false"),
        (
            "head",
            "\"data.image-size\" = 299, \"model.width-multiplier\" = 0.125, \"model.auxiliary-heads\" = true",
        ),
    ];
    let variants = variants.map(|(name, set)| format!("[[variant]]\nname = \"{name}\"\nset = {{ {set} }}\n"));
    compare(&format!(
        "[data]\ndataset = \"synthetic\"\nimage-size = 107\ntrain-images = 128\ntest-images = 8\n\
         [model]\nfamily = \"inception-v3\"\nwidth-multiplier = 0.25\ndropout = 0.0\n\
         [train]\n{MEASURE}batch-sizes = [2, 8]\nmode = [\"train\", \"evaluate\"]\n{}",
        variants.concat()
    ));
}

/// Small networks, of which copies and workspaces are a large part: channels below and beside whole vectors, few maps,
/// strides that do not divide the sides, more weights than maps.
fn small_networks() -> String {
    let variants = [
        ("rgb32", "\"model.block-layers\" = [2, 2, 2]"),
        (
            "rgb16",
            "\"data.image-size\" = 16, \"model.block-layers\" = [1, 1], \"model.growth-rate\" = 4, \"model.initial-channels\" = 4",
        ),
        (
            "imagenet64",
            "\"data.image-size\" = 64, \"model.stem\" = \"imagenet\", \"model.block-layers\" = [3, 3], \
             \"model.growth-rate\" = 16, \"model.bottleneck\" = true",
        ),
        (
            "grey28",
            "\"data.image-size\" = 28, \"data.channels\" = 1, \"model.block-layers\" = [2, 2], \"model.growth-rate\" = 3, \
             \"model.bottleneck\" = true, \"model.compression\" = 0.5",
        ),
        (
            "mostly-weights",
            "\"data.image-size\" = 4, \"model.block-layers\" = [2, 4], \"model.growth-rate\" = 12",
        ),
        (
            "strided33",
            "\"data.image-size\" = 33, \"model.family\" = \"resnet\", \"model.block-layers\" = [1, 1], \
             \"model.initial-channels\" = 17, \"model.shortcut\" = \"projection\"",
        ),
    ];
    let variants = variants.map(|(name, set)| format!("[[variant]]\nname = \"{name}\"\nset = {{ {set} }}\n"));
    format!(
        "[data]\ndataset = \"synthetic\"\ntrain-images = 64\ntest-images = 8\n{MEASURE}batch-sizes = [1, 3, 16]\n{}",
        variants.concat()
    )
}

#[test]
fn the_predicted_peaks_of_small_networks_are_within_a_hundredth_of_the_counted_one_from_one_image_on() {
    compare(&small_networks());
}

#[test]
fn the_predicted_peaks_for_one_thread_are_within_a_hundredth_of_the_counted_one() {
    compare_with(&small_networks(), 1, vector_instructions());
}

#[test]
fn the_predicted_peaks_for_avx2_are_within_a_hundredth_of_the_counted_one_where_the_processor_has_more() {
    if vector_instructions() == VectorInstructions::Avx2 {
        return skipped!("the processor has no AVX-512, so that the other tests are those of AVX2");
    }
    compare_with(&small_networks(), 2, VectorInstructions::Avx2);
}

#[test]
fn the_allocated_peak_on_the_cpu_is_the_same_to_the_byte_in_every_run() {
    let text = format!(
        "[data]\ndataset = \"digits\"\n[model]\nblock-layers = [3, 3]\nbottleneck = true\n{MEASURE}batch-sizes = [32]\n"
    );
    let counted = |threads| {
        let instructions = vector_instructions();
        counted(&records(&text, threads, instructions)[0], instructions)
    };
    let first = counted(2);
    assert_eq!(first, counted(2));
    // Of threads each has a workspace of its own, of kilobytes.
    let single = counted(1);
    assert_eq!(single, counted(1));
    assert!(
        single.abs_diff(first) < 16_384,
        "{single} with one thread, {first} with two"
    );
}

/// A workplace with a network that needs 11 MB at batch size 32 and 41 MB at 128.
fn small() -> Workplace {
    let place = Workplace::new();
    let text = format!(
        "name = \"memory\"\nquestion = \"?\"\n[data]\ndataset = \"digits\"\n[model]\nblock-layers = [3, 3, 3]\n\
         bottleneck = true\ncompression = 0.5\n{MEASURE}batch-sizes = [32, 64, 128]\n[run]\nexecution = \"plain\"\n"
    );
    place.write("memory.toml", &text);
    place
}

#[test]
fn a_batch_beyond_the_memory_limit_is_a_row_and_larger_ones_are_not_tried() {
    let place = small();
    let output = place.run(&["run", "memory.toml", "--memory-limit", "16MB"]);
    assert_eq!(
        output.status.code(),
        Some(1),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let rows: Vec<BatchRow> = place.rows("results/memory");
    let statuses: Vec<(usize, Status)> = rows.iter().map(|row| (row.batch_size, row.status)).collect();
    assert_eq!(statuses, [(32, Status::Ok), (64, Status::Oom), (128, Status::Oom)]);
    assert!(rows[0].allocated_peak_bytes.unwrap() <= 16_000_000);
    assert!(
        rows[1].error.contains("memory") && !rows[1].error.contains("not tried"),
        "{}",
        rows[1].error
    );
    assert_eq!(rows[2].error, "not tried: batch size 64 ran out of memory");
}

#[test]
fn the_search_finds_the_largest_batch_within_the_memory_limit() {
    let place = small();
    place.ok(&["run", "memory.toml", "--find-max-batch", "--memory-limit", "12MB"]);
    let rows: Vec<BoundaryRow> = place.rows("results/memory");
    assert_eq!(rows.len(), 1);
    let largest = rows[0].largest_batch_size.unwrap();
    assert_eq!(rows[0].smallest_too_large, Some(largest + 1));
    assert_eq!(rows[0].memory_limit_bytes, Some(12_000_000));
    assert!(rows[0].allocated_peak_bytes.unwrap() <= 12_000_000);
    assert!(rows[0].predicted_largest.unwrap().abs_diff(largest) <= largest / 10);

    // Another limit is another search, beside the first.
    place.ok(&["run", "memory.toml", "--find-max-batch", "--memory-limit", "3MB"]);
    let limits: Vec<Option<u64>> = place
        .rows::<BoundaryRow>("results/memory")
        .iter()
        .map(|row| row.memory_limit_bytes)
        .collect();
    assert_eq!(limits, [Some(12_000_000), Some(3_000_000)]);
}

/// What `fused` takes beside its tensors is under the limit, too, though nothing refuses it.
#[test]
fn the_search_holds_the_buffers_of_the_kernels_to_the_limit() {
    let place = small();
    let limited = ["--find-max-batch", "--memory-limit", "12MB"];
    place.ok(&[&["run", "memory.toml", "--set", "run.execution=fused"], &limited[..]].concat());
    let rows: Vec<BoundaryRow> = place.rows("results/memory");
    let largest = rows[0].largest_batch_size.unwrap();
    assert_eq!(rows[0].smallest_too_large, Some(largest + 1));
    assert!(rows[0].allocated_peak_bytes.unwrap() <= 12_000_000);
}

#[test]
fn describe_predicts_the_peak_of_each_batch_size_and_names_the_largest_batch_that_fits() {
    let place = small();
    let described = |more: &[&str]| place.ok(&[&["describe", "memory.toml"], more].concat());
    let value: serde_json::Value = serde_json::from_str(&described(&["--json", "--fits", "12MB"])).unwrap();
    let variant = &value["variants"][0];
    let memory = variant["memory"].as_array().unwrap();
    let sizes: Vec<u64> = memory.iter().map(|at| at["batch_size"].as_u64().unwrap()).collect();
    assert_eq!(sizes, [32, 64, 128]);
    let peak = |index: usize| memory[index]["allocated_peak_bytes"].as_u64().unwrap();
    assert!(peak(0) < 12_000_000 && 12_000_000 < peak(1));
    let largest = variant["largest_batch_size"].as_u64().unwrap();
    assert!((32..64).contains(&largest), "{largest}");
    assert!(described(&["--fits", "12MB"]).contains(&format!("  {largest}  ")));
    assert!(described(&["--fits", "1kB"]).contains("not even one image"));
    assert!(described(&[]).contains("kept for backward"));
}
