//! An ablation file's TOML, flattened to dotted keys with the line of each, every value checked against its key.

use std::collections::BTreeMap;

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::error::Fault;
use super::keys::{self, SECTIONS};
use super::kind::{Setting, near};
use super::syntax::explain;
use super::values::{Lines, Located, Value};
use crate::keys::KnownKey;
use crate::visible;

/// A file's values, key by key; rules that join several keys are for the resolver.
#[derive(Debug, Default)]
pub(super) struct Document {
    /// The values outside [sweep] and [[variant]] by dotted key.
    pub values: BTreeMap<&'static str, Located<Setting>>,
    /// The line of each section's header.
    pub sections: BTreeMap<String, usize>,
    /// [sweep], in the file's order; none without the section.
    pub sweep: Option<Vec<SweptKey>>,
    /// The [[variant]] tables, in the file's order.
    pub points: Vec<Point>,
}

/// A key of [sweep].
#[derive(Debug)]
pub(super) struct SweptKey {
    pub known: &'static KnownKey,
    pub values: Vec<Located<Setting>>,
}

/// A [[variant]] table.
#[derive(Debug)]
pub(super) struct Point {
    pub name: Located<String>,
    pub set: Vec<(&'static KnownKey, Located<Setting>)>,
}

/// A table's entries in the file's order: TOML's map sorts them by name.
fn in_order<'t, 'i>(
    table: &'t DeTable<'i>,
    lines: &Lines,
) -> impl Iterator<Item = (&'t str, usize, &'t Spanned<DeValue<'i>>)> {
    let mut entries: Vec<(&Spanned<DeString<'i>>, &Spanned<DeValue<'i>>)> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    let located: Vec<_> = entries
        .into_iter()
        .map(|(key, value)| (key.get_ref().as_ref(), lines.line(key.span().start), value))
        .collect();
    located.into_iter()
}

impl Document {
    pub fn parse(text: &str) -> Result<Self, Fault> {
        let lines = Lines::new(text);
        let table = DeTable::parse(text).map_err(|error| syntax_fault(&error, text, &lines))?;
        let mut document = Document::default();
        for (key, line, value) in in_order(table.get_ref(), &lines) {
            match (key, value.get_ref()) {
                ("sweep", DeValue::Table(table)) => {
                    document.sections.insert(key.to_owned(), line);
                    document.sweep = Some(read_sweep(table, line, &lines)?);
                }
                ("variant", DeValue::Array(tables)) => {
                    document.sections.insert(key.to_owned(), line);
                    for table in tables.iter() {
                        document.points.push(read_point(table, &lines)?);
                    }
                }
                ("sweep", _) => {
                    return Err(misshapen(
                        "sweep",
                        line,
                        "a section",
                        "write [sweep] and its keys below it",
                    ));
                }
                ("variant", _) => {
                    let remedy = "write [[variant]], with two brackets, for each";
                    return Err(misshapen("variant", line, "a list of tables", remedy));
                }
                (section, DeValue::Table(table)) if SECTIONS.contains(&section) => {
                    document.sections.insert(section.to_owned(), line);
                    document.read_section(section, table, &lines)?;
                }
                (section, _) if SECTIONS.contains(&section) => {
                    let remedy = format!("write [{section}] once, and its keys below it");
                    return Err(misshapen(section, line, "a section", &remedy));
                }
                (unknown, DeValue::Table(_)) if keys::known(unknown).is_none() => {
                    return Err(unknown_section(unknown, line));
                }
                _ => document.read_value("", key, line, value, &lines)?,
            }
        }
        Ok(document)
    }

    /// Whether the variants set a key themselves, by [sweep] or a [[variant]].
    pub fn is_set_by_variants(&self, known: &KnownKey) -> bool {
        let swept = self.sweep.iter().flatten().map(|swept| swept.known);
        let points = self.points.iter().flat_map(|point| &point.set).map(|(known, _)| *known);
        swept.chain(points).any(|other| other.key == known.key)
    }

    fn read_section(&mut self, section: &str, table: &DeTable<'_>, lines: &Lines) -> Result<(), Fault> {
        for (key, line, value) in in_order(table, lines) {
            self.read_value(section, key, line, value, lines)?;
        }
        Ok(())
    }

