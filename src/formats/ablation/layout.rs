//! `[run] layout`: how feature maps lie in memory.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The order of a feature map's values in memory. The shape is `[batch, channels, height, width]` in either.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MapLayout {
    /// Channel after channel, Burn's own.
    Nchw,
    /// All channels of a pixel together.
    ChannelsLast,
}

impl MapLayout {
    /// Both, in the order of the documentation.
    pub const ALL: [Self; 2] = [Self::Nchw, Self::ChannelsLast];

    /// Its name in files and tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Nchw => "nchw",
            Self::ChannelsLast => "channels-last",
        }
    }
}

impl fmt::Display for MapLayout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layout_reads_back_as_it_is_written() {
        for layout in MapLayout::ALL {
            let text = serde_json::to_string(&layout).unwrap();
            assert_eq!(text, format!("{:?}", layout.to_string()));
            assert_eq!(serde_json::from_str::<MapLayout>(&text).unwrap(), layout);
        }
    }
}
