//! A process that is started for one piece of work, seen from its parent: a trial's, or a measurement's.

use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::claims::Claim;
use super::ending::Ending;
use crate::files::{named, write_whole};
use crate::host::{OomKills, Stop};

/// What to start.
pub struct Work<'a> {
    /// This program.
    pub program: &'a Path,
    /// The hidden verb and its arguments.
    pub arguments: Vec<OsString>,
    /// Set beside the parent's own variables.
    pub variables: Vec<(&'static str, String)>,
    /// The file for what the process writes to stderr; removed where that is nothing.
    pub stderr: PathBuf,
    /// It is killed when it has run this long.
    pub timeout: Option<Duration>,
    /// When this process is asked to stop, the one that it started is asked too.
    pub stop: &'a Stop,
    /// The claim of the work, if it has one: the process is killed when another one has taken it over.
    pub claim: Option<&'a Claim>,
}

/// What a process sends while it runs.
pub enum Heard<'a> {
    /// A line that it wrote to stdout.
    Line(&'a [u8]),
    /// It is asked to stop, as this process was.
    AskedToStop,
}

impl Work<'_> {
    /// Starts the process, passes on what it sends as it comes, and waits for its end.
    ///
    /// # Errors
    /// Whatever keeps it from being started or waited for.
    pub fn run(&self, on_heard: &mut dyn FnMut(Heard<'_>)) -> io::Result<Ending> {
        let before = OomKills::now();
        let mut child = Command::new(self.program)
            .args(&self.arguments)
            .arg("--parent")
            .arg(std::process::id().to_string())
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| named(self.program, &error))?;
        let deadline = self.timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let lines = child.stdout.take().map(lines_of);
        let last_words = child.stderr.take().map(last_words_of);
        let (status, end) = match wait(&mut child, lines, deadline, (self.stop, self.claim), on_heard) {
            Ok(ended) => ended,
            Err(error) => {
                // Nothing would wait for it any more.
                let _ = child.kill();
                let _ = child.wait();
                return Err(error);
            }
        };
        let said = last_words.map(LastWords::take).unwrap_or_default();
        self.record_words(&said);
        Ok(Ending {
            status,
            timed_out: self.timeout.filter(|_| end == End::OutOfTime),
            was_taken_over: end == End::TakenOver,
            interrupted: self.stop.signal_name().filter(|_| end == End::Own),
            memory_ran_out: OomKills::now().happened_since(&before),
            said: String::from_utf8_lossy(&said).into_owned(),
        })
    }

    /// Writes the process's stderr beside its results. On a full disk only the diagnosis has it.
    fn record_words(&self, said: &[u8]) {
        let _ = match said.is_empty() {
            true => std::fs::remove_file(&self.stderr),
            false => write_whole(&self.stderr, said),
        };
    }
}

/// The end of what a process writes to stderr, read as it comes so that the process never waits for a reader.
struct LastWords {
    words: Arc<Mutex<Vec<u8>>>,
    reader: JoinHandle<()>,
}

/// More than any message; of a longer output only the end is kept.
const MOST_WORDS: usize = 1 << 16;

fn last_words_of(mut stream: impl Read + Send + 'static) -> LastWords {
    let words = Arc::new(Mutex::new(Vec::new()));
    let shared = Arc::clone(&words);
    let reader = thread::spawn(move || {
        let mut chunk = [0; 4096];
        while let Ok(read @ 1..) = stream.read(&mut chunk) {
            let Ok(mut words) = shared.lock() else { return };
            words.extend_from_slice(&chunk[..read]);
            let surplus = words.len().saturating_sub(MOST_WORDS);
            words.drain(..surplus);
        }
    });
    LastWords { words, reader }
}

impl LastWords {
    /// What was said by the process, which has ended. Something that it started may still hold the stream open, so that
    /// its end is not waited for long.
    fn take(self) -> Vec<u8> {
        let patience = Instant::now() + Duration::from_millis(200);
        while !self.reader.is_finished() && Instant::now() < patience {
            thread::sleep(PAUSE);
        }
        self.words.lock().map(|words| words.clone()).unwrap_or_default()
    }
}

/// The lines of a stream, read by a thread of their own so that waiting for them can end at a deadline.
fn lines_of(stream: impl Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        for line in BufReader::new(stream).split(b'\n').map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

/// Between two checks of a process that has closed its stdout.
const PAUSE: Duration = Duration::from_millis(5);
/// Between two checks of one that prints nothing.
const LOOK: Duration = Duration::from_millis(100);

/// How a wait ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// The process ended, by itself or because it was asked to.
    Own,
    /// It was killed at its deadline.
    OutOfTime,
    /// It was killed since another process does its work.
    TakenOver,
}

