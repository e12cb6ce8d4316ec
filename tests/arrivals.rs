//! Batches that are brought to the device one ahead, with a stand-in of a GPU's way: the order of the calls, and that nothing
//! else changes.

#![cfg(feature = "libtorch")]

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use burn::tensor::{Device, Int, Tensor, TensorData};
use densenet_bench::backends::CPU;
use densenet_bench::data;
use densenet_bench::formats::ablation::parse;
use densenet_bench::formats::checkpoint::{Checkpoint, Position};
use densenet_bench::formats::weights::Weights;
use densenet_bench::model::{Model, Uploads, initial_weights};
use densenet_bench::training::{EpochTime, Final, Observer, Start, TrainError, TrainingImages, train};

/// A batch as it was given.
type Given = (Vec<f32>, [usize; 4], Vec<i64>);

/// Keeps each batch until it is asked for.
struct StandIn {
    device: Device,
    under_way: VecDeque<Given>,
    calls: Rc<RefCell<Vec<String>>>,
    fails_at: Option<usize>,
    begun: usize,
}

impl Uploads for StandIn {
    fn begin(&mut self, images: &[f32], shape: [usize; 4], labels: &[i64]) -> Result<(), String> {
        if self.fails_at == Some(self.begun) {
            return Err("the copy failed".to_owned());
        }
        self.calls.borrow_mut().push(format!("begin {}", self.begun));
        self.begun += 1;
        self.under_way.push_back((images.to_vec(), shape, labels.to_vec()));
        assert!(self.under_way.len() <= 2, "one batch ahead");
        Ok(())
    }

    fn end(&mut self) -> Result<(Tensor<4>, Tensor<1, Int>), String> {
        let (images, shape, labels) = self.under_way.pop_front().ok_or("no batch is on its way")?;
        self.calls
            .borrow_mut()
            .push(format!("end {}", self.begun - self.under_way.len() - 1));
        let count = labels.len();
        Ok((
            Tensor::from_data(TensorData::new(images, shape), &self.device),
            Tensor::from_data(TensorData::new(labels, [count]), &self.device),
        ))
    }
}

/// Keeps the losses.
#[derive(Default)]
struct Losses(Vec<f64>);

impl Observer for Losses {
    fn steps(&mut self, _: usize, _: usize, losses: &[f64], _: &[f64]) -> io::Result<()> {
        self.0.extend_from_slice(losses);
        Ok(())
    }

    fn epoch(&mut self, _: usize, _: &Final, _: EpochTime) -> io::Result<()> {
        Ok(())
    }

    fn checkpoint(&mut self, _: Checkpoint) -> io::Result<()> {
        Ok(())
    }

    fn is_to_stop(&self) -> bool {
        false
    }
}

/// Three steps an epoch, the last of ten images.
const ABLATION: &str = r#"
name = "x"
question = "?"
[data]
dataset = "digits"
train-limit = 42
test-limit = 16
augment = "shift-flip"
[model]
block-layers = [1, 1]
growth-rate = 4
[train]
epochs = 2
batch-size = 16
MORE
"#;

/// The losses and the weights of a training, and the calls of its stand-in, if it has one.
fn trained(more: &str, ahead: bool, fails_at: Option<usize>) -> (Result<Weights, TrainError>, Vec<f64>, Vec<String>) {
    let text = ABLATION.replace("MORE", more);
    let settings = parse(&text, Path::new("x.toml")).unwrap().variants.remove(0).settings;
    let training = settings.train.unwrap();
    let data = data::load(&settings.data, 1, None).unwrap();
    let graph = settings.model.graph(data.shape, data.classes.len()).unwrap();
    let device = CPU.device(0).open().unwrap();
    let weights = initial_weights(&graph, 0);
    let model = Model::new(Arc::new(graph), &weights, &device.clone().autodiff(), &[]).unwrap();
    let images = TrainingImages::new(Arc::new(data), &settings.data, 0, 0).unwrap();
    let calls = Rc::new(RefCell::new(Vec::new()));
    let uploads = StandIn {
        device,
        under_way: VecDeque::new(),
        calls: Rc::clone(&calls),
        fails_at,
        begun: 0,
    };
    let start = Start {
        model,
        momentum: Weights::new(),
        position: Position::default(),
        static_parts: None,
        uploads: if ahead { Some(Box::new(uploads)) } else { None },
    };
    let mut losses = Losses::default();
    let ended = train(start, &training, &images, 0, &mut losses).map(|trained| trained.model.weights());
    (ended, losses.0, calls.take())
}

#[test]
fn each_batch_is_begun_before_the_one_in_front_of_it_is_waited_for() {
    let (ended, losses, calls) = trained("", true, None);
    ended.unwrap();
    assert_eq!(losses.len(), 6);
    let epoch = |first: usize| {
        let [a, b, c] = [first, first + 1, first + 2];
        [
            format!("begin {a}"),
            format!("begin {b}"),
            format!("end {a}"),
            format!("begin {c}"),
            format!("end {b}"),
            format!("end {c}"),
        ]
    };
    assert_eq!(calls, [epoch(0), epoch(3)].concat());
}

#[test]
fn batches_that_come_ahead_change_no_bit() {
    for more in ["", "mixup = 0.3\nlabel-smoothing = 0.1"] {
        let (ahead, ordinary) = (trained(more, true, None), trained(more, false, None));
        assert_eq!(ahead.1, ordinary.1, "{more}");
        assert_eq!(ahead.0.unwrap(), ordinary.0.unwrap(), "{more}");
    }
}

#[test]
fn a_copy_that_fails_is_an_error_of_its_step() {
    let (ended, _, _) = trained("", true, Some(2));
    let text = ended.unwrap_err().to_string();
    // The third batch is begun in the second step.
    assert_eq!(
        text,
        "step 1 (epoch 0): a batch on its way to the device: the copy failed"
    );
}
