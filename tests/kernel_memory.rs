//! The buffers of the kernels that are no tensors are counted. Alone in its process, since the counter is the process's.

use std::sync::Mutex;

use densenet_bench::kernels::{self, Exit, Memory, Processor, StageShape, Wanted, count_buffers};

struct Heap;

impl Memory for Heap {
    type Values = Vec<f32>;

    fn values(&self, count: usize) -> Vec<f32> {
        vec![0.0; count]
    }
}

/// Live bytes, and the most since they were last looked at.
static BYTES: Mutex<(i64, i64)> = Mutex::new((0, 0));

fn report(bytes: i64) {
    let mut now = BYTES.lock().unwrap();
    now.0 += bytes;
    now.1 = now.1.max(now.0);
}

/// One layer of growth rate 3 on 5 channels, whose images of 144 pixels are chunks of their own.
fn shape(images: usize) -> StageShape {
    StageShape {
        images,
        height: 12,
        width: 12,
        input_channels: 5,
        layers: 1,
        growth_rate: 3,
        bottleneck: None,
        exit: Exit::Head { relu: true },
    }
}

/// The most bytes of buffers in a forward and a backward pass, and those that are left; the convolution's weights are
/// trained or frozen.
fn peak(images: usize, trains_weights: bool) -> (i64, i64) {
    let shape = shape(images);
    let values = |count| vec![0.5f32; count];
    let parameters: Vec<Vec<f32>> = shape.parameter_sizes().into_iter().map(values).collect();
    let parameters: Vec<&[f32]> = parameters.iter().map(|values| &values[..]).collect();
    let input: Vec<f32> = (0..images * 144 * 5).map(|index| (index % 7) as f32).collect();
    let output_gradient = values(shape.output_values());
    BYTES.lock().unwrap().1 = 0;
    let forward = kernels::forward(&shape, Processor::detect(), &Heap, &input, &parameters);
    drop(forward.statistics);
    let processor = Processor::detect();
    let wanted = Wanted {
        input: true,
        parameters: &[true, true, trains_weights, true, true],
    };
    let gradients = kernels::backward(
        &shape,
        processor,
        &Heap,
        &parameters,
        forward.saved,
        &output_gradient,
        wanted,
    );
    let sizes: usize = gradients.parameters.iter().flatten().map(|values| values.len()).sum();
    // Two normalisations, of 5 and 8 channels, and the convolution.
    assert_eq!(sizes, 2 * 5 + 2 * 8 + if trains_weights { 9 * 5 * 3 } else { 0 });
    drop(gradients);
    let now = BYTES.lock().unwrap();
    (now.1, now.0)
}

#[test]
fn weight_gradients_of_every_chunk_packed_weights_and_sums_are_in_the_peak() {
    count_buffers(report);
    let first = peak(3, true);
    assert_eq!(first, peak(3, true), "two runs have one peak");
    let (most, left) = first;
    // What is left is every thread's scratch.
    assert!(
        left > 0 && left % (4 * rayon::current_num_threads() as i64) == 0,
        "{left}"
    );

    // While the layer's chunks are added up. Channels are padded to 16, new ones to 4; values are 4 bytes and sums 8.
    let taps = 9 * 4 * 16 * 4;
    let chunk = taps + 2 * 16 * 8;
    let packed = taps;
    let statistics = 2 * 8 * 8;
    let correction = 2 * 8 * 8;
    let affines = 2 * 3 * 16 * 4;
    let terms = 2 * 16 * 4;
    let exit_gradients = 2 * 8 * 4;
    let sums = 2 * 2 * 16 * 8;
    let others = packed + statistics + correction + affines + terms + exit_gradients + sums;
    assert_eq!(most - left, 3 * chunk + others);
    let (most, _) = peak(7, true);
    assert_eq!(most - left, 7 * chunk + others);
    // Of frozen weights no chunk has a gradient: the most is another moment's, below those gradients alone.
    let (most, _) = peak(7, false);
    assert!(most - left < 7 * taps, "{most} and {left}");
}
