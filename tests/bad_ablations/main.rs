//! The exact text of every error that an ablation file can earn by itself: file, line, key, rule and remedy.

use std::path::Path;

use densenet_bench::formats::ablation::parse;

mod data;
mod document;
mod network;
mod schema;
mod syntax;
mod training;
mod variants;

/// Lines 1 and 2.
const NAMED: &str = "name = \"growth\"\nquestion = \"What does it buy?\"\n";
/// Lines 3 and 4.
const DIGITS: &str = "[data]\ndataset = \"digits\"\n";
/// Lines 5 and 6.
const MODEL: &str = "[model]\ndepth = 40\n";

/// A file that is these lines alone.
fn whole(lines: &str) -> String {
    lines.to_owned()
}

/// A file with these lines in `[data]`, from line 4.
fn data(lines: &str) -> String {
    format!("{NAMED}[data]\n{lines}\n{MODEL}")
}

/// A file with these lines in `[model]`, from line 6.
fn model(lines: &str) -> String {
    format!("{NAMED}{DIGITS}[model]\n{lines}\n")
}

/// A file with a further section, whose header is line 7.
fn section(name: &str, lines: &str) -> String {
    format!("{NAMED}{DIGITS}{MODEL}[{name}]\n{lines}\n")
}

/// A file with a variant, whose header is line 7.
fn variant(lines: &str) -> String {
    format!("{NAMED}{DIGITS}{MODEL}[[variant]]\n{lines}\n")
}

#[track_caller]
fn refuses(text: &str, message: &str) {
    match parse(text, Path::new("growth.toml")) {
        Ok(_) => panic!("this was accepted:\n{text}"),
        Err(error) => {
            let shown = error.to_string();
            assert_eq!(shown, message, "for:\n{text}");
            assert!(!shown.contains('\n'), "an error is one line");
            schema::refuses_what_it_can(text, message);
        }
    }
}
