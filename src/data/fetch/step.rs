//! How far a fetch has come, for whoever shows it.

/// A part of the work, told of while it goes on.
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
    /// It comes from the network or a folder.
    Loading,
    /// Its sum is taken.
    Checking,
    /// It is written out of its archive.
    Unpacking,
}

/// Who is told.
pub type Told<'a> = &'a mut dyn FnMut(Step<'_>);
