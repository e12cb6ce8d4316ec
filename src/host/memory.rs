//! Memory of this process and of the machine.

/// The highest resident set of this process so far, in bytes; `None` where the system does not report it.
pub fn peak_resident_bytes() -> Option<u64> {
    // `VmHWM` rather than `getrusage`, whose figure starts from the parent's at the moment of the fork.
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    parse_peak(&status)
}

fn parse_peak(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

/// Memory that could be taken without swapping, in bytes; `None` where the system does not report it.
pub fn available_memory() -> Option<u64> {
    let mut system = sysinfo::System::new();
    system.refresh_memory();
    let machine = system.available_memory();
    let allowed = system
        .cgroup_limits()
        .map_or(machine, |limits| limits.free_memory.min(machine));
    (allowed > 0).then_some(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peak_is_read_in_bytes() {
        assert_eq!(
            parse_peak("Name:\tx\nVmHWM:\t   12345 kB\nVmRSS:\t 1 kB\n"),
            Some(12345 * 1024)
        );
        assert_eq!(parse_peak("Name:\tx\n"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn touching_memory_raises_the_peak() {
        let before = peak_resident_bytes().unwrap();
        let touched = vec![1u8; before as usize + (64 << 20)];
        assert!(touched.iter().map(|&byte| u64::from(byte)).sum::<u64>() > 0);
        assert!(peak_resident_bytes().unwrap() > before + (32 << 20));
    }
}
