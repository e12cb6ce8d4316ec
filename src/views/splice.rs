//! What stands between markers of a Markdown file, and what comes in its place. A marker is a comment on a line of its own:
//! `<!-- densenet-bench:NAME -->`, and `<!-- /densenet-bench:NAME -->` behind what is replaced. One in a fenced block of
//! code is an example, and stays.

use std::ops::Range;

/// What is between two markers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marked {
    /// The markers' name.
    pub name: String,
    /// The first marker's line, from 1.
    pub line: usize,
    /// The bytes between the markers' lines.
    inside: Range<usize>,
    /// The white space before the first marker.
    indent: String,
    /// How its line ends.
    line_end: &'static str,
}

/// Why the markers of a file cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{rule}")]
pub struct MarkerError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong there, and the remedy.
    pub rule: String,
}

/// Finds what is between markers, in the order of the file.
///
/// # Errors
/// A marker without its other one, within another pair, or beside other text.
pub fn marked(text: &str) -> Result<Vec<Marked>, MarkerError> {
    let mut found = Vec::new();
    let mut open: Option<Marked> = None;
    let mut fence = Fence::default();
    let mut start = 0;
    for (index, line) in text.split_inclusive('\n').enumerate() {
        let place = (index + 1, start);
        start += line.len();
        if fence.holds(line) {
            continue;
        }
        match marker(line).map_err(|rule| error(place.0, rule))? {
            None => {}
            Some(Marker { name, is_end: false }) => {
                if let Some(outer) = &open {
                    return Err(nested(place.0, name, outer));
                }
                open = Some(begun(name, line, place.0, start));
            }
            Some(Marker { name, is_end: true }) => found.push(ended(open.take(), name, place)?),
        }
    }
    match open {
        Some(open) => {
            let name = &open.name;
            let rule = format!("nothing ends '{name}'; write <!-- /densenet-bench:{name} --> where its text is to end");
            Err(error(open.line, rule))
        }
        None => Ok(found),
    }
}

/// The text with each of `contents`, Markdown with line feeds, in the place of what is between the markers. Nothing else
/// changes.
pub fn spliced(text: &str, marked: &[Marked], contents: &[String]) -> String {
    let mut whole = String::with_capacity(text.len());
    let mut done = 0;
    for (block, content) in marked.iter().zip(contents) {
        whole += text.get(done..block.inside.start).unwrap_or_default();
        for line in content.lines() {
            if !line.is_empty() {
                whole += &block.indent;
                whole += line;
            }
            whole += block.line_end;
        }
        done = block.inside.end;
    }
    whole + text.get(done..).unwrap_or_default()
}

/// A block of code between lines of backticks or tildes.
#[derive(Default)]
struct Fence(Option<(char, usize)>);

impl Fence {
    /// Whether the line is within a block of code, or begins or ends one.
    fn holds(&mut self, line: &str) -> bool {
        let line = line.trim();
        let sign = line.chars().next().filter(|sign| matches!(sign, '`' | '~'));
        let count = sign.map_or(0, |sign| line.chars().take_while(|letter| *letter == sign).count());
        match (self.0, sign) {
            (None, Some(sign)) if count >= 3 => self.0 = Some((sign, count)),
            (None, _) => return false,
            // The end has nothing behind it.
            (Some((own, least)), Some(sign)) if sign == own && count >= least && line.chars().count() == count => {
                self.0 = None;
            }
            (Some(_), _) => {}
        }
        true
    }
}

struct Marker<'l> {
    name: &'l str,
    is_end: bool,
}

/// The marker of a line; an error where there is one beside other text, unless the text quotes it.
fn marker(line: &str) -> Result<Option<Marker<'_>>, String> {
    let whole = line.trim();
    let inside = whole.strip_prefix("<!--").and_then(|rest| rest.strip_suffix("-->"));
    if let Some(inside) = inside.map(str::trim).filter(|inside| !inside.contains("-->")) {
        let (is_end, inside) = match inside.strip_prefix('/') {
            Some(rest) => (true, rest),
            None => (false, inside),
        };
        let name = inside.strip_prefix("densenet-bench:").map(str::trim);
        return Ok(name.map(|name| Marker { name, is_end }));
    }
    let is_beside = ["<!-- densenet-bench:", "<!-- /densenet-bench:"]
        .iter()
        .any(|start| whole.contains(start));
    match is_beside && !whole.contains('`') {
        true => Err("a marker stands beside other text; put it on a line of its own".to_owned()),
        false => Ok(None),
    }
}

fn begun(name: &str, line: &str, number: usize, behind: usize) -> Marked {
    let indent = line.len() - line.trim_start().len();
    Marked {
        name: name.to_owned(),
        line: number,
        inside: behind..behind,
        indent: line.get(..indent).unwrap_or_default().to_owned(),
        line_end: if line.ends_with("\r\n") { "\r\n" } else { "\n" },
    }
}

