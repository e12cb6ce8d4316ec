//! The data sets that `data list` knows, from the table of all.

use super::error::FetchError;
use crate::data_sets::{DataSetName, KnownSet};

/// Every data set that is built in or can be downloaded.
pub fn catalogue() -> Vec<KnownSet> {
    let known = DataSetName::ALL.iter().map(|dataset| dataset.descriptor().known);
    known.flatten().collect()
}

/// The data set of that name.
///
/// # Errors
/// An unknown name; the message lists the known ones.
pub fn find<'a>(catalogue: &'a [KnownSet], name: &str) -> Result<&'a KnownSet, FetchError> {
    catalogue.iter().find(|set| set.name == name).ok_or_else(|| {
        let names: Vec<&str> = catalogue.iter().map(|set| set.name).collect();
        FetchError::input(
            format!("'{name}'"),
            "no data set has this name",
            format!("choose one of {}", names.join(", ")),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data_sets::Packing;

    #[test]
    fn every_entry_is_sound() {
        let is_sum = |sum: &str| sum.len() == 64 && sum.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        // A name is joined to a folder and to an address.
        let is_name = |name: &str| {
            !name.is_empty()
                && !name.starts_with('.')
                && (name.bytes()).all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
        };
        let catalogue = catalogue();
        for set in &catalogue {
            assert_eq!(
                catalogue.iter().filter(|other| other.name == set.name).count(),
                1,
                "{}",
                set.name
            );
            let Some(files) = set.files else { continue };
            for base in files.mirrors.iter().chain([&files.base]) {
                // Plain http where the authors have no other: the checksum is in the program.
                let is_address = base.starts_with("https://") || base.starts_with("http://");
                assert!(is_address && base.ends_with('/'), "{base}");
            }
            assert!(is_name(files.folder));
            for download in files.downloads {
                assert!(
                    is_name(download.file) && is_sum(download.sha256) && download.bytes > 0,
                    "{download:?}"
                );
                let plain = files.members.iter().any(|member| member.name == download.file);
                assert_eq!(download.packing == Packing::Plain, plain, "{download:?}");
            }
            for member in files.members {
                assert!(
                    is_name(member.name) && member.sha256.is_none_or(is_sum) && member.size.bound() > 0,
                    "{member:?}"
                );
            }
        }
    }

    #[test]
    fn an_unknown_name_is_an_error_that_lists_the_known_ones() {
        assert_eq!(
            find(&catalogue(), "cifar").unwrap_err().to_string(),
            "'cifar': no data set has this name; choose one of digits, noisy-digits, digit-sums, synthetic, cifar10, cifar100, mnist, fashion-mnist, svhn, imagenet"
        );
    }
}