/// Waits for the end of the stream and then of the process. Kills it at the deadline; asks it to stop where this process
/// is asked to.
fn wait(
    child: &mut Child,
    lines: Option<Receiver<Vec<u8>>>,
    deadline: Option<Instant>,
    (stop, claim): (&Stop, Option<&Claim>),
    on_heard: &mut dyn FnMut(Heard<'_>),
) -> io::Result<(ExitStatus, End)> {
    let mut lines = lines;
    let mut was_asked = false;
    loop {
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        match &lines {
            Some(receiver) => match receiver.recv_timeout(left.unwrap_or(LOOK).min(LOOK)) {
                Ok(line) => on_heard(Heard::Line(&line)),
                Err(RecvTimeoutError::Disconnected) => lines = None,
                Err(RecvTimeoutError::Timeout) => {}
            },
            None => thread::sleep(PAUSE),
        }
        if stop.is_asked() && !was_asked {
            was_asked = true;
            on_heard(Heard::AskedToStop);
            ask_to_stop(child)?;
        }
        if let Some(status) = child.try_wait()? {
            // Where something that it started holds its stdout open, what it said itself is there by now.
            while let Some(line) = lines.as_ref().and_then(|lines| lines.recv_timeout(LOOK).ok()) {
                on_heard(Heard::Line(&line));
            }
            return Ok((status, End::Own));
        }
        let is_out_of_time = left.is_some_and(|left| left.is_zero());
        let is_taken_over = claim.is_some_and(Claim::is_lost);
        if is_out_of_time || is_taken_over {
            child.kill()?;
            let end = if is_taken_over { End::TakenOver } else { End::OutOfTime };
            return Ok((child.wait()?, end));
        }
    }
}

/// Asks a process to stop at the next good moment; one that knows none ends at once.
#[cfg(unix)]
fn ask_to_stop(child: &Child) -> io::Result<()> {
    use nix::errno::Errno;
    use nix::sys::signal::{Signal, kill};
    let process = i32::try_from(child.id()).map_err(io::Error::other)?;
    match kill(nix::unistd::Pid::from_raw(process), Signal::SIGTERM) {
        // It has ended by itself.
        Ok(()) | Err(Errno::ESRCH) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

#[cfg(not(unix))]
fn ask_to_stop(child: &mut Child) -> io::Result<()> {
    child.kill()
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use crate::formats::tables::Status;

    /// Runs a shell script as the work; `$0` is the option `--parent`.
    fn shell(script: &str, timeout: Option<Duration>) -> (Ending, Vec<String>) {
        let folder = tempfile::tempdir().unwrap();
        let work = Work {
            program: Path::new("/bin/sh"),
            arguments: vec!["-c".into(), script.into()],
            variables: vec![("DENSENET_BENCH_TEST", "set".to_owned())],
            stderr: folder.path().join("stderr.txt"),
            timeout,
            stop: &Stop::default(),
            claim: None,
        };
        let mut lines = Vec::new();
        let ending = work.run(&mut |heard| {
            if let Heard::Line(line) = heard {
                lines.push(String::from_utf8_lossy(line).into_owned());
            }
        });
        (ending.unwrap(), lines)
    }

    #[test]
    fn lines_variables_and_the_last_words_of_stderr_arrive() {
        let (ending, lines) = shell("echo one; echo $DENSENET_BENCH_TEST; echo sorry >&2; exit 3", None);
        assert_eq!(lines, ["one", "set"]);
        assert_eq!(
            ending.diagnosis(),
            (Status::Failed, "its process ended with status 3: sorry".to_owned())
        );
    }

    #[test]
    fn a_process_that_prints_much_is_not_blocked_and_its_last_lines_are_kept() {
        let (ending, _) = shell("yes chatter | head -c 3000000 >&2; echo last >&2; exit 3", None);
        assert_eq!(
            ending.diagnosis(),
            (Status::Failed, "its process ended with status 3: last".to_owned())
        );
        assert_eq!(ending.said.len(), MOST_WORDS);
    }

    #[test]
    fn a_process_that_has_ended_is_not_waited_for_because_another_holds_its_output() {
        let (ending, lines) = shell("sleep 20 2>/dev/null & echo done; exit 4", None);
        assert_eq!(lines, ["done"]);
        assert_eq!(ending.status.code(), Some(4));
    }

    #[test]
    fn a_process_that_runs_too_long_is_killed_whether_or_not_it_has_closed_its_output() {
        for script in ["exec sleep 600", "exec >&-; exec sleep 600"] {
            let (ending, _) = shell(script, Some(Duration::from_millis(50)));
            let (status, error) = ending.diagnosis();
            assert_eq!(status, Status::Timeout);
            assert_eq!(
                error,
                "it ran longer than 50ms and was killed; give it more time with --timeout"
            );
        }
    }
}
