//! Text that is not TOML, as people from other formats, languages and systems write it.

use std::path::Path;

use densenet_bench::formats::ablation::parse;

use super::{DIGITS, MODEL, NAMED, data, model, refuses, section, whole};

#[test]
fn text_that_is_not_toml_is_named_with_its_line_and_column() {
    refuses(
        &model("depth = = 40"),
        "growth.toml:6:9: this is not TOML: there is more than one = between the key and its value; write one",
    );
    refuses(
        &model("depth = 40\ndepth = 100"),
        "growth.toml:7:1: this is not TOML: depth is there twice, first on line 6; keep one of the two",
    );
    refuses(
        &section("data", "augment = \"none\""),
        "growth.toml:7:2: this is not TOML: the section [data] is there twice, first on line 3; put its keys below one \
         [data]",
    );
    refuses(
        &model(r#"depth = "40"#),
        r#"growth.toml:6:12: this is not TOML: the text has no closing " on its line; write " at its end"#,
    );
    refuses(
        &whole("name = \"growth\"\n[data\n"),
        "growth.toml:2:6: this is not TOML: the header is not closed by ]; write [data]",
    );
    refuses(
        &section("sweep", r#""model.growth-rate" = [8,"#),
        "growth.toml:8:26: this is not TOML: the list is not closed; write ] at its end",
    );
    refuses(
        &model("depth = a\u{7}"),
        "growth.toml:6:9: this is not TOML: text stands in quotes; write \"a\\u{7}\"",
    );
}

/// The message for a file whose sixth line is wrong, behind the file and the line.
#[track_caller]
fn line_is_refused(line: &str, column: usize, message: &str) {
    refuses(
        &model(line),
        &format!("growth.toml:6:{column}: this is not TOML: {message}"),
    );
}

#[test]
fn paths_of_windows_are_refused_with_quotes_that_take_them() {
    line_is_refused(
        r#"weights = "C:\data\x""#,
        14,
        r#"in double quotes a backslash starts an escape, and \d is none; write the text in single quotes, 'C:\data\x', or a path with forward slashes, "C:/data/x""#,
    );
    line_is_refused(
        r#"weights = "C:\Users\me""#,
        14,
        r#"in double quotes a backslash starts an escape, and \U is none; write the text in single quotes, 'C:\Users\me', or a path with forward slashes, "C:/Users/me""#,
    );
    line_is_refused(r"weights = C:\data", 11, r"text stands in quotes; write 'C:\data'");
    // TOML takes these for a tab and a line feed.
    refuses(
        &data(
            r#"dataset = "folder"
path = "C:\temp\new""#,
        ),
        r#"growth.toml:5: data.path: path is "C:\temp\new", a string; in double quotes \t, \n and the like stand for a tab and other control characters, which no path has; write it in single quotes, 'C:\data', or with forward slashes, "C:/data""#,
    );
}

#[test]
fn what_another_language_would_compute_is_refused() {
    for (text, message) in [
        (
            "10**-1",
            "nothing is computed, as 10**-1; write the number itself, such as 0.1",
        ),
        (
            "1/10",
            "nothing is computed, as 1/10; write the number itself, such as 0.1",
        ),
        (
            "2 ^ 5",
            "nothing is computed, as 2 ^ 5; write the number itself, such as 0.1",
        ),
        (
            "pow(10, -1)",
            "no functions are called, as pow(10, -1); write the value itself, such as 0.1",
        ),
        ("range(3)", "there are no ranges; list the numbers, such as [0, 1, 2]"),
        ("1e-1.5", "an exponent is a whole number; write 3.1623e-2"),
    ] {
        line_is_refused(&format!("dropout = {text}"), 11, message);
    }
}

#[test]
fn a_list_that_the_next_line_runs_into_is_named() {
    refuses(
        &model("block-layers = [1, 2\ngrowth-rate = 12"),
        "growth.toml:7:1: this is not TOML: the list of block-layers, on line 6, is not closed before this line; write ] at its end",
    );
}

#[test]
fn numbers_of_other_languages_are_refused_with_toml_s() {
    line_is_refused("dropout = .5", 11, "a number has a digit before its point; write 0.5");
    line_is_refused(
        "dropout = [.25, .5]",
        12,
        "a number has a digit before its point; write 0.25",
    );
    line_is_refused("dropout = 5.", 11, "a number has a digit after its point; write 5.0");
    line_is_refused(
        "dropout = 1.e-3",
        11,
        "a number has a digit after its point; write 1.0e-3",
    );
    line_is_refused(
        "dropout = 10%",
        11,
        "a number has no percent sign; write the share, 0.1",
    );
    line_is_refused("depth = 040", 9, "a whole number does not start with 0; write 40");
    line_is_refused(
        "depth = 1,000",
        9,
        "a number has no commas for its thousands; write 1000",
    );
    line_is_refused(
        "dropout = 0,5",
        11,
        "a decimal fraction has a point, and a list stands in square brackets; write 0.5 for a fraction, or [0, 5] for a list",
    );
    line_is_refused(
        "depth = 40 layers",
        9,
        "a number stands alone, without a unit or other words; write 40; a comment starts with #",
    );
    line_is_refused("depth = 40,", 11, "a line does not end with a comma; leave it out");
    line_is_refused("depth = 40;", 11, "a line does not end with a semicolon; leave it out");
    line_is_refused(
        "depth =",
        8,
        "the key has no value; write one after =, or leave the line out for the default",
    );
}

#[test]
fn lists_of_other_languages_are_refused_with_toml_s() {
    line_is_refused(
        "block-layers = (6, 12)",
        16,
        "a list stands in square brackets, not in parentheses; write [6, 12]",
    );
    line_is_refused(
        "block-layers = 6, 12",
        16,
        "a list stands in square brackets; write [6, 12]",
    );
    line_is_refused(
        "block-layers = [6 12]",
        17,
        "the values of a list are separated by commas; write 6, 12",
    );
    line_is_refused(
        "block-layers = range(4)",
        16,
        "there are no ranges; list the numbers, such as [0, 1, 2]",
    );
    line_is_refused(
        "block-layers = [1,, 2]",
        19,
        "a value is missing between two commas; keep one comma",
    );
}

#[test]
fn words_of_python_and_yaml_are_refused_with_toml_s() {
    for (word, value) in [
        ("True", "true"),
        ("yes", "true"),
        ("on", "true"),
        ("False", "false"),
        ("No", "false"),
        ("off", "false"),
    ] {
        line_is_refused(
            &format!("bottleneck = {word}"),
            14,
            &format!("{word} is not a boolean; one is true or false, in lower case and without quotes; write {value}"),
        );
    }
    for word in ["None", "null", "nil"] {
        line_is_refused(
            &format!("dropout = {word}"),
            11,
            &format!("{word} is not a value; TOML has none for nothing; leave the line out for the default"),
        );
    }
    line_is_refused("stem = cifar", 8, r#"text stands in quotes; write "cifar""#);
    line_is_refused(
        "weights = r\"x\"",
        11,
        r#"there is no letter before a quotation mark, as r"…" of Python; leave out the r; single quotes take a text as it is, 'C:\data'"#,
    );
}

#[test]
fn keys_with_a_colon_are_refused_with_the_line_as_toml_writes_it() {
    line_is_refused(
        "stem: cifar",
        5,
        "a key is followed by =, not by a colon; write stem = \"cifar\"",
    );
    line_is_refused(
        "depth : 40",
        7,
        "a key is followed by =, not by a colon; write depth = 40",
    );
    line_is_refused(
        "\"depth\": 40,",
        8,
        "a key is followed by =, not by a colon; write \"depth\" = 40",
    );
    line_is_refused(
        "train:",
        6,
        "a key is followed by =, not by a colon; write [train] for a section, or train = and its value",
    );
    line_is_refused(
        "bottleneck: yes",
        11,
        "a key is followed by =, not by a colon; write bottleneck = true",
    );
    refuses(
        &whole("name = \"a\"\nx = {a: 1}\n"),
        "growth.toml:2:7: this is not TOML: a key is followed by =, not by a colon; write a = 1",
    );
    line_is_refused(
        "- 40",
        3,
        "a list of YAML's, with - before each value, is none here; write the values in square brackets, such as seeds = \
         [0, 1, 2]",
    );
}

#[test]
fn comments_quotation_marks_and_invisible_letters_of_elsewhere_are_named() {
    line_is_refused("// depth", 1, "// does not start a comment; a comment starts with #");
    line_is_refused("; depth", 1, "; does not start a comment; a comment starts with #");
    line_is_refused(
        "depth = 40 // layers",
        12,
        "// does not start a comment; a comment starts with #",
    );
    line_is_refused(
        "depth = 40 ; layers",
        12,
        "; does not start a comment; a comment starts with #",
    );
    for (line, column, mark) in [
        ("stem = “cifar”", 8, '“'),
        ("stem = ‘cifar’", 8, '‘'),
        ("stem = \"cifar”", 14, '”'),
    ] {
        line_is_refused(
            line,
            column,
            &format!(
                "{mark} is not a quotation mark of TOML; write text in straight ones, \"text\" or 'text'; a word processor \
                 replaces them"
            ),
        );
    }
    line_is_refused(
        "depth\u{a0}= 40",
        6,
        "there is a no-break space (U+00A0); delete it and type a plain space, or none",
    );
    line_is_refused(
        "depth = 40\rstem = \"cifar\"",
        11,
        "a line ends with a carriage return alone; save the file with line feeds (LF) or Windows' line ends (CRLF)",
    );
    line_is_refused(
        "weights = \"a\0b\"",
        13,
        "there is a NUL byte; a text has none: the file is damaged, or is not text; write it anew",
    );
    line_is_refused(
        "weights = 'it's'",
        15,
        "the text ends at this ', and more follows; write text that has ' in it in double quotes, and text that has \" in \
         single quotes; a list stands in square brackets",
    );
}

#[test]
fn headers_and_keys_that_are_not_whole_are_named() {
    line_is_refused(
        "[train] epochs = 3",
        9,
        "a header stands alone on its line; write [train], and the keys on the lines below",
    );
    line_is_refused("[train]]", 8, "there is a ] too many; write [train]");
    line_is_refused("[[variant]", 11, "the header is not closed by ]]; write [[variant]]");
    line_is_refused("= 40", 1, "there is no key before =; write the key, such as depth = 40");
    line_is_refused(
        "set depth = 40",
        5,
        "a key is one word, and there are several before =: set depth; write key = value",
    );
    line_is_refused(
        "depth",
        6,
        "depth has no value; write a key, = and its value, such as depth = 40; a comment starts with #",
    );
    line_is_refused(
        "größe = 40",
        3,
        "the key größe has other characters than letters, digits and hyphens; write it as the documentation lists it",
    );
}

#[test]
fn files_of_other_formats_are_named() {
    let example =
        "an ablation file is TOML, such as ablations/growth.toml: lines `key = value` below [section] headers";
    for (text, what) in [
        ("{\"name\": \"growth\"}\n", "JSON"),
        ("---\nname: growth\n", "YAML"),
        ("<!DOCTYPE html>\n<html>\n", "HTML or XML"),
    ] {
        refuses(
            text,
            &format!("growth.toml:1:1: this is not TOML: the file is {what}; {example}"),
        );
    }
    for empty in ["", " \n\n", "\u{feff}"] {
        refuses(
            empty,
            "growth.toml: the file is empty; an ablation has at least name, question, [data] and [model]; \
             ablations/growth.toml is an example",
        );
    }
}

#[test]
fn what_windows_and_editors_write_and_toml_allows_is_accepted() {
    let text = section(
        "train",
        "learning-rate = 1e-4\nepochs = 1_0\t# ten\nseeds = [\n  0,\n  1,\n]",
    );
    for text in [text.clone(), format!("\u{feff}{text}"), text.replace('\n', "\r\n")] {
        parse(&text, Path::new("growth.toml")).unwrap();
    }
    let inline =
        format!("{NAMED}{DIGITS}{MODEL}[[variant]]\nname = \"wide\"\nset = {{ \"model.growth-rate\" = 24, }}\n");
    parse(&inline, Path::new("growth.toml")).unwrap();
}

#[test]
fn the_line_at_fault_is_shown_with_a_caret_below_the_place() {
    let excerpt = |text: &str| {
        let error = parse(text, Path::new("growth.toml")).unwrap_err();
        error.excerpt().unwrap().to_string()
    };
    assert_eq!(excerpt(&model("depth = = 40")), "  6 | depth = = 40\n    |         ^");
    // A value that is TOML and wrong.
    assert_eq!(
        excerpt(&model("  depth = \"40\"")),
        "  6 |   depth = \"40\"\n    |           ^"
    );
    assert_eq!(
        excerpt(&model("depth = 40\ngrowth_rate = 12")),
        "  7 | growth_rate = 12\n    | ^"
    );
    assert_eq!(excerpt(&section("trian", "epochs = 1")), "  7 | [trian]\n    | ^");
}
