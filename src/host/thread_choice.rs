//! How many threads work, and who decided it: `--threads`, `[run] threads`, the environment, or what the system allows.
//!
//! `OMP_NUM_THREADS` is the default as it is PyTorch's: clusters and torchrun set it so that processes which share a
//! machine do not take each other's processors. `MKL_NUM_THREADS` counts where it is not set. Without both it is
//! what the system allows: the processors that this process may run on (`taskset`, a cpuset), and no more than the CPU quota of its cgroup and of those above it, rounded
//! down, but at least one.

use std::ffi::OsString;
use std::fs;

use super::threads::available_threads;
use crate::visible;
use crate::words::counted;

/// The variables that say a number of threads, the first that does wins.
const VARIABLES: [&str; 2] = ["OMP_NUM_THREADS", "MKL_NUM_THREADS"];

/// The most threads that a variable may ask for, as `--threads` takes them.
const MOST: usize = 65_535;

/// A number of threads, and who decided it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ThreadChoice {
    /// Threads that may work at once.
    pub threads: usize,
    /// Who decided it, as a person writes it: `--threads`, `OMP_NUM_THREADS=1`, `all processors`.
    pub source: String,
    /// What is doubtful about it, in words.
    pub warnings: Vec<String>,
}

/// The threads of a process: `given` by `--threads`, else `of_file` by `[run] threads`, else the default here.
pub fn choose_threads(given: Option<usize>, of_file: Option<usize>) -> ThreadChoice {
    choose_threads_of(1, given, of_file)
}

/// The threads of each of `at_once` processes that run at once: where nobody says a number, they share what there is.
pub fn choose_threads_of(at_once: usize, given: Option<usize>, of_file: Option<usize>) -> ThreadChoice {
    choose(given, of_file, |name| std::env::var_os(name), &Allowed::here(), at_once)
}

/// The threads where neither `--threads` nor `[run] threads` says a number.
pub fn default_threads() -> usize {
    choose_threads(None, None).threads
}

/// What the system allows.
struct Allowed {
    /// Threads that may run at once.
    threads: usize,
    /// Processors that the process may run on; none where the system does not say it.
    processors: Option<usize>,
    /// Processors of the machine that are switched on.
    online: Option<usize>,
}

impl Allowed {
    fn here() -> Self {
        let status = fs::read_to_string("/proc/self/status").ok();
        let online = fs::read_to_string("/sys/devices/system/cpu/online").ok();
        let list = |line: &str| line.strip_prefix("Cpus_allowed_list:").and_then(count_listed);
        Self {
            threads: available_threads(),
            processors: status.and_then(|status| status.lines().find_map(list)),
            online: online.and_then(|list| count_listed(&list)),
        }
    }

    /// Why it is so many.
    fn source(&self) -> String {
        match (self.processors, self.online) {
            (Some(processors), _) if self.threads < processors => {
                format!("the CPU quota of its cgroup, on {}", counted(processors, "processor"))
            }
            (Some(processors), Some(online)) if processors < online => {
                format!("the processors that it may run on, {processors} of {online}")
            }
            _ => "all processors".to_owned(),
        }
    }
}

/// The numbers in a list of the kernel's, such as `0-3,8`.
fn count_listed(list: &str) -> Option<usize> {
    let count = |part: &str| -> Option<usize> {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last): (usize, usize) = (first.parse().ok()?, last.parse().ok()?);
        (last.checked_sub(first)?).checked_add(1)
    };
    list.trim().split(',').map(count).sum()
}

fn choose(
    given: Option<usize>,
    of_file: Option<usize>,
    variable: impl Fn(&str) -> Option<OsString>,
    allowed: &Allowed,
    at_once: usize,
) -> ThreadChoice {
    let mut warnings = Vec::new();
    let explicit = (given.map(|threads| (threads, "--threads".to_owned())))
        .or(of_file.map(|threads| (threads, "[run] threads".to_owned())));
    let (threads, source) = explicit
        .or_else(|| {
            VARIABLES
                .iter()
                .find_map(|name| asked_for(name, &variable, &mut warnings))
        })
        .unwrap_or_else(|| match at_once {
            0 | 1 => (allowed.threads, allowed.source()),
            _ => (
                (allowed.threads / at_once).max(1),
                format!("{}, shared by {at_once} trials", allowed.source()),
            ),
        });
    if at_once > 1 && threads * at_once > allowed.threads {
        warnings.push(format!(
            "{at_once} trials at once with {} each ({source}), and the system lets {} threads run at once ({}): they take \
             turns, which is slower; --threads {} gives each a processor",
            counted(threads, "thread"),
            allowed.threads,
            allowed.source(),
            (allowed.threads / at_once).max(1)
        ));
    } else if threads > allowed.threads {
        warnings.push(format!(
            "{threads} threads ({source}), and the system lets {} run at once ({}): they take turns, which is slower and \
             makes times scatter; --threads {0} gives each a processor",
            allowed.threads,
            allowed.source()
        ));
    }
    ThreadChoice {
        threads,
        source,
        warnings,
    }
}

/// The number that a variable says. One that is set to something else is ignored, as OpenMP does, and warned of.
fn asked_for(
    name: &str,
    variable: &impl Fn(&str) -> Option<OsString>,
    warnings: &mut Vec<String>,
) -> Option<(usize, String)> {
    let value = variable(name)?;
    let text = value.to_string_lossy();
    if text.is_empty() {
        return None;
    }
    let Some(threads) = first_of_list(&text) else {
        warnings.push(format!(
            "{name} is '{}' and is ignored; it must be a whole number from 1 to {MOST}, or a list of them of which the \
             first counts; set it so, or unset it",
            visible::escape_line(&text)
        ));
        return None;
    };
    Some((threads, format!("{name}={}", text.trim())))
}

