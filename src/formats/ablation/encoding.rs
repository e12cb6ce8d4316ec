//! From a file's bytes to its text: an ablation file is UTF-8, and what people have in its place is recognised.

use std::path::Path;

use super::error::{Fault, FormatError};
use super::values::Lines;

/// So much of a file is looked at to recognise an encoding without a mark.
const LOOKED_AT: usize = 4096;

/// The text of an ablation file. A byte order mark of UTF-8 is allowed.
///
/// # Errors
/// Bytes that are not UTF-8: the encoding that they look like, and how to convert it.
pub fn text_of_bytes(bytes: Vec<u8>, file: &Path) -> Result<String, FormatError> {
    if let Some(name) = utf_16_or_32(&bytes) {
        // Without a mark iconv has to be told the order of the bytes.
        let of_iconv = match (name.contains("without a mark"), name.contains("big-endian")) {
            (false, _) => name[..6].to_owned(),
            (true, true) => format!("{}BE", &name[..6]),
            (true, false) => format!("{}LE", &name[..6]),
        };
        let (writers, in_powershell) = match name {
            "UTF-16 (little-endian)" => (
                ", as Windows PowerShell's > and Notepad write it",
                "in PowerShell: Get-Content FILE | Set-Content -Encoding utf8 NEW.toml; elsewhere: ",
            ),
            _ => ("", "or run: "),
        };
        let fault = whole_file(
            format!("the file is {name}{writers}; an ablation file is UTF-8 text"),
            format!("save it as UTF-8; {in_powershell}iconv -f {of_iconv} -t UTF-8 FILE > NEW.toml"),
        );
        return Err(fault.in_file(file));
    }
    String::from_utf8(bytes).map_err(|error| {
        let offset = error.utf8_error().valid_up_to();
        let bytes = error.as_bytes();
        not_utf_8(bytes, offset).in_file(file)
    })
}

fn whole_file(rule: impl Into<String>, remedy: impl Into<String>) -> Fault {
    Fault {
        line: None,
        column: None,
        key: None,
        rule: rule.into(),
        remedy: remedy.into(),
    }
}

/// The name of an encoding with units of two or four bytes, by its mark or by where the zeros are.
fn utf_16_or_32(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0xff, 0xfe, 0, 0, ..] => return Some("UTF-32 (little-endian)"),
        [0, 0, 0xfe, 0xff, ..] => return Some("UTF-32 (big-endian)"),
        [0xff, 0xfe, ..] => return Some("UTF-16 (little-endian)"),
        [0xfe, 0xff, ..] => return Some("UTF-16 (big-endian)"),
        _ => {}
    }
    let looked_at = &bytes[..bytes.len().min(LOOKED_AT)];
    // Of ASCII in units of four bytes three are zero, and in units of two every second one.
    let letters = |place: usize| {
        let of_each = looked_at.chunks_exact(4);
        let is_letter = |unit: &&[u8]| unit.iter().enumerate().all(|(at, &byte)| (byte == 0) != (at == place));
        of_each.clone().filter(is_letter).count() >= (of_each.len() * 9 / 10).max(1)
    };
    for (place, name) in [
        (0, "UTF-32 (little-endian, without a mark)"),
        (3, "UTF-32 (big-endian, without a mark)"),
    ] {
        if letters(place) {
            return Some(name);
        }
    }
    let zeros = |first: usize| {
        let every_second = looked_at.iter().skip(first).step_by(2);
        every_second.filter(|&&byte| byte == 0).count()
    };
    let most = looked_at.len() / 2 * 9 / 10;
    let (low_first, high_first) = (zeros(1), zeros(0));
    match most {
        0 => None,
        _ if low_first >= most && high_first == 0 => Some("UTF-16 (little-endian, without a mark)"),
        _ if high_first >= most && low_first == 0 => Some("UTF-16 (big-endian, without a mark)"),
        _ => None,
    }
}

