//! Where `export --weights` and `evaluate --logits` write: files, what links lead to, descriptors, pipes and devices.

#![cfg(all(feature = "libtorch", target_os = "linux"))]

#[macro_use]
mod skipped;
mod workplace;

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use workplace::{Workplace, said};

/// One trial of one step.
const TINY: &str = r#"
name = "tiny"
question = "Where does it write?"
[data]
dataset = "synthetic"
classes = 3
channels = 1
image-size = 8
train-images = 16
test-images = 16
[model]
block-layers = [1, 1]
growth-rate = 4
initial-channels = 4
[train]
steps = 1
batch-size = 8
"#;

/// A folder with a trained trial: the place, the trial's folder and its weights.
fn trained() -> (Workplace, String, Vec<u8>) {
    let place = Workplace::new();
    place.write("tiny.toml", TINY);
    place.ok(&["run", "tiny.toml", "--threads", "1"]);
    let trial = fs::read_dir(place.path("results/tiny/trials")).unwrap().next().unwrap();
    let trial = trial.unwrap().path();
    let weights = fs::read(trial.join("weights.safetensors")).unwrap();
    (place, trial.display().to_string(), weights)
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

/// The lines of a script that has $0, the program, and $1, the trial's folder.
fn shell(place: &Workplace, trial: &str, script: &str) -> Output {
    let mut shell = Command::new("bash");
    shell.args(["-c", script, env!("CARGO_BIN_EXE_densenet-bench"), trial]);
    shell.current_dir(place.path(".")).env("LC_ALL", "C").output().unwrap()
}

#[test]
fn a_file_keeps_its_mode_and_its_links_and_a_new_one_has_that_of_the_mask() {
    let (place, trial, weights) = trained();
    let at = |name: &str| place.path(name);
    let export = |to: &str| place.ok(&["export", &trial, "--weights", to]);

    let script = r#"umask 027; "$0" export "$1" --weights new && umask 000 && "$0" export "$1" --weights open"#;
    assert!(shell(&place, &trial, script).status.success());
    assert_eq!((mode(&at("new")), mode(&at("open"))), (0o640, 0o666));

    fs::write(at("shared"), b"before").unwrap();
    fs::set_permissions(at("shared"), fs::Permissions::from_mode(0o604)).unwrap();
    export("shared");
    assert_eq!(
        (mode(&at("shared")), fs::read(at("shared")).unwrap()),
        (0o604, weights.clone())
    );

    fs::create_dir(at("far")).unwrap();
    for (link, to) in [("link", "far/file"), ("dangling", "far/new"), ("chain", "link")] {
        symlink(to, at(link)).unwrap();
    }
    fs::write(at("far/file"), b"before").unwrap();
    for link in ["chain", "link", "dangling"] {
        export(link);
        assert!(fs::symlink_metadata(at(link)).unwrap().is_symlink(), "{link}");
        assert_eq!(fs::read(at(link)).unwrap(), weights, "{link}");
    }
    assert_eq!(fs::read(at("far/new")).unwrap(), weights);
    let left: Vec<PathBuf> = [".", "far"]
        .iter()
        .flat_map(|folder| fs::read_dir(at(folder)).unwrap())
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_string_lossy().contains(".writing"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn what_cannot_be_written_is_refused_with_the_remedy_before_the_work() {
    let (place, trial, weights) = trained();
    fs::create_dir(place.path("folder")).unwrap();
    symlink("loop", place.path("loop")).unwrap();
    symlink("no/such", place.path("lost")).unwrap();
    symlink("folder", place.path("to-folder")).unwrap();
    let own = format!("{trial}/weights.safetensors");
    symlink(&own, place.path("to-own")).unwrap();
    for (path, expected) in [
        ("folder", "folder: it is a folder; name a file in it"),
        ("to-folder", "to-folder: it is a folder; name a file in it"),
        ("loop", "loop: its links lead in a circle"),
        ("lost", "there is no folder"),
        ("no/such", "there is no folder no; create it, or name another file"),
        ("/dev/fd/971", "descriptor 971 is not open"),
        (&own, "it is part of what a run has recorded"),
        ("to-own", "it is part of what a run has recorded"),
        ("results/tiny/trials.csv", "it is part of what a run has recorded"),
    ] {
        let said = place.refused(&["export", &trial, "--initial", "--weights", path]);
        assert!(said.contains(expected), "{path}: {said}");
    }
    place.ok(&["export", &trial, "--weights", "w.safetensors"]);
    symlink("w.safetensors", place.path("same")).unwrap();
    for path in ["w.safetensors", "./w.safetensors", "same", "tiny.toml"] {
        let said = place.refused(&["evaluate", "tiny.toml", "--weights", "w.safetensors", "--logits", path]);
        assert!(said.contains("it is read by the same command"), "{path}: {said}");
    }
    assert_eq!(fs::read(&own).unwrap(), weights);
    assert_eq!(fs::read(place.path("w.safetensors")).unwrap(), weights);
}

#[test]
fn descriptors_and_pipes_are_written_through_and_standard_output_has_nothing_else() {
    let (place, trial, weights) = trained();
    let script = r#"
set -e
"$0" export "$1" --weights - | cat > dash
"$0" export "$1" --weights - > plain
"$0" export "$1" --weights /dev/fd/3 3> three
"$0" export "$1" --weights /proc/self/fd/3 3> proc
ln -s /dev/fd/3 to-three
"$0" export "$1" --weights to-three 3> linked
[ -L to-three ]
"$0" export "$1" --weights >(cat > substituted; echo > done)
mkfifo pipe
cat pipe > piped & "$0" export "$1" --weights pipe; wait $!
[ -p pipe ]
printf before > appended
"$0" export "$1" --weights /dev/fd/3 3>> appended
printf before > appended-dash
"$0" export "$1" --weights - >> appended-dash
until [ -e done ]; do sleep 0.05; done
"#;
    let output = shell(&place, &trial, script);
    assert!(output.status.success(), "{}", said(&output));
    for name in ["dash", "plain", "three", "proc", "linked", "substituted", "piped"] {
        assert!(fs::read(place.path(name)).unwrap() == weights, "{name}");
    }
    for name in ["appended", "appended-dash"] {
        assert!(
            fs::read(place.path(name)).unwrap() == [b"before", &weights[..]].concat(),
            "{name}"
        );
    }

    place.ok(&["export", &trial, "--weights", "w"]);
    let evaluate = ["evaluate", "tiny.toml", "--weights", "w", "--logits"];
    let result = place.ok(&[&evaluate[..], &["logits.csv"]].concat());
    let logits = fs::read_to_string(place.path("logits.csv")).unwrap();
    assert!(logits.starts_with("index,label,logit_0,logit_1,logit_2\n") && logits.lines().count() == 17);
    let result: serde_json::Value = serde_json::from_str(&result).unwrap();
    let script = r#"
"$0" evaluate tiny.toml --weights w --logits - > dash.csv 2> dash.err || exit 1
"$0" evaluate tiny.toml --weights w --logits same.csv > same.csv 2> same.err || exit 1
"#;
    assert!(shell(&place, &trial, script).status.success());
    for name in ["dash", "same"] {
        assert_eq!(
            fs::read_to_string(place.path(&format!("{name}.csv"))).unwrap(),
            logits,
            "{name}"
        );
        let error = fs::read_to_string(place.path(&format!("{name}.err"))).unwrap();
        let line = error.lines().find(|line| line.starts_with('{')).unwrap();
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(line).unwrap(),
            result,
            "{name}"
        );
    }
}

#[test]
fn a_reader_that_has_gone_a_full_device_and_a_limit_are_errors_on_one_line() {
    let (place, trial, weights) = trained();
    fs::write(place.path("kept"), b"before").unwrap();
    for (script, expected) in [
        (r#""$0" export "$1" --weights - | true; exit ${PIPESTATUS[0]}"#, ""),
        (r#"mkfifo p; (exec 4<p; sleep 0.2) & "$0" export "$1" --weights p"#, ""),
        (
            r#""$0" export "$1" --weights - >/dev/full"#,
            "stdout: No space left on device",
        ),
        (
            r#"ulimit -f 4; "$0" export "$1" --weights kept"#,
            "`ulimit -f unlimited`",
        ),
        (
            r#"ulimit -f 4; "$0" export "$1" --weights - > limited"#,
            "`ulimit -f unlimited`",
        ),
    ] {
        let output = shell(&place, &trial, script);
        let text = said(&output);
        let is_read_in_time = expected.is_empty() && output.status.success();
        assert!(
            output.status.code() == Some(1) || is_read_in_time,
            "{script}: {:?} {text}",
            output.status
        );
        assert!(text.contains(expected) && text.lines().count() <= 1, "{script}: {text}");
        assert!(
            !text.contains("panic") && !text.contains("internal"),
            "{script}: {text}"
        );
    }
    assert_eq!(fs::read(place.path("kept")).unwrap(), b"before");
    assert!(weights.len() > 4 * 1024, "the limit is met: {}", weights.len());
}

#[test]
fn names_that_are_not_text_or_begin_with_a_hyphen_are_names() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let (place, trial, weights) = trained();
    let mut command = place.command(&["export", &trial, "--weights"]);
    let name = OsStr::from_bytes(b"caf\xe9.safetensors");
    assert!(command.arg(name).status().unwrap().success());
    assert_eq!(fs::read(place.path(".").join(name)).unwrap(), weights);
    for argument in ["--weights=-k12", "--weights=./-"] {
        place.ok(&["export", &trial, argument]);
    }
    assert_eq!(fs::read(place.path("-k12")).unwrap(), weights);
    assert_eq!(fs::read(place.path("-")).unwrap(), weights);
}

/// Runs a script with $0, the program, and $1, the trial's folder, in a mount namespace whose /dev is its own: nothing
/// of the machine's is touched, whatever the program does. None where the system allows no such namespace.
fn with_own_devices(place: &Workplace, trial: &str, script: &str) -> Option<Output> {
    let prepare = r#"
mkdir -p own && mount -t tmpfs none own || exit 77
for d in null zero full random urandom; do touch own/$d && mount --bind /dev/$d own/$d || exit 77; done
ln -s /proc/self/fd own/fd; ln -s /proc/self/fd/1 own/stdout; ln -s /proc/self/fd/2 own/stderr
mount --rbind own /dev || exit 77
"#;
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--mount", "bash", "-c"]);
    command
        .arg(format!("{prepare}{script}"))
        .arg(env!("CARGO_BIN_EXE_densenet-bench"))
        .arg(trial);
    let output = command.current_dir(place.path(".")).output().ok()?;
    let text = said(&output);
    let has_none = output.status.code() == Some(77) || text.starts_with("unshare:");
    (!has_none).then_some(output)
}

#[test]
fn devices_stay_devices() {
    let (place, trial, weights) = trained();
    let script = r#"
fail() { echo "$*" >&2; exit 3; }
"$0" export "$1" --weights /dev/stdout > piped || fail stdout
printf before > appended; "$0" export "$1" --weights /dev/stdout >> appended || fail append
ln -s /dev/stdout link; "$0" export "$1" --weights link > linked || fail link
"$0" export "$1" --weights /dev/fd/1 | cat > descriptor || fail descriptor
"$0" export "$1" --weights /dev/stderr 2> stderr || fail stderr
"$0" export "$1" --weights /dev/null || fail null
"$0" export "$1" --weights /dev/full 2> full && fail full
"$0" evaluate tiny.toml --weights piped --logits /dev/stdout > logits || fail logits
[ -L link ] && [ -L /dev/stdout ] && [ -L /dev/stderr ] && [ -c /dev/null ] && [ -c /dev/full ] || fail replaced
"#;
    let Some(output) = with_own_devices(&place, &trial, script) else {
        return skipped!("the system allows no mount namespaces");
    };
    assert!(output.status.success(), "{}", said(&output));
    for name in ["piped", "linked", "descriptor", "stderr"] {
        assert!(fs::read(place.path(name)).unwrap() == weights, "{name}");
    }
    assert!(fs::read(place.path("appended")).unwrap() == [b"before", &weights[..]].concat());
    let full = fs::read_to_string(place.path("full")).unwrap();
    assert!(full.starts_with("error: /dev/full: No space left on device"), "{full}");
    let logits = fs::read_to_string(place.path("logits")).unwrap();
    assert!(
        logits.starts_with("index,label,") && logits.lines().count() == 17,
        "{logits}"
    );
}

#[test]
fn a_file_whose_folder_takes_no_other_is_written_in_place() {
    let (place, trial, weights) = trained();
    let script = r#"
fail() { echo "$*" >&2; exit 3; }
mkdir mounted && touch mounted/file other && mount --bind other mounted/file || exit 77
"$0" export "$1" --weights mounted/file || fail mounted
mkdir sealed && mount -t tmpfs none sealed && touch sealed/file outside && mount --bind outside sealed/file || exit 77
mount -o remount,ro,bind sealed || exit 77
"$0" export "$1" --weights sealed/file || fail sealed
"$0" export "$1" --weights sealed/new 2> new && fail new
cp other bound; cp outside open
"#;
    let Some(output) = with_own_devices(&place, &trial, script) else {
        return skipped!("the system allows no mount namespaces");
    };
    assert!(output.status.success(), "{}", said(&output));
    assert!(fs::read(place.path("bound")).unwrap() == weights);
    assert!(fs::read(place.path("open")).unwrap() == weights);
    let new = fs::read_to_string(place.path("new")).unwrap();
    assert!(new.contains("make it writable, or name another file"), "{new}");
}

#[test]
fn a_full_disk_leaves_the_file_that_was_there() {
    let (place, trial, _) = trained();
    let script = r#"
mkdir disk && mount -t tmpfs -o size=8k none disk || exit 77
printf before > disk/file
"$0" export "$1" --weights disk/file; echo $? > status
cp disk/file kept; ls -A disk > left
"#;
    let Some(output) = with_own_devices(&place, &trial, script) else {
        return skipped!("the system allows no mount namespaces");
    };
    assert!(output.status.success(), "{}", said(&output));
    let text = |name: &str| fs::read_to_string(place.path(name)).unwrap();
    assert_eq!(
        (text("status"), text("kept"), text("left")),
        ("1\n".into(), "before".into(), "file\n".into())
    );
    assert!(said(&output).contains("free some space"), "{}", said(&output));
}

#[test]
fn a_file_that_its_owner_protects_is_not_replaced() {
    let (place, trial, _) = trained();
    fs::write(place.path("protected"), b"before").unwrap();
    fs::set_permissions(place.path("protected"), fs::Permissions::from_mode(0o444)).unwrap();
    if fs::metadata(place.path(".")).unwrap().uid() == 0 {
        return skipped!("root may write what is protected");
    }
    let text = place.refused(&["export", &trial, "--weights", "protected"]);
    assert!(text.contains("make it writable, or name another file"), "{text}");
    assert_eq!(fs::read(place.path("protected")).unwrap(), b"before");
}
