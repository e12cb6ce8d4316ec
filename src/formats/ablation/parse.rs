//! The way from a file's text to an [`Ablation`].

use std::path::Path;

use super::document::Document;
use super::error::{Fault, FormatError};
use super::resolve::{self, Reader};
use super::settings::{Ablation, Variant};
use super::variants::{self, Overlay};

/// The most bytes of an ablation file: ten thousand variants, each with a thousand letters.
pub const LARGEST_FILE: u64 = 10 << 20;

/// Reads an ablation file's text. Nothing is opened: `file` stands in messages, and relative paths in the text start
/// at its folder.
///
/// # Errors
/// The first rule of the format that the text breaks; see `docs/ablation-format.md`.
pub fn parse(text: &str, file: &Path) -> Result<Ablation, FormatError> {
    let read = document_of(text).and_then(|document| {
        let ablation = read(&document, file)?;
        variants::check_names(&document)?;
        Ok(ablation)
    });
    read.map_err(|fault| fault.in_file(file).with_excerpt(text))
}

/// Reads the ablation file that a result folder keeps, whose names may be those that are refused today: [`parse`] says
/// what other programs would take them for.
///
/// # Errors
/// Those of [`parse`] that do not concern names.
pub fn parse_recorded(text: &str, file: &Path) -> Result<Ablation, FormatError> {
    let read = document_of(text).and_then(|document| read(&document, file));
    read.map_err(|fault| fault.in_file(file).with_excerpt(text))
}

fn document_of(text: &str) -> Result<Document, Fault> {
    if text.trim_start_matches('\u{feff}').trim().is_empty() {
        return Err(Fault {
            line: None,
            column: None,
            key: None,
            rule: "the file is empty".to_owned(),
            remedy: "an ablation has at least name, question, [data] and [model]; ablations/growth.toml is an example"
                .to_owned(),
        });
    }
    Document::parse(text)
}

fn read(document: &Document, file: &Path) -> Result<Ablation, Fault> {
    let folder = file.parent().unwrap_or(Path::new(""));
    let own = Reader::of_file(document, folder);
    let (name, question) = (resolve::name(&own)?, resolve::question(&own)?);
    let overlays = variants::overlays(document)?;
    // A fault of the file's own values is theirs, whichever variant meets it first.
    let own_fault = resolve::settings(&own).err();
    let variant = |overlay: &Overlay<'_>| {
        let reader = Reader::of_variant(document, folder, overlay);
        let settings = resolve::settings(&reader).map_err(|fault| {
            if overlay.set.is_empty() || own_fault.as_ref() == Some(&fault) {
                fault
            } else {
                fault.of_variant(&overlay.name)
            }
        })?;
        let swept = overlay.set.iter();
        Ok(Variant {
            name: overlay.name.clone(),
            settings,
            swept: swept
                .map(|(known, value)| (known.key.to_owned(), value.value.bare_text()))
                .collect(),
            lines: reader.lines(),
        })
    };
    let variants: Vec<Variant> = overlays.iter().map(variant).collect::<Result<_, Fault>>()?;
    Ok(Ablation {
        file: file.to_owned(),
        name,
        question,
        swept_keys: variants::swept_keys(document),
        primary: resolve::primary(&own, &variants)?,
        variants,
    })
}
