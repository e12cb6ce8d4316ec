//! What was run, and how to run it again: the command, the revision and the file.

use std::collections::BTreeSet;

use super::piece::Piece;
use super::studied::Studied;

/// The command as it was given, the program's revision, and the ablation file's text.
pub fn pieces(studied: &Studied<'_>) -> Vec<Piece> {
    let environment = &studied.reported.environment;
    let fact = |name: &str| environment[name].as_str().unwrap_or_default().to_owned();
    let mut pieces = vec![Piece::text(format!(
        "The results are those of {}.",
        studied.reported.folder
    ))];
    let arguments = environment["command_line"].as_array().into_iter().flatten();
    let arguments: Vec<&str> = arguments.filter_map(|argument| argument.as_str()).collect();
    // The program is found by its name; where it lay on that machine helps nobody.
    let name = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
    let arguments: Vec<String> = (arguments.iter().enumerate())
        .map(|(place, argument)| match place {
            0 => quoted(&name(argument)),
            _ => quoted(argument),
        })
        .collect();
    let (version, revision) = (fact("version"), fact("revision"));
    let mut commands = Vec::new();
    if is_revision(&revision) {
        commands.push(format!("git checkout {revision}  # densenet-bench {version}"));
    }
    if !arguments.is_empty() {
        commands.push(arguments.join(" "));
    }
    match commands.is_empty() {
        true => pieces.push(Piece::text("The command and the revision are not recorded.")),
        false => pieces.push(Piece::Commands(commands.join("\n"))),
    }
    if fact("dirty") == "true" {
        pieces.push(Piece::note(
            "Tracked files differed from that revision when the program was built.",
        ));
    }
    let revisions = revisions(studied);
    if revisions.len() > 1 {
        pieces.push(Piece::note(format!(
            "The rows are of several revisions: {}.",
            revisions.into_iter().collect::<Vec<_>>().join(", ")
        )));
    }
    if !studied.reported.file.is_empty() {
        pieces.push(Piece::File {
            name: format!("{}.toml as it was run", studied.grouped.name()),
            text: studied.reported.file.clone(),
        });
    }
    pieces
}

fn revisions<'a>(studied: &'a Studied<'_>) -> BTreeSet<&'a str> {
    let study = studied.grouped.study;
    let trials = study.trials.iter().map(|row| row.revision.as_str());
    let measured = study.batches.iter().map(|row| row.revision.as_str());
    trials.chain(measured).filter(|revision| !revision.is_empty()).collect()
}

fn is_revision(text: &str) -> bool {
    text.len() >= 7 && text.bytes().all(|letter| letter.is_ascii_hexdigit())
}

/// An argument as a shell reads it back.
pub fn quoted(argument: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "_@%+=:,./-".contains(letter);
    match !argument.is_empty() && argument.chars().all(is_plain) {
        true => argument.to_owned(),
        false => format!("'{}'", argument.replace('\'', "'\\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::studied::Reported;
    use super::*;
    use crate::views::samples::{SampleVariant, trained};
    use crate::views::section::Block;

    fn of(environment: serde_json::Value) -> Vec<Piece> {
        let reported = Reported {
            folder: "results/growth".to_owned(),
            study: trained(&[SampleVariant::new("base")], 1, 1),
            environment,
            file: "name = \"growth\"\n".to_owned(),
        };
        pieces(&Studied::of(&reported))
    }

    #[test]
    fn the_command_is_one_that_a_shell_reads_back() {
        let pieces = of(serde_json::json!({
            "version": "0.1.0",
            "revision": "0968e745d0f5",
            "dirty": "true",
            "command_line": ["/opt/densenet-bench", "run", "a b.toml", "--only", "growth-rate=*", "it's"],
        }));
        let Piece::Commands(commands) = &pieces[1] else {
            panic!("{pieces:?}")
        };
        assert_eq!(
            commands,
            "git checkout 0968e745d0f5  # densenet-bench 0.1.0\n\
             densenet-bench run 'a b.toml' --only 'growth-rate=*' 'it'\\''s'"
        );
        assert!(
            matches!(&pieces[2], Piece::Plain(Block::Note(words)) if words.contains("differed from that revision"))
        );
        assert!(matches!(&pieces[3], Piece::File { text, .. } if text == "name = \"growth\"\n"));
    }

    #[test]
    fn what_is_not_recorded_is_said_and_a_revision_is_no_command() {
        let pieces = of(serde_json::json!({"revision": "$(reboot)", "command_line": "none"}));
        assert!(
            matches!(&pieces[1], Piece::Plain(Block::Text(words)) if words.contains("not recorded")),
            "{pieces:?}"
        );
    }
}
