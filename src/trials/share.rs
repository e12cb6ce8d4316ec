//! Which part of an ablation's work a run does: all of it, a shard, or one unit.
//!
//! The units of work are the trials, in the ablation's order, and behind them the measurements, which stay together: what is
//! measured of one variant is compared with another's within a round, on one machine.

use std::fmt;
use std::str::FromStr;

use super::identity::sha256;

/// The name of the unit that all measurements of an ablation are.
pub const MEASUREMENTS: &str = "measurements";

/// One of several parts, counted from 0. A unit belongs to the part that its identity's hash says: adding a variant moves no
/// other one's trials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    index: u64,
    count: u64,
}

/// The part of the work that a run does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Share {
    /// All of it, with the result folder for itself.
    All,
    /// A shard; `gaps` where its array has no task for some of the others, whose units it takes up behind its own.
    Shard {
        /// Which.
        shard: Shard,
        /// Who says so, such as `--shard` or `SLURM_ARRAY_TASK_ID`.
        source: String,
        /// Whether the units of other shards may be nobody's.
        gaps: bool,
    },
    /// The unit at this place, counted from 0.
    Place {
        /// The place.
        place: usize,
        /// Who says so.
        source: String,
    },
    /// The unit of this name: a trial's identity, or [`MEASUREMENTS`].
    Unit(String),
}

/// The variable with the number of parts, for engines that tell a task its index alone.
const SHARDS: &str = "DENSENET_BENCH_SHARDS";
/// The variables of engines that tell a task its index alone.
const INDEX_ALONE: [&str; 2] = ["JOB_COMPLETION_INDEX", "HQ_TASK_ID"];

impl Shard {
    /// The part of this index, from 0, of so many.
    ///
    /// # Errors
    /// No such part, with the rule and the remedy.
    pub fn new(index: u64, count: u64) -> Result<Self, String> {
        match count {
            0 => Err("there are 0 shards; write at least 1".to_owned()),
            _ if index >= count => Err(format!(
                "shards are counted from 0: of {count} they are 0/{count} to {}/{count}",
                count - 1
            )),
            _ => Ok(Self { index, count }),
        }
    }

    /// Whether a unit of this name is in it: the first 64 bits of the name's SHA-256, modulo the number of shards.
    fn includes(self, name: &str) -> bool {
        let hash = u64::from_str_radix(&sha256(name.as_bytes())[..16], 16).unwrap_or(0);
        hash % self.count == self.index
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let rule = || format!("'{text}' is not I/N, such as 0/4 for the first of four");
        let (index, count) = text.split_once('/').ok_or_else(rule)?;
        let number = |text: &str| text.parse::<u64>().map_err(|_| rule());
        Self::new(number(index)?, number(count)?)
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.index, self.count)
    }
}

impl Share {
    /// What the variables of an array task say: SLURM's, then those of a Kubernetes indexed job, then HyperQueue's; none
    /// where there are none of them.
    ///
    /// # Errors
    /// A variable that is no number, or numbers that do not go together.
    pub fn of_array_task(variable: &dyn Fn(&str) -> Option<String>) -> Result<Option<Self>, String> {
        let number = |name: &str| -> Result<Option<u64>, String> {
            let Some(text) = variable(name) else { return Ok(None) };
            text.trim().parse().map(Some).map_err(|_| {
                format!("{name}={text}: it must be a whole number; unset it, or say the part with --shard")
            })
        };
        if let Some(id) = number("SLURM_ARRAY_TASK_ID")? {
            let of = |part: &str| number(&format!("SLURM_ARRAY_TASK_{part}"));
            return slurm(id, of("COUNT")?, of("MIN")?, of("MAX")?, of("STEP")?).map(Some);
        }
        for name in INDEX_ALONE {
            let Some(index) = number(name)? else { continue };
            let source = name.to_owned();
            return match number(SHARDS)? {
                Some(count) => {
                    let shard = Shard::new(index, count).map_err(|error| format!("{name}={index}: {error}"))?;
                    Ok(Some(Self::Shard {
                        shard,
                        source,
                        gaps: false,
                    }))
                }
                None => Ok(Some(Self::Place {
                    place: usize::try_from(index).unwrap_or(usize::MAX),
                    source,
                })),
            };
        }
        Ok(None)
    }

