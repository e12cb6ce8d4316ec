//! The trials that are left, in the order of work: each worker takes the next that nobody else has and that fits in memory.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use densenet_bench::formats::tables::Status;
use densenet_bench::host::{Environment, Stop};
use densenet_bench::trials::{Claim, ClaimError, Claims, FolderError, ResultFolder, Trial};

/// A trial that waits for its turn.
#[derive(Clone, Copy)]
pub struct Waiting<'a> {
    /// The trial.
    pub trial: &'a Trial,
    /// The memory that it is predicted to take, in bytes, where that is known.
    pub bytes: Option<u64>,
    /// Whether it is in this run's part. Another's that has failed by itself is left to that one: else each of many runs would
    /// try it again.
    pub is_own: bool,
}

/// The trials that are left, shared by the workers of this process, and with other processes through their claims.
pub struct Queue<'a> {
    folder: &'a ResultFolder,
    claims: &'a Claims,
    stop: &'a Stop,
    /// Of what is running at once, in bytes; none where any number fits.
    memory: Option<u64>,
    /// What this run is in the folder, in words.
    doing: String,
    /// The environment that a trial would have here.
    environment_of: Box<dyn Fn(&Trial) -> Environment + Sync + 'a>,
    state: Mutex<State<'a>>,
    changed: Condvar,
}

struct State<'a> {
    waiting: VecDeque<Waiting<'a>>,
    /// Trials that another process has claimed.
    elsewhere: Vec<Waiting<'a>>,
    /// The identities of those that were begun here.
    begun: BTreeSet<String>,
    running: usize,
    running_bytes: u64,
}

/// What a worker does next.
pub enum Next<'a> {
    /// Trains a trial, which this process has claimed.
    Train(Turn<'a>),
    /// Says that a trial cannot be trained here, and why.
    Refuse(&'a Trial, FolderError),
}

/// A trial's turn.
pub struct Turn<'a> {
    /// The trial.
    pub trial: &'a Trial,
    /// Its claim, until the turn ends.
    pub claim: Claim,
    bytes: u64,
}

/// Between two looks at trials that another process has.
const LOOK: Duration = Duration::from_millis(100);

impl<'a> Queue<'a> {
    /// A queue of these trials.
    pub fn new(
        folder: &'a ResultFolder,
        claims: &'a Claims,
        stop: &'a Stop,
        trials: impl IntoIterator<Item = Waiting<'a>>,
        environment_of: impl Fn(&Trial) -> Environment + Sync + 'a,
    ) -> Self {
        Self {
            folder,
            claims,
            stop,
            memory: None,
            doing: String::new(),
            environment_of: Box::new(environment_of),
            state: Mutex::new(State {
                waiting: trials.into_iter().collect(),
                elsewhere: Vec::new(),
                begun: BTreeSet::new(),
                running: 0,
                running_bytes: 0,
            }),
            changed: Condvar::new(),
        }
    }

    /// The same, with no more trials at once than fit into so many bytes.
    pub fn within(self, memory: Option<u64>) -> Self {
        Self { memory, ..self }
    }

    /// The same, whose claims say what this run does.
    pub fn doing(self, doing: String) -> Self {
        Self { doing, ..self }
    }

