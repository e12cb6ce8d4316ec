//! `[run] precision`: what numbers are computed in.

use std::fmt;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

/// What numbers are computed in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Precision {
    /// 32-bit floating point throughout.
    #[default]
    F32,
    /// f32, but CUDA may round the factors of convolutions and matrix products to TF32's 10 bits.
    Tf32,
    /// Convolutions and matrix products in bfloat16 by libtorch's autocast; weights, statistics, loss and optimizer in f32.
    Bf16,
    /// Likewise in 16-bit floating point, with the loss scaled against underflow.
    F16,
}

impl Precision {
    /// Every precision, in the order of the documentation.
    pub const ALL: [Self; 4] = [Self::F32, Self::Tf32, Self::Bf16, Self::F16];

    /// Its name in files and tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::Tf32 => "tf32",
            Self::Bf16 => "bf16",
            Self::F16 => "f16",
        }
    }

    /// Whether feature maps are of 16 bits.
    pub fn is_half(self) -> bool {
        matches!(self, Self::Bf16 | Self::F16)
    }
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// From its name, or from the flag `tf32` that records before version 0.2 have in its place.
impl<'de> Deserialize<'de> for Precision {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NameOrFlag;

        impl Visitor<'_> for NameOrFlag {
            type Value = Precision;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a precision")
            }

            fn visit_str<E: Error>(self, name: &str) -> Result<Precision, E> {
                let named = Precision::ALL.into_iter().find(|precision| precision.name() == name);
                named.ok_or_else(|| E::unknown_variant(name, &["f32", "tf32", "bf16", "f16"]))
            }

            fn visit_bool<E: Error>(self, tf32: bool) -> Result<Precision, E> {
                Ok(if tf32 { Precision::Tf32 } else { Precision::F32 })
            }
        }

        deserializer.deserialize_any(NameOrFlag)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::ablation::RunSettings;

    #[test]
    fn a_precision_reads_back_as_it_is_written() {
        for precision in Precision::ALL {
            let text = serde_json::to_string(&precision).unwrap();
            assert_eq!(text, format!("{:?}", precision.name()));
            assert_eq!(serde_json::from_str::<Precision>(&text).unwrap(), precision);
        }
        assert!(serde_json::from_str::<Precision>("\"f64\"").is_err());
    }

    #[test]
    fn settings_of_records_with_the_key_tf32_are_read() {
        let read = |text: &str| serde_json::from_str::<RunSettings>(text).map(|run| run.precision);
        let with = |more: &str| read(&format!("{{\"execution\":\"plain\"{more}}}"));
        assert_eq!(with(",\"tf32\":true").unwrap(), Precision::Tf32);
        assert_eq!(with(",\"tf32\":false").unwrap(), Precision::F32);
        assert_eq!(with("").unwrap(), Precision::F32);
        assert_eq!(with(",\"precision\":\"tf32\"").unwrap(), Precision::Tf32);
        assert!(with(",\"tf32\":true,\"precision\":\"f32\"").is_err());
    }
}
