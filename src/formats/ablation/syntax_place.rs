//! Where the parser stopped, and what explains it.

/// Where a file is not TOML, why, and what to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Explanation {
    /// The byte at fault.
    pub offset: usize,
    pub rule: String,
    pub remedy: String,
}

impl Explanation {
    pub fn new(offset: usize, rule: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            offset,
            rule: rule.into(),
            remedy: remedy.into(),
        }
    }
}

/// The place where the parser stopped.
#[derive(Clone, Copy)]
pub(super) struct Place<'t> {
    /// The whole file.
    pub text: &'t str,
    /// Where it stopped, in bytes.
    pub offset: usize,
    /// Where that line starts, in bytes.
    pub start: usize,
    /// The line, without its end.
    pub line: &'t str,
    /// What the parser said.
    pub said: &'t str,
}

impl<'t> Place<'t> {
    pub fn new(text: &'t str, offset: usize, said: &'t str) -> Self {
        let mut offset = offset.min(text.len());
        while !text.is_char_boundary(offset) {
            offset -= 1;
        }
        // At the end of a file that ends with a line, what is missing is missing from that line.
        let head = &text[..offset];
        let head = if offset == text.len() {
            head.trim_end_matches(['\n', '\r'])
        } else {
            head
        };
        let offset = head.len();
        let start = head.rfind('\n').map_or(0, |newline| newline + 1);
        let end = text[offset..].find('\n').map_or(text.len(), |newline| offset + newline);
        Self {
            text,
            offset,
            start,
            line: text[start..end].trim_end_matches('\r'),
            said,
        }
    }

    /// The line before the place.
    pub fn before(&self) -> &'t str {
        let end = (self.offset - self.start).min(self.line.len());
        &self.line[..end]
    }

    /// The line from the place on.
    pub fn rest(&self) -> &'t str {
        &self.line[self.before().len()..]
    }

    /// Whether the parser said so.
    pub fn said(&self, beginning: &str) -> bool {
        self.said.starts_with(beginning)
    }
}
