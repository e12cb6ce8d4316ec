//! Prepares batches ahead on other threads while the device works, or on the caller's thread.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::JoinHandle;

use super::batches::{Batch, Batches};
use super::error::LoaderError;
use super::loader_plan::LoaderPlan;
use crate::data_sets::{DataError, DataSet};
use crate::host::said;

/// Finished batches that each worker keeps ready.
const READY: usize = 2;

/// A batch, or an image of it that cannot be read.
type Made = Result<Batch, DataError>;

/// The batches of a [`LoaderPlan`] in order, across its epochs without a pause between them.
///
/// Worker i makes every n-th batch, and the batches are taken from the workers in turn, so their order does not depend
/// on timing. Dropping the loader, at any time, ends and joins its threads. A plan without threads has no workers: each
/// batch is made on demand.
pub struct Loader {
    /// Makes the batches where there are no workers.
    own: Option<Box<dyn Iterator<Item = Made> + Send>>,
    workers: Vec<Worker>,
    /// Batches handed out.
    taken: usize,
    /// Batches in all; 0 after an error.
    total: usize,
}

struct Worker {
    /// None once the worker is being ended.
    batches: Option<Receiver<Made>>,
    thread: Option<JoinHandle<()>>,
}

impl Loader {
    /// Starts the threads of `plan`.
    ///
    /// # Errors
    /// A plan without images or with a batch size of 0, one that does not fit the data set, or no thread.
    pub fn start(data: Arc<DataSet>, plan: LoaderPlan) -> Result<Self, LoaderError> {
        let total = plan.batches();
        if plan.threads == 0 {
            return Ok(Self::on_this_thread(Batches::new(data, plan)?, total));
        }
        // More threads than batches would be idle.
        let workers = plan.threads.min(total).max(1);
        Self::with_workers(Batches::interleaved(data, plan, workers)?, total)
    }

    fn on_this_thread(batches: impl Iterator<Item = Made> + Send + 'static, total: usize) -> Self {
        Self {
            own: Some(Box::new(batches)),
            workers: Vec::new(),
            taken: 0,
            total,
        }
    }

    fn with_workers<Part>(parts: Vec<Part>, total: usize) -> Result<Self, LoaderError>
    where
        Part: Iterator<Item = Made> + Send + 'static,
    {
        let mut loader = Self {
            own: None,
            workers: Vec::new(),
            taken: 0,
            total,
        };
        for (number, part) in parts.into_iter().enumerate() {
            let (sender, receiver) = sync_channel(READY);
            let work = move || {
                for batch in part {
                    let failed = batch.is_err();
                    // Where the receiver is gone, the loader was dropped.
                    if sender.send(batch).is_err() || failed {
                        return;
                    }
                }
            };
            // On an error the loader is dropped, and with it the threads so far.
            let thread = std::thread::Builder::new()
                .name(format!("loader-{number}"))
                .spawn(work)?;
            loader.workers.push(Worker {
                batches: Some(receiver),
                thread: Some(thread),
            });
        }
        Ok(loader)
    }
}

