//! The kernel's out-of-memory killer: which process it kills first, and whether it killed one.

use std::fs;
use std::io;
use std::path::Path;

/// How many processes the kernel has killed for want of memory, at one moment.
///
/// It kills by signal 9, as a user may too; only the count distinguishes the two. The count is raised before the signal
/// is sent, so a parent that has waited for the process sees it. A daemon's kills (earlyoom, systemd-oomd) are not
/// counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OomKills {
    /// In this process's own memory cgroup and those below it.
    own: Option<u64>,
    /// On the whole machine, other containers' included.
    machine: Option<u64>,
}

impl OomKills {
    /// Reads the counts; one that the system does not report is left out.
    pub fn now() -> Self {
        let machine = fs::read_to_string("/proc/vmstat").ok();
        Self {
            own: own_kills(),
            machine: machine.and_then(|vmstat| count_in(&vmstat)),
        }
    }

    /// Whether a process was killed between `before` and this reading: one of the own cgroup where it counts, since
    /// other users' processes say nothing about ours; else one of the machine's. False where nothing is counted.
    pub fn happened_since(&self, before: &Self) -> bool {
        let rose = |before: Option<u64>, now: Option<u64>| Some(now? > before?);
        rose(before.own, self.own)
            .or_else(|| rose(before.machine, self.machine))
            .unwrap_or(false)
    }
}

/// The count of this process's memory cgroup. The root has none, and in a container the path may name a place that is
/// not mounted there.
fn own_kills() -> Option<u64> {
    let cgroups = fs::read_to_string("/proc/self/cgroup").ok()?;
    let mounts = [
        ("/sys/fs/cgroup", "memory.events", unified_path(&cgroups)),
        ("/sys/fs/cgroup/unified", "memory.events", unified_path(&cgroups)),
        ("/sys/fs/cgroup/memory", "memory.oom_control", memory_path(&cgroups)),
    ];
    mounts.into_iter().find_map(|(mount, file, path)| {
        let folder = Path::new(mount).join(path?.trim_start_matches('/'));
        count_in(&fs::read_to_string(folder.join(file)).ok()?)
    })
}

/// The path in the hierarchy of version 2, from the line `0::/user.slice/…`.
fn unified_path(cgroups: &str) -> Option<&str> {
    cgroups.lines().find_map(|line| line.strip_prefix("0::"))
}

/// The path in version 1's hierarchy of the memory controller, from the line `4:memory:/…`.
fn memory_path(cgroups: &str) -> Option<&str> {
    cgroups.lines().find_map(|line| {
        let mut parts = line.splitn(3, ':').skip(1);
        let controllers = parts.next()?;
        let path = parts.next()?;
        controllers.split(',').any(|name| name == "memory").then_some(path)
    })
}

/// The count in a line `oom_kill 3`, which all three files have.
fn count_in(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("oom_kill "))?;
    line.trim().parse().ok()
}

/// Asks the kernel to kill this process before any other when memory runs out: a trial rather than the run that waits
/// for it. Child processes inherit the setting.
///
/// # Errors
/// The system does not support it, as on systems other than Linux.
pub fn prefer_to_be_killed() -> io::Result<()> {
    set_oom_score_adjustment("1000")
}

fn set_oom_score_adjustment(value: &str) -> io::Result<()> {
    fs::write("/proc/self/oom_score_adj", value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kills(own: Option<u64>, machine: Option<u64>) -> OomKills {
        OomKills { own, machine }
    }

    #[test]
    fn the_count_is_read_from_any_of_the_kernels_three_files() {
        assert_eq!(
            count_in("low 0\nhigh 0\nmax 19\noom 4\noom_kill 3\noom_group_kill 1\n"),
            Some(3)
        );
        assert_eq!(count_in("oom_kill_disable 0\nunder_oom 0\noom_kill 12\n"), Some(12));
        assert_eq!(count_in("pgfault 1\noom_kill 7\nnuma_hit 2\n"), Some(7));
        assert_eq!(count_in("oom_kill_disable 0\nunder_oom 0\n"), None);
        assert_eq!(count_in("oom_kill many\n"), None);
    }

    #[test]
    fn the_cgroups_path_is_found_in_either_version() {
        let hybrid = "9:name=systemd:/\n4:cpu,memory:/box/a:b\n3:cpuset:/\n0::/user.slice\n";
        assert_eq!(memory_path(hybrid), Some("/box/a:b"));
        assert_eq!(unified_path(hybrid), Some("/user.slice"));
        assert_eq!(memory_path("0::/\n"), None);
        assert_eq!(unified_path("4:memory:/\n"), None);
    }

    #[test]
    fn a_kill_is_seen_where_the_count_rose() {
        assert!(kills(Some(1), Some(9)).happened_since(&kills(Some(0), Some(9))));
        assert!(!kills(Some(1), Some(9)).happened_since(&kills(Some(1), Some(9))));
        assert!(kills(None, Some(9)).happened_since(&kills(None, Some(8))));
        assert!(!kills(None, None).happened_since(&kills(None, None)));
    }

    #[test]
    fn a_kill_in_another_container_is_not_taken_for_ours() {
        assert!(!kills(Some(1), Some(9)).happened_since(&kills(Some(1), Some(8))));
    }

    #[test]
    fn the_machines_count_serves_where_the_own_cgroup_gained_or_lost_its_count() {
        assert!(kills(None, Some(9)).happened_since(&kills(Some(1), Some(8))));
        assert!(kills(Some(5), Some(9)).happened_since(&kills(None, Some(8))));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_process_can_ask_to_be_killed_first() {
        let path = "/proc/self/oom_score_adj";
        let before = fs::read_to_string(path).unwrap();
        prefer_to_be_killed().unwrap();
        let asked = fs::read_to_string(path).unwrap();
        set_oom_score_adjustment(before.trim()).unwrap();
        assert_eq!(asked.trim(), "1000");
    }
}