/// The first of OpenMP's list, which has a number for each level of nesting.
fn first_of_list(text: &str) -> Option<usize> {
    let number = |part: &str| part.trim().parse().ok().filter(|threads| (1..=MOST).contains(threads));
    let numbers: Option<Vec<usize>> = text.split(',').map(number).collect();
    numbers?.first().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FOUR: Allowed = Allowed {
        threads: 4,
        processors: Some(4),
        online: Some(4),
    };

    fn under(given: Option<usize>, of_file: Option<usize>, set: &[(&str, &str)], allowed: &Allowed) -> ThreadChoice {
        let variable = |name: &str| {
            let found = set.iter().find(|(other, _)| *other == name);
            found.map(|(_, value)| OsString::from(value))
        };
        choose(given, of_file, variable, allowed, 1)
    }

    #[test]
    fn trials_at_once_share_what_nobody_has_given_and_too_many_are_warned_of() {
        let shared = |given, at_once| choose(given, None, |_| None, &FOUR, at_once);
        assert_eq!(shown(&shared(None, 2)), (2, "all processors, shared by 2 trials"));
        assert_eq!(shared(None, 3).threads, 1);
        assert!(shared(None, 4).warnings.is_empty() && shared(Some(2), 2).warnings.is_empty());
        assert_eq!(shown(&shared(Some(3), 2)), (3, "--threads"));
        let warning = &shared(Some(3), 2).warnings[0];
        assert!(
            warning.starts_with("2 trials at once with 3 threads each (--threads)"),
            "{warning}"
        );
        assert!(warning.ends_with("--threads 2 gives each a processor"), "{warning}");
        assert_eq!(shared(None, 5).warnings.len(), 1);
    }

    fn shown(choice: &ThreadChoice) -> (usize, &str) {
        (choice.threads, choice.source.as_str())
    }

    #[test]
    fn the_option_wins_over_the_file_the_file_over_the_variable_and_that_over_the_processors() {
        let one = [("OMP_NUM_THREADS", "1"), ("MKL_NUM_THREADS", "3")];
        assert_eq!(shown(&under(Some(2), Some(3), &one, &FOUR)), (2, "--threads"));
        assert_eq!(shown(&under(None, Some(3), &one, &FOUR)), (3, "[run] threads"));
        assert_eq!(shown(&under(None, None, &one, &FOUR)), (1, "OMP_NUM_THREADS=1"));
        assert_eq!(shown(&under(None, None, &one[1..], &FOUR)), (3, "MKL_NUM_THREADS=3"));
        assert_eq!(shown(&under(None, None, &[], &FOUR)), (4, "all processors"));
    }

    #[test]
    fn of_a_list_for_nested_regions_the_first_number_counts() {
        let choice = under(None, None, &[("OMP_NUM_THREADS", " 3 , 2")], &FOUR);
        assert_eq!(shown(&choice), (3, "OMP_NUM_THREADS=3 , 2"));
    }

    #[test]
    fn a_variable_that_is_not_a_number_of_threads_is_ignored_with_a_warning() {
        for value in [
            " ",
            "0",
            "abc",
            "-1",
            "2,",
            "1.5",
            "99999999999999999999",
            "4,x",
            "\x1b[2J",
        ] {
            let choice = under(None, None, &[("OMP_NUM_THREADS", value)], &FOUR);
            assert_eq!(shown(&choice), (4, "all processors"), "{value}");
            assert!(choice.warnings[0].starts_with("OMP_NUM_THREADS is '"), "{value}");
            assert!(!choice.warnings[0].contains('\x1b'));
        }
        // `OMP_NUM_THREADS= program` is how a shell unsets it for one program.
        let unset = under(None, None, &[("OMP_NUM_THREADS", "")], &FOUR);
        assert_eq!((shown(&unset), unset.warnings.len()), ((4, "all processors"), 0));
    }

    #[test]
    fn more_threads_than_may_run_at_once_are_warned_of_whoever_asked_for_them() {
        let pinned = Allowed {
            threads: 1,
            processors: Some(1),
            online: Some(4),
        };
        let choice = under(Some(2), None, &[], &pinned);
        assert_eq!(
            choice.warnings,
            [
                "2 threads (--threads), and the system lets 1 run at once (the processors that it may run on, 1 of 4): they \
              take turns, which is slower and makes times scatter; --threads 1 gives each a processor"
            ]
        );
        assert_eq!(under(None, None, &[("OMP_NUM_THREADS", "8")], &FOUR).warnings.len(), 1);
        assert!(under(Some(4), None, &[], &FOUR).warnings.is_empty());
    }

    #[test]
    fn the_default_says_whether_a_quota_or_the_processors_decide_it() {
        let quota = Allowed { threads: 2, ..FOUR };
        let choice = under(None, None, &[], &quota);
        assert_eq!(shown(&choice), (2, "the CPU quota of its cgroup, on 4 processors"));
        let pinned = Allowed {
            threads: 2,
            processors: Some(2),
            ..FOUR
        };
        let choice = under(None, None, &[], &pinned);
        assert_eq!(shown(&choice), (2, "the processors that it may run on, 2 of 4"));
    }

    #[test]
    fn processors_are_counted_in_the_kernels_lists() {
        assert_eq!(count_listed("0-3,8\n"), Some(5));
        assert_eq!(count_listed("\t0"), Some(1));
        assert_eq!(count_listed(""), None);
        assert_eq!(count_listed("3-0"), None);
    }
}