    /// The next trial, which is waited for where it does not fit yet, or where it is not known whether its process is still
    /// there. None where nothing is left for this worker, or the run is asked to stop.
    pub fn next(&self) -> Option<Next<'a>> {
        let mut state = self.locked();
        loop {
            if self.stop.is_asked() {
                return None;
            }
            let (waiting, is_known_elsewhere) = match self.taken_from(&mut state) {
                Some(found) => found,
                None if state.waiting.is_empty() && state.elsewhere.is_empty() => return None,
                None => {
                    state = self.paused(state);
                    continue;
                }
            };
            if let Some(next) = self.claimed(waiting, is_known_elsewhere, &mut state) {
                return Some(next);
            }
            if is_known_elsewhere {
                state = self.paused(state);
            }
        }
    }

    /// A turn has ended.
    pub fn end(&self, turn: Turn<'a>) {
        let mut state = self.locked();
        state.running -= 1;
        state.running_bytes -= turn.bytes;
        drop(state);
        drop(turn.claim);
        self.changed.notify_all();
    }

    /// The identities of the trials that had their turn.
    pub fn begun(&self) -> BTreeSet<String> {
        self.locked().begun.clone()
    }

    fn locked(&self) -> MutexGuard<'_, State<'a>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn paused<'s>(&self, state: MutexGuard<'s, State<'a>>) -> MutexGuard<'s, State<'a>> {
        let waited = self.changed.wait_timeout(state, LOOK);
        waited.unwrap_or_else(PoisonError::into_inner).0
    }

    /// The first trial that fits beside those that are running; where none waits, one of those that others had. Whether it is
    /// one of these.
    fn taken_from(&self, state: &mut State<'a>) -> Option<(Waiting<'a>, bool)> {
        let fits = |waiting: &Waiting<'_>| {
            let bytes = state.running_bytes.saturating_add(waiting.bytes.unwrap_or(0));
            state.running == 0 || self.memory.is_none_or(|memory| bytes <= memory)
        };
        match state.waiting.iter().position(fits) {
            Some(index) => state.waiting.remove(index).map(|waiting| (waiting, false)),
            None if state.waiting.is_empty() => state.elsewhere.pop().map(|waiting| (waiting, true)),
            None => None,
        }
    }

    /// Claims a trial; none where another process has it or has finished it.
    fn claimed(&self, waiting: Waiting<'a>, is_known_elsewhere: bool, state: &mut State<'a>) -> Option<Next<'a>> {
        let Waiting { trial, bytes, is_own } = waiting;
        let id = &trial.record.trial;
        let refuse = |error| Some(Next::Refuse(trial, error));
        match self.claims.take(id, &self.doing) {
            Ok(claim) => match self.is_left(trial, is_own) {
                Ok(false) => None,
                Ok(true) => {
                    let bytes = bytes.unwrap_or(0);
                    state.begun.insert(id.clone());
                    state.running += 1;
                    state.running_bytes += bytes;
                    Some(Next::Train(Turn { trial, claim, bytes }))
                }
                Err(error) => refuse(error),
            },
            // Whoever is there ends it, and no processor waits for that.
            Err(ClaimError::Held { is_alive: true, .. }) if is_known_elsewhere => None,
            Err(ClaimError::Held { .. }) => {
                state.elsewhere.insert(0, waiting);
                None
            }
            Err(error @ ClaimError::System(_)) => refuse(self.folder.claimed_or(error)),
        }
    }

    /// Whether a trial that this process has claimed is still to be trained: another one may have finished it since.
    fn is_left(&self, trial: &Trial, is_own: bool) -> Result<bool, FolderError> {
        let record = &trial.record;
        let is_over = |status: Status| match status {
            Status::Ok => true,
            Status::Failed | Status::Oom | Status::Timeout => !is_own,
            Status::Interrupted | Status::Pending => false,
        };
        let result = self.folder.result(&record.trial)?;
        if result.is_some_and(|result| is_over(result.status)) {
            return Ok(false);
        }
        self.folder.check_can_resume(record, &(self.environment_of)(trial))?;
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::mpsc::channel;
    use std::thread;

    use densenet_bench::backends::CPU;
    use densenet_bench::formats::ablation::{RunSettings, parse};
    use densenet_bench::trials::{Experiment, TrialResult, prepare};

    use super::*;

    fn experiment() -> Experiment {
        let text = "name = \"x\"\nquestion = \"?\"\n[data]\ndataset = \"digits\"\n[model]\nblock-layers = [1]\n\
                    [train]\nsteps = 3\nseeds = [0, 1, 2]\n";
        prepare(parse(text, Path::new("x.toml")).unwrap(), 1, None).unwrap()
    }

    struct Place {
        root: tempfile::TempDir,
        experiment: Experiment,
        stop: Stop,
    }

    impl Place {
        fn new() -> Self {
            Self {
                root: tempfile::tempdir().unwrap(),
                experiment: experiment(),
                stop: Stop::default(),
            }
        }

        fn folder(&self) -> ResultFolder {
            ResultFolder::at(self.root.path())
        }

        fn queue<'a>(&'a self, folder: &'a ResultFolder, claims: &'a Claims, bytes: Option<u64>) -> Queue<'a> {
            let trials = self.experiment.trials.iter();
            let trials = trials.map(move |trial| Waiting {
                trial,
                bytes,
                is_own: true,
            });
            let here = |_: &Trial| Environment::observe(CPU.device(0), None, &RunSettings::default(), 1);
            Queue::new(folder, claims, &self.stop, trials, here)
        }
    }

    fn seed(next: Option<Next<'_>>) -> Option<(u64, Turn<'_>)> {
        match next? {
            Next::Train(turn) => Some((turn.trial.record.seed, turn)),
            Next::Refuse(_, error) => panic!("{error}"),
        }
    }

    #[test]
    fn no_more_trials_are_begun_than_fit_in_memory() {
        let place = Place::new();
        let (folder, claims) = (place.folder(), place.folder().claims());
        let queue = place.queue(&folder, &claims, Some(60)).within(Some(130));
        let (_, first) = seed(queue.next()).unwrap();
        let (_, second) = seed(queue.next()).unwrap();
        let (sender, third) = channel();
        thread::scope(|scope| {
            scope.spawn(|| {
                let next = seed(queue.next());
                sender.send(next.as_ref().map(|(seed, _)| *seed)).unwrap();
                next.map(|(_, turn)| queue.end(turn))
            });
            assert!(
                third.recv_timeout(Duration::from_millis(300)).is_err(),
                "three do not fit"
            );
            queue.end(first);
            assert_eq!(third.recv_timeout(Duration::from_secs(60)), Ok(Some(2)));
        });
        queue.end(second);
        assert!(queue.next().is_none());
        // One that is larger than all of it runs alone.
        let queue = place.queue(&folder, &claims, Some(1000)).within(Some(130));
        assert_eq!(seed(queue.next()).unwrap().0, 0);
    }

    #[test]
    fn what_another_process_has_is_left_to_it_and_what_it_has_finished_is_not_begun() {
        let place = Place::new();
        let (folder, claims) = (place.folder(), place.folder().claims());
        let ids: Vec<&str> = place
            .experiment
            .trials
            .iter()
            .map(|trial| trial.record.trial.as_str())
            .collect();
        let others = folder.claims();
        let _taken = others.take(ids[0], "").unwrap();
        std::fs::create_dir_all(folder.trial(ids[1])).unwrap();
        folder.end(ids[1], &TrialResult::unfinished(Status::Ok, "")).unwrap();
        let queue = place.queue(&folder, &claims, None);
        let (third, turn) = seed(queue.next()).unwrap();
        assert_eq!(third, 2);
        queue.end(turn);
        assert!(queue.next().is_none());
    }

    #[test]
    fn of_others_that_have_failed_by_themselves_none_is_tried_again_and_of_the_own_each() {
        let place = Place::new();
        let (folder, claims) = (place.folder(), place.folder().claims());
        let statuses = [Status::Failed, Status::Interrupted, Status::Oom];
        for (trial, status) in place.experiment.trials.iter().zip(statuses) {
            let id = &trial.record.trial;
            std::fs::create_dir_all(folder.trial(id)).unwrap();
            folder.end(id, &TrialResult::unfinished(status, "")).unwrap();
        }
        for (is_own, expected) in [(true, vec![0, 1, 2]), (false, vec![1])] {
            let trials = place.experiment.trials.iter().map(|trial| Waiting {
                trial,
                bytes: None,
                is_own,
            });
            let here = |_: &Trial| Environment::observe(CPU.device(0), None, &RunSettings::default(), 1);
            let queue = Queue::new(&folder, &claims, &place.stop, trials, here);
            let mut begun = Vec::new();
            while let Some((seed, turn)) = seed(queue.next()) {
                begun.push(seed);
                queue.end(turn);
            }
            assert_eq!(begun, expected);
            assert_eq!(queue.begun().len(), expected.len());
        }
    }
}
