//! Progress of a fetch, for display.

/// A step of the work, reported while it lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step<'a> {
    /// The kind of work.
    pub doing: Doing,
    /// The file that is worked on.
    pub file: &'a str,
    /// Bytes so far.
    pub done: u64,
    /// Bytes in all.
    pub total: u64,
}

/// A kind of work on a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doing {
    /// It is downloaded.
    Downloading,
    /// It is copied from a folder.
    Copying,
    /// Its checksum is verified.
    Checking,
    /// It is extracted from its archive.
    Unpacking,
}

/// Called with every step.
pub type Progress<'a> = &'a mut dyn FnMut(Step<'_>);