    /// Whether the trial at this place, with this identity, is in it.
    pub fn includes_trial(&self, place: usize, identity: &str) -> bool {
        self.includes(place, identity, identity)
    }

    /// Whether the measurements of an ablation of this name and so many trials are in it.
    pub fn includes_measurements(&self, ablation: &str, trials: usize) -> bool {
        // Of several ablations not all are measured by the first task.
        self.includes(trials, MEASUREMENTS, &format!("{MEASUREMENTS} {ablation}"))
    }

    fn includes(&self, place: usize, name: &str, hashed: &str) -> bool {
        match self {
            Self::All => true,
            Self::Shard { shard, .. } => shard.includes(hashed),
            Self::Place { place: own, .. } => *own == place,
            Self::Unit(own) => own == name,
        }
    }

    /// Whether units outside it are to be taken up behind its own where nobody has them.
    pub fn takes_up_others(&self) -> bool {
        matches!(self, Self::Shard { gaps: true, .. })
    }

    /// In words, with who says so; empty of all.
    pub fn in_words(&self) -> String {
        match self {
            Self::All => String::new(),
            Self::Shard { shard, source, gaps } => {
                let rest = if *gaps { ", then what no other task has" } else { "" };
                format!("shard {shard} ({source}){rest}")
            }
            Self::Place { place, source } => format!("unit {place} ({source})"),
            Self::Unit(name) if name == MEASUREMENTS => MEASUREMENTS.to_owned(),
            Self::Unit(name) => format!("trial {name}"),
        }
    }
}