    fn read_value(
        &mut self,
        section: &str,
        key: &str,
        line: usize,
        value: &Spanned<DeValue<'_>>,
        lines: &Lines,
    ) -> Result<(), Fault> {
        let dotted = if section.is_empty() {
            key.to_owned()
        } else {
            format!("{section}.{key}")
        };
        // A quoted key may hold a dot, and so look like one of another section.
        let known = keys::known(&dotted).filter(|known| known.last_part() == key);
        let Some(known) = known else {
            let place = match section {
                "" => "the file's top".to_owned(),
                section => format!("[{section}]"),
            };
            let rule = format!("{place} has no key {}", visible::escape_line(key));
            let remedy = keys::remedy_for_unknown(section, key);
            return Err(Fault::new(line, visible::escape_line(&dotted), rule, remedy));
        };
        let setting = checked(known, &Value::read(value, lines))?;
        // The key's line: it is where a reader looks, should the value start further down.
        self.values.insert(known.key, Located { value: setting, line });
        Ok(())
    }
}

/// The value as its key's kind allows it.
fn checked(known: &KnownKey, value: &Located<Value>) -> Result<Setting, Fault> {
    known.kind.check(known.last_part(), value).map_err(|misfit| {
        let remedy = misfit.remedy.unwrap_or_else(|| known.remedy.to_owned());
        Fault::new(misfit.line, known.key, misfit.rule, remedy)
    })
}

fn syntax_fault(error: &toml::de::Error, text: &str, lines: &Lines) -> Fault {
    let offset = error.span().map_or(text.len(), |span| span.start);
    let explanation = explain(text, offset, error.message());
    Fault {
        line: Some(lines.line(explanation.offset)),
        column: Some(Lines::column(text, explanation.offset)),
        key: None,
        rule: explanation.rule,
        remedy: explanation.remedy,
    }
}

fn misshapen(key: &str, line: usize, what: &str, remedy: &str) -> Fault {
    Fault::new(line, key, format!("{key} must be {what}"), remedy)
}

fn unknown_section(section: &str, line: usize) -> Fault {
    let mut sections = SECTIONS.to_vec();
    sections.extend(["sweep", "variant"]);
    let remedy = match near(&sections, section) {
        Some(nearest) => format!("did you mean [{nearest}]?"),
        None => format!(
            "there are [{}] and [[variant]]",
            sections[..sections.len() - 1].join("], [")
        ),
    };
    let section = visible::escape_line(section);
    Fault::new(
        line,
        section.clone(),
        format!("there is no section [{section}]"),
        remedy,
    )
}

/// The entries of [sweep] or of a variant's `set`, as (dotted key, line, value) in the file's order. Both
/// `"model.growth-rate" = ...` and `model.growth-rate = ...` are read; a table stands for the keys within it.
fn dotted_entries<'t, 'i>(
    prefix: &str,
    table: &'t DeTable<'i>,
    lines: &Lines,
    into: &mut Vec<(String, usize, &'t Spanned<DeValue<'i>>)>,
) {
    for (key, line, value) in in_order(table, lines) {
        let dotted = if prefix.is_empty() {
            key.to_owned()
        } else {
            format!("{prefix}.{key}")
        };
        match value.get_ref() {
            DeValue::Table(inner) if SECTIONS.contains(&dotted.as_str()) => {
                dotted_entries(&dotted, inner, lines, into);
            }
            _ => into.push((dotted, line, value)),
        }
    }
}

type SettableEntry<'t, 'i> = (&'static KnownKey, usize, &'t Spanned<DeValue<'i>>);

/// [`dotted_entries`] with each key looked up, each once; `place` is `sweep` or `variant.set`.
fn settable_entries<'t, 'i>(
    place: &str,
    table: &'t DeTable<'i>,
    lines: &Lines,
) -> Result<Vec<SettableEntry<'t, 'i>>, Fault> {
    let mut entries = Vec::new();
    dotted_entries("", table, lines, &mut entries);
    let mut settable: Vec<SettableEntry<'t, 'i>> = Vec::new();
    for (key, line, value) in entries {
        let shown = visible::escape_line(&key);
        let at = format!("{place}.{shown}");
        let Some(known) = keys::known(&key) else {
            let remedy = keys::remedy_for_unknown_swept(&key);
            return Err(Fault::new(line, at, format!("there is no key {shown}"), remedy));
        };
        if !known.can_be_swept() {
            let rule = format!("{shown} is the whole ablation's and cannot differ between variants");
            return Err(Fault::new(
                line,
                at,
                rule,
                "vary keys of the sections, such as \"model.growth-rate\"",
            ));
        }
        if settable.iter().any(|(earlier, ..)| earlier.key == known.key) {
            return Err(Fault::new(
                line,
                at,
                format!("{shown} is given twice"),
                "keep one of the two",
            ));
        }
        settable.push((known, line, value));
    }
    Ok(settable)
}

fn read_sweep(table: &DeTable<'_>, line: usize, lines: &Lines) -> Result<Vec<SweptKey>, Fault> {
    let entries = settable_entries("sweep", table, lines)?;
    if entries.is_empty() {
        let remedy = "list values, such as \"model.growth-rate\" = [8, 12], or leave [sweep] out";
        return Err(Fault::new(line, "sweep", "[sweep] has no keys", remedy));
    }
    let mut swept = Vec::new();
    for (known, line, value) in entries {
        let at = format!("sweep.{}", known.key);
        let remedy = "list its values in brackets, such as \"model.growth-rate\" = [8, 12]";
        let list = match Value::read(value, lines).value {
            Value::List(list) if !list.is_empty() => list,
            Value::List(_) => return Err(Fault::new(line, at, "the sweep has no values", remedy)),
            other => {
                let rule = format!("the sweep is {}; it must be a list of values", other.shown());
                return Err(Fault::new(line, at, rule, remedy));
            }
        };
        let mut values: Vec<Located<Setting>> = Vec::new();
        for element in &list {
            let setting = checked(known, element).map_err(|fault| match &element.value {
                Value::List(_) => fault,
                _ if known.kind.is_list() => Fault {
                    remedy: "a sweep of lists has a list in each place, such as [[6, 6, 6], [12, 12, 12]]".to_owned(),
                    ..fault
                },
                _ => fault,
            })?;
            if values.iter().any(|earlier| earlier.value == setting) {
                let rule = format!(
                    "{} stands twice, which makes two variants of one name",
                    visible::escape_line(&setting.bare_text())
                );
                return Err(Fault::new(element.line, at, rule, "list each value once"));
            }
            values.push(Located {
                value: setting,
                line: element.line,
            });
        }
        swept.push(SweptKey { known, values });
    }
    Ok(swept)
}

fn read_point(table: &Spanned<DeValue<'_>>, lines: &Lines) -> Result<Point, Fault> {
    let header = lines.line(table.span().start);
    let name_remedy = "give each a name, such as name = \"wide\"";
    let DeValue::Table(entries) = table.get_ref() else {
        return Err(misshapen(
            "variant",
            header,
            "a list of tables",
            "write [[variant]], with two brackets, for each",
        ));
    };
    let mut name = None;
    let mut set = Vec::new();
    for (key, line, value) in in_order(entries, lines) {
        match (key, value.get_ref()) {
            ("name", DeValue::String(text)) => {
                name = Some(Located {
                    value: text.to_string(),
                    line,
                });
            }
            ("name", _) => {
                let rule = format!("name is {}; it must be text", Value::read(value, lines).value.shown());
                return Err(Fault::new(line, "variant.name", rule, name_remedy));
            }
            ("set", DeValue::Table(table)) => {
                for (known, _, value) in settable_entries("variant.set", table, lines)? {
                    let value = Value::read(value, lines);
                    let setting = checked(known, &value)?;
                    set.push((
                        known,
                        Located {
                            value: setting,
                            line: value.line,
                        },
                    ));
                }
            }
            ("set", _) => {
                let remedy = "write set = { \"model.growth-rate\" = 24 }";
                return Err(Fault::new(line, "variant.set", "set must be a table", remedy));
            }
            (unknown, _) => {
                let remedy = match near(&["name", "set"], unknown) {
                    Some(nearest) => format!("did you mean {nearest}?"),
                    None => "it has name and set; settings go into set".to_owned(),
                };
                let unknown = visible::escape_line(unknown);
                let rule = format!("[[variant]] has no key {unknown}");
                return Err(Fault::new(line, format!("variant.{unknown}"), rule, remedy));
            }
        }
    }
    match name {
        Some(name) => Ok(Point { name, set }),
        None => Err(Fault::new(
            header,
            "variant.name",
            "the variant has no name",
            name_remedy,
        )),
    }
}
