//! How long a task may last, as people write it and as the engines do.

use std::str::FromStr;

/// How long a task may last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeLimit(u64);

/// The time before a task's end at which it is asked to save and stop.
const TO_SAVE: u64 = 120;

impl TimeLimit {
    /// `1-02:03:04`, as SLURM writes days, hours, minutes and seconds.
    pub fn for_slurm(self) -> String {
        let (minutes, seconds) = (self.0 / 60, self.0 % 60);
        let (hours, minutes) = (minutes / 60, minutes % 60);
        let (days, hours) = (hours / 24, hours % 24);
        format!("{days}-{hours:02}:{minutes:02}:{seconds:02}")
    }

    /// Whole seconds.
    pub fn seconds(self) -> u64 {
        self.0
    }

    /// The seconds before its end at which a task is asked to save and stop: two minutes, or of a short one a quarter.
    pub fn seconds_to_save(self) -> u64 {
        TO_SAVE.min(self.0 / 4).max(1)
    }
}

impl FromStr for TimeLimit {
    type Err = String;

    /// Reads `04:00:00`, `1-12:00:00`, or a number with its unit, such as `90m` or `12h`.
    fn from_str(text: &str) -> Result<Self, String> {
        let rule = || {
            format!("'{text}' is not a time; write hours, minutes and seconds, such as 04:00:00 or 1-12:00:00, or 12h")
        };
        let seconds = match text.contains(':') {
            true => of_clock(text).ok_or_else(rule)?,
            false => humantime::parse_duration(text).map_err(|_| rule())?.as_secs(),
        };
        match seconds {
            0 => Err(rule()),
            seconds => Ok(Self(seconds)),
        }
    }
}

/// The seconds of `[DAYS-]HOURS:MINUTES:SECONDS`.
fn of_clock(text: &str) -> Option<u64> {
    let (days, clock) = text.split_once('-').unwrap_or(("0", text));
    let parts: Option<Vec<u64>> = clock.split(':').map(|part| part.parse().ok()).collect();
    let [hours, minutes, seconds] = parts?[..] else {
        return None;
    };
    let days: u64 = days.parse().ok()?;
    if minutes > 59 || seconds > 59 || days > 10_000 || hours > 100_000 {
        return None;
    }
    Some(((days * 24 + hours) * 60 + minutes) * 60 + seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_read_as_clusters_and_as_people_write_it() {
        for (text, slurm) in [
            ("04:00:00", "0-04:00:00"),
            ("1-12:00:05", "1-12:00:05"),
            ("36:00:00", "1-12:00:00"),
            ("90m", "0-01:30:00"),
            ("12h", "0-12:00:00"),
        ] {
            assert_eq!(text.parse::<TimeLimit>().unwrap().for_slurm(), slurm);
        }
        for text in ["", "4", "00:00:00", "4:00", "04:60:00", "x:00:00", "-1:00:00", "soon"] {
            assert!(
                text.parse::<TimeLimit>().unwrap_err().contains("such as 04:00:00"),
                "{text}"
            );
        }
        assert_eq!("04:00:00".parse::<TimeLimit>().unwrap().seconds_to_save(), 120);
        assert_eq!("00:01:00".parse::<TimeLimit>().unwrap().seconds_to_save(), 15);
    }
}
