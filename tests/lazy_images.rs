//! A folder of images is read when a batch needs it: how often, in which bits, and what happens to a file that breaks.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use densenet_bench::data::{Batch, Batches, DataSet, Loader, LoaderPlan, Normalization, Part, load, open, open_from};
use densenet_bench::data_sets::{Child, Entry, FileSystem};
use densenet_bench::files::LocalFiles;
use densenet_bench::formats::ablation::{Augment, DataSetName, DataSettings};
use densenet_bench::trials::{RecordedData, Use, opened_data};
use image::{Rgb, RgbImage};
use tempfile::TempDir;

/// Bytes of a decoded image.
const IMAGE: u64 = 3 * 4 * 4;

/// Training images of each of the two classes.
const OF_A_CLASS: usize = 5;

const TRAINING: usize = 2 * OF_A_CLASS;

/// Every image has colours of its own.
fn images(folder: &Path) {
    for (split, count) in [("train", OF_A_CLASS), ("test", 2)] {
        for (class, name) in ["ant", "bee"].into_iter().enumerate() {
            let class_folder = folder.join(split).join(name);
            fs::create_dir_all(&class_folder).unwrap();
            for index in 0..count {
                let image = RgbImage::from_fn(4, 4, |x, y| {
                    Rgb([
                        (90 * class + 9 * index) as u8,
                        (30 * x) as u8,
                        (40 * y + 7 * count as u32) as u8,
                    ])
                });
                image.save(class_folder.join(format!("{index}.png"))).unwrap();
            }
        }
    }
}

fn settings(folder: &Path) -> DataSettings {
    DataSettings {
        path: Some(folder.to_owned()),
        image_size: 4,
        resize: None,
        augment: Augment::ShiftFlip,
        ..DataSettings::new(DataSetName::Folder)
    }
}

/// The most bytes that are looked at of a small file when a folder is opened, whether it is a pointer or a link's text.
const PEEK: u64 = 256;

/// The files of this machine; it counts and remembers those that are read whole.
#[derive(Default)]
struct Counting {
    reads: AtomicUsize,
    last: Mutex<Vec<PathBuf>>,
}

impl Counting {
    fn reads(&self) -> usize {
        self.reads.load(Ordering::Relaxed)
    }
}

impl FileSystem for Counting {
    fn entry(&self, path: &Path) -> io::Result<Entry> {
        LocalFiles.entry(path)
    }

    fn children(&self, folder: &Path) -> io::Result<Vec<Child>> {
        LocalFiles.children(folder)
    }

    fn link(&self, path: &Path) -> Option<PathBuf> {
        LocalFiles.link(path)
    }

    fn real(&self, path: &Path) -> io::Result<PathBuf> {
        LocalFiles.real(path)
    }

    fn read(&self, file: &Path, limit: u64) -> io::Result<Vec<u8>> {
        if limit > PEEK {
            self.reads.fetch_add(1, Ordering::Relaxed);
            self.last.lock().unwrap().push(file.to_owned());
        }
        LocalFiles.read(file, limit)
    }

    fn modified(&self, file: &Path) -> Option<u128> {
        LocalFiles.modified(file)
    }
}

/// The data set with room for that many decoded images.
fn counted(folder: &Path, room: u64) -> (Arc<Counting>, DataSet) {
    let files = Arc::new(Counting::default());
    // Half of what is available is for images.
    let memory = Some((2 * room * IMAGE).max(IMAGE));
    let data = open_from(Arc::clone(&files) as _, &settings(folder), 2, memory).unwrap();
    (files, data)
}

fn plan(normalization: Normalization, epochs: usize, threads: usize) -> LoaderPlan {
    LoaderPlan {
        part: Part::Train,
        indices: (0..TRAINING).collect(),
        normalization,
        batch_size: 3,
        epochs: 0..epochs,
        first_batch: 0,
        seed: 5,
        augmentation_seed: 5,
        shuffle: true,
        augment: Augment::ShiftFlip,
        cutout: None,
        ten_crops: false,
        threads,
    }
}

