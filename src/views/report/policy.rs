//! The page's Content-Security-Policy: what is in the file itself, by its hash, and nothing else.

use sha2::{Digest, Sha256};

/// A policy that lets a page apply these styles and run these scripts, and neither load nor send anything.
pub fn policy(styles: &[&str], scripts: &[&str]) -> String {
    let sources = |texts: &[&str]| {
        let hashes: Vec<String> = texts.iter().map(|text| source(text)).collect();
        match hashes.is_empty() {
            true => "'none'".to_owned(),
            false => hashes.join(" "),
        }
    };
    format!(
        "default-src 'none'; style-src {}; script-src {}; base-uri 'none'; form-action 'none'",
        sources(styles),
        sources(scripts)
    )
}

/// `'sha256-…'`: the hash of what stands between a tag and its end, in base 64 (CSP level 3, section 2.3.1).
fn source(text: &str) -> String {
    format!("'sha256-{}'", base64(&Sha256::digest(text)))
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let byte = |place: usize| u32::from(three.get(place).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for place in 0..4 {
            match place <= three.len() {
                true => text.push(char::from(LETTERS[(bits >> (18 - 6 * place) & 63) as usize])),
                false => text.push('='),
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_64_has_the_examples_of_rfc_4648() {
        for (bytes, text) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
    }

    #[test]
    fn a_source_is_the_example_of_the_specification() {
        // CSP level 3, section 8.3: alert('Hello, world.');
        let expected = "'sha256-qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng='";
        assert_eq!(source("alert('Hello, world.');"), expected);
        assert_eq!(
            policy(&[], &["alert('Hello, world.');"]),
            format!("default-src 'none'; style-src 'none'; script-src {expected}; base-uri 'none'; form-action 'none'")
        );
    }
}
