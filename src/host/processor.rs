//! Which processor this is, beyond its name: two whose kernels differ may both call themselves "AMD EPYC".

use std::collections::BTreeMap;
use std::fs;

use serde::{Deserialize, Serialize};

use super::instructions::dispatched;
use crate::formats::ablation::Instructions;

/// What the system says of the processor; a field that it does not say is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessorIdentity {
    /// `AuthenticAMD`; on Arm the implementer's number.
    pub vendor: String,
    /// The family; on Arm the architecture.
    pub family: String,
    /// The model; on Arm the part.
    pub model: String,
    /// The stepping; on Arm variant and revision.
    pub stepping: String,
    /// The version of the microcode. It may change when the machine starts, and does not make another processor.
    pub microcode: String,
}

impl ProcessorIdentity {
    /// This machine's first processor, as `/proc/cpuinfo` describes it; none where that is not there.
    pub fn here() -> Option<Self> {
        Self::described(&fs::read_to_string("/proc/cpuinfo").ok()?)
    }

    /// The first processor of a `/proc/cpuinfo`.
    fn described(cpuinfo: &str) -> Option<Self> {
        let mut fields: BTreeMap<&str, &str> = BTreeMap::new();
        for line in cpuinfo.lines() {
            let Some((name, value)) = line.split_once(':') else {
                continue;
            };
            // The first processor's lines come first.
            fields.entry(name.trim()).or_insert(value.trim());
        }
        let field = |names: &[&str]| {
            let found = names.iter().filter_map(|name| fields.get(name));
            found.map(|value| (*value).to_owned()).collect::<Vec<_>>().join(" ")
        };
        let identity = Self {
            vendor: field(&["vendor_id", "CPU implementer"]),
            family: field(&["cpu family", "CPU architecture"]),
            model: field(&["model", "CPU part"]),
            stepping: field(&["stepping", "CPU variant", "CPU revision"]),
            microcode: field(&["microcode"]),
        };
        (identity != Self::default()).then_some(identity)
    }

    /// `family 25, model 17, stepping 1`: what tells processors of one name apart.
    pub fn kind(&self) -> String {
        let parts = [
            ("family", &self.family),
            ("model", &self.model),
            ("stepping", &self.stepping),
        ];
        let known = parts.into_iter().filter(|(_, value)| !value.is_empty());
        known
            .map(|(name, value)| format!("{name} {value}"))
            .collect::<Vec<_>>()
            .join(", ")
    }

    /// Whether both are of one kind, whatever their microcode.
    pub fn is_like(&self, other: &Self) -> bool {
        self.vendor == other.vendor && self.kind() == other.kind()
    }
}

/// The processor's name with its kind and the vector instructions that are used:
/// `AMD EPYC (family 25, model 17, stepping 1) with AVX-512`.
pub fn processor_in_words(
    name: &str,
    identity: Option<&ProcessorIdentity>,
    instructions: &BTreeMap<String, String>,
) -> String {
    let kind = identity.map(ProcessorIdentity::kind).filter(|kind| !kind.is_empty());
    let kind = kind.map(|kind| format!(" ({kind})")).unwrap_or_default();
    let used = match instructions_in_words(instructions) {
        used if used.is_empty() => String::new(),
        used => format!(" with {used}"),
    };
    format!("{name}{kind}{used}")
}

/// `AVX-512`, or where the libraries differ `ATen AVX2, kernels AVX-512, oneDNN AVX-512`.
pub fn instructions_in_words(instructions: &BTreeMap<String, String>) -> String {
    let mut sets = instructions.values();
    match sets.next() {
        Some(first) if sets.all(|set| set == first) => first.clone(),
        _ => instructions
            .iter()
            .map(|(library, set)| format!("{library} {set}"))
            .collect::<Vec<_>>()
            .join(", "),
    }
}

/// This machine's processor in words.
pub fn this_processor() -> String {
    let mut system = sysinfo::System::new();
    system.refresh_cpu_list(sysinfo::CpuRefreshKind::nothing());
    let name = system.cpus().first().map_or("unknown", |cpu| cpu.brand()).to_owned();
    processor_in_words(
        &name,
        ProcessorIdentity::here().as_ref(),
        &dispatched(Instructions::Auto),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const EPYC: &str = "processor\t: 0\nvendor_id\t: AuthenticAMD\ncpu family\t: 25\nmodel\t\t: 17\n\
                        model name\t: AMD EPYC\nstepping\t: 1\nmicrocode\t: 0xa101154\n\n\
                        processor\t: 1\nvendor_id\t: AuthenticAMD\nmodel\t\t: 99\n";

    fn sets(sets: &[(&str, &str)]) -> BTreeMap<String, String> {
        let own = |&(library, set): &(&str, &str)| (library.to_owned(), set.to_owned());
        sets.iter().map(own).collect()
    }

    #[test]
    fn processors_of_one_name_are_told_apart_by_family_model_and_stepping() {
        let genoa = ProcessorIdentity::described(EPYC).unwrap();
        assert_eq!(
            (genoa.vendor.as_str(), genoa.microcode.as_str()),
            ("AuthenticAMD", "0xa101154")
        );
        assert_eq!(genoa.kind(), "family 25, model 17, stepping 1");
        let milan = ProcessorIdentity::described(&EPYC.replace(": 17", ": 1")).unwrap();
        assert!(!genoa.is_like(&milan));
        let updated = ProcessorIdentity::described(&EPYC.replace("0xa101154", "0xa101155")).unwrap();
        assert!(genoa.is_like(&updated) && genoa != updated);
    }

    #[test]
    fn an_arm_processor_is_described_by_its_own_fields_and_an_empty_text_by_none() {
        let graviton = "processor\t: 0\nBogoMIPS\t: 243.75\nCPU implementer\t: 0x41\nCPU architecture: 8\n\
                        CPU variant\t: 0x3\nCPU part\t: 0xd0c\nCPU revision\t: 1\n";
        let identity = ProcessorIdentity::described(graviton).unwrap();
        assert_eq!(identity.vendor, "0x41");
        assert_eq!(identity.kind(), "family 8, model 0xd0c, stepping 0x3 1");
        assert_eq!(ProcessorIdentity::described("nothing\n"), None);
    }

    #[test]
    fn the_words_name_one_set_where_all_agree_and_each_librarys_else() {
        let identity = ProcessorIdentity::described(EPYC);
        let agree = sets(&[("ATen", "AVX2"), ("kernels", "AVX2")]);
        assert_eq!(
            processor_in_words("AMD EPYC", identity.as_ref(), &agree),
            "AMD EPYC (family 25, model 17, stepping 1) with AVX2"
        );
        let differ = sets(&[("ATen", "AVX2"), ("kernels", "AVX-512")]);
        assert_eq!(
            processor_in_words("AMD EPYC", None, &differ),
            "AMD EPYC with ATen AVX2, kernels AVX-512"
        );
        assert_eq!(processor_in_words("unknown", None, &BTreeMap::new()), "unknown");
    }
}