fn given() -> Normalization {
    Normalization {
        mean: vec![0.5; 3],
        std: vec![0.25; 3],
    }
}

#[test]
fn batches_have_the_same_bits_however_many_images_are_kept_and_whatever_the_threads() {
    let folder = TempDir::new().unwrap();
    images(folder.path());
    let mut expected: Option<Vec<Batch>> = None;
    for room in [0, 1, 4, 100] {
        for (threads, loaders) in [(1, 0), (3, 0), (2, 2)] {
            let memory = Some((2 * room * IMAGE).max(IMAGE));
            let data = open(&settings(folder.path()), threads, memory).unwrap();
            assert_eq!(data.fits_in_memory(), room == 100);
            let normalization = Normalization::resolve(&settings(folder.path()), &data).unwrap();
            let loader = Loader::start(Arc::new(data), plan(normalization, 3, loaders)).unwrap();
            let batches: Vec<Batch> = loader.map(Result::unwrap).collect();
            assert_eq!(batches.len(), 3 * 4);
            assert_eq!(*expected.get_or_insert_with(|| batches.clone()), batches, "room {room}");
        }
    }
}

#[test]
fn the_fingerprint_does_not_depend_on_what_is_kept() {
    let folder = TempDir::new().unwrap();
    images(folder.path());
    let whole = load(&settings(folder.path()), 2, None).unwrap();
    let expected = whole.survey(true, &mut |_, _| ()).unwrap();
    // As every version computed it, over the pixels of all images.
    assert_eq!(
        expected.fingerprint,
        "2fff0818557aaf2c7acaddded6f29fdba7d3f80a4eb36e2d8337ceef58e7fe82"
    );
    for room in [0, 4] {
        let (files, data) = counted(folder.path(), room);
        let mut seen = Vec::new();
        let found = data.survey(true, &mut |done, all| seen.push((done, all))).unwrap();
        assert_eq!(found, expected);
        assert_eq!(data.moments().unwrap(), whole.moments().unwrap());
        assert_eq!(files.reads(), TRAINING + 4);
        assert_eq!(seen.last(), Some(&(TRAINING + 4, TRAINING + 4)));
    }
}

#[test]
fn an_image_is_read_when_a_batch_needs_it_and_again_only_where_there_is_no_room() {
    let folder = TempDir::new().unwrap();
    images(folder.path());
    for (room, in_two_epochs) in [(0, 2 * TRAINING), (4, 2 * TRAINING - 4), (100, TRAINING)] {
        let (files, data) = counted(folder.path(), room);
        assert_eq!(files.reads(), 0, "opening reads no image");
        let mut batches = Batches::new(Arc::new(data), plan(given(), 2, 0)).unwrap();
        for taken in 1..=3 {
            batches.next().unwrap().unwrap();
            assert_eq!(files.reads(), 3 * taken, "room {room}");
        }
        assert_eq!(batches.map(Result::unwrap).count(), 5);
        assert_eq!(files.reads(), in_two_epochs, "room {room}");
    }
}

#[test]
fn a_file_that_breaks_changes_or_vanishes_while_it_is_in_use_is_named() {
    type Change = fn(&Path);
    let changes: [(Change, &str); 3] = [
        (
            |file| fs::remove_file(file).unwrap(),
            "it cannot be read: No such file or directory",
        ),
        (
            |file| fs::write(file, b"no image").unwrap(),
            "the file changed while the data set was in use: it has 8 bytes, and had ",
        ),
        (
            |file| {
                let length = fs::metadata(file).unwrap().len() as usize;
                fs::write(file, vec![b'x'; length]).unwrap();
            },
            "not a readable PNG or JPEG file: unknown signature",
        ),
    ];
    for (change, rule) in changes {
        for loaders in [0, 2] {
            let folder = TempDir::new().unwrap();
            images(folder.path());
            let (_, data) = counted(folder.path(), 0);
            let mut loader = Loader::start(Arc::new(data), plan(given(), 1000, loaders)).unwrap();
            loader.next().unwrap().unwrap();
            let file = folder.path().join("train/bee/3.png");
            change(&file);
            let error = loader.find_map(Result::err).unwrap().to_string();
            assert!(error.starts_with(&format!("{}: {rule}", file.display())), "{error}");
            assert!(loader.next().is_none(), "an error is the end");
        }
    }
}