/// A task of a SLURM array: `--array=1-7:2` has the IDs 1, 3, 5 and 7. An array of single IDs (`--array=0,3,7`) has gaps, and
/// its tasks are not told which.
fn slurm(
    id: u64,
    count: Option<u64>,
    first: Option<u64>,
    last: Option<u64>,
    step: Option<u64>,
) -> Result<Share, String> {
    let source = "SLURM_ARRAY_TASK_ID".to_owned();
    let (first, step) = (first.unwrap_or(0), step.unwrap_or(1).max(1));
    let wrong = |rule: String| format!("SLURM_ARRAY_TASK_ID={id}: {rule}; say the part with --shard");
    let Some(count) = count.filter(|count| *count > 0) else {
        return Err(wrong("SLURM_ARRAY_TASK_COUNT is not set".to_owned()));
    };
    let rank = id
        .checked_sub(first)
        .ok_or_else(|| wrong(format!("it is below SLURM_ARRAY_TASK_MIN={first}")))?
        / step;
    let places = last.map_or(count, |last| last.saturating_sub(first) / step + 1);
    let gaps = places != count || rank >= count;
    let shard = Shard::new(rank % count, count).map_err(wrong)?;
    Ok(Share::Shard { shard, source, gaps })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(variables: &[(&str, &str)]) -> Result<Option<Share>, String> {
        let value = |name: &str| {
            let found = variables.iter().find(|(other, _)| *other == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        Share::of_array_task(&value)
    }

    fn array(id: &str, count: &str, first: &str, last: &str, step: &str) -> String {
        let variables = [
            ("SLURM_ARRAY_TASK_ID", id),
            ("SLURM_ARRAY_TASK_COUNT", count),
            ("SLURM_ARRAY_TASK_MIN", first),
            ("SLURM_ARRAY_TASK_MAX", last),
            ("SLURM_ARRAY_TASK_STEP", step),
        ];
        task(&variables).map_or_else(|error| error, |share| share.unwrap().in_words())
    }

    #[test]
    fn every_unit_is_in_one_shard_and_all_shards_have_some() {
        let names: Vec<String> = (0..400).map(|number| format!("{number:016x}")).collect();
        for count in [1, 2, 3, 7] {
            let of = |index| {
                let shard = Shard::new(index, count).unwrap();
                names.iter().filter(|name| shard.includes(name)).count()
            };
            let sizes: Vec<usize> = (0..count).map(of).collect();
            assert_eq!(sizes.iter().sum::<usize>(), names.len());
            let fair = names.len() / count as usize;
            assert!(
                sizes.iter().all(|size| (fair * 3 / 5..=fair * 7 / 5).contains(size)),
                "{sizes:?}"
            );
        }
    }

    #[test]
    fn a_shard_is_read_and_one_that_is_none_is_an_error_that_says_how_they_are_counted() {
        assert_eq!("0/4".parse(), Shard::new(0, 4));
        assert_eq!("3/4".parse::<Shard>().unwrap().to_string(), "3 of 4");
        for (text, rule) in [
            ("4/4", "shards are counted from 0: of 4 they are 0/4 to 3/4"),
            ("0/0", "there are 0 shards; write at least 1"),
            ("1", "'1' is not I/N, such as 0/4 for the first of four"),
            ("-1/4", "'-1/4' is not I/N, such as 0/4 for the first of four"),
            ("a/b", "'a/b' is not I/N, such as 0/4 for the first of four"),
        ] {
            assert_eq!(text.parse::<Shard>().unwrap_err(), rule);
        }
    }

    #[test]
    fn an_array_task_of_slurm_has_its_rank_and_one_of_an_array_with_gaps_takes_up_the_rest() {
        assert_eq!(array("2", "4", "0", "3", "1"), "shard 2 of 4 (SLURM_ARRAY_TASK_ID)");
        assert_eq!(array("4", "4", "1", "4", "1"), "shard 3 of 4 (SLURM_ARRAY_TASK_ID)");
        assert_eq!(array("5", "4", "1", "7", "2"), "shard 2 of 4 (SLURM_ARRAY_TASK_ID)");
        let rest = "(SLURM_ARRAY_TASK_ID), then what no other task has";
        assert_eq!(array("0", "3", "0", "7", "1"), format!("shard 0 of 3 {rest}"));
        assert_eq!(array("7", "3", "0", "7", "1"), format!("shard 1 of 3 {rest}"));
        assert!(array("0", "3", "1", "3", "1").contains("below SLURM_ARRAY_TASK_MIN=1"));
        assert!(array("x", "3", "1", "3", "1").contains("it must be a whole number"));
        let alone = task(&[("SLURM_ARRAY_TASK_ID", "0")]).unwrap_err();
        assert!(
            alone.contains("SLURM_ARRAY_TASK_COUNT is not set; say the part with --shard"),
            "{alone}"
        );
    }

    #[test]
    fn an_index_alone_is_a_place_and_with_their_number_a_shard() {
        let words = |variables: &[(&str, &str)]| task(variables).unwrap().unwrap().in_words();
        assert_eq!(words(&[("JOB_COMPLETION_INDEX", "3")]), "unit 3 (JOB_COMPLETION_INDEX)");
        assert_eq!(words(&[("HQ_TASK_ID", "0")]), "unit 0 (HQ_TASK_ID)");
        let both = [
            ("HQ_TASK_ID", "1"),
            ("JOB_COMPLETION_INDEX", "3"),
            ("DENSENET_BENCH_SHARDS", "4"),
        ];
        assert_eq!(words(&both), "shard 3 of 4 (JOB_COMPLETION_INDEX)");
        assert!(task(&[("HQ_TASK_ID", "4"), ("DENSENET_BENCH_SHARDS", "4")]).is_err());
        assert_eq!(task(&[("SLURM_JOB_ID", "7")]), Ok(None));
    }

    #[test]
    fn a_place_and_a_name_are_one_unit() {
        let place = Share::Place {
            place: 2,
            source: String::new(),
        };
        assert!(place.includes_trial(2, "1f") && !place.includes_trial(1, "2e"));
        assert!(place.includes_measurements("x", 2) && !place.includes_measurements("x", 3));
        let unit = Share::Unit("1f".to_owned());
        assert!(unit.includes_trial(0, "1f") && !unit.includes_trial(0, "2e") && !unit.includes_measurements("x", 0));
        assert!(Share::Unit(MEASUREMENTS.to_owned()).includes_measurements("x", 7));
    }
}
