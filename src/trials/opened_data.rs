//! The data of a trial or a measurement, in the process that was started for it.

use crate::data::{self, DataError, DataSet, FilesSurvey};
use crate::formats::ablation::DataSettings;
use crate::host::available_memory;

/// The data that a record was made for.
#[derive(Clone, Copy, Debug)]
pub struct RecordedData<'a> {
    /// `[data]`.
    pub settings: &'a DataSettings,
    /// The data's fingerprint.
    pub fingerprint: &'a str,
    /// What the run that made the record found of the data's files.
    pub files: Option<&'a FilesSurvey>,
}

/// Why the data of a record cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenedDataError {
    /// They cannot be read.
    #[error(transparent)]
    Data(#[from] DataError),
    /// They are not those of the record.
    #[error(
        "the data changed since the trial was started (fingerprint {found}, not {expected}); run again with --fresh"
    )]
    Other {
        /// The fingerprint of today.
        found: String,
        /// The recorded one.
        expected: String,
    },
}

/// How much of the data a process uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// Every image, again and again: where memory holds them all, they are decoded before the first step.
    Training,
    /// A few batches: no other image is read.
    Batches,
}

/// Opens the data and checks that they are the recorded ones. Images that are not all decoded at once are taken for the
/// recorded ones where their files' names, lengths and times are; else they are all read.
///
/// # Errors
/// Data that cannot be used, or that changed since the record was made.
pub fn opened_data(recorded: RecordedData<'_>, threads: usize, to_use: Use) -> Result<DataSet, OpenedDataError> {
    let RecordedData {
        settings,
        fingerprint,
        files,
    } = recorded;
    let data = data::open(settings, threads, available_memory())?;
    let all_at_once = to_use == Use::Training && data.fits_in_memory();
    if !all_at_once && files.is_some_and(|files| data.accept(files)) {
        return Ok(data);
    }
    let found = data.survey(settings.needs_moments(), &mut |_, _| ())?;
    match found.fingerprint == fingerprint {
        true => Ok(data),
        false => Err(OpenedDataError::Other {
            found: found.fingerprint,
            expected: fingerprint.to_owned(),
        }),
    }
}
