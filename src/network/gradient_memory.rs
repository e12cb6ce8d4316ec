//! The gradients of feature maps that are alive during a backward pass, by the memory in which they lie.

use std::collections::BTreeMap;

use super::graph::NodeId;

/// Gradients that backward has found and that wait for the node whose output they belong to.
#[derive(Debug)]
pub(super) struct Gradients {
    waiting: Vec<Option<Gradient>>,
    storages: BTreeMap<usize, Storage>,
    next: usize,
}

/// A gradient by the storage in which it lies.
#[derive(Clone, Copy, Debug)]
struct Gradient {
    storage: usize,
    is_view: bool,
}

/// Memory in which one or more gradients lie.
#[derive(Clone, Copy, Debug)]
struct Storage {
    bytes: u64,
    gradients: usize,
}

/// The gradient of a node's output, taken to be worked on.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Received {
    /// Its bytes, where no waiting gradient lies in the same storage.
    pub(super) own: u64,
    /// Whether it is a part of a larger storage.
    pub(super) is_view: bool,
    /// Whether a waiting gradient lies in the same storage.
    pub(super) is_shared: bool,
    storage: Option<usize>,
}

impl Gradients {
    /// No gradients yet, of a graph of `nodes` nodes.
    pub(super) fn new(nodes: usize) -> Self {
        Self {
            waiting: vec![None; nodes],
            storages: BTreeMap::new(),
            next: 0,
        }
    }

    /// Bytes of all that wait, each storage once.
    pub(super) fn held(&self) -> u64 {
        self.storages.values().map(|storage| storage.bytes).sum()
    }

    /// A gradient of a node's output in memory of its own. Where one waits for the node already, their sum is there.
    pub(super) fn add(&mut self, node: NodeId, bytes: u64) {
        self.take(node);
        let storage = self.next;
        self.next += 1;
        self.storages.insert(storage, Storage { bytes, gradients: 0 });
        self.wait(node, storage, false);
    }

    /// Takes the gradient of a node's output, if there is one.
    pub(super) fn take(&mut self, node: NodeId) -> Received {
        let Some(gradient) = self.waiting[node].take() else {
            return Received::default();
        };
        let mut received = Received {
            own: 0,
            is_view: gradient.is_view,
            is_shared: true,
            storage: Some(gradient.storage),
        };
        if let Some(storage) = self.storages.get_mut(&gradient.storage) {
            storage.gradients -= 1;
            if storage.gradients == 0 {
                (received.own, received.is_shared) = (storage.bytes, false);
                self.storages.remove(&gradient.storage);
            }
        }
        received
    }

    /// Passes a gradient on without a copy: of a concatenation to each input its part, of an addition to both the
    /// whole. Where a gradient waits for an input already, the sum is in that one's memory.
    pub(super) fn hand_on(&mut self, received: &Received, inputs: &[NodeId], as_parts: bool) {
        let Some(storage) = received.storage else { return };
        for &input in inputs.iter().filter(|&&input| input > 0) {
            if self.waiting[input].is_none() {
                let bytes = received.own;
                self.storages.entry(storage).or_insert(Storage { bytes, gradients: 0 });
                self.wait(input, storage, as_parts || received.is_view);
            }
        }
    }

    fn wait(&mut self, node: NodeId, storage: usize, is_view: bool) {
        self.waiting[node] = Some(Gradient { storage, is_view });
        if let Some(storage) = self.storages.get_mut(&storage) {
            storage.gradients += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_a_gradient_hold_the_whole_until_the_last_is_taken() {
        let mut gradients = Gradients::new(4);
        gradients.add(3, 100);
        let whole = gradients.take(3);
        assert_eq!((whole.own, whole.is_view, gradients.held()), (100, false, 0));
        gradients.hand_on(&whole, &[1, 2], true);
        assert_eq!(gradients.held(), 100);
        let part = gradients.take(2);
        assert_eq!((part.own, part.is_view, part.is_shared), (0, true, true));
        // The other part and what is added to it make a sum of their own.
        gradients.add(1, 60);
        assert_eq!(gradients.held(), 60);
        assert_eq!(gradients.take(1).own, 60);
        assert_eq!(gradients.held(), 0);
    }

    #[test]
    fn images_wait_for_no_gradient() {
        let mut gradients = Gradients::new(2);
        gradients.add(1, 10);
        let received = gradients.take(1);
        gradients.hand_on(&received, &[0], false);
        assert_eq!(gradients.held(), 0);
    }
}
