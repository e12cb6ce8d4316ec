//! The processor time of this process, and the time in which its threads were ready and had no processor.

use std::collections::BTreeMap;
use std::fs;
use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::environment::nanoseconds;

/// What the threads of a process did over some time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessorTime {
    /// The time by the clock.
    pub wall_ns: u64,
    /// The processor time of all threads together.
    pub ran_ns: u64,
    /// The time in which threads were ready to run and waited for a processor, of all threads together.
    pub waited_ns: u64,
    /// How often a thread that was running lost its processor to another (involuntary context switches).
    #[serde(default)]
    pub preempted: u64,
    /// The time that a hypervisor took from all processors of the machine together, to a hundredth of a second.
    #[serde(default)]
    pub stolen_ns: u64,
}

impl ProcessorTime {
    /// Both times together.
    pub fn and(self, other: Self) -> Self {
        Self {
            wall_ns: self.wall_ns + other.wall_ns,
            ran_ns: self.ran_ns + other.ran_ns,
            waited_ns: self.waited_ns + other.waited_ns,
            preempted: self.preempted + other.preempted,
            stolen_ns: self.stolen_ns + other.stolen_ns,
        }
    }

    /// Of the processor time that the threads asked for, the share that they got. A thread that has nothing to do asks
    /// for none, so that parts of a step which use one thread count as whole. `None` where nothing ran.
    pub fn share(&self) -> Option<f64> {
        let asked_for = self.ran_ns + self.waited_ns;
        (self.ran_ns > 0).then(|| self.ran_ns as f64 / asked_for as f64)
    }
}

/// Below this share of the processor time that its threads asked for, a process was held up. Alone on a machine it is
/// 98 % and more; `docs/methodology.md` has the figures.
const SMALLEST_SHARE: f64 = 0.9;
/// A neighbour of one thread among many takes a small share of what all asked for, and the others wait for that one at
/// the end of each operation. So a process was also held up where for this share of the time some thread waited.
const LARGEST_WAIT: f64 = 0.25;
/// Nor may a hypervisor take more than this share of the processor time that the threads got; less than three of the
/// kernel's ticks may be chance.
const LARGEST_STEAL: f64 = 0.05;
const SMALLEST_STEAL_NS: u64 = 30_000_000;

impl ProcessorTime {
    /// What makes a speed doubtful that was measured in this time, why it may be, and what to do; `None` where its threads
    /// got what they asked for.
    pub fn warning(&self) -> Option<String> {
        let share = self.share()?;
        let is_held_up = share < SMALLEST_SHARE || self.waited_ns as f64 > LARGEST_WAIT * self.wall_ns as f64;
        let is_robbed =
            self.stolen_ns >= SMALLEST_STEAL_NS && self.stolen_ns as f64 > LARGEST_STEAL * self.ran_ns as f64;
        if is_robbed && !is_held_up {
            return Some(format!(
                "the hypervisor took {:.0} % of the processor time that its threads got: other virtual machines were at \
                 work; measure again when the host is quiet, and start over with --fresh",
                100.0 * self.stolen_ns as f64 / self.ran_ns as f64
            ));
        }
        is_held_up.then(|| {
            format!(
                "its threads got {:.0} % of the processor time that they asked for: other programs were at work, or the \
                 threads are more than the processors; close other programs, or take fewer with --threads, and start \
                 over with --fresh",
                100.0 * share
            )
        })
    }
}

/// A look at this process, to be compared with a later one.
#[derive(Clone, Debug)]
pub struct ProcessorWatch {
    started: Instant,
    threads: BTreeMap<String, Scheduled>,
    stolen_ns: u64,
}

/// A thread's line of the kernel's scheduling statistics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Scheduled {
    ran_ns: u64,
    waited_ns: u64,
    preempted: u64,
}

impl ProcessorWatch {
    /// Starts watching; `None` where the system does not keep such statistics (not Linux, or a kernel without them).
    pub fn start() -> Option<Self> {
        Some(Self {
            threads: threads()?,
            stolen_ns: stolen_ns(),
            started: Instant::now(),
        })
    }

    /// What happened since the start. Threads that ended meanwhile are missing; a network's pools live as long as it.
    pub fn elapsed(&self) -> Option<ProcessorTime> {
        let wall_ns = nanoseconds(self.started.elapsed());
        let mut time = ProcessorTime {
            wall_ns,
            stolen_ns: stolen_ns().saturating_sub(self.stolen_ns),
            ..ProcessorTime::default()
        };
        for (thread, now) in threads()? {
            let before = self.threads.get(&thread).copied().unwrap_or_default();
            time.ran_ns += now.ran_ns.saturating_sub(before.ran_ns);
            time.waited_ns += now.waited_ns.saturating_sub(before.waited_ns);
            time.preempted += now.preempted.saturating_sub(before.preempted);
        }
        Some(time)
    }
}

/// The statistics of every thread of this process, by its number.
fn threads() -> Option<BTreeMap<String, Scheduled>> {
    let mut threads = BTreeMap::new();
    // The kernel brings a running thread's time up to date at its ticks, milliseconds apart; asked for the process's
    // time, it does so for the thread that asks.
    let _ = fs::read("/proc/self/stat");
    for entry in fs::read_dir("/proc/self/task").ok()?.flatten() {
        // A thread may end between the listing and the look at it.
        if let Ok(text) = fs::read_to_string(entry.path().join("schedstat")) {
            let status = fs::read_to_string(entry.path().join("status")).unwrap_or_default();
            let scheduled = Scheduled {
                preempted: preempted(&status),
                ..scheduled(&text)?
            };
            threads.insert(entry.file_name().to_string_lossy().into_owned(), scheduled);
        }
    }
    // A kernel that keeps no statistics has the file, with zeros in it, or has none.
    threads.values().any(|thread| thread.ran_ns > 0).then_some(threads)
}

