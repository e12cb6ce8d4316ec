//! Words from outside in the languages that job files are written in: each is one word there, whatever is in it.

/// A word for a POSIX shell, in single quotes, within which nothing has a meaning but the quote itself.
pub fn shell_word(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// Words for a POSIX shell.
pub(super) fn shell_words<'a>(words: impl IntoIterator<Item = &'a String>) -> String {
    let words = words.into_iter().map(|word| shell_word(word));
    words.collect::<Vec<_>>().join(" ")
}

/// A text in YAML, in double quotes: what stands there is the text, with the escapes of JSON, and nothing is a number, a truth
/// value or a reference (YAML 1.2, 7.3.1). What YAML does not take as it is, is escaped.
pub(super) fn yaml_text(text: &str) -> String {
    let mut quoted = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            letter if is_printable(letter) => quoted.push(letter),
            letter => quoted.push_str(&format!("\\U{:08X}", u32::from(letter))),
        }
    }
    quoted.push('"');
    quoted
}

/// YAML's `c-printable` without line breaks, byte order marks and the letters that some readers take for line breaks.
fn is_printable(letter: char) -> bool {
    matches!(letter, ' '..='~' | '\u{a0}'..='\u{2027}' | '\u{202a}'..='\u{d7ff}' | '\u{e000}'..='\u{fefe}' | '\u{ff00}'..='\u{fffd}'
        | '\u{10000}'..)
}

/// A word of a container's arguments, in which `$(NAME)` would be a variable's value.
pub(super) fn container_word(word: &str) -> String {
    word.replace("$(", "$$(")
}

/// What a comment of one line may hold: no line break and nothing that moves a terminal's cursor.
pub(super) fn comment(text: &str) -> String {
    let plain = |letter: char| if letter.is_control() { '?' } else { letter };
    text.chars().map(plain).collect()
}

#[cfg(test)]
pub(super) mod tests {
    use std::process::Command;

    use super::*;

    /// Names that mean something to a shell, to YAML or to a container.
    pub const HOSTILE: [&str; 14] = [
        "plain",
        "two words",
        "it's",
        "\"quoted\"",
        "$(touch owned)",
        "`touch owned`",
        "$HOME ${HOME} $$(HOME)",
        "a;touch owned;b",
        "a\ntouch owned\nb",
        "--help",
        "*",
        "# no: comment",
        "back\\slash\\n",
        "üñí\u{2028}\u{85}\u{7f}\u{1}end",
    ];

    #[test]
    fn a_shell_reads_each_word_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        for word in HOSTILE {
            let script = format!("printf %s {}", shell_word(word));
            let output = Command::new("sh")
                .args(["-c", &script])
                .current_dir(folder.path())
                .output()
                .unwrap();
            assert_eq!(String::from_utf8(output.stdout).unwrap(), word);
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing was run");
    }

    #[test]
    fn a_text_in_yaml_is_one_line_of_letters_that_every_reader_takes() {
        for text in HOSTILE {
            let quoted = yaml_text(text);
            assert!(quoted.starts_with('"') && quoted.ends_with('"'));
            assert!(
                !quoted.contains(['\n', '\u{85}', '\u{2028}', '\u{7f}', '\u{1}']),
                "{quoted}"
            );
        }
        assert_eq!(yaml_text("a\"b\\c\nd\u{1}"), "\"a\\\"b\\\\c\\nd\\U00000001\"");
    }

    #[test]
    fn a_variable_of_a_container_is_none() {
        assert_eq!(container_word("$(HOME) $HOME"), "$$(HOME) $HOME");
    }
}
