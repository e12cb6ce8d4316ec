//! Links that lead to nothing or in a circle, and folders that may not be read.
#![cfg(unix)]

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::{images, link, message, read, skipped, two_classes};

#[test]
fn links_that_lead_to_nothing_or_in_a_circle_are_named_as_such() {
    type Change = fn(&Path);
    let remedy = "mount or restore what it leads to, or remove the link";
    let cases: [(Change, String); 8] = [
        (
            |path| link("/no/volume/3.png", &path.join("train/ant/3.png")),
            format!("@/train/ant/3.png: it is a link to /no/volume/3.png, which is not there; {remedy}"),
        ),
        (
            // A folder of images may be meant.
            |path| link("../../gone", &path.join("train/ant/more")),
            format!("@/train/ant/more: it is a link to ../../gone, which is not there; {remedy}"),
        ),
        (
            |path| link("/no/volume/cat", &path.join("train/cat")),
            format!("@/train/cat: it is a link to /no/volume/cat, which is not there; {remedy}"),
        ),
        (
            |path| {
                fs::rename(path.join("test"), path.join("test.old")).unwrap();
                link("/no/volume/test", &path.join("test"));
            },
            format!("@/test: it is a link to /no/volume/test, which is not there; {remedy}"),
        ),
        (
            |path| link("..", &path.join("train/ant/up")),
            "@/train/ant/up: it is a link to @/train, which it lies in itself: it would be followed without end; remove the \
             link"
                .to_owned(),
        ),
        (
            |path| {
                for (class, other) in [("ant", "bee"), ("bee", "ant")] {
                    link(&format!("../{other}"), &path.join("test").join(class).join("x"));
                }
            },
            "@: 2 files cannot be used: test/ant/x/x (it is a link to @/test/ant, which it lies in itself: it would be followed \
             without end) and test/bee/x/x (it is a link to @/test/bee, which it lies in itself: it would be followed without \
             end); remove the link"
                .to_owned(),
        ),
        (
            |path| link(".", &path.join("train/again")),
            "@/train/again: it is a link to ., which it lies in itself: it would be followed without end; remove the link"
                .to_owned(),
        ),
        (
            |path| link("3.png", &path.join("train/ant/3.png")),
            "@/train/ant/3.png: it is a link that cannot be followed: Too many levels of symbolic links (os error 40); repair \
             or remove the link"
                .to_owned(),
        ),
    ];
    for (change, expected) in cases {
        let folder = TempDir::new().unwrap();
        let root = folder.path().canonicalize().unwrap();
        two_classes(&root);
        change(&root);
        assert_eq!(message(&root), expected);
    }
    // The folder itself, and one above it.
    let folder = TempDir::new().unwrap();
    link("/no/volume", &folder.path().join("images"));
    for path in ["images", "images/mine"] {
        let error = read(&folder.path().join(path)).unwrap_err().to_string();
        assert_eq!(
            error.replace(&folder.path().display().to_string(), "@"),
            format!("@/images: it is a link to /no/volume, which is not there; {remedy}")
        );
    }
}

#[test]
fn folders_that_may_not_be_read_are_named() {
    use std::os::unix::fs::PermissionsExt;

    let folder = TempDir::new().unwrap();
    two_classes(folder.path());
    let below = folder.path().join("train/ant/more");
    images(&below, &["1.png"]);
    fs::set_permissions(&below, fs::Permissions::from_mode(0o000)).unwrap();
    let is_read = fs::read_dir(&below).is_ok();
    let error = (!is_read).then(|| message(folder.path()));
    fs::set_permissions(&below, fs::Permissions::from_mode(0o700)).unwrap();
    let Some(error) = error else {
        return skipped!("this user may read every folder");
    };
    assert_eq!(
        error,
        "@/train/ant/more: it cannot be read: Permission denied (os error 13); check the file and its permissions"
    );
}
