//! How the system treats the processors: facts that a speed depends on and that no command of this program changes.

use std::collections::BTreeMap;
use std::fs;

/// The state of this machine, by the name under which it is recorded; what the system does not say is left out.
///
/// `governor`: what decides the first processor's clock (`performance`, `schedutil`). `smt`: whether hardware threads share
/// cores. `huge_pages`: the policy of transparent huge pages. `cpu_quota`: the quota of the process's own cgroup as the
/// system has it, microseconds of processor time in a period. `affinity`: the processors that it may run on.
pub fn system_state() -> BTreeMap<String, String> {
    let facts = [
        (
            "governor",
            read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
        ),
        (
            "smt",
            read("/sys/devices/system/cpu/smt/active").map(|active| match active.as_str() {
                "1" => "on".to_owned(),
                "0" => "off".to_owned(),
                _ => active,
            }),
        ),
        (
            "huge_pages",
            read("/sys/kernel/mm/transparent_hugepage/enabled").and_then(|text| chosen(&text)),
        ),
        ("cpu_quota", cpu_quota()),
        (
            "affinity",
            read("/proc/self/status").and_then(|status| affinity(&status)),
        ),
    ];
    let known = facts.into_iter().filter_map(|(name, fact)| Some((name, fact?)));
    known.map(|(name, fact)| (name.to_owned(), fact)).collect()
}

fn read(path: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    Some(text.trim().to_owned())
}

/// The choice in `always [madvise] never`.
fn chosen(text: &str) -> Option<String> {
    let (_, after) = text.split_once('[')?;
    Some(after.split_once(']')?.0.to_owned())
}

fn affinity(status: &str) -> Option<String> {
    let list = status
        .lines()
        .find_map(|line| line.strip_prefix("Cpus_allowed_list:"))?;
    Some(list.trim().to_owned())
}

/// `cpu.max` of the cgroup that `/proc/self/cgroup` names, or of the root that a container sees: `max 100000`.
fn cpu_quota() -> Option<String> {
    let own = read("/proc/self/cgroup")
        .and_then(|text| own_cgroup(&text))
        .unwrap_or_default();
    read(&format!("/sys/fs/cgroup{own}/cpu.max")).or_else(|| read("/sys/fs/cgroup/cpu.max"))
}

/// The path of the one hierarchy of cgroups version 2.
fn own_cgroup(text: &str) -> Option<String> {
    let path = text.lines().find_map(|line| line.strip_prefix("0::"))?;
    Some(path.trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_files_are_read_as_it_writes_them() {
        assert_eq!(chosen("always [madvise] never").as_deref(), Some("madvise"));
        assert_eq!(chosen("always"), None);
        assert_eq!(
            affinity("Name:\tx\nCpus_allowed_list:\t0-1,4\n").as_deref(),
            Some("0-1,4")
        );
        assert_eq!(
            own_cgroup("1:cpu:/x\n0::/user.slice/a\n").as_deref(),
            Some("/user.slice/a")
        );
        assert_eq!(own_cgroup("0::/\n").as_deref(), Some(""));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_affinity_of_this_process_is_known() {
        assert!(!system_state()["affinity"].is_empty());
    }
}