/// Reads `<time on a processor> <time waiting for one> <time slices>`, in nanoseconds.
fn scheduled(text: &str) -> Option<Scheduled> {
    let mut numbers = text.split_whitespace();
    Some(Scheduled {
        ran_ns: numbers.next()?.parse().ok()?,
        waited_ns: numbers.next()?.parse().ok()?,
        preempted: 0,
    })
}

/// Reads the involuntary context switches from a thread's `status`; 0 where it has none.
fn preempted(status: &str) -> u64 {
    let mut lines = status.lines();
    let count = lines.find_map(|line| line.strip_prefix("nonvoluntary_ctxt_switches:"));
    count.and_then(|count| count.trim().parse().ok()).unwrap_or(0)
}

/// What a hypervisor has taken from this machine since it started; 0 where the system does not say it.
fn stolen_ns() -> u64 {
    let text = fs::read_to_string("/proc/stat").unwrap_or_default();
    stolen_ticks(&text).saturating_mul(10_000_000)
}

/// The eighth number of the line of all processors: user, nice, system, idle, iowait, irq, softirq, steal, in
/// hundredths of a second (`USER_HZ`, the same on every Linux that libtorch runs on).
fn stolen_ticks(stat: &str) -> u64 {
    let mut all = stat.lines().filter_map(|line| line.strip_prefix("cpu "));
    let steal = all.next().and_then(|numbers| numbers.split_whitespace().nth(7));
    steal.and_then(|ticks| ticks.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_line_is_read() {
        let expected = Scheduled {
            ran_ns: 228_140,
            waited_ns: 6_637_984,
            preempted: 0,
        };
        assert_eq!(scheduled("228140 6637984 2\n"), Some(expected));
        assert_eq!(scheduled(""), None);
        assert_eq!(scheduled("no number"), None);
        let status = "Name:\tx\nvoluntary_ctxt_switches:\t150\nnonvoluntary_ctxt_switches:\t545\n";
        assert_eq!((preempted(status), preempted("")), (545, 0));
        let stat = "cpu  10132153 290696 3084719 46828483 16683 0 25195 175628 0 0\ncpu0 1 2 3 4 5 6 7 8\n";
        assert_eq!((stolen_ticks(stat), stolen_ticks("cpu  1 2 3\n")), (175_628, 0));
    }

    #[test]
    fn time_that_a_hypervisor_takes_is_a_warning_beyond_a_twentieth_of_what_the_threads_got() {
        let time = |stolen_ns| ProcessorTime {
            wall_ns: 1_000_000_000,
            ran_ns: 2_000_000_000,
            stolen_ns,
            ..ProcessorTime::default()
        };
        assert_eq!((time(0).warning(), time(90_000_000).warning()), (None, None));
        assert!(time(300_000_000).warning().unwrap().contains("hypervisor took 15 %"));
        // Two ticks of a short window may be chance.
        let short = ProcessorTime {
            ran_ns: 100_000_000,
            ..time(20_000_000)
        };
        assert_eq!(short.warning(), None);
    }

    #[test]
    fn the_share_is_of_what_was_asked_for_whatever_the_number_of_threads() {
        let time = |ran_ns, waited_ns| ProcessorTime {
            wall_ns: 100,
            ran_ns,
            waited_ns,
            ..ProcessorTime::default()
        };
        // One of many threads that could have run: the others asked for nothing.
        assert_eq!(time(100, 0).share(), Some(1.0));
        assert_eq!(time(50, 50).share(), Some(0.5));
        assert_eq!(time(50, 50).and(time(150, 0)).share(), Some(0.8));
        assert_eq!(time(0, 0).share(), None);
    }

    #[test]
    fn a_process_that_is_held_up_has_a_warning_with_the_share_and_one_that_idles_has_none() {
        let time = |ran_ns, waited_ns| ProcessorTime {
            wall_ns: 1000,
            ran_ns,
            waited_ns,
            ..ProcessorTime::default()
        };
        assert_eq!(time(1990, 10).warning(), None);
        assert_eq!(time(300, 2).warning(), None);
        assert_eq!(time(0, 0).warning(), None);
        let warning = time(820, 1180).warning().unwrap();
        assert!(warning.contains("got 41 % of the processor time"), "{warning}");
        assert!(
            warning.contains("--threads") && warning.contains("--fresh"),
            "{warning}"
        );
        // One of sixteen threads shares its processor, and the others wait for it.
        assert!(time(8500, 500).warning().unwrap().contains("94 %"));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn work_between_two_looks_is_processor_time_of_every_thread() {
        let Some(watch) = ProcessorWatch::start() else {
            eprintln!("this kernel keeps no scheduling statistics");
            return;
        };
        let busy = || {
            let start = Instant::now();
            while start.elapsed().as_millis() < 60 {
                std::hint::spin_loop();
            }
        };
        // The second thread is still there at the second look.
        let (finished, wait) = std::sync::mpsc::channel::<()>();
        let other = std::thread::spawn(move || {
            busy();
            let _ = wait.recv();
        });
        busy();
        let time = watch.elapsed().unwrap();
        drop(finished);
        other.join().unwrap();
        // However the two shared the processors, both asked for them all the time.
        assert!(time.wall_ns >= 60_000_000, "{time:?}");
        assert!(
            time.ran_ns > 0 && time.ran_ns + time.waited_ns >= 50_000_000,
            "{time:?}"
        );
    }
}
