//! The official binary batches of CIFAR-10 and CIFAR-100 as plain data: names, labels, sizes, and where to get them.

/// Values of an image: red, green and blue, 32 rows of 32 each.
pub(super) const PIXELS: usize = 3072;

/// The batch files of one of the two.
#[derive(Clone, Copy, Debug)]
pub struct Format {
    /// The data set's name.
    pub(super) name: &'static str,
    /// The labels at a record's start, the one that is taken last: (what it is called, how many values it has).
    pub(super) labels: &'static [(&'static str, u8)],
    /// The files with the images to train on, in their order.
    pub(super) training_files: &'static [&'static str],
    /// The files with the images to test on.
    pub(super) test_files: &'static [&'static str],
    /// The file with the classes' names, one a line.
    pub(super) names_file: &'static str,
    /// The folder that the archive unpacks to.
    pub(super) folder: &'static str,
    /// The archive.
    pub(super) archive: &'static str,
    /// Images to train on and to test on, of the whole data set.
    pub(super) images: (usize, usize),
    /// What is often given in its place.
    pub(super) mistaken: &'static [Mistaken],
}

/// Other files of the same authors, in the place of those that are read.
#[derive(Clone, Copy, Debug)]
pub struct Mistaken {
    /// What they are: `the Python version of CIFAR-10`.
    pub(super) what: &'static str,
    /// The folder that their archive unpacks to.
    pub(super) folder: &'static str,
    /// A file in that folder.
    pub(super) file: &'static str,
    /// How their archive's name starts.
    pub(super) archive: &'static str,
    /// The data set that reads them; none where none does.
    pub(super) dataset: Option<&'static str>,
}

impl Format {
    /// Classes of the label that is taken.
    pub const fn classes(&self) -> usize {
        match self.labels {
            [.., (_, classes)] => *classes as usize,
            [] => 0,
        }
    }

    /// Bytes of a record.
    pub const fn record(&self) -> usize {
        self.labels.len() + PIXELS
    }

    /// Where to get the files.
    pub(super) fn remedy(&self) -> String {
        format!(
            "leave path out and download it with `densenet-bench data fetch {}`, or get {} from \
             https://www.cs.toronto.edu/~kriz/cifar.html, unpack it and name its folder {}",
            self.name, self.archive, self.folder
        )
    }

    /// Where the files are there, but damaged: `data fetch` leaves a folder alone that is there already.
    pub(super) fn damage_remedy(&self) -> String {
        format!(
            "remove or rename its folder, leave path out, and download it with `densenet-bench data fetch {}`",
            self.name
        )
    }

    /// The names of the batch files, in their order.
    pub(super) fn batch_files(&self) -> impl Iterator<Item = &'static str> {
        self.training_files.iter().chain(self.test_files).copied()
    }
}