#[test]
fn a_process_that_needs_one_batch_reads_the_images_of_that_batch() {
    let folder = TempDir::new().unwrap();
    images(folder.path());
    let survey = load(&settings(folder.path()), 2, None).unwrap();
    let survey = survey.survey(true, &mut |_, _| ()).unwrap();
    let (files, data) = counted(folder.path(), 100);
    assert!(data.accept(survey.files.as_ref().unwrap()));
    let normalization = Normalization::resolve(&settings(folder.path()), &data).unwrap();
    let plan = LoaderPlan::evaluation(Part::Train, (0..TRAINING).collect(), normalization, 4);
    let batch = Loader::start(Arc::new(data), plan).unwrap().next().unwrap().unwrap();
    assert_eq!(batch.indices, [0, 1, 2, 3]);
    let mut read = files.last.lock().unwrap().clone();
    read.sort();
    let expected = ["0.png", "1.png", "2.png", "3.png"].map(|name| folder.path().join("train/ant").join(name));
    assert_eq!(read, expected);
}

#[test]
fn a_survey_is_accepted_of_the_same_files_alone() {
    let folder = TempDir::new().unwrap();
    images(folder.path());
    let survey = load(&settings(folder.path()), 2, None).unwrap();
    let survey = survey.survey(true, &mut |_, _| ()).unwrap().files.unwrap();
    let accepts = |settings: &DataSettings| open(settings, 1, None).unwrap().accept(&survey);
    assert!(accepts(&settings(folder.path())));
    let mut other = settings(folder.path());
    other.image_size = 5;
    assert!(!accepts(&other));
    other = settings(folder.path());
    other.train_limit = Some(9);
    assert!(!accepts(&other));
    let file = folder.path().join("test/bee/1.png");
    let later = fs::metadata(&file).unwrap().modified().unwrap() + std::time::Duration::from_secs(1);
    fs::File::options()
        .write(true)
        .open(&file)
        .unwrap()
        .set_modified(later)
        .unwrap();
    assert!(!accepts(&settings(folder.path())));
}

#[test]
fn a_touched_file_is_no_other_data_and_a_changed_one_is() {
    let folder = TempDir::new().unwrap();
    images(folder.path());
    let settings = settings(folder.path());
    let survey = load(&settings, 2, None).unwrap().survey(true, &mut |_, _| ()).unwrap();
    let opened = || {
        let recorded = RecordedData {
            settings: &settings,
            fingerprint: &survey.fingerprint,
            files: survey.files.as_ref(),
        };
        [Use::Training, Use::Batches].map(|to_use| opened_data(recorded, 2, to_use).map(|_| ()))
    };
    assert!(opened().iter().all(Result::is_ok));
    let file = folder.path().join("train/ant/2.png");
    let before = fs::read(&file).unwrap();
    fs::write(&file, &before).unwrap();
    assert!(opened().iter().all(Result::is_ok), "the same bytes, written again");
    fs::write(&file, fs::read(folder.path().join("train/bee/2.png")).unwrap()).unwrap();
    for opened in opened() {
        let error = opened.unwrap_err().to_string();
        assert!(
            error.starts_with("the data changed since the trial was started"),
            "{error}"
        );
    }
}

#[test]
fn an_image_size_of_which_not_one_image_fits_into_memory_is_refused() {
    let folder = TempDir::new().unwrap();
    images(folder.path());
    let error = open(&settings(folder.path()), 1, Some(IMAGE - 1)).unwrap_err();
    assert_eq!(error.key, "data.image-size");
    assert_eq!(
        error.rule,
        "1 images of 48 bytes need 48 bytes of memory, and 47 are available"
    );
}

