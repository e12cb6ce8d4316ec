//! How a family reads the options of a file.

use serde::de::DeserializeOwned;
use serde::de::IntoDeserializer;
use serde::de::value::{Error as WordError, StrDeserializer};

use super::error::NetworkError;

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
}
