//! The machine and the program that a measurement is of.

use serde::{Deserialize, Serialize};

/// The machine and the program that a measurement is of: step times of others are other measurements.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The processor in words, with its kind and the vector instructions in use; empty in earlier records.
    #[serde(default)]
    pub cpu: String,
    /// The machine's GPUs, where the device is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gpu: Option<String>,
    /// The program's revision.
    pub revision: String,
    /// How many measurements ran at once on the machine.
    #[serde(default = "alone", skip_serializing_if = "is_alone")]
    pub at_once: usize,
}

fn alone() -> usize {
    1
}

fn is_alone(at_once: &usize) -> bool {
    *at_once == 1
}

impl Default for Origin {
    fn default() -> Self {
        Self {
            cpu: String::new(),
            gpu: None,
            revision: String::new(),
            at_once: alone(),
        }
    }
}

impl Origin {
    /// What whoever reads its times should know of the machine.
    pub fn warning(&self) -> Option<String> {
        let at_once = self.at_once;
        (at_once > 1).then(|| format!("its times are those of {at_once} measurements at once, which share the machine"))
    }

    /// Whether rows of both may stand beside each other: processor and program are the same, and as many were measured at
    /// once.
    pub fn is_comparable(&self, other: &Self) -> bool {
        (&self.cpu, &self.revision, self.at_once) == (&other.cpu, &other.revision, other.at_once)
    }
}
