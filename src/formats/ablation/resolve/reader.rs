//! The values of one variant by key: the file's own with the variant's over them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::de::value::{Error as WordError, StrDeserializer};
use serde::de::{DeserializeOwned, IntoDeserializer};

use crate::formats::ablation::document::Document;
use crate::formats::ablation::error::Fault;
use crate::formats::ablation::keys;
use crate::formats::ablation::kind::Setting;
use crate::formats::ablation::values::Located;
use crate::formats::ablation::variants::Overlay;

/// The values of one variant. Each is already what its key's kind allows.
pub(in crate::formats::ablation) struct Reader<'d> {
    document: &'d Document,
    overlay: BTreeMap<&'static str, &'d Located<Setting>>,
    folder: &'d Path,
}

impl<'d> Reader<'d> {
    /// The file's own values; relative paths start at `folder`.
    pub fn of_file(document: &'d Document, folder: &'d Path) -> Self {
        Self {
            document,
            overlay: BTreeMap::new(),
            folder,
        }
    }

    pub fn of_variant(document: &'d Document, folder: &'d Path, overlay: &Overlay<'d>) -> Self {
        let set = overlay.set.iter().map(|(known, value)| (known.key, *value));
        Self {
            overlay: set.collect(),
            ..Self::of_file(document, folder)
        }
    }

    fn value(&self, key: &str) -> Option<&'d Located<Setting>> {
        self.overlay.get(key).copied().or_else(|| self.document.values.get(key))
    }

    pub fn is_given(&self, key: &str) -> bool {
        self.value(key).is_some()
    }

    /// Whether a section's header or one of its keys stands in the file or in the variant.
    pub fn has_section(&self, section: &str) -> bool {
        let within = |key: &&str| key.split('.').next() == Some(section);
        self.document.sections.contains_key(section) || self.overlay.keys().any(within)
    }

    /// Whether `key` is given where it has no effect, since `owner` has another value. In a file that lets variants
    /// differ in `owner`, the file's own `key` is there for the others.
    pub fn is_misplaced(&self, key: &str, owner: &str) -> bool {
        let for_other_variants = self.overlay.contains_key(owner) && !self.overlay.contains_key(key);
        self.is_given(key) && !for_other_variants
    }

    /// Of two keys that exclude each other, whether the variant itself sets the second and not the first.
    pub fn sets_second(&self, keys: [&str; 2]) -> bool {
        self.overlay.contains_key(keys[1]) && !self.overlay.contains_key(keys[0])
    }

    /// The one of two keys that exclude each other which the variant sets; the first where the file gives both.
    pub fn set_by_variant(&self, keys: [&'static str; 2]) -> &'static str {
        keys[usize::from(self.sets_second(keys))]
    }

    /// The lines that decided each key, and those of the sections' headers.
    pub fn lines(&self) -> BTreeMap<String, usize> {
        let sections = self
            .document
            .sections
            .iter()
            .map(|(section, &line)| (section.clone(), line));
        let own = self.document.values.iter();
        let own = own.map(|(key, value)| ((*key).to_owned(), value.line));
        let set = self.overlay.iter().map(|(key, value)| ((*key).to_owned(), value.line));
        sections.chain(own).chain(set).collect()
    }

    pub fn flag(&self, key: &str) -> Option<bool> {
        match self.value(key)?.value {
            Setting::Flag(flag) => Some(flag),
            _ => None,
        }
    }

    pub fn count(&self, key: &str) -> Option<usize> {
        match self.value(key)?.value {
            Setting::Count(count) => usize::try_from(count).ok(),
            _ => None,
        }
    }

    pub fn seed(&self, key: &str) -> Option<u64> {
        match self.value(key)?.value {
            Setting::Count(seed) => Some(seed),
            _ => None,
        }
    }

    pub fn number(&self, key: &str) -> Option<f64> {
        match self.value(key)?.value {
            Setting::Number(number) => Some(number),
            _ => None,
        }
    }

    pub fn text(&self, key: &str) -> Option<&'d str> {
        match &self.value(key)?.value {
            Setting::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Names; none where the word for none of them stands alone.
    pub fn names(&self, key: &str) -> Vec<String> {
        match self.value(key).map(|located| &located.value) {
            Some(Setting::Texts(names)) if names[..] != ["none"] => names.clone(),
            _ => Vec::new(),
        }
    }

    pub fn numbers(&self, key: &str) -> Option<&'d [f64]> {
        match &self.value(key)?.value {
            Setting::Numbers(numbers) => Some(numbers),
            _ => None,
        }
    }

    pub fn whole_numbers(&self, key: &str) -> Option<&'d [u64]> {
        match &self.value(key)?.value {
            Setting::Counts(counts) => Some(counts),
            _ => None,
        }
    }

    pub fn counts(&self, key: &str) -> Option<Vec<usize>> {
        let counts = self.whole_numbers(key)?.iter();
        counts.map(|&count| usize::try_from(count).ok()).collect()
    }

    /// A path, relative ones from the file's folder; one that starts at the home folder (`~`) as it is.
    pub fn path(&self, key: &str) -> Option<PathBuf> {
        let from_folder = |text: &str| match Path::new(text).starts_with("~") {
            true => PathBuf::from(text),
            false => self.folder.join(text),
        };
        self.text(key).map(from_folder)
    }

    /// One word as the enumeration's variant of that name.
    pub fn word<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, Fault> {
        self.text(key).map(|text| self.variant_of(key, text)).transpose()
    }

    /// Several words, likewise.
    pub fn words<T: DeserializeOwned>(&self, key: &str) -> Result<Option<Vec<T>>, Fault> {
        match self.value(key).map(|located| &located.value) {
            Some(Setting::Texts(texts)) => {
                let words = texts.iter().map(|text| self.variant_of(key, text));
                words.collect::<Result<_, _>>().map(Some)
            }
            _ => Ok(None),
        }
    }

    fn variant_of<T: DeserializeOwned>(&self, key: &str, text: &str) -> Result<T, Fault> {
        let word: StrDeserializer<'_, WordError> = text.into_deserializer();
        T::deserialize(word).map_err(|error| self.fault(key, error.to_string()))
    }

    /// A fault of `key`, on its line, or on its section's where the file does not give it; the remedy is the key's.
    pub fn fault(&self, key: &str, rule: impl Into<String>) -> Fault {
        let remedy = keys::known(key).map_or("", |known| known.remedy);
        self.fault_with(key, rule, remedy)
    }

    /// [`Reader::fault`] with a remedy of its own.
    pub fn fault_with(&self, key: &str, rule: impl Into<String>, remedy: impl Into<String>) -> Fault {
        let section = key.split('.').next().unwrap_or(key);
        let line = self.value(key).map(|located| located.line);
        let line = line.or_else(|| self.document.sections.get(section).copied());
        Fault::new(line, key, rule, remedy)
    }
}