/// What ends on this line, which starts at that byte.
fn ended(open: Option<Marked>, name: &str, (line, start): (usize, usize)) -> Result<Marked, MarkerError> {
    match open {
        Some(open) if open.name == name => Ok(Marked {
            inside: open.inside.start..start,
            ..open
        }),
        Some(open) => {
            let rule = format!(
                "'{name}' ends where '{}' of line {} is open; end that first",
                open.name, open.line
            );
            Err(error(line, rule))
        }
        None => {
            let rule = format!(
                "'{name}' ends without a beginning; remove the line, or write <!-- densenet-bench:{name} --> above"
            );
            Err(error(line, rule))
        }
    }
}

fn nested(line: usize, name: &str, outer: &Marked) -> MarkerError {
    let rule = format!(
        "'{name}' begins within '{}' of line {}; write <!-- /densenet-bench:{} --> before it",
        outer.name, outer.line, outer.name
    );
    error(line, rule)
}

fn error(line: usize, rule: String) -> MarkerError {
    MarkerError { line, rule }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str =
        "# Title\n\n<!-- densenet-bench:variants -->\nold\n\n| a |\n<!-- /densenet-bench:variants -->\nrest\n";

    fn names(text: &str) -> Vec<(String, usize)> {
        let marked = marked(text).unwrap().into_iter();
        marked.map(|block| (block.name, block.line)).collect()
    }

    fn rule(text: &str) -> (usize, String) {
        let error = marked(text).unwrap_err();
        (error.line, error.to_string())
    }

    #[test]
    fn what_is_between_markers_is_replaced_and_nothing_else() {
        let blocks = marked(FILE).unwrap();
        let once = spliced(FILE, &blocks, &["| n |\n\nnote\n".to_owned()]);
        assert_eq!(
            once,
            "# Title\n\n<!-- densenet-bench:variants -->\n| n |\n\nnote\n<!-- /densenet-bench:variants -->\nrest\n"
        );
        let again = spliced(&once, &marked(&once).unwrap(), &["| n |\n\nnote\n".to_owned()]);
        assert_eq!(again, once);
        let none = spliced(&once, &marked(&once).unwrap(), &[String::new()]);
        assert!(none.contains(":variants -->\n<!-- /"), "{none}");
    }

    #[test]
    fn line_ends_indents_and_the_last_line_stay() {
        let text = "a\r\n  <!--densenet-bench:speed-->\r\n  <!-- /densenet-bench:speed -->\r\nb\nc";
        let once = spliced(text, &marked(text).unwrap(), &["x\n\ny\n".to_owned()]);
        assert_eq!(
            once,
            "a\r\n  <!--densenet-bench:speed-->\r\n  x\r\n\r\n  y\r\n  <!-- /densenet-bench:speed -->\r\nb\nc"
        );
        // A marker on the last line needs no end.
        let last = "<!-- densenet-bench:speed -->\n<!-- /densenet-bench:speed -->";
        assert_eq!(
            spliced(last, &marked(last).unwrap(), &["x\n".to_owned()]),
            last.replace("\n", "\nx\n")
        );
    }

    #[test]
    fn examples_in_code_and_other_comments_are_no_markers() {
        let text = "<!-- goals -->\n<!-- /goals -->\n```md\n<!-- densenet-bench:variants -->\n```\n~~~~\n~~~\n\
                    <!-- densenet-bench:speed -->\n~~~~\nWrite `<!-- densenet-bench:NAME -->`.\n<!-->\n";
        assert_eq!(names(text), []);
        assert_eq!(names(&format!("{text}{FILE}")), [("variants".to_owned(), 14)]);
    }

    #[test]
    fn markers_that_do_not_pair_are_errors_with_their_line() {
        let (begin, end) = ("<!-- densenet-bench:a -->\n", "<!-- /densenet-bench:a -->\n");
        let other = "<!-- densenet-bench:b -->\n";
        assert_eq!(
            rule(begin),
            (
                1,
                "nothing ends 'a'; write <!-- /densenet-bench:a --> where its text is to end".to_owned()
            )
        );
        assert!(
            rule(&format!("{begin}{end}{end}"))
                .1
                .starts_with("'a' ends without a beginning")
        );
        assert_eq!(rule(&format!("{begin}{end}{end}")).0, 3);
        assert!(
            rule(&format!("{begin}\n{other}{end}"))
                .1
                .starts_with("'b' begins within 'a' of line 1")
        );
        assert!(
            rule(&format!("{begin}{begin}{end}"))
                .1
                .starts_with("'a' begins within 'a'")
        );
        assert!(
            rule(&format!("{other}{end}"))
                .1
                .starts_with("'a' ends where 'b' of line 1 is open")
        );
        assert!(
            rule("see <!-- densenet-bench:a --> here\n")
                .1
                .contains("on a line of its own")
        );
        assert!(
            rule("<!-- densenet-bench:a --><!-- /densenet-bench:a -->\n")
                .1
                .contains("on a line of its own")
        );
    }
}
