//! A process that needs variables which libraries read when they are loaded.

use std::env;
use std::io;
use std::process::Command;

/// Starts this program again in the same process, with the same arguments, unless its environment has every variable
/// of `needed` already; with `keep` any value of it will do.
///
/// # Errors
/// The program cannot be started again; it continues unchanged.
pub fn restart_with(needed: Vec<(&'static str, String)>, keep: bool) -> io::Result<()> {
    let lacking = lacking(needed, keep, |name| env::var(name).ok());
    if lacking.is_empty() {
        return Ok(());
    }
    again(
        Command::new(env::current_exe()?)
            .args(env::args_os().skip(1))
            .envs(lacking),
    )
}

fn lacking(
    needed: Vec<(&'static str, String)>,
    keep: bool,
    has: impl Fn(&str) -> Option<String>,
) -> Vec<(&'static str, String)> {
    let there = |(name, value): &(&'static str, String)| has(name).is_some_and(|has| keep || has == *value);
    needed.into_iter().filter(|variable| !there(variable)).collect()
}

#[cfg(unix)]
fn again(command: &mut Command) -> io::Result<()> {
    // Returns only on failure.
    Err(std::os::unix::process::CommandExt::exec(command))
}

#[cfg(not(unix))]
fn again(_: &mut Command) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_that_are_set_already_are_not_set_again() {
        let needed = || vec![("A", "1".to_owned()), ("B", "2".to_owned())];
        let has = |name: &str| (name == "A").then(|| "9".to_owned());
        assert_eq!(lacking(needed(), true, has), [("B", "2".to_owned())]);
        assert_eq!(lacking(needed(), false, has), needed());
        let all = |name: &str| Some(if name == "A" { "1" } else { "2" }.to_owned());
        assert_eq!(lacking(needed(), false, all), []);
    }
}