#[cfg(feature = "libtorch")]
mod training {

    use densenet_bench::backends::CPU;
    use densenet_bench::formats::ablation::{TrainSettings, parse};
    use densenet_bench::formats::checkpoint::{Checkpoint, Position};
    use densenet_bench::formats::weights::Weights;
    use densenet_bench::model::{Model, initial_weights};
    use densenet_bench::training::{EpochTime, Final, Observer, Start, TrainError, TrainingImages, train};

    use super::*;

    /// Breaks a file at the end of the first epoch, and keeps the losses.
    struct Breaking {
        file: Option<PathBuf>,
        losses: Vec<f64>,
        checkpoints: usize,
    }

    impl Observer for Breaking {
        fn steps(&mut self, _: usize, _: usize, losses: &[f64], _: &[f64]) -> io::Result<()> {
            self.losses.extend_from_slice(losses);
            Ok(())
        }

        fn epoch(&mut self, _: usize, _: &Final, _: EpochTime) -> io::Result<()> {
            self.file.take().map_or(Ok(()), fs::remove_file)
        }

        fn checkpoint(&mut self, _: Checkpoint) -> io::Result<()> {
            self.checkpoints += 1;
            Ok(())
        }

        fn is_to_stop(&self) -> bool {
            false
        }
    }

    fn trained(folder: &Path, room: u64, breaks: Option<PathBuf>) -> (Result<(), TrainError>, Breaking) {
        let text = "name = \"x\"\nquestion = \"?\"\n[data]\ndataset = \"digits\"\n[model]\nblock-layers = [1]\n\
                    growth-rate = 4\n[train]\nepochs = 3\nbatch-size = 4\n";
        let model = parse(text, Path::new("x.toml")).unwrap().variants.remove(0).settings;
        let training: TrainSettings = model.train.clone().unwrap();
        let (_, data) = counted(folder, room);
        let graph = model.model.graph(data.shape, data.classes.len()).unwrap();
        let device = CPU.device(0).open().unwrap().autodiff();
        let start = Start {
            model: Model::new(Arc::new(graph.clone()), &initial_weights(&graph, 0), &device, &[]).unwrap(),
            momentum: Weights::new(),
            position: Position::default(),
        };
        let images = TrainingImages::new(Arc::new(data), &settings(folder), 0, 0).unwrap();
        let mut observer = Breaking {
            file: breaks,
            losses: Vec::new(),
            checkpoints: 0,
        };
        let ended = train(start, &training, &images, 0, &mut observer).map(|_| ());
        (ended, observer)
    }

    #[test]
    fn losses_have_the_same_bits_however_many_images_are_kept() {
        let folder = TempDir::new().unwrap();
        images(folder.path());
        let bits = |room| -> Vec<u64> {
            let (ended, observer) = trained(folder.path(), room, None);
            ended.unwrap();
            observer.losses.iter().map(|loss| loss.to_bits()).collect()
        };
        let expected = bits(100);
        assert_eq!(expected.len(), 9);
        for room in [0, 3] {
            assert_eq!(bits(room), expected, "room {room}");
        }
    }

    #[test]
    fn a_file_that_vanishes_ends_the_training_with_its_name_and_leaves_the_checkpoint_before() {
        let folder = TempDir::new().unwrap();
        images(folder.path());
        let file = folder.path().join("train/ant/4.png");
        let (ended, observer) = trained(folder.path(), 0, Some(file.clone()));
        let error = ended.unwrap_err();
        assert!(matches!(error, TrainError::Images(_)), "{error:?}");
        let expected = format!("{}: it cannot be read: ", file.display());
        assert!(error.to_string().starts_with(&expected), "{error}");
        assert_eq!(observer.checkpoints, 1);
    }
}
