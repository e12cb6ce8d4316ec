//! safetensors bytes, with their header's claims checked against what is there before anything is made of them.

use safetensors::SafeTensors;
use safetensors::tensor::Metadata;

use super::file_signature;
use crate::visible::quoted;

/// Why bytes are not a safetensors file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Misfit {
    /// What was found.
    pub rule: String,
    /// What to do, where the bytes are those of another format.
    pub remedy: Option<&'static str>,
}

/// The tensors, as views of the bytes. Nothing is copied, and nothing is allocated but for the header's own content.
///
/// # Errors
/// A header that claims more than there is, or less; tensors that overlap, leave gaps or do not fit their shapes; no
/// safetensors at all.
pub(super) fn open(bytes: &[u8]) -> Result<SafeTensors<'_>, Misfit> {
    header(bytes)?;
    SafeTensors::deserialize(bytes).map_err(|reason| Misfit {
        rule: quoted(&reason.to_string()),
        remedy: None,
    })
}

/// The header alone, its claims checked.
///
/// # Errors
/// Those of [`open`].
pub(super) fn header(bytes: &[u8]) -> Result<Metadata, Misfit> {
    // Other formats are tested for last: a header of 640 bytes starts like a pickle.
    checked(bytes).map_err(|rule| or_other_format(rule, bytes))
}

/// The header of a file of which only the beginning is there.
///
/// # Errors
/// A header that is cut off or is not one.
pub(super) fn header_of_beginning(bytes: &[u8]) -> Result<Metadata, Misfit> {
    let read = split(bytes).and_then(|(header, _)| parsed(header));
    read.map_err(|rule| or_other_format(rule, bytes))
}

fn or_other_format(rule: String, bytes: &[u8]) -> Misfit {
    match file_signature::recognized(bytes) {
        Some((rule, remedy)) => Misfit {
            rule: rule.to_owned(),
            remedy: Some(remedy),
        },
        None => Misfit { rule, remedy: None },
    }
}

/// A file is 8 bytes with the header's length, the header and the tensors' bytes, nothing else.
fn checked(bytes: &[u8]) -> Result<Metadata, String> {
    let (header, data) = split(bytes)?;
    let metadata = parsed(header)?;
    match metadata.data_len() {
        claimed if claimed == data.len() => Ok(metadata),
        claimed => Err(format!(
            "its header claims {claimed} bytes of tensors, and {} follow",
            data.len()
        )),
    }
}

/// The header's text and what follows it.
fn split(bytes: &[u8]) -> Result<(&[u8], &[u8]), String> {
    let Some((length, rest)) = bytes.split_first_chunk::<8>() else {
        return Err(format!("it has {} bytes, and a header's length takes 8", bytes.len()));
    };
    let length = u64::from_le_bytes(*length);
    let parts = usize::try_from(length)
        .ok()
        .and_then(|length| rest.split_at_checked(length));
    parts.ok_or_else(|| format!("it claims a header of {length} bytes, and {} follow", rest.len()))
}

fn parsed(header: &[u8]) -> Result<Metadata, String> {
    serde_json::from_slice(header).map_err(|reason| format!("its header: {}", quoted(&reason.to_string())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(header: &str, data: &[u8]) -> Vec<u8> {
        [&(header.len() as u64).to_le_bytes(), header.as_bytes(), data].concat()
    }

    fn tensor(shape: &str, from: u64, to: u64) -> String {
        format!("{{\"dtype\":\"F32\",\"shape\":{shape},\"data_offsets\":[{from},{to}]}}")
    }

    fn rule(bytes: &[u8]) -> String {
        open(bytes).unwrap_err().rule
    }

    #[test]
    fn a_header_that_claims_more_than_there_is_is_named_with_both_lengths() {
        assert_eq!(rule(b"1234567"), "it has 7 bytes, and a header's length takes 8");
        let claimed = [&(1u64 << 60).to_le_bytes()[..], b"{}"].concat();
        assert_eq!(
            rule(&claimed),
            "it claims a header of 1152921504606846976 bytes, and 2 follow"
        );
        let header = format!("{{\"a\":{}}}", tensor("[2]", 0, 8));
        assert!(open(&file(&header, &[0; 8])).is_ok());
        for data in [&[0; 7][..], &[0; 9], &[]] {
            let rule = rule(&file(&header, data));
            assert_eq!(
                rule,
                format!("its header claims 8 bytes of tensors, and {} follow", data.len())
            );
        }
    }

    #[test]
    fn sizes_that_no_number_holds_are_refused() {
        let huge = format!("{{\"a\":{}}}", tensor("[4294967296,4294967296]", 0, 0));
        assert!(rule(&file(&huge, &[])).starts_with("its header: "));
        // Eight tensors that end just below 2^64: with the header's own length the sum would not fit.
        let each = (1u64 << 61) - 4;
        let tensors: Vec<String> = (0..8)
            .map(|index| {
                let shape = format!("[{}]", each / 4);
                format!("\"{index}\":{}", tensor(&shape, index * each, (index + 1) * each))
            })
            .collect();
        let rule = rule(&file(&format!("{{{}}}", tensors.join(",")), &[]));
        assert_eq!(
            rule,
            "its header claims 18446744073709551584 bytes of tensors, and 0 follow"
        );
    }

    #[test]
    fn tensors_that_overlap_leave_gaps_or_do_not_fit_their_shapes_are_refused() {
        for (first, second) in [
            (tensor("[2]", 0, 8), tensor("[1]", 4, 8)),
            (tensor("[1]", 0, 4), tensor("[1]", 8, 12)),
            (tensor("[1]", 0, 4), tensor("[2]", 4, 8)),
            (tensor("[1]", 4, 0), tensor("[1]", 0, 4)),
        ] {
            let header = format!("{{\"a\":{first},\"b\":{second}}}");
            let rule = rule(&file(&header, &[0; 12]));
            assert!(rule.starts_with("its header: "), "{rule}");
        }
    }

    #[test]
    fn a_pickle_is_named_and_never_read() {
        for start in [&b"PK\x03\x04"[..], b"\x80\x02", b"\x80\x05"] {
            let misfit = open(&[start, &[b'}'; 80]].concat()).unwrap_err();
            assert!(misfit.rule.contains("PyTorch's pickle format"), "{misfit:?}");
            assert!(misfit.remedy.unwrap().contains("safetensors.torch.save_file"));
        }
    }

    #[test]
    fn a_header_whose_length_starts_like_a_pickle_is_read() {
        let header = format!("{:640}", format!("{{\"a\":{}}}", tensor("[1]", 0, 4)));
        let bytes = file(&header, &[0; 4]);
        assert!(bytes.starts_with(b"\x80\x02"));
        assert!(open(&bytes).is_ok());
        // Cut off, it is still no pickle.
        assert_eq!(
            rule(&bytes[..bytes.len() - 1]),
            "its header claims 4 bytes of tensors, and 3 follow"
        );
    }
}
