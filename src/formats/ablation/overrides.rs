//! `run --set KEY=VALUE`: an ablation file's text with other values, its comments and order kept.

use std::path::Path;

use toml_edit::{DocumentMut, Item, Table, TableLike, Value, value};

use super::document::Document;
use super::error::{Fault, FormatError};
use super::keys;
use crate::visible;

/// The text of an ablation file in which keys have the values of `overrides`, each `train.epochs=3`. A value that is no TOML is a
/// text: `run.execution=fused`.
///
/// # Errors
/// Text that is no ablation file, an override without a key or a value, an unknown key, and one that the variants set
/// themselves.
pub fn with_overrides(text: &str, overrides: &[String], file: &Path) -> Result<String, FormatError> {
    if overrides.is_empty() {
        return Ok(text.to_owned());
    }
    overridden(text, overrides).map_err(|fault| fault.in_file(file))
}

fn overridden(text: &str, overrides: &[String]) -> Result<String, Fault> {
    let written = Document::parse(text)?;
    // What the line above reads is TOML, which this reads as well.
    let mut document: DocumentMut = text.parse().map_err(|error: toml_edit::TomlError| Fault {
        line: None,
        column: None,
        key: None,
        rule: error.message().to_owned(),
        remedy: "write TOML".to_owned(),
    })?;
    for given in overrides {
        let fault = |key: Option<&str>, rule: String, remedy: &str| Fault {
            line: None,
            column: None,
            key: key.map(str::to_owned),
            rule: format!("--set {}: {rule}", visible::escape_line(given)),
            remedy: remedy.to_owned(),
        };
        let Some((key, text)) = given.split_once('=').map(|(key, text)| (key.trim(), text.trim())) else {
            let rule = "it has no value".to_owned();
            return Err(fault(None, rule, "write KEY=VALUE, such as train.epochs=3"));
        };
        let known = keys::known(key).ok_or_else(|| {
            let (section, last) = key.split_once('.').unwrap_or(("", key));
            let rule = format!("there is no key {}", visible::escape_line(key));
            fault(None, rule, &keys::remedy_for_unknown(section, last))
        })?;
        if written.is_set_by_variants(known) {
            let rule = format!("{key} differs between the file's variants, which set it themselves");
            return Err(fault(
                Some(key),
                rule,
                "choose variants with --only, or change the file",
            ));
        }
        let mut new = text.parse::<Value>().unwrap_or_else(|_| Value::from(text));
        let (section, last) = (known.section(), known.last_part());
        let table: Option<&mut dyn TableLike> = if section.is_empty() {
            Some(document.as_table_mut())
        } else {
            let table = document.entry(section).or_insert_with(|| Item::Table(Table::new()));
            table.as_table_like_mut()
        };
        // `Document::parse` has refused a section that is none.
        if let Some(table) = table {
            // The comment behind it stays.
            if let Some(old) = table.get(last).and_then(Item::as_value) {
                *new.decor_mut() = old.decor().clone();
            }
            table.insert(last, value(new));
        }
    }
    // A comment ends at the line's end, whatever was given.
    let said = |given: &String| format!("# run with --set {}\n", visible::escape_line(given));
    Ok(overrides.iter().map(said).collect::<String>() + &document.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "# An example.\nname = \"a\"\nquestion = \"b\"\n[data]\ndataset = \"digits\"\n[model]\ndepth = 10 # short\n\
                        [train]\nepochs = 10\n[sweep]\n\"model.growth-rate\" = [8, 12]\n";

    fn set(overrides: &[&str]) -> Result<String, String> {
        let overrides: Vec<String> = overrides.iter().map(|&text| text.to_owned()).collect();
        with_overrides(FILE, &overrides, Path::new("a.toml")).map_err(|error| error.to_string())
    }

    #[test]
    fn values_are_replaced_and_added_and_the_rest_stays() {
        let text = set(&[
            "train.epochs=3",
            "run.execution=fused",
            "model.depth = 16",
            "train.seeds=[1, 2]",
        ])
        .unwrap();
        for line in [
            "# run with --set train.epochs=3",
            "# An example.",
            "depth = 16 # short",
            "epochs = 3",
            "execution = \"fused\"",
            "seeds = [1, 2]",
        ] {
            assert!(text.lines().any(|other| other == line), "{line}: {text}");
        }
        assert!(!text.contains("epochs = 10"), "{text}");
        super::super::parse(&text, Path::new("a.toml")).unwrap();
        assert_eq!(set(&[]).unwrap(), FILE);
        assert!(set(&["question=What?"]).unwrap().contains("question = \"What?\""));
    }

    #[test]
    fn an_override_that_cannot_be_is_refused() {
        for (given, said) in [
            (
                "train.epochs",
                "--set train.epochs: it has no value; write KEY=VALUE, such as train.epochs=3",
            ),
            ("train.epoch=3", "there is no key train.epoch; did you mean epochs?"),
            ("model.growth-rate=8", "differs between the file's variants"),
        ] {
            let error = set(&[given]).unwrap_err();
            assert!(error.contains(said), "{error}");
        }
        // A comment is one line, whatever is given.
        let text = set(&["question=\"a\\nb\""]).unwrap();
        super::super::parse(&text, Path::new("a.toml")).unwrap();
        let text = set(&["question=a\nname = \"evil\""]).unwrap();
        assert_eq!(super::super::parse(&text, Path::new("a.toml")).unwrap().name, "a");
    }
}
