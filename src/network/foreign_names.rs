//! The names that a network's tensors have in the files of other programs.

/// One form of names, which some other program writes.
#[derive(Clone, Copy)]
pub struct ForeignNames {
    /// Whose form it is, for messages: `torchvision's old form`.
    pub of: &'static str,
    /// This program's name of a tensor from its name there, both without a prefix such as `module.`; none for a name that
    /// is not of the form.
    pub here: fn(&str) -> Option<String>,
    /// Why weights under such names give other logits here although every shape fits; none where they give the same.
    pub differs: Option<&'static str>,
}

impl std::fmt::Debug for ForeignNames {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("ForeignNames").field(&self.of).finish()
    }
}

/// The number that follows `before` at the start of a name, up to `after`, and what comes then: of `layer.12.norm` with
/// `layer.` and `.` it is 12 and `norm`.
pub fn numbered<'n>(name: &'n str, before: &str, after: &str) -> Option<(usize, &'n str)> {
    let rest = name.strip_prefix(before)?;
    let end = rest.find(|c: char| !c.is_ascii_digit())?;
    // A leading zero would make two names of one number.
    let number = match rest[..end].parse() {
        Ok(number) if !rest.starts_with('0') || end == 1 => number,
        _ => return None,
    };
    Some((number, rest[end..].strip_prefix(after)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_in_a_name_is_read_with_what_follows_it() {
        assert_eq!(numbered("layer.12.norm", "layer.", "."), Some((12, "norm")));
        assert_eq!(numbered("dense0", "dense", ""), None);
        assert_eq!(numbered("dense0.x", "dense", "."), Some((0, "x")));
        for other in [
            "layer.x",
            "layer..x",
            "layer.012.x",
            "other.1.x",
            "layer.99999999999999999999999.x",
        ] {
            assert_eq!(numbered(other, "layer.", "."), None, "{other}");
        }
    }
}