impl Iterator for Loader {
    type Item = Result<Batch, LoaderError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.taken >= self.total {
            return None;
        }
        let made = match &mut self.own {
            Some(batches) => made_here(batches.as_mut()),
            None => {
                let turn = self.taken % self.workers.len();
                self.workers[turn].take()
            }
        };
        match made {
            Ok(Ok(batch)) => {
                self.taken += 1;
                Some(Ok(batch))
            }
            Ok(Err(error)) => {
                self.total = 0;
                Some(Err(error.into()))
            }
            Err(message) => {
                self.total = 0;
                Some(Err(LoaderError::Panic {
                    batch: self.taken,
                    message,
                }))
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.total.saturating_sub(self.taken);
        (left.min(1), Some(left))
    }
}

impl Drop for Loader {
    fn drop(&mut self) {
        // All receivers first: then every worker ends after the batch it is making.
        for worker in &mut self.workers {
            worker.batches = None;
        }
        for worker in &mut self.workers {
            if let Some(thread) = worker.thread.take() {
                // `next` reported a panic already, or it concerns a batch that was not requested.
                let _ = thread.join();
            }
        }
    }
}

/// The next batch, or the message of a panic.
fn made_here(batches: &mut dyn Iterator<Item = Made>) -> Result<Made, String> {
    // After a panic the iterator is not used any more.
    match catch_unwind(AssertUnwindSafe(|| batches.next())) {
        Ok(Some(batch)) => Ok(batch),
        Ok(None) => Err("there is no further batch".to_owned()),
        Err(panic) => Err(said(&*panic)),
    }
}

impl Worker {
    /// The next batch, or the message of the worker's panic.
    fn take(&mut self) -> Result<Made, String> {
        if let Some(Ok(batch)) = self.batches.as_ref().map(Receiver::recv) {
            return Ok(batch);
        }
        Err(match self.thread.take().map(JoinHandle::join) {
            Some(Err(panic)) => said(&*panic),
            _ => "the thread ended early".to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::batches::tests::digits;
    use super::*;

    fn taken(data: &Arc<DataSet>, plan: LoaderPlan) -> Vec<Batch> {
        Loader::start(Arc::clone(data), plan)
            .unwrap()
            .map(Result::unwrap)
            .collect()
    }

    #[test]
    fn batches_are_the_same_for_any_number_of_threads() {
        let (data, plan) = digits();
        let batches = Batches::new(Arc::clone(&data), plan.clone()).unwrap();
        let expected: Vec<Batch> = batches.map(Result::unwrap).collect();
        for threads in [0, 1, 2, 3, 50] {
            for first_batch in [0, 4] {
                let plan = LoaderPlan {
                    threads,
                    first_batch,
                    ..plan.clone()
                };
                assert_eq!(taken(&data, plan), expected[first_batch..], "{threads} threads");
            }
        }
    }

    #[test]
    fn a_slow_taker_gets_the_same_batches() {
        let (data, mut plan) = digits();
        plan.threads = 3;
        let mut slow = Vec::new();
        for batch in Loader::start(Arc::clone(&data), plan.clone()).unwrap() {
            std::thread::sleep(std::time::Duration::from_millis(1));
            slow.push(batch.unwrap());
        }
        assert_eq!(slow, taken(&data, plan));
    }

    #[test]
    fn dropping_early_joins_the_threads() {
        let (data, mut plan) = digits();
        (plan.threads, plan.epochs) = (3, 0..1_000_000);
        for take in [0, 1, 5] {
            let mut loader = Loader::start(Arc::clone(&data), plan.clone()).unwrap();
            for _ in 0..take {
                loader.next().unwrap().unwrap();
            }
            drop(loader);
            // A thread that still ran would hold the data set.
            assert_eq!(Arc::strong_count(&data), 1);
        }
    }

    #[test]
    fn without_threads_batches_are_made_on_demand() {
        let (data, plan) = digits();
        let made = Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let (here, counter) = (std::thread::current().id(), Arc::clone(&made));
        let batches = Batches::new(data, plan).unwrap().inspect(move |_| {
            assert_eq!(std::thread::current().id(), here);
            counter.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        });
        let mut loader = Loader::on_this_thread(batches, 3);
        for taken in 1..=3 {
            loader.next().unwrap().unwrap();
            assert_eq!(made.load(std::sync::atomic::Ordering::Relaxed), taken);
        }
    }

    #[test]
    fn an_empty_range_of_epochs_has_no_batches() {
        let (data, mut plan) = digits();
        plan.epochs = 3..3;
        assert_eq!(taken(&data, plan), []);
    }

    #[test]
    fn a_panic_is_an_error_and_the_end() {
        let failing = || {
            let (data, plan) = digits();
            let mut batches = Batches::new(data, plan).unwrap();
            let mut made = 0;
            std::iter::from_fn(move || {
                made += 1;
                assert!(made < 3, "no third batch");
                batches.next()
            })
        };
        for mut loader in [
            Loader::with_workers(vec![failing()], 10).unwrap(),
            Loader::on_this_thread(failing(), 10),
        ] {
            assert!(loader.next().unwrap().is_ok());
            assert!(loader.next().unwrap().is_ok());
            assert_eq!(
                loader.next().unwrap().unwrap_err().to_string(),
                "preparing batch 2 of the run panicked: no third batch; this is a bug, please report it"
            );
            assert!(loader.next().is_none());
        }
    }
}
