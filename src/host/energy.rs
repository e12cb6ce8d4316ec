//! The energy that a device took between two moments: NVML's counter of a GPU, or RAPL's of the processor's packages.
//!
//! Both count the whole device, other programs' work on it included, and neither counts the rest of the machine.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::environment::nanoseconds;

/// Where Linux has RAPL's counters (`Documentation/power/powercap/powercap.rst`).
const POWERCAP: &str = "/sys/class/powercap";

/// Energy is given of no shorter time. NVML's counter moves every 20 to 100 ms, RAPL's every millisecond.
const LEAST: Duration = Duration::from_millis(500);

/// Whose counter it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EnergySource {
    /// NVML's, of the whole GPU with its memory.
    NvmlGpu,
    /// RAPL's, of all of the processor's packages without the main memory.
    RaplPackages,
}

impl fmt::Display for EnergySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NvmlGpu => "nvml-gpu",
            Self::RaplPackages => "rapl-packages",
        })
    }
}

/// What a device took.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Energy {
    /// In microjoules.
    pub microjoules: u64,
    /// In which time, in nanoseconds.
    pub wall_ns: u64,
    /// By whose counter.
    pub source: EnergySource,
}

/// A counter that only rises, until it starts again at 0 after `range` microjoules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EnergyCounter {
    /// In microjoules.
    pub microjoules: u64,
    /// Where it starts again; none where it never does within a machine's life.
    pub range: Option<u64>,
}

impl EnergyCounter {
    /// What was counted from here to a later reading; none where it went back without a range. One start anew is seen, and
    /// there is no second within the hour.
    fn to(self, later: Self) -> Option<u64> {
        match later.microjoules.checked_sub(self.microjoules) {
            Some(rise) => Some(rise),
            None => self
                .range?
                .checked_add(later.microjoules)?
                .checked_sub(self.microjoules),
        }
    }
}

/// The processor's packages, as far as this user may read them: on many systems the superuser alone.
#[derive(Clone, Debug, Default)]
pub struct Packages(Vec<PathBuf>);

impl Packages {
    /// Of this machine.
    pub fn here() -> Self {
        Self::in_folder(Path::new(POWERCAP))
    }

    /// Those in that folder of the kernel's: of the zones at the top those whose name is `package-N`.
    pub fn in_folder(folder: &Path) -> Self {
        let zones = fs::read_dir(folder).into_iter().flatten().flatten();
        let mut packages: Vec<PathBuf> = zones
            .map(|zone| zone.path())
            .filter(|zone| fs::read_to_string(zone.join("name")).is_ok_and(|name| name.starts_with("package-")))
            .collect();
        packages.sort();
        Self(packages)
    }

    /// How many there are, whether they may be read or not.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// Their counters, in one order; none where there are none or one cannot be read.
    pub fn read(&self) -> Option<Vec<EnergyCounter>> {
        let number = |path: PathBuf| fs::read_to_string(path).ok()?.trim().parse::<u64>().ok();
        let counters = self.0.iter().map(|zone| {
            Some(EnergyCounter {
                microjoules: number(zone.join("energy_uj"))?,
                range: number(zone.join("max_energy_range_uj")),
            })
        });
        let counters: Option<Vec<EnergyCounter>> = counters.collect();
        counters.filter(|counters| !counters.is_empty())
    }
}

/// Counters at a first moment.
#[derive(Clone, Debug)]
pub struct EnergyStart {
    at: Instant,
    counters: Vec<EnergyCounter>,
    source: EnergySource,
}

impl EnergyStart {
    /// Now, with these counters.
    pub fn now(counters: Vec<EnergyCounter>, source: EnergySource) -> Self {
        Self {
            at: Instant::now(),
            counters,
            source,
        }
    }

    /// The energy until now, when the counters are these; none of less than half a second, and where the counters do not
    /// go with the first ones.
    pub fn until_now(self, counters: Option<Vec<EnergyCounter>>) -> Option<Energy> {
        let wall = self.at.elapsed();
        self.over(wall, &counters?)
    }

    fn over(self, wall: Duration, counters: &[EnergyCounter]) -> Option<Energy> {
        if wall < LEAST || counters.len() != self.counters.len() {
            return None;
        }
        let pairs = self.counters.iter().zip(counters);
        let microjoules = pairs.map(|(&before, &after)| before.to(after)).sum::<Option<u64>>()?;
        Some(Energy {
            microjoules,
            wall_ns: nanoseconds(wall),
            source: self.source,
        })
    }

    /// Whose counters they are.
    pub fn source(&self) -> EnergySource {
        self.source
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(folder: &Path, zone: &str, name: &str, energy: &str, range: &str) {
        let zone = folder.join(zone);
        fs::create_dir_all(&zone).unwrap();
        for (file, text) in [("name", name), ("energy_uj", energy), ("max_energy_range_uj", range)] {
            fs::write(zone.join(file), format!("{text}\n")).unwrap();
        }
    }

    fn counter(microjoules: u64, range: Option<u64>) -> EnergyCounter {
        EnergyCounter { microjoules, range }
    }

    fn between(before: &[EnergyCounter], wall_ms: u64, after: &[EnergyCounter]) -> Option<u64> {
        let start = EnergyStart::now(before.to_vec(), EnergySource::RaplPackages);
        let energy = start.over(Duration::from_millis(wall_ms), after)?;
        assert_eq!(energy.wall_ns, wall_ms * 1_000_000);
        Some(energy.microjoules)
    }

    #[test]
    fn the_packages_are_summed_and_their_parts_are_not() {
        let folder = tempfile::tempdir().unwrap();
        zone(folder.path(), "intel-rapl:0", "package-0", "700", "1000");
        zone(folder.path(), "intel-rapl:1", "package-1", "50", "1000");
        zone(folder.path(), "intel-rapl:0:0", "core", "300", "1000");
        zone(folder.path(), "intel-rapl:2", "psys", "9000", "10000");
        let packages = Packages::in_folder(folder.path());
        let before = packages.read().unwrap();
        assert_eq!(before, [counter(700, Some(1000)), counter(50, Some(1000))]);
        zone(folder.path(), "intel-rapl:0", "package-0", "100", "1000");
        zone(folder.path(), "intel-rapl:1", "package-1", "90", "1000");
        // 300 to where it starts again and 100 from there, and 40 of the other.
        assert_eq!(between(&before, 500, &packages.read().unwrap()), Some(440));
    }

    #[test]
    fn what_cannot_be_read_is_absent_and_never_a_part() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Packages::in_folder(folder.path()).read(), None);
        assert_eq!(Packages::in_folder(&folder.path().join("none")).read(), None);
        zone(folder.path(), "intel-rapl:0", "package-0", "700", "1000");
        zone(folder.path(), "intel-rapl:1", "package-1", "no number", "1000");
        assert_eq!(Packages::in_folder(folder.path()).read(), None);
    }

    #[test]
    fn energy_is_of_half_a_second_at_least_and_of_counters_that_go_together() {
        let one = [counter(5, None)];
        assert_eq!(between(&one, 499, &[counter(9, None)]), None);
        assert_eq!(between(&one, 500, &[counter(9, None)]), Some(4));
        assert_eq!(
            between(&one, 500, &[counter(4, None)]),
            None,
            "a driver that was loaded anew"
        );
        assert_eq!(between(&one, 500, &[counter(9, None), counter(9, None)]), None);
        assert_eq!(
            EnergyStart::now(one.to_vec(), EnergySource::NvmlGpu).until_now(None),
            None
        );
    }
}
