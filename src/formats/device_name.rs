//! A device's name as files hold it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The name of a device: a word, which is that of its backend, and `:N` for the Nth of several. Which of them can be
/// opened here is the backends' affair: a table may come from a program that has more of them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DeviceName(String);

/// A text that is not a device's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a device's name, expected one such as cpu or cuda:0")]
pub struct DeviceNameError(String);

impl DeviceName {
    /// The name that a record holds; `unknown` where that is not a device's name.
    pub fn recorded(text: &str) -> Self {
        text.parse().unwrap_or_else(|_| Self("unknown".to_owned()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether text is lower-case letters, and behind a colon a whole number, if anything.
fn is_device_name(text: &str) -> bool {
    let (backend, index) = match text.split_once(':') {
        Some((backend, index)) => (backend, Some(index)),
        None => (text, None),
    };
    let has = |text: &str, is: fn(&u8) -> bool| !text.is_empty() && text.bytes().all(|byte| is(&byte));
    has(backend, u8::is_ascii_lowercase) && index.is_none_or(|index| has(index, u8::is_ascii_digit))
}

impl TryFrom<String> for DeviceName {
    type Error = DeviceNameError;

    fn try_from(text: String) -> Result<Self, DeviceNameError> {
        if is_device_name(&text) {
            return Ok(Self(text));
        }
        Err(DeviceNameError(text))
    }
}

impl FromStr for DeviceName {
    type Err = DeviceNameError;

    fn from_str(text: &str) -> Result<Self, DeviceNameError> {
        text.to_owned().try_into()
    }
}

impl From<DeviceName> for String {
    fn from(name: DeviceName) -> Self {
        name.0
    }
}

impl fmt::Display for DeviceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_is_a_word_with_an_index_if_there_are_several() {
        for name in ["cpu", "flex", "cuda:0", "wgpu:12", "another"] {
            assert_eq!(name.parse::<DeviceName>().unwrap().as_str(), name);
        }
        for text in [
            "", ":0", "cuda:", "cuda:x", "cuda:0:1", "CPU", "=1", "a b", "cpu\n", "größe",
        ] {
            assert!(text.parse::<DeviceName>().is_err(), "{text:?}");
            assert_eq!(DeviceName::recorded(text).as_str(), "unknown");
        }
    }
}
