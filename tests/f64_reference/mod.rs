//! Networks carried out on the host by plain loops, in f64 and in f32: what a training pass gives in exact arithmetic, and
//! how well f32 can know it. Neither depends on a device, a library or a processor.

mod operations;
mod real;

use densenet_bench::formats::weights::{WeightTensor, Weights};
use densenet_bench::network::{Graph, Node, Operation};
use operations::{Kept, Side};
use real::Real;

/// What a training pass and an evaluation give, rounded to f32 in the end.
pub struct Found {
    /// Logits of the training pass.
    pub logits: Vec<f32>,
    /// The loss of the training pass.
    pub loss: f32,
    /// The gradient of every learned tensor, by its name.
    pub gradients: Weights,
    /// Logits in evaluation.
    pub evaluation: Vec<f32>,
}

/// One network and one batch by different arithmetics.
pub struct Reference {
    /// All in f64.
    pub exact: Found,
    /// All in f32.
    pub rounded: Found,
    /// The exact gradients with every value that rounding may take to the other side of a bend on one side, and on the
    /// other: inputs of ReLUs near 0, and maxima with a runner-up near them.
    pub either_side: [Weights; 2],
}

/// How many times the largest error of f32 among a layer's values a value may be from a bend and still be taken as near:
/// other orders of sums have larger errors.
const NEAR: f64 = 8.0;

impl Reference {
    /// `images` is `[batch, channels, height, width]`, with a label each.
    pub fn of(graph: &Graph, weights: &Weights, images: &[f32], labels: &[i64]) -> Self {
        let network = Network {
            nodes: &graph.nodes,
            weights,
            images,
            labels,
        };
        let (exact, rounded) = (network.forward::<f64>(true), network.forward::<f32>(true));
        let near = network.near_bends(&exact, &rounded);
        let sides = [Side::First, Side::Second].map(|side| network.gradients(&exact, Some((near.as_slice(), side))));
        Self {
            exact: network.found(&exact, network.forward::<f64>(false).logits()),
            rounded: network.found(&rounded, network.forward::<f32>(false).logits()),
            either_side: sides,
        }
    }
}

struct Network<'a> {
    nodes: &'a [Node],
    weights: &'a Weights,
    images: &'a [f32],
    labels: &'a [i64],
}

/// A forward pass: of every node its output, and what its backward pass needs beside.
struct Pass<T> {
    outputs: Vec<Vec<T>>,
    kept: Vec<Kept<T>>,
}

impl<T: Real> Pass<T> {
    /// What a node reads.
    fn inputs(&self, node: &Node) -> Vec<&[T]> {
        let outputs = node.inputs.iter().map(|&input| self.outputs[input].as_slice());
        outputs.collect()
    }

    fn logits(&self) -> Vec<f32> {
        let last = self.outputs.last().unwrap();
        last.iter().map(|value| value.wide() as f32).collect()
    }
}

impl Network<'_> {
    fn forward<T: Real>(&self, training: bool) -> Pass<T> {
        let batch = self.labels.len();
        let mut pass: Pass<T> = Pass {
            outputs: vec![self.images.iter().map(|&pixel| T::of(f64::from(pixel))).collect()],
            kept: vec![Kept::Nothing],
        };
        for node in &self.nodes[1..] {
            let inputs = pass.inputs(node);
            let (output, kept) = operations::forward(node, &self.tensors(node), &inputs, batch, training);
            assert_eq!(output.len(), batch * node.output.values(), "{}", node.name);
            pass.outputs.push(output);
            pass.kept.push(kept);
        }
        pass
    }

    /// A node's tensors in the order in which the graph names them.
    fn tensors<T: Real>(&self, node: &Node) -> Vec<Vec<T>> {
        let tensor = |(name, _): (String, Vec<usize>)| {
            let values = self.weights[&name].values.iter();
            values.map(|&value| T::of(f64::from(value))).collect()
        };
        node.tensors().into_iter().map(tensor).collect()
    }

    /// Of every node, which of its values (of a pooling the output's, else the input's) may be taken to the other side
    /// of a bend by the errors of f32.
    fn near_bends(&self, exact: &Pass<f64>, rounded: &Pass<f32>) -> Vec<Vec<bool>> {
        let near = |(index, node): (usize, &Node)| -> Option<Vec<bool>> {
            let input = *node.inputs.first()?;
            let pairs = exact.outputs[input].iter().zip(&rounded.outputs[input]);
            let error = pairs.fold(0f64, |error, (a, b)| error.max((a - f64::from(*b)).abs()));
            match (node.operation, &exact.kept[index]) {
                (Operation::Relu, _) => {
                    let values = exact.outputs[input].iter();
                    Some(values.map(|value| value.abs() <= NEAR * error).collect())
                }
                (Operation::MaxPool { .. }, Kept::Maxima { leads, .. }) => {
                    Some(leads.iter().map(|lead| *lead <= NEAR * error).collect())
                }
                _ => None,
            }
        };
        let all = self.nodes.iter().enumerate();
        all.map(|node| near(node).unwrap_or_default()).collect()
    }

    fn found<T: Real>(&self, pass: &Pass<T>, evaluation: Vec<f32>) -> Found {
        let classes = self.nodes.last().unwrap().output.channels;
        let (loss, _) = operations::cross_entropy(pass.outputs.last().unwrap(), self.labels, classes);
        Found {
            logits: pass.logits(),
            loss: loss.wide() as f32,
            gradients: self.gradients(pass, None),
            evaluation,
        }
    }

    /// The gradients of all learned tensors; those of `near` values as if they stood on the given side of their bends.
    fn gradients<T: Real>(&self, pass: &Pass<T>, near: Option<(&[Vec<bool>], Side)>) -> Weights {
        let batch = self.labels.len();
        let classes = self.nodes.last().unwrap().output.channels;
        let mut of_outputs: Vec<Vec<T>> = pass.outputs.iter().map(|_| Vec::new()).collect();
        let (_, of_logits) = operations::cross_entropy(pass.outputs.last().unwrap(), self.labels, classes);
        *of_outputs.last_mut().unwrap() = of_logits;
        let mut found = Weights::new();
        for (index, node) in self.nodes.iter().enumerate().skip(1).rev() {
            let gradient = std::mem::take(&mut of_outputs[index]);
            let inputs = pass.inputs(node);
            let near = near.map(|(all, side)| (all[index].as_slice(), side));
            let tensors = self.tensors(node);
            let (of_inputs, of_tensors) =
                operations::backward(node, &tensors, &inputs, &pass.kept[index], &gradient, batch, near);
            for (&input, gradient) in node.inputs.iter().zip(of_inputs) {
                match &mut of_outputs[input] {
                    sum if sum.is_empty() => *sum = gradient,
                    sum => sum.iter_mut().zip(gradient).for_each(|(sum, more)| *sum = *sum + more),
                }
            }
            for ((name, _), values) in node.tensors().into_iter().zip(of_tensors) {
                let tensor = WeightTensor {
                    shape: self.weights[&name].shape.clone(),
                    values: values.iter().map(|value| value.wide() as f32).collect(),
                };
                found.insert(name, tensor);
            }
        }
        found
    }
}
