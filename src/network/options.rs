//! How a family reads the options of a file, and what no family builds.

use serde::de::DeserializeOwned;
use serde::de::IntoDeserializer;
use serde::de::value::{Error as WordError, StrDeserializer};

use super::error::NetworkError;

/// Channels above this are refused: far beyond any network that could be built, and small enough that no closed form
/// overflows.
pub const LARGEST_WIDTH: usize = 1 << 24;

/// The options of `[model]` that a file gives for one variant, by their names (`growth-rate`). Each is already of the
/// kind that its key has.
pub trait Options {
    /// A whole number.
    fn count(&self, name: &str) -> Option<usize>;

    /// Several whole numbers.
    fn counts(&self, name: &str) -> Option<Vec<usize>>;

    /// A number.
    fn number(&self, name: &str) -> Option<f64>;

    /// True or false.
    fn flag(&self, name: &str) -> Option<bool>;

    /// A word.
    fn text(&self, name: &str) -> Option<&str>;

    /// The one of two options that exclude each other which the variant sets itself; the first where the file gives both.
    fn set_by_variant(&self, names: [&'static str; 2]) -> &'static str;
}

impl dyn Options + '_ {
    /// A word as the enumeration's variant of that name.
    ///
    /// # Errors
    /// A word that the enumeration lacks.
    pub fn word<T: DeserializeOwned>(&self, name: &'static str) -> Result<Option<T>, NetworkError> {
        let read = |text: &str| {
            let word: StrDeserializer<'_, WordError> = text.into_deserializer();
            T::deserialize(word).map_err(|error| NetworkError::new(name, error.to_string(), "choose another word"))
        };
        self.text(name).map(read).transpose()
    }

    /// The length of each part (`blocks`, `stages`), which `depth`, `block-layers` or a preset gives.
    ///
    /// # Errors
    /// `depth` and `block-layers` together, none of the three, which proposes the depth `example`, and those of `of_depth`.
    pub fn block_layers(
        &self,
        parts: &str,
        example: usize,
        preset: Option<Vec<usize>>,
        of_depth: impl FnOnce(usize) -> Result<Vec<usize>, NetworkError>,
    ) -> Result<Vec<usize>, NetworkError> {
        match (self.count("depth"), self.counts("block-layers")) {
            (Some(_), Some(_)) => {
                let option = self.set_by_variant(["depth", "block-layers"]);
                let rule = format!("depth and block-layers are both given, and each decides the {parts}");
                Err(NetworkError::new(option, rule, "keep one of the two"))
            }
            (Some(depth), None) => of_depth(depth),
            (None, Some(lengths)) => Ok(lengths),
            (None, None) => preset.ok_or_else(|| {
                let rule = "none of depth, block-layers and preset is given, and the network needs one of them";
                NetworkError::new("depth", rule, format!("give one, such as depth = {example}"))
            }),
        }
    }
}
