//! `data`: list, download and verify the known data sets.

mod bar;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::builder::{OsStringValueParser, TypedValueParser};
use clap::{Args, Subcommand};
use densenet_bench::data::fetch::{
    self, ByHand, Fault, FetchError, FileReport, FileState, Files, Finding, KnownSet, Patience, Presence, Source,
    default_folder, fetch_command,
};
use densenet_bench::files::{LocalFiles, expand_home};
use serde_json::{Value, json};

use super::{Failure, Outcome, print, print_json, say};
use bar::Bar;

/// List, download and verify data sets
#[derive(Args)]
#[command(after_help = "\
Examples:
  densenet-bench data list
  densenet-bench data fetch cifar10
  densenet-bench data fetch cifar10 --from /media/archives       from a folder that has cifar-10-binary.tar.gz
  densenet-bench data fetch cifar10 --from http://mirror.example/cifar/
  densenet-bench data verify cifar10 --path /data/cifar-10-batches-bin

Exit status: 0 all files are right, 1 a download failed or a file is wrong, 2 bad usage and nothing started.")]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    List(ListArguments),
    Fetch(FetchArguments),
    Verify(VerifyArguments),
}

/// List the known data sets, and where they are
#[derive(Args)]
struct ListArguments {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Download a data set, verify its checksum and unpack it; an interrupted download is resumed
#[derive(Args)]
struct FetchArguments {
    /// The data set, such as cifar10
    name: String,
    /// The folder to create its own folder in [default: data/NAME, or NAME in the folder that DENSENET_BENCH_DATA names]
    #[arg(long, value_name = "DIR", value_parser = OsStringValueParser::new().try_map(home_expanded))]
    to: Option<PathBuf>,
    /// A folder with the downloads, or the URL of a mirror's folder; its files must have the known checksum
    #[arg(long, value_name = "DIR|URL", value_parser = OsStringValueParser::new().try_map(home_expanded))]
    from: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Verify the checksum of every file of a data set
#[derive(Args)]
struct VerifyArguments {
    /// The data set, such as cifar10
    name: String,
    /// Its folder [default: data/NAME, or NAME in the folder that DENSENET_BENCH_DATA names]
    #[arg(long, value_name = "DIR", value_parser = OsStringValueParser::new().try_map(home_expanded))]
    path: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// A folder for clap; `--to=~/x` reaches the program with its tilde.
fn home_expanded(text: OsString) -> Result<PathBuf, String> {
    expand_home(Path::new(&text)).map_err(|rule| format!("{rule}; write it in full"))
}

pub fn run(arguments: &Arguments) -> Outcome {
    match &arguments.action {
        Action::List(arguments) => list(arguments),
        Action::Fetch(arguments) => fetch(arguments),
        Action::Verify(arguments) => verify(arguments),
    }
}

fn list(arguments: &ListArguments) -> Outcome {
    if arguments.json {
        let sets: Vec<Value> = fetch::catalogue().iter().map(set_json).collect();
        print_json(&json!({ "data_sets": sets }))?;
    } else {
        let sets: Vec<String> = fetch::catalogue().iter().map(set_text).collect();
        print(&sets.join("\n"))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn set_text(set: &KnownSet) -> String {
    let mut lines = vec![
        set.about.to_owned(),
        set.extent(),
        format!("from {}", set.home),
        format!("licence: {}", set.licence),
    ];
    lines.push(match (&set.files, &set.by_hand) {
        (None, None) => "built in, nothing to download".to_owned(),
        (None, Some(by_hand)) => match fetch::obtained(set, by_hand) {
            Ok(folder) => format!("in {}; `data verify {}` checks it", folder.display(), set.name),
            Err(_) => format!(
                "not in {}; {}; {}",
                default_folder(set).display(),
                by_hand.rule,
                by_hand.remedy
            ),
        },
        (Some(files), _) => match whereabouts(set, files) {
            Presence::Complete(folder) => format!("in {}, every file with the right size", folder.display()),
            Presence::Partial(folder) => format!("in {}, but incomplete", folder.display()),
            Presence::Absent => format!(
                "not in {}; to download it ({:.0} MB, {:.0} MB unpacked): {}",
                default_folder(set).display(),
                files.download_bytes() as f64 / 1e6,
                files.unpacked_bytes() as f64 / 1e6,
                fetch_command(set, &default_folder(set))
            ),
        },
    });
    let indented: Vec<String> = lines.iter().map(|line| format!("  {line}\n")).collect();
    format!("{}\n{}", set.name, indented.concat())
}

fn set_json(set: &KnownSet) -> Value {
    let (state, folder) = state(set);
    let downloads: Vec<Value> = (set.files.iter().flat_map(|files| files.downloads))
        .map(|download| json!({ "file": download.file, "bytes": download.bytes, "sha256": download.sha256 }))
        .collect();
    json!({
        "name": set.name,
        "about": set.about,
        "image": set.image,
        "classes": set.classes,
        "train_images": set.images.map(|(train, _)| train),
        "test_images": set.images.map(|(_, test)| test),
        "licence": set.licence,
        "home": set.home,
        "base": set.files.as_ref().map(|files| files.base),
        "mirrors": set.files.as_ref().map_or(&[][..], |files| files.mirrors),
        "downloads": downloads,
        "unpacked_bytes": set.files.as_ref().map(Files::unpacked_bytes),
        "state": state,
        "path": folder.map(|folder| absolute(&folder).display().to_string()),
    })
}

/// What is known of a data set's files without reading one, and the folder that has some.
fn state(set: &KnownSet) -> (&'static str, Option<PathBuf>) {
    if let Some(by_hand) = &set.by_hand {
        return match fetch::obtained(set, by_hand) {
            Ok(folder) => ("unchecked", Some(folder)),
            Err(_) => ("absent", None),
        };
    }
    match set.files.as_ref().map(|files| whereabouts(set, files)) {
        None => ("built-in", None),
        Some(Presence::Absent) => ("absent", None),
        Some(Presence::Partial(folder)) => ("partial", Some(folder)),
        Some(Presence::Complete(folder)) => ("complete", Some(folder)),
    }
}

fn whereabouts(set: &KnownSet, files: &Files) -> Presence {
    fetch::presence(files, &default_folder(set))
}

fn fetch(arguments: &FetchArguments) -> Outcome {
    let catalogue = fetch::catalogue();
    let set = fetch::find(&catalogue, &arguments.name).map_err(failure)?;
    let source = match &arguments.from {
        Some(from) => Source::parse(from).map_err(failure)?,
        None => Source::Home,
    };
    if let Some(by_hand) = &set.by_hand {
        return Err(Failure::Input(format!(
            "{}: {}; {}",
            set.name, by_hand.rule, by_hand.remedy
        )));
    }
    if set.files.is_none() {
        return built_in(set, arguments.json);
    }
    let to = arguments.to.clone().unwrap_or_else(|| default_folder(set));
    let mut bar = Bar::new();
    let fetched = fetch::fetch(set, &to, &source, &Patience::default(), &mut |step| bar.show(step));
    bar.finish();
    let fetched = fetched.map_err(failure)?;
    let folder = absolute(&fetched.folder);
    say(&format!(
        "{}: {}. {}",
        folder.display(),
        match fetched.was_there {
            true => "already there, with the right checksums",
            false => "downloaded and verified",
        },
        match arguments.to {
            None => "An ablation file needs no path to find it from here, or, from anywhere, under [data]:",
            Some(_) => "In the ablation file, under [data]:",
        }
    ));
    if arguments.json {
        print_json(&json!({
            "name": set.name,
            "path": folder.display().to_string(),
            "was_there": fetched.was_there,
        }))?;
    } else {
        print(&path_line(&folder)?)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The key of the ablation file that names the folder.
fn path_line(folder: &Path) -> Result<String, Failure> {
    let Some(text) = folder.to_str() else {
        return Err(Failure::Work(format!(
            "{}: its name is not UTF-8, and an ablation file cannot hold it; rename the folder",
            folder.display()
        )));
    };
    Ok(format!("path = {}\n", toml::Value::String(text.to_owned())))
}

fn verify(arguments: &VerifyArguments) -> Outcome {
    let catalogue = fetch::catalogue();
    let set = fetch::find(&catalogue, &arguments.name).map_err(failure)?;
    if let Some(by_hand) = &set.by_hand {
        return verify_by_hand(set, by_hand, arguments);
    }
    if set.files.is_none() {
        return built_in(set, arguments.json);
    }
    let path = arguments.path.clone().unwrap_or_else(|| default_folder(set));
    let mut bar = Bar::new();
    let inspected = fetch::inspect(set, &path, &mut |step| bar.show(step));
    bar.finish();
    let (folder, reports) = inspected.map_err(failure)?;
    let wrong = reports.iter().filter(|report| !report.is_good()).count();
    if arguments.json {
        let files: Vec<Value> = reports.iter().map(report_json).collect();
        print_json(&json!({
            "name": set.name,
            "path": absolute(&folder).display().to_string(),
            "ok": wrong == 0,
            "files": files,
        }))?;
    } else {
        let line = |report: &FileReport| format!("{}: {}\n", folder.join(report.name).display(), report.finding());
        print(&reports.iter().map(line).collect::<String>())?;
    }
    if wrong > 0 {
        return Err(Failure::Work(format!(
            "{}: {wrong} of {} files are wrong; remove or rename the folder, and download it again with `{}`",
            folder.display(),
            reports.len(),
            fetch_command(set, &folder)
        )));
    }
    Ok(ExitCode::SUCCESS)
}

/// Counts the parts of a data set that users get themselves.
fn verify_by_hand(set: &KnownSet, by_hand: &ByHand, arguments: &VerifyArguments) -> Outcome {
    let folder = match &arguments.path {
        Some(path) => path.clone(),
        None => fetch::obtained(set, by_hand).map_err(failure)?,
    };
    let findings = (by_hand.verify)(&LocalFiles, &folder).map_err(Failure::input)?;
    let wrong = findings.iter().filter(|finding| !finding.is_right).count();
    if arguments.json {
        let parts: Vec<Value> = findings
            .iter()
            .map(|finding| json!({ "part": finding.thing, "ok": finding.is_right, "finding": finding.text }))
            .collect();
        print_json(&json!({
            "name": set.name,
            "path": absolute(&folder).display().to_string(),
            "ok": wrong == 0,
            "parts": parts,
        }))?;
    } else {
        let line = |finding: &Finding| format!("{}: {}: {}\n", folder.display(), finding.thing, finding.text);
        print(&findings.iter().map(line).collect::<String>())?;
    }
    if wrong > 0 {
        return Err(Failure::Work(format!(
            "{}: {wrong} of {} counts are not those of the whole {}; unpack its archives again, or use it as a part of it",
            folder.display(),
            findings.len(),
            set.name
        )));
    }
    Ok(ExitCode::SUCCESS)
}

fn report_json(report: &FileReport) -> Value {
    let state = match report.state {
        FileState::Right => "ok",
        FileState::Plausible => "unchecked",
        FileState::Missing => "missing",
        FileState::WrongSize(_) => "wrong-size",
        FileState::Different { .. } => "different",
        FileState::Unreadable(_) => "unreadable",
    };
    json!({ "file": report.name, "state": state, "finding": report.finding() })
}

/// Nothing to do is not a failure.
fn built_in(set: &KnownSet, as_json: bool) -> Outcome {
    say(&format!(
        "{}: it is built in, there is nothing to download or verify; write dataset = \"{}\"",
        set.name, set.name
    ));
    if as_json {
        print_json(&json!({ "name": set.name, "path": null, "built_in": true }))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn failure(error: FetchError) -> Failure {
    match error.fault {
        Fault::Input => Failure::input(error),
        Fault::Work => Failure::work(error),
    }
}

/// The absolute path: an ablation file may be anywhere.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}
