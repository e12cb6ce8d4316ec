//! Who is told what of a training step is carried out just now.

use std::fmt::Debug;
use std::sync::Arc;

use super::segment_graph::Value;
use crate::network::NodeId;

/// What is carried out from now on, until the next moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Moment {
    /// The forward pass of a node, or of a part that is carried out as one and begins with it.
    Forward(NodeId),
    /// Its backward pass.
    Backward(NodeId),
    /// The loss, from the logits.
    Loss,
    /// The logits' gradients, from the loss.
    LossBackward,
    /// Something that belongs to none of them.
    Between,
}

/// Is told of every moment. A moment may come from another thread than the one before it: an autograd engine has its own.
pub trait Watcher: Debug + Send + Sync {
    /// What was carried out is done with, as far as the processor is concerned, and `moment` begins.
    fn at(&self, moment: Moment);
}

/// The watcher of a segment's nodes, where there is one.
#[derive(Clone, Debug, Default)]
pub struct Watch(Option<Watched>);

#[derive(Clone, Debug)]
struct Watched {
    watcher: Arc<dyn Watcher>,
    /// The segment's first node.
    first: NodeId,
}

impl Watch {
    /// Of the segment that begins with that node.
    pub fn of(watcher: Arc<dyn Watcher>, first: NodeId) -> Self {
        Self(Some(Watched { watcher, first }))
    }

    /// Whether nobody watches.
    pub fn is_off(&self) -> bool {
        self.0.is_none()
    }

    /// The forward pass of the node that makes a value begins.
    pub fn forward(&self, value: Value) {
        self.tell(value, Moment::Forward);
    }

    /// The backward pass of the node that makes a value begins.
    pub fn backward(&self, value: Value) {
        self.tell(value, Moment::Backward);
    }

    /// What follows is of no node.
    pub fn pause(&self) {
        if let Some(watched) = &self.0 {
            watched.watcher.at(Moment::Between);
        }
    }

    fn tell(&self, value: Value, moment: impl Fn(NodeId) -> Moment) {
        if let Some(watched) = &self.0 {
            // The input, which is value 0, is made by no node.
            watched.watcher.at(moment(watched.first + value - 1));
        }
    }
}
