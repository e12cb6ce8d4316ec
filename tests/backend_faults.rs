//! A backend that throws inside a step: the step is named, and the last checkpoint is one to resume from.

#![cfg(feature = "libtorch")]

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use burn::tensor::Tensor;
use densenet_bench::backends::CPU;
use densenet_bench::data;
use densenet_bench::formats::ablation::parse;
use densenet_bench::formats::checkpoint::{Checkpoint, Position};
use densenet_bench::formats::weights::Weights;
use densenet_bench::model::{
    Activation, CarriedOut, CarryOut, Layer, Leaves, Lowering, Model, SegmentGraph, Watch, initial_weights,
};
use densenet_bench::training::{EpochTime, Final, Observer, Start, TrainError, TrainingImages, train};

/// The stem itself, until a call in which libtorch is asked for more memory than there is.
#[derive(Debug)]
struct Throwing {
    calls: Arc<AtomicUsize>,
    throws_at: usize,
}

impl Lowering for Throwing {
    fn name(&self) -> &'static str {
        "throwing"
    }

    fn take(&self, segment: &SegmentGraph) -> Result<Arc<dyn CarryOut>, Leaves> {
        let (calls, throws_at) = (Arc::clone(&self.calls), self.throws_at);
        match segment.name.as_str() {
            "stem" => Ok(Arc::new(Throwing { calls, throws_at })),
            _ => Err(Leaves("only the stem throws")),
        }
    }
}

impl CarryOut for Throwing {
    fn forward(&self, layers: &[Layer], entering: Activation, _: &Watch) -> CarriedOut {
        let Activation::Maps(images) = entering else {
            panic!("the stem reads images: {entering:?}");
        };
        if self.calls.fetch_add(1, Ordering::Relaxed) == self.throws_at {
            return without_statistics(Tensor::zeros([1 << 15; 4], &images.device()));
        }
        match layers {
            [Layer::Convolution(conv)] => without_statistics(conv.forward(images)),
            other => panic!("the stem is a convolution: {other:?}"),
        }
    }

    fn tells_its_nodes(&self) -> bool {
        false
    }
}

fn without_statistics(maps: Tensor<4>) -> CarriedOut {
    CarriedOut {
        output: Activation::Maps(maps),
        statistics: Vec::new(),
    }
}

/// Keeps what is reported to it.
#[derive(Default)]
struct Kept {
    losses: Vec<f64>,
    checkpoints: Vec<Checkpoint>,
}

impl Observer for Kept {
    fn steps(&mut self, _: usize, first: usize, losses: &[f64], _: &[f64]) -> io::Result<()> {
        assert_eq!(first, self.losses.len(), "no step is lost and none reported twice");
        self.losses.extend_from_slice(losses);
        Ok(())
    }

    fn epoch(&mut self, _: usize, _: &Final, _: EpochTime) -> io::Result<()> {
        Ok(())
    }

    fn checkpoint(&mut self, checkpoint: Checkpoint) -> io::Result<()> {
        self.checkpoints.push(checkpoint);
        Ok(())
    }

    fn is_to_stop(&self) -> bool {
        false
    }
}

const ABLATION: &str = r#"
name = "x"
question = "?"
[data]
dataset = "digits"
train-limit = 96
test-limit = 32
[model]
block-layers = [1, 1]
growth-rate = 4
[train]
epochs = 2
batch-size = 16
checkpoint-every = 2
"#;

/// Trains on libtorch's CPU with a network that throws at a call.
fn trained(throws_at: usize) -> (Result<(), TrainError>, Kept) {
    let settings = parse(ABLATION, Path::new("x.toml"))
        .unwrap()
        .variants
        .remove(0)
        .settings;
    let training = settings.train.unwrap();
    let data = data::load(&settings.data, 1, None).unwrap();
    let graph = settings.model.graph(data.shape, data.classes.len()).unwrap();
    let device = CPU.device(0).open().unwrap().autodiff();
    let throwing = Throwing {
        calls: Arc::new(AtomicUsize::new(0)),
        throws_at,
    };
    let weights = initial_weights(&graph, 0);
    let model = Model::new(Arc::new(graph), &weights, &device, &[Arc::new(throwing)]).unwrap();
    let images = TrainingImages::new(Arc::new(data), &settings.data, 0, 0).unwrap();
    let start = Start {
        model,
        momentum: Weights::new(),
        position: Position::default(),
        static_parts: None,
        uploads: None,
    };
    let mut kept = Kept::default();
    let ended = train(start, &training, &images, 0, &mut kept).map(|_| ());
    (ended, kept)
}

#[test]
fn a_libtorch_exception_in_a_step_names_the_step_and_leaves_the_checkpoints_before_it() {
    let (ended, kept) = trained(5);
    let error = ended.unwrap_err();
    let text = error.to_string();
    assert!(text.starts_with("step 5 (epoch 0): "), "{text}");
    assert!(
        text.contains("alloc") || text.contains("memory") || text.contains("overflow"),
        "{text}"
    );
    assert!(!text.contains('\n') && !text.contains("frame #"), "{text}");
    let at: Vec<usize> = kept
        .checkpoints
        .iter()
        .map(|checkpoint| checkpoint.position.steps)
        .collect();
    assert_eq!(at, [2, 4]);
    assert!(kept.losses.len() >= 4);
}

#[test]
fn a_libtorch_exception_in_an_evaluation_names_the_epoch() {
    // Six steps make an epoch; the seventh call evaluates.
    let (ended, kept) = trained(6);
    let text = ended.unwrap_err().to_string();
    assert!(text.starts_with("the evaluation (epoch 0): "), "{text}");
    assert_eq!(kept.losses.len(), 6);
}

#[test]
fn a_network_that_does_not_throw_trains_to_its_end() {
    let (ended, kept) = trained(usize::MAX);
    ended.unwrap();
    assert_eq!(kept.losses.len(), 12);
    let last = kept.checkpoints.last().unwrap();
    assert_eq!((last.position.steps, last.position.epoch), (12, 2));
}
