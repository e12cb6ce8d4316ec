//! A run that is killed at random instants, and started again each time, ends as one that was left alone.
//!
//! `KILLS` says how many kills are wanted (30 unless set; `scripts/kill-test` asks for 300), `KILL_SEED` which instants.

#![cfg(all(feature = "libtorch", target_os = "linux"))]

mod workplace;

use std::collections::BTreeMap;
use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use densenet_bench::random::{Purpose, Stream};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use workplace::outcome::{Outcome, assert_same, outcome};
use workplace::{Workplace, await_end, children};

/// Everything that has a state or draws at random: momentum, dropout, augmentation, a held-out split, a schedule; and
/// checkpoints everywhere, so that a trial also resumes with the last batch of an epoch, which has three images: backends
/// have other kernels for it, and what they are given must lie in memory as in a trial that was left alone.
fn ablation(execution: &str) -> String {
    format!(
        r#"
name = "killed"
question = "Does a killed run end as one that was left alone?"
[data]
dataset = "digits"
train-limit = 74
test-limit = 96
validation-share = 0.1
augment = "shift-flip"
[model]
block-layers = [2, 2]
growth-rate = 6
bottleneck = true
compression = 0.5
dropout = 0.1
[train]
epochs = 24
batch-size = 32
schedule = "cosine"
checkpoint-every = 1
seeds = [1, 2]
[run]
execution = "{execution}"
"#
    )
}

/// Each device with an execution.
const PLACES: [(&str, &str); 5] = [
    ("cpu", "plain"),
    ("cpu", "aten"),
    ("cpu", "recompute"),
    ("cpu", "fused"),
    ("flex", "plain"),
];

/// The ways in which the trials are run: the arguments of each process at once.
const WAYS: [(&str, &[&[&str]]); 3] = [
    ("alone", &[&[]]),
    (
        "two shards",
        &[&["--shard", "0/2", "--steal"], &["--shard", "1/2", "--steal"]],
    ),
    ("two jobs", &[&["--jobs", "2"]]),
];

/// What the kills came to.
#[derive(Debug, Default)]
struct Counts {
    /// Of the process that a user starts.
    runs_killed: usize,
    /// Of the process of a trial.
    trials_killed: usize,
    /// Trials that resumed from a checkpoint.
    resumed: usize,
    /// Runs that came to their end and were compared.
    compared: usize,
}

impl Counts {
    fn kills(&self) -> usize {
        self.runs_killed + self.trials_killed
    }
}

struct Harness {
    place: Workplace,
    draws: Stream,
    counts: Counts,
}

impl Harness {
    /// Starts the process of this number with these arguments beside the others'.
    fn start(&self, device: &str, out: &str, number: usize, more: &[&str]) -> Child {
        Command::new(env!("CARGO_BIN_EXE_densenet-bench"))
            .args(["run", "killed.toml", "--threads", "1", "--device", device, "--out", out])
            .args(more)
            .current_dir(self.place.path("."))
            .env("OMP_WAIT_POLICY", "passive")
            .stdout(Stdio::null())
            .stderr(fs::File::create(self.place.path(&format!("said-{number}.txt"))).unwrap())
            .spawn()
            .unwrap()
    }

    /// What these many processes have said.
    fn said(&self, processes: usize) -> String {
        let of = |number| fs::read_to_string(self.place.path(&format!("said-{number}.txt"))).unwrap_or_default();
        (0..processes).map(of).collect()
    }

    /// Lets a run come to its end; its outcome and how long it took.
    fn left_alone(&self, device: &str, out: &str) -> (Outcome, Duration) {
        let start = Instant::now();
        let status = self.start(device, out, 0, &[]).wait().unwrap();
        assert!(status.success(), "{}", self.said(1));
        (outcome(&self.place.path(out).join("killed")), start.elapsed())
    }

    /// Starts the processes of a way and kills one, or a trial of it, at a random instant below `most`; again and again until
    /// all come to their end.
    fn killed_until_it_ends(&mut self, device: &str, out: &str, way: &[&[&str]], most: Duration) -> Outcome {
        loop {
            let start = |(number, more): (usize, &&[&str])| self.start(device, out, number, more);
            let mut runs: Vec<Child> = way.iter().enumerate().map(start).collect();
            // The root favours the later instants: early on there is nothing yet that a kill could spoil.
            let instant = most.mul_f64(self.draws.uniform().sqrt());
            let kills_trial = self.draws.below(4) == 0;
            let victim = self.draws.below(runs.len() as u64) as usize;
            std::thread::sleep(instant);
            let before = self.counts.kills();
            let run = &mut runs[victim];
            let trials = children(run.id());
            if let (true, Some(&trial)) = (kills_trial, trials.first()) {
                // It may have ended by now, and then nothing is killed.
                if kill(Pid::from_raw(trial), Signal::SIGKILL).is_ok() {
                    self.counts.trials_killed += 1;
                }
            } else if run.try_wait().unwrap().is_none() {
                run.kill().unwrap();
                run.wait().unwrap();
                self.counts.runs_killed += 1;
                // The next run must not meet a trial of this one: it waits, and here it must not wait long.
                for trial in trials {
                    await_end(trial);
                }
            }
            // Each is waited for, also behind one that has failed.
            let ended: Vec<bool> = runs.iter_mut().map(|run| run.wait().unwrap().success()).collect();
            let said = self.said(way.len());
            self.counts.resumed += said.matches("resuming after step").count();
            assert!(!said.contains("damaged"), "{said}");
            if ended.into_iter().all(|well| well) {
                self.counts.compared += 1;
                return outcome(&self.place.path(out).join("killed"));
            }
            assert!(self.counts.kills() > before, "it failed without a kill: {said}");
        }
    }
}

#[test]
fn a_run_that_is_killed_repeatedly_ends_like_an_undisturbed_one() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let wanted = number("KILLS").unwrap_or(30) as usize;
    let now = || {
        SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap()
            .as_millis() as u64
    };
    let seed = number("KILL_SEED").unwrap_or_else(now);
    println!("{wanted} kills wanted, KILL_SEED={seed}");
    let mut harness = Harness {
        place: Workplace::new(),
        draws: Stream::new(seed, Purpose::Resampling, 0),
        counts: Counts::default(),
    };
    let mut left_alone = BTreeMap::new();
    for round in 0.. {
        let (device, execution) = PLACES[round % PLACES.len()];
        let (way, processes) = WAYS[round % WAYS.len()];
        if harness.counts.kills() >= wanted && round >= PLACES.len() {
            break;
        }
        harness.place.write("killed.toml", &ablation(execution));
        let (expected, duration) = left_alone
            .entry((device, execution))
            .or_insert_with(|| harness.left_alone(device, &format!("alone-{device}-{execution}")))
            .clone();
        let out = format!("killed-{round}");
        let found = harness.killed_until_it_ends(device, &out, processes, duration);
        assert_same(
            &found,
            &expected,
            &format!("{execution} on {device}, {way}, KILL_SEED={seed}"),
        );
        fs::remove_dir_all(harness.place.path(&out)).unwrap();
    }
    println!("{:?}", harness.counts);
    // A harness whose kills all came too early or too late would show nothing.
    assert!(harness.counts.resumed * 5 >= wanted, "{:?}", harness.counts);
}