/// What bytes are that are neither.
fn not_utf_8(bytes: &[u8], offset: usize) -> Fault {
    let looked_at = &bytes[..bytes.len().min(LOOKED_AT)];
    let controls = looked_at.iter().filter(|byte| matches!(byte, 0..=8 | 14..=31)).count();
    if controls > 0 {
        return whole_file(
            "the file is not text (it has bytes that no text has); an ablation file is UTF-8 text",
            "name an ablation file, such as ablations/growth.toml",
        );
    }
    let byte = bytes[offset];
    // Windows-1252 has letters where ISO 8859-1 has control characters; the others are the same.
    let letter = match byte {
        0x80 => '€',
        0x85 => '…',
        0x91 => '‘',
        0x92 => '’',
        0x93 => '“',
        0x94 => '”',
        0x96 => '–',
        0x97 => '—',
        byte => char::from(byte),
    };
    let shown = if letter.is_control() {
        String::new()
    } else {
        format!("; in Windows-1252 and Latin-1 it is {letter}")
    };
    let head = String::from_utf8_lossy(&bytes[..offset]).into_owned();
    let line = head.matches('\n').count() + 1;
    Fault {
        line: Some(line),
        column: Some(Lines::column(&head, head.len())),
        ..whole_file(
            format!("byte 0x{byte:02X} is not UTF-8{shown}; an ablation file is UTF-8 text"),
            "save it as UTF-8 in your editor, or run: iconv -f WINDOWS-1252 -t UTF-8 FILE > NEW.toml",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(bytes: &[u8]) -> String {
        text_of_bytes(bytes.to_vec(), Path::new("growth.toml"))
            .unwrap_err()
            .to_string()
    }

    fn utf_16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(bytes).collect()
    }

    const TEXT: &str = "name = \"growth\"\r\nquestion = \"Höher?\"\r\n";

    #[test]
    fn utf_8_is_read_with_and_without_a_mark() {
        for text in [TEXT, "\u{feff}name = \"growth\"\n", "", "a"] {
            assert_eq!(text_of_bytes(text.as_bytes().to_vec(), Path::new("x")).unwrap(), text);
        }
    }

    #[test]
    fn utf_16_is_named_with_and_without_a_mark_and_the_remedy_converts_it() {
        let marked = format!("\u{feff}{TEXT}");
        let utf_32 = |order: fn(u32) -> [u8; 4]| TEXT.chars().flat_map(|letter| order(letter.into())).collect();
        for (bytes, name, of_iconv) in [
            (
                utf_16(&marked, u16::to_le_bytes),
                "UTF-16 (little-endian), as",
                "UTF-16",
            ),
            (utf_16(&marked, u16::to_be_bytes), "UTF-16 (big-endian);", "UTF-16"),
            (
                utf_16(TEXT, u16::to_le_bytes),
                "UTF-16 (little-endian, without a mark);",
                "UTF-16LE",
            ),
            (
                utf_16(TEXT, u16::to_be_bytes),
                "UTF-16 (big-endian, without a mark);",
                "UTF-16BE",
            ),
            (
                utf_32(u32::to_le_bytes),
                "UTF-32 (little-endian, without a mark);",
                "UTF-32LE",
            ),
            (
                utf_32(u32::to_be_bytes),
                "UTF-32 (big-endian, without a mark);",
                "UTF-32BE",
            ),
        ] {
            let message = refused(&bytes);
            assert!(
                message.starts_with(&format!("growth.toml: the file is {name}")),
                "{message}"
            );
            assert!(
                message.contains("is UTF-8 text") && message.contains(&format!("iconv -f {of_iconv} -t UTF-8")),
                "{message}"
            );
        }
        let message = refused(&[0xff, 0xfe, 0, 0, b'n', 0, 0, 0]);
        assert!(
            message.contains("UTF-32") && message.contains("iconv -f UTF-32"),
            "{message}"
        );
    }

    #[test]
    fn a_byte_of_windows_1252_is_named_with_its_place_and_its_letter() {
        assert_eq!(
            refused(b"name = \"growth\"\nquestion = \"H\xf6her?\"\n"),
            "growth.toml:2:14: byte 0xF6 is not UTF-8; in Windows-1252 and Latin-1 it is ö; an ablation file is UTF-8 text; \
             save it as UTF-8 in your editor, or run: iconv -f WINDOWS-1252 -t UTF-8 FILE > NEW.toml"
        );
        // Columns count characters: an ö in UTF-8 is one.
        assert!(refused("ö\u{80}".as_bytes().split_last().unwrap().1).contains(":1:2:"));
        assert!(refused(b"x = \x93a\x94").contains("it is “"));
    }

    #[test]
    fn a_binary_file_is_not_taken_for_text_of_another_encoding() {
        let message = refused(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR");
        assert!(
            message.contains("is not text") && message.contains("ablations/growth.toml"),
            "{message}"
        );
    }
}
