//! How long a process has been there.

use std::time::Duration;

/// The time since this process was started, to a hundredth of a second; none where the system does not say it. A program
/// that replaces itself in the same process was started once.
#[cfg(target_os = "linux")]
pub fn since_start() -> Option<Duration> {
    let started = start_hundredths(&std::fs::read_to_string("/proc/self/stat").ok()?)?;
    let uptime = std::fs::read_to_string("/proc/uptime").ok()?;
    let uptime: f64 = uptime.split_whitespace().next()?.parse().ok()?;
    let now = (uptime * 100.0).round() as u64;
    Some(Duration::from_millis(10 * now.checked_sub(started)?))
}

#[cfg(not(target_os = "linux"))]
pub fn since_start() -> Option<Duration> {
    None
}

/// The 22nd field of `/proc/PID/stat`, when the process was started, in the hundredths of a second since the system's
/// start that Linux counts in towards programs. The second, the program's name in parentheses, may hold
/// anything.
#[cfg(target_os = "linux")]
fn start_hundredths(stat: &str) -> Option<u64> {
    let (_, after_name) = stat.rsplit_once(')')?;
    after_name.split_whitespace().nth(19)?.parse().ok()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_blanks_and_parentheses_is_one_field() {
        let stat = "12 (a) b (c) S 1 12 12 0 -1 4194304 9 0 0 0 3 1 0 0 20 0 1 0 4711 9 9";
        assert_eq!(start_hundredths(stat), Some(4711));
        assert_eq!(start_hundredths("12 (a) S 1"), None);
    }

    #[test]
    fn this_process_was_started_a_while_ago_and_gets_older() {
        let first = since_start().unwrap();
        assert!(first < Duration::from_secs(24 * 3600), "{first:?}");
        std::thread::sleep(Duration::from_millis(50));
        assert!(since_start().unwrap() >= first + Duration::from_millis(30));
    }
}
