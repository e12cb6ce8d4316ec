//! A small whole file of each kind that a target reads, for fuzzing to start with.

use std::io::Cursor;
use std::path::Path;

use densenet_bench::formats::ablation::parse;
use densenet_bench::formats::batches::{self, BatchFile};
use densenet_bench::formats::checkpoint::{self, Checkpoint, Position};
use densenet_bench::formats::tables::{
    BatchRow, BoundaryRow, CorrectnessRow, EpochRow, PeerRow, PhaseRow, ProfileRow, Row, SampleRow, StepRow, TrialRow,
};
use densenet_bench::formats::weights::{self, WeightTensor, Weights};
use image::{DynamicImage, GrayImage, ImageFormat, Luma, Rgb, RgbImage, RgbaImage};
use safetensors::Dtype;
use safetensors::tensor::TensorView;
use serde_json::{Value, json};

use super::properties::{SMALL, TRIAL};

/// A seed's name and its bytes.
pub type Seed = (&'static str, Vec<u8>);

/// The seeds of a target; none where there is no such target.
pub fn of(target: &str) -> Vec<Seed> {
    match target {
        "ablation" => vec![("every-section", ABLATION.into()), ("variants", VARIANTS.into())],
        "cifar10" => vec![("record", cifar_record(&[9])), ("names", names(10))],
        "cifar100" => vec![("record", cifar_record(&[19, 99])), ("names", names(100))],
        "digits" => vec![("rows", digits())],
        "idx" => vec![
            ("labels", idx(&[4], &[7, 0, 9, 3])),
            ("images", idx(&[1, 28, 28], &[5; 28 * 28])),
            (
                "packed-labels",
                include_bytes!("../fixtures/data-sets/mnist/t10k-labels-idx1-ubyte.gz").to_vec(),
            ),
        ],
        "image" => images(),
        "svhn" => vec![
            (
                "compressed",
                include_bytes!("../fixtures/data-sets/svhn/test_32x32.mat").to_vec(),
            ),
            (
                "uncompressed",
                include_bytes!("../fixtures/data-sets/svhn-uncompressed/test_32x32.mat").to_vec(),
            ),
        ],
        "weights" => vec![
            ("small", weights::write(&small_weights()).unwrap()),
            ("foreign", foreign_weights()),
        ],
        "batches" => vec![("two", two_batches())],
        "checkpoint" => checkpoints(),
        "records" => records(),
        "trials_csv" => table::<TrialRow>(
            "growth,t,growth-rate=12,0,ok,,cpu,plain,f32,densenet,digits,\"[3, 3, 3]\",12,false,1.0,16,0.0,75730,1349400,10,64,230,\
             0.05,0.01,,,0.1,0.0296,,839.5,1000000,5000000000,00ff,0.97,,360,AMD EPYC with AVX2,00ff,channels-last,3,true,node-1\n\
             growth,u,growth-rate=8,18446744073709551615,failed,\"it \"\"broke\"\",\nsee below\",cpu,plain,f32,densenet,digits,3-3-3,8,\
             true,0.5,16,0.2,39082,737904,10,64,230,NaN,inf,-0.0,1e-320,,,0.05,,,,,0.4,doubtful,,,,,,,\n",
        ),
        "steps_csv" => table::<StepRow>("t,base,0,0,0,2.302585092994046,0.1\nt,base,0,0,1,NaN,0.1\n"),
        "epochs_csv" => {
            table::<EpochRow>("t,base,0,0,2.3,0.9,,,2.2,0.8,1000,800,200\nt,base,0,1,2.3,0.9,2.1,0.7,2.2,0.8,1000,,\n")
        }
        "correctness_csv" => table::<CorrectnessRow>(
            "t,base,0,9d,11,x7fa0,931c909211cf558179d67e9e2e1ac91b9e5b6825d7d6a7d4f54df6edf65f7d10\n",
        ),
        "batches_csv" => table::<BatchRow>(
            "base,cpu,plain,f32,train,64,ok,,10,1000,10,400,500,100,64000000.0,1,2,3,resident-set,4,2,keep-pages,3,,0.98,AMD EPYC with AVX-512,00ff,node-1; node-2,2026-01-01T00:00:00Z,\
             990,1010,1,1.01,0.99,1.03,2,64000.5,3000,2000,4,5,6.0,7.0,8.0,0.9,8.5,0.1,nvml-gpu,nchw,true\n\
             base,cpu,plain,tf32,evaluate,64,oom,no memory,0,,,,,,,,,,,,2,return-pages,0,doubtful,,,,,,,,0,,,,0,,,,,,,,,,,,,,\n",
        ),
        "samples_csv" => table::<SampleRow>("base,cpu,plain,f32,train,64,0,1000,2,0,1,2026-01-01T00:00:00Z\n"),
        "phases_csv" => table::<PhaseRow>(
            "base,cpu,plain,f32,train,64,0,400,500,100,2,0,0\nbase,cpu,plain,f32,evaluate,64,0,400,,,2,1,1\n",
        ),
        "profile_csv" => table::<ProfileRow>(
            "base,cpu,plain,f32,train,64,2,keep-pages,0,step,,step,,,0,ok,,3,10,1000,10,400,,500,,1.0,4096,,,600,900,6e11,7e11,8e10,0.5,,AMD EPYC with AVX-512,00ff,2026-01-01T00:00:00Z\n\
             base,cpu,fused,f32,train,64,2,keep-pages,1,part,denseblock1,denseblock1,part,fused,7,ok,,3,10,-5,1,2,1,3,1,-0.005,-64,-64,9,600,900,6e11,,,,doubtful,,00ff,\n",
        ),
        "boundaries_csv" => table::<BoundaryRow>(
            "base,cpu,plain,f32,train,2,1000,64,900,65,ok,out of memory,66,8\nbase,cpu,plain,f32,train,2,,,,1,failed,,,1\n",
        ),
        "peers_csv" => table::<PeerRow>(
            "base,train,64,PyTorch eager NCHW,ok,,cpu,f32,2,keep-pages,3,9,1000,10,64000000.0,1,2,0.86,,1.0,0.0,990,1010,0.8,0.9,,,1.01,0.99,1.03,PyTorch eager NCHW,,1e-6,2000,3000,,5.0,0.5,AMD EPYC,00ff,2026-01-01T00:00:00Z,,0.2,rapl-packages\n\
             base,train,64,densenet-bench plain,timeout,late,cpu,f32,2,keep-pages,0,0,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,\n",
        ),
        _ => Vec::new(),
    }
}

/// Every section and every kind of value.
const ABLATION: &str = "name = \"seed\"\nquestion = \"What is read?\"\n\
    [data]\ndataset = \"synthetic\"\ntrain-limit = 64\nimage-size = 8\nclasses = 3\nmean = [0.5, 0.5, 0.5]\n\
    std = [0.25, 0.25, 0.25]\naugment = \"shift-flip\"\n\
    [model]\nblock-layers = [1, 2]\ngrowth-rate = 4\nbottleneck = true\ncompression = 0.5\nweights = \"w.safetensors\"\n\
    [train]\nsteps = 3\nbatch-size = 8\nlearning-rate = 1e-1\nschedule = \"step\"\nmilestones = [0.5, 0.75]\nseeds = [0, 1]\n\
    [measure]\nbatch-sizes = [1, 2]\nmode = [\"train\", \"evaluate\"]\n\
    [run]\nexecution = \"plain\"\nthreads = 2\n\
    [sweep]\n\"model.growth-rate\" = [4, 8]\n\"model.bottleneck\" = [true, false]\n";

/// A preset and single points.
const VARIANTS: &str = "name = \"points\"\nquestion = \"?\"\ndata.dataset = 'digits'\nmodel.preset = \"densenet-40-12\"\n\
    [[variant]]\nname = \"wide\"\nset = { \"model.growth-rate\" = 24, model.dropout = 0.2 }\n\
    [[variant]]\nname = \"narrow\"\nset = { model = { growth-rate = 8 } }\n";

fn cifar_record(labels: &[u8]) -> Vec<u8> {
    let pixels = (0..3072u32).map(|pixel| (pixel % 251) as u8);
    labels.iter().copied().chain(pixels).collect()
}

fn names(classes: usize) -> Vec<u8> {
    (0..classes)
        .flat_map(|class| format!("class{class}\n").into_bytes())
        .collect()
}

fn idx(lengths: &[u32], values: &[u8]) -> Vec<u8> {
    let lengths: Vec<u8> = lengths.iter().flat_map(|length| length.to_be_bytes()).collect();
    [&[0, 0, 8, (lengths.len() / 4) as u8], &lengths[..], values].concat()
}

fn digits() -> Vec<u8> {
    let pixels: String = (0..64).map(|pixel| format!("{},", pixel % 17)).collect();
    format!("{pixels}9\n{pixels}0\n").into_bytes()
}

fn images() -> Vec<Seed> {
    let colours = RgbImage::from_fn(9, 7, |x, y| Rgb([x as u8 * 20, y as u8 * 30, (x * y) as u8]));
    let encoded = |image: DynamicImage, format: ImageFormat| {
        let mut bytes = Vec::new();
        image.write_to(&mut Cursor::new(&mut bytes), format).unwrap();
        bytes
    };
    let grey = GrayImage::from_pixel(3, 2, Luma([77]));
    let clear = RgbaImage::from_pixel(2, 3, image::Rgba([1, 2, 3, 0]));
    let deep = DynamicImage::from(colours.clone()).into_rgb16();
    vec![
        ("colour.png", encoded(colours.clone().into(), ImageFormat::Png)),
        ("grey.png", encoded(grey.clone().into(), ImageFormat::Png)),
        ("alpha.png", encoded(clear.into(), ImageFormat::Png)),
        ("deep.png", encoded(deep.into(), ImageFormat::Png)),
        ("colour.jpeg", encoded(colours.into(), ImageFormat::Jpeg)),
        ("grey.jpeg", encoded(grey.into(), ImageFormat::Jpeg)),
    ]
}

fn small_weights() -> Weights {
    let tensors = SMALL.tensors();
    tensors
        .map(|(name, shape)| {
            let values = vec![0.5; shape.iter().product()];
            (name, WeightTensor { shape, values })
        })
        .collect()
}

/// The small weights as another program has them: behind a prefix, under old names, in 16-bit floats.
fn foreign_weights() -> Vec<u8> {
    let half = 0x3800_u16.to_le_bytes();
    let old = |name: &str| match name.contains("denselayer") {
        true => name.replace("norm1", "norm.1").replace("conv2", "conv.2"),
        false => name.replace("norm5", "norm_final").replace("classifier", "fc"),
    };
    let tensors: Vec<(String, Vec<usize>, Vec<u8>)> = SMALL
        .tensors()
        .map(|(name, shape)| {
            let bytes = half.repeat(shape.iter().product());
            (format!("module.model.{}", old(&name)), shape, bytes)
        })
        .collect();
    let views = tensors.iter().map(|(name, shape, bytes)| {
        let view = TensorView::new(Dtype::F16, shape.clone(), bytes).unwrap();
        (name.as_str(), view)
    });
    safetensors::serialize(views, None).unwrap()
}

/// After training, before its first step, and what stands behind the head.
fn checkpoints() -> Vec<Seed> {
    let weights = small_weights();
    let mut momentum = weights.clone();
    momentum.retain(|name, _| !name.contains("running"));
    let position = Position {
        trial: TRIAL.to_owned(),
        steps: 7,
        epoch: 1,
        ..Position::default()
    };
    let trained = Checkpoint {
        weights,
        momentum,
        position,
    };
    let begun = Checkpoint {
        momentum: Weights::new(),
        ..trained.clone()
    };
    let (trained, begun) = (checkpoint::write(&trained).unwrap(), checkpoint::write(&begun).unwrap());
    let line = |bytes: &[u8]| 1 + bytes.iter().position(|&byte| byte == b'\n').unwrap();
    let head = line(&begun);
    let head = head + line(&begun[head..]);
    vec![("body", begun[head..].to_vec()), ("begun", begun), ("trained", trained)]
}

fn two_batches() -> Vec<u8> {
    let file = BatchFile {
        count: 2,
        shape: [2, 1, 1, 2],
        images: vec![0.5; 8],
        labels: vec![0, 1, 1, 0],
    };
    batches::write(&file).unwrap()
}

fn table<T: Row>(rows: &str) -> Vec<Seed> {
    vec![("rows", format!("{}\n{rows}", T::header().join(",")).into_bytes())]
}

fn records() -> Vec<Seed> {
    let settings = parse(ABLATION, Path::new("seed.toml"))
        .unwrap()
        .variants
        .remove(0)
        .settings;
    let image = json!({"channels": 3, "height": 8, "width": 8});
    let spec = json!({
        "variant": "base", "settings": settings, "starting_weights_sha256": "00ff", "mode": "train", "batch_size": 8,
        "seed": 0, "warmup_steps": 3, "warmup_seconds": 0.5, "steps": 10, "phase_steps": 10, "device": "cpu",
        "threads": 2, "memory_limit": 1_000_000, "input": image, "classes": 3, "data_fingerprint": "00ff",
    });
    let seeds = [
        (
            "trial.json",
            json!({
                "trial": "00ff", "ablation": "seed", "variant": "base", "seed": 0, "settings": settings,
                "starting_weights_sha256": null, "input": image, "classes": 3, "data_fingerprint": "00ff",
                "parameters": 1000, "macs": 10_000, "epochs": 1, "steps": 3, "published_error": 0.05,
                "device": "cpu", "threads": 2, "revision": "unknown",
            }),
        ),
        (
            "result.json",
            json!({
                "status": "ok", "error": "", "final_train_loss": 0.1, "final_train_error": 0.01,
                "final_validation_loss": null, "final_validation_error": null, "final_test_loss": 1e-300,
                "final_test_error": 0.02, "train_images_per_second": 800.5, "peak_memory_bytes": 1_000_000,
                "wall_ns": 1_000_000_000, "weights_sha256": "00ff",
            }),
        ),
        ("spec.json", spec.clone()),
        (
            "measurement.json",
            json!({
                "measurement": "00ff", "cell": "ff00", "spec": spec, "rounds": 3, "predicted_peak_bytes": 1000,
                "revision": "unknown",
            }),
        ),
        (
            "round.json",
            json!({
                "status": "ok", "error": "", "step_ns": [1000, 1001],
                "phases": [{"forward_ns": 400, "backward_ns": 500, "optimizer_ns": null}],
                "allocated_peak_bytes": 1, "reserved_peak_bytes": null, "process_peak_bytes": 3,
                "process_peak_source": "resident-set", "note": "", "startup_ns": 3000, "first_step_ns": 2000,
                "work": {"flops": 4, "bytes": 5}, "rates": {"flops_per_second": 6.0, "bytes_per_second": 7.0},
                "processor": {"wall_ns": 9, "ran_ns": 8, "waited_ns": 1, "preempted": 2, "stolen_ns": 0},
                "run": "2026-01-01T00:00:00Z", "discarded": ["its threads got 50 %"],
                "profile": {
                    "parts": [{
                        "name": "features.conv0", "segment": "stem", "operation": "3x3 convolution", "execution": "plain",
                        "nodes": 1, "passes": {"forward_ns": [1], "backward_ns": [2], "kept_bytes": -4},
                        "predicted_bytes": null, "macs": 5, "forward": {"flops": 4, "bytes": 5},
                        "backward": {"flops": 4, "bytes": 5},
                    }],
                    "loss": {"forward_ns": [1], "backward_ns": [2], "kept_bytes": 4},
                    "between": {"forward_ns": [1], "backward_ns": [2], "kept_bytes": null}, "kept_bytes": 8,
                },
            }),
        ),
        (
            "boundary.json",
            json!({
                "variant": "base", "device": "cpu", "execution": "plain", "mode": "train", "threads": 2,
                "memory_limit_bytes": null, "largest_batch_size": 64, "allocated_peak_bytes": 900,
                "smallest_too_large": 65, "status": "ok", "error": "out of memory", "predicted_largest": 66, "tries": 8,
            }),
        ),
        ("environment.json", environment()),
        (
            "lock.json",
            json!({"host": "a-host", "process": 4242, "since": "2026-01-01T00:00:00Z"}),
        ),
        (
            "steps.json",
            json!({"event": "steps", "epoch": 0, "done": 2, "losses": [2.3, null], "images_per_second": 100.5}),
        ),
        ("epoch.json", json!({"event": "epoch", "epoch": 0, "test_error": 0.9})),
    ];
    seeds.map(|(name, value)| (name, value.to_string().into_bytes())).into()
}

fn environment() -> Value {
    json!({
        "schema_version": 1, "version": "0.1.0", "revision": "unknown", "dirty": "false", "cargo_lock_sha256": "00ff",
        "rustc": "rustc 1.95.0", "burn": "0.22.1", "tch": "0.22.0", "libtorch": null, "device": "cpu", "gpu": null,
        "threads": 2, "deterministic": true, "tf32": false, "allocator": "keep-pages", "cpu": "a processor",
        "logical_cores": 2, "physical_cores": null, "memory_bytes": 1_000_000_000, "system": "Linux", "kernel": "6",
        "variables": {"OMP_NUM_THREADS": "2"}, "command_line": ["densenet-bench", "run", "seed.toml"],
        "started": "2026-01-01T00:00:00Z", "ended": null,
    })
}
