//! How far a fetch has come, for whoever shows it.

/// A step of the work, reported while it lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step<'a> {
    /// What is done.
    pub doing: Doing,
    /// With which file.
    pub file: &'a str,
    /// Bytes so far.
    pub done: u64,
    /// Bytes in all.
    pub total: u64,
}

/// What is done with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doing {
    /// It comes over the network.
    Downloading,
    /// It is copied from a folder.
    Copying,
    /// Its checksum is computed.
    Checking,
    /// It is extracted from its archive.
    Unpacking,
}

/// Called with every step.
pub type Progress<'a> = &'a mut dyn FnMut(Step<'_>);
