//! Files of tensors.

use std::sync::LazyLock;

use densenet_bench::formats::network_weights::{take, too_large};
use densenet_bench::formats::{batches as batch_file, checkpoint as checkpoint_file, weights as weight_file};
use densenet_bench::network::families::densenet::DenseNet;
use densenet_bench::network::{Graph, Network, Shape};
use sha2::{Digest, Sha256};

use super::message;

const FILE: &str = "fuzzed.safetensors";

/// The trial whose checkpoints are read.
pub const TRIAL: &str = "0123456789abcdef";

/// The smallest network that has every kind of tensor: weights are read when they are its own.
pub static SMALL: LazyLock<Graph> = LazyLock::new(|| {
    let image = Shape {
        channels: 1,
        height: 2,
        width: 2,
    };
    small_network().graph(image, 2).unwrap()
});

fn small_network() -> DenseNet {
    DenseNet {
        block_layers: vec![1, 1],
        growth_rate: 1,
        bottleneck: true,
        bottleneck_width: 1,
        initial_channels: 1,
        ..DenseNet::BASIC
    }
}

/// The bytes as this program writes weights, and as other programs do: what the first reads as the network's own, the
/// second takes unchanged.
pub fn weights(bytes: &[u8]) -> bool {
    let own = own_weights(bytes);
    let network = small_network();
    message::refused(too_large(bytes, u64::MAX, FILE, &network, &SMALL), FILE);
    let taken = match take(bytes, FILE, &network, &SMALL) {
        Ok(taken) => taken,
        Err(error) => {
            assert!(!own, "{error}");
            return message::refused(error, FILE);
        }
    };
    assert_eq!(weight_file::check(&taken.weights, &SMALL, FILE), Ok(()));
    assert!(
        taken
            .weights
            .values()
            .flat_map(|tensor| &tensor.values)
            .all(|value| value.is_finite())
    );
    for note in &taken.notes {
        message::refused(note, FILE);
    }
    if own {
        let read = weight_file::read(bytes, FILE).unwrap();
        assert!(taken.notes.is_empty());
        assert_eq!(
            weight_file::write(&taken.weights).unwrap(),
            weight_file::write(&read).unwrap()
        );
    }
    true
}

/// Weights that are read are finite, as many as their shapes and the file say, and written and read to the same bits.
fn own_weights(bytes: &[u8]) -> bool {
    let read = match weight_file::read(bytes, FILE) {
        Ok(read) => read,
        Err(error) => return message::refused(error, FILE),
    };
    for tensor in read.values() {
        assert!(tensor.values.iter().all(|value| value.is_finite()));
        assert_eq!(tensor.shape.iter().product::<usize>(), tensor.values.len());
    }
    assert!(4 * read.values().map(|tensor| tensor.values.len()).sum::<usize>() <= bytes.len());
    let written = weight_file::write(&read).unwrap();
    let again = weight_file::read(&written, FILE).unwrap();
    assert_eq!(weight_file::write(&again).unwrap(), written);
    match weight_file::check(&read, &SMALL, FILE) {
        Ok(()) => {
            assert_eq!(read.len(), SMALL.tensors().count());
            true
        }
        Err(error) => message::refused(error, FILE),
    }
}

/// Batches that are read are as many as they say, and written and read to the same bits.
pub fn batches(bytes: &[u8]) -> bool {
    let read = match batch_file::read(bytes, FILE) {
        Ok(read) => read,
        Err(error) => return message::refused(error, FILE),
    };
    let found = (0..read.count).map_while(|index| read.batch(index));
    let values: usize = found.map(|(images, labels)| images.len() + labels.len()).sum();
    assert_eq!(values, read.images.len() + read.labels.len());
    assert_eq!(read.batch(read.count), None);
    assert_eq!(read.batch(usize::MAX), None);
    let written = batch_file::write(&read).unwrap();
    let again = batch_file::read(&written, FILE).unwrap();
    assert_eq!(batch_file::write(&again).unwrap(), written);
    assert_eq!((again.count, again.shape), (read.count, read.shape));
    true
}

/// The bytes as a whole checkpoint, and as what stands behind a head whose checksum is right.
pub fn checkpoint(bytes: &[u8]) -> bool {
    let head = format!(
        "densenet-bench checkpoint {}\n{:x}\n",
        checkpoint_file::VERSION,
        Sha256::digest(bytes)
    );
    let whole = whole_checkpoint(bytes);
    let body = whole_checkpoint(&[head.as_bytes(), bytes].concat());
    whole || body
}

/// A checkpoint that is read is within the bound of its length, and written and read to the same bits.
fn whole_checkpoint(bytes: &[u8]) -> bool {
    const FILE: &str = "fuzzed.checkpoint";
    let read = match checkpoint_file::read(bytes, FILE, TRIAL, &SMALL) {
        Ok(read) => read,
        Err(error) => return message::refused(error, FILE),
    };
    let written = checkpoint_file::write(&read).unwrap();
    assert!(written.len() as u64 <= checkpoint_file::longest(&SMALL));
    let again = checkpoint_file::read(&written, FILE, TRIAL, &SMALL).unwrap();
    assert_eq!(again, read);
    true
}
