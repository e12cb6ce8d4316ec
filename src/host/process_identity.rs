//! Which process this is among those of its machine, and whether another of them has ended.

use std::fs;

use serde::{Deserialize, Serialize};

/// A process, told from every other that has its number, before, later or on another machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessIdentity {
    /// The host's name.
    pub host: String,
    /// Its number.
    pub process: u32,
    /// The boot of the machine's kernel and the namespace of its process numbers; none where the system does not say them. Two
    /// containers of one machine have other numbers for the same process.
    machine: Option<String>,
    /// When it was started, in clock ticks since that boot.
    started: Option<u64>,
}

impl ProcessIdentity {
    /// This process.
    pub fn own() -> Self {
        let process = std::process::id();
        Self {
            host: host_name(),
            process,
            machine: machine(),
            started: stat_of(process).map(|stat| stat.started),
        }
    }

    /// Whether it has ended, for as far as this machine can tell: none of a process of another one.
    pub fn has_ended(&self) -> Option<bool> {
        let is_here = self.machine.is_some() && self.machine == machine();
        if !is_here {
            return None;
        }
        if !exists(self.process) {
            return Some(true);
        }
        // Where other users' processes are hidden, one that exists is taken for the one that is meant.
        let Some(stat) = stat_of(self.process) else {
            return Some(false);
        };
        let is_another = self.started.is_some_and(|started| started != stat.started);
        Some(is_another || matches!(stat.state, 'Z' | 'X' | 'x'))
    }
}

/// The host's name.
pub fn host_name() -> String {
    sysinfo::System::host_name().unwrap_or_else(|| "an unnamed host".to_owned())
}

fn machine() -> Option<String> {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let namespace = fs::read_link("/proc/self/ns/pid").ok()?;
    Some(format!("{} {}", boot.trim(), namespace.display()))
}

#[cfg(unix)]
fn exists(process: u32) -> bool {
    use nix::errno::Errno;
    use nix::sys::signal::kill;
    use nix::unistd::Pid;
    i32::try_from(process).is_ok_and(|process| kill(Pid::from_raw(process), None) != Err(Errno::ESRCH))
}

#[cfg(not(unix))]
fn exists(_: u32) -> bool {
    true
}

/// What /proc/PID/stat says.
struct Stat {
    state: char,
    started: u64,
}

fn stat_of(process: u32) -> Option<Stat> {
    parsed(&fs::read_to_string(format!("/proc/{process}/stat")).ok()?)
}

/// The third and the 22nd field (proc(5)); the second is a name in parentheses, which may hold anything.
fn parsed(stat: &str) -> Option<Stat> {
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    Some(Stat {
        state: fields.first()?.chars().next()?,
        started: fields.get(19)?.parse().ok()?,
    })
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::process::Command;

    use super::*;

    fn of_process(process: u32) -> ProcessIdentity {
        ProcessIdentity {
            process,
            started: stat_of(process).map(|stat| stat.started),
            ..ProcessIdentity::own()
        }
    }

    #[test]
    fn this_process_has_not_ended_and_a_child_has_when_it_was_killed() {
        assert_eq!(ProcessIdentity::own().has_ended(), Some(false));
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let identity = of_process(child.id());
        assert_eq!(identity.has_ended(), Some(false));
        child.kill().unwrap();
        // Nobody has waited for it yet: a zombie has ended.
        while identity.has_ended() != Some(true) {
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        child.wait().unwrap();
        assert_eq!(identity.has_ended(), Some(true));
    }

    #[test]
    fn another_process_with_its_number_is_not_it() {
        let own = ProcessIdentity::own();
        let before = ProcessIdentity {
            started: own.started.map(|started| started + 1),
            ..own
        };
        assert_eq!(before.has_ended(), Some(true));
    }

    #[test]
    fn nothing_is_said_of_another_machines_process() {
        for machine in [None, Some("another boot pid:[1]".to_owned())] {
            let elsewhere = ProcessIdentity {
                machine,
                process: 999_999,
                ..ProcessIdentity::own()
            };
            assert_eq!(elsewhere.has_ended(), None);
        }
    }

    #[test]
    fn a_name_with_spaces_and_parentheses_shifts_no_field() {
        let stat = "7 (a) S b)) R 1 7 7 0 -1 4194304 0 0 0 0 1 2 0 0 20 0 1 0 8123456 0";
        let stat = parsed(stat).unwrap();
        assert_eq!((stat.state, stat.started), ('R', 8_123_456));
    }
}
