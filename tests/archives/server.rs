//! A web server of one file, which answers each connection as the test has it.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// Longer than any client of the tests waits.
const A_WHILE: Duration = Duration::from_secs(20);

/// How a connection is answered.
#[derive(Clone)]
pub enum Answer {
    /// The whole file, whatever is asked for.
    Whole,
    /// What is asked for, a range or all.
    Obedient,
    /// The whole file's length is announced, and so many bytes of what was asked for are sent.
    CutAfter(usize),
    /// So many bytes are sent, then nothing more, and the connection stays open.
    StallAfter(usize),
    /// Nothing is sent, and the connection stays open.
    Silent,
    /// These bytes, as they are.
    Raw(Vec<u8>),
    /// These bytes, as they are; then nothing more, and the connection stays open.
    RawThenSilent(Vec<u8>),
}

/// The server; it ends with the test program.
pub struct Server {
    /// The address of the file's folder.
    pub base: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// A server of `file`, which answers one connection after the other, and none after the last.
    pub fn new(file: Vec<u8>, answers: Vec<Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}/mirror/", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        thread::spawn(move || {
            for answer in answers {
                let (mut stream, _) = listener.accept().unwrap();
                let request = head(&mut stream);
                seen.lock().unwrap().push(request.clone());
                // The client may hang up in the middle.
                let _ = respond(&mut stream, &request, &file, &answer);
            }
        });
        Self { base, requests }
    }

    /// The line of each request and the range it asked for.
    pub fn requests(&self) -> Vec<String> {
        let short = |request: &String| {
            let range = request.lines().find(|line| line.to_lowercase().starts_with("range:"));
            let line = request.lines().next().unwrap();
            range.map_or(line.to_owned(), |range| format!("{line} {}", range.to_lowercase()))
        };
        self.requests.lock().unwrap().iter().map(short).collect()
    }
}

fn head(stream: &mut TcpStream) -> String {
    let (mut request, mut byte) = (Vec::new(), [0]);
    while !request.ends_with(b"\r\n\r\n") && stream.read_exact(&mut byte).is_ok() {
        request.push(byte[0]);
    }
    String::from_utf8(request).unwrap()
}

fn start(request: &str) -> usize {
    let lower = request.to_lowercase();
    let range = lower.lines().find_map(|line| line.strip_prefix("range: bytes="));
    range.map_or(0, |range| range.trim_end_matches('-').parse().unwrap())
}

fn respond(stream: &mut TcpStream, request: &str, file: &[u8], answer: &Answer) -> std::io::Result<()> {
    match answer {
        Answer::Whole => send(stream, file, 0, file.len()),
        Answer::Obedient => send(stream, file, start(request), file.len()),
        Answer::CutAfter(bytes) => send(stream, file, start(request), *bytes),
        Answer::StallAfter(bytes) => {
            send(stream, file, start(request), *bytes)?;
            hold(stream)
        }
        Answer::Silent => hold(stream),
        Answer::Raw(bytes) => stream.write_all(bytes),
        Answer::RawThenSilent(bytes) => {
            stream.write_all(bytes)?;
            hold(stream)
        }
    }
}

/// Says nothing more until the client hangs up.
fn hold(stream: &mut TcpStream) -> std::io::Result<()> {
    stream.set_read_timeout(Some(A_WHILE))?;
    stream.read(&mut [0]).map(|_| ())
}

/// Announces all of `file` from byte `from` on, and sends at most so many bytes of it.
fn send(stream: &mut TcpStream, file: &[u8], from: usize, most: usize) -> std::io::Result<()> {
    let length = file.len();
    let status = match from {
        0 => "200 OK".to_owned(),
        from => format!(
            "206 Partial Content\r\nContent-Range: bytes {from}-{}/{length}",
            length - 1
        ),
    };
    let announced = length - from;
    stream.write_all(
        format!("HTTP/1.1 {status}\r\nContent-Length: {announced}\r\nConnection: close\r\n\r\n").as_bytes(),
    )?;
    stream.write_all(&file[from..][..announced.min(most)])
}
