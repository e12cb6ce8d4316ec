//! A download over HTTP that resumes where an earlier one ended.

use std::io::{self, Read};
use std::net::IpAddr;
use std::time::Duration;

use ureq::http::{Response, StatusCode, Uri, header};
use ureq::{Agent, Body, Proxy};

use super::error::FetchError;
use super::part::Part;
use super::step::{Doing, Progress, Step};
use crate::data_sets::Download;
use crate::words::grouped;

/// How long to wait for a server.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// For its address and for the connection, each.
    pub connect: Duration,
    /// For the next bytes.
    pub stall: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(30),
            stall: Duration::from_secs(60),
        }
    }
}

const ELSEWHERE: &str = "name another source with --from DIR|URL";
const AGAIN: &str = "run the command again to resume it";

/// Downloads what `part` lacks of `download` from `url`. [`Part::check`] then verifies it.
///
/// # Errors
/// The server cannot be reached, refuses, stalls or ends early (the part file stays, to be resumed), or it has a file of
/// another size.
pub(super) fn load(
    url: &str,
    download: &Download,
    part: &mut Part,
    patience: &Patience,
    progress: Progress<'_>,
) -> Result<(), FetchError> {
    let mut have = part.len()?;
    if have > download.bytes {
        part.clear()?;
        have = 0;
    }
    if have == download.bytes {
        return Ok(());
    }
    let agent = agent(url, patience);
    let mut response = request(&agent, url, have)?;
    if have > 0 && !continues(&response, have) {
        match response.status() {
            // The whole file, from a server that does not support ranges.
            StatusCode::OK => {}
            // A range that it does not have, or not the requested one: requests the whole file.
            StatusCode::RANGE_NOT_SATISFIABLE | StatusCode::PARTIAL_CONTENT => response = request(&agent, url, 0)?,
            _ => {}
        }
        have = 0;
    }
    let is_whole = response.status() == StatusCode::OK || continues(&response, have);
    if !is_whole {
        return Err(refusal(url, download, response.status()));
    }
    if let Some(rest) = response.body().content_length()
        && have.saturating_add(rest) != download.bytes
    {
        return Err(other_size(url, download, have.saturating_add(rest)));
    }
    if have == 0 {
        part.clear()?;
    }
    receive(url, download, &mut response, part, have, progress)
}

fn receive(
    url: &str,
    download: &Download,
    response: &mut Response<Body>,
    part: &mut Part,
    mut have: u64,
    progress: Progress<'_>,
) -> Result<(), FetchError> {
    let mut body = response.body_mut().as_reader();
    let mut buffer = vec![0; 1 << 16];
    loop {
        let read = match body.read(&mut buffer) {
            Ok(0) if have == download.bytes => return Ok(()),
            Ok(0) => return Err(interrupted(url, download, have, "the server closed the connection")),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(interrupted(url, download, have, &error.to_string())),
        };
        if have + read as u64 > download.bytes {
            part.remove();
            return Err(FetchError::work(
                url,
                format!(
                    "it sends more than the {} bytes of {}; the transfer was stopped, and the download was removed",
                    grouped(download.bytes),
                    download.file
                ),
                ELSEWHERE,
            ));
        }
        part.append(&buffer[..read])?;
        have += read as u64;
        progress(Step {
            doing: Doing::Downloading,
            file: download.file,
            done: have,
            total: download.bytes,
        });
    }
}

/// An agent that obeys the proxy variables, except for this machine itself, which a proxy elsewhere cannot reach.
fn agent(url: &str, patience: &Patience) -> Agent {
    let here = url.parse::<Uri>().is_ok_and(|address| {
        let host = address.host().unwrap_or("").trim_matches(['[', ']']);
        host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    });
    let config = Agent::config_builder()
        .user_agent(concat!("densenet-bench/", env!("CARGO_PKG_VERSION")))
        // The archive as it is: some servers would wrap it once more.
        .accept_encoding("identity")
        .http_status_as_error(false)
        .timeout_resolve(Some(patience.connect))
        .timeout_connect(Some(patience.connect))
        .timeout_recv_response(Some(patience.stall))
        .timeout_per_read(Some(patience.stall))
        .timeout_per_write(Some(patience.stall))
        .proxy(if here { None } else { Proxy::try_from_env() });
    config.build().new_agent()
}

fn request(agent: &Agent, url: &str, from: u64) -> Result<Response<Body>, FetchError> {
    let mut request = agent.get(url);
    if from > 0 {
        request = request.header(header::RANGE, format!("bytes={from}-"));
    }
    request.call().map_err(|error| {
        FetchError::work(
            url,
            format!("it does not answer: {error}"),
            "check the network and the proxy variables, or name another source with --from DIR|URL",
        )
    })
}

/// Whether the response is the rest of the file from byte `from` on.
fn continues(response: &Response<Body>, from: u64) -> bool {
    let range = response.headers().get(header::CONTENT_RANGE);
    let start = range
        .and_then(|range| range.to_str().ok())
        .and_then(|range| range.trim().strip_prefix("bytes "))
        .and_then(|range| range.split('-').next()?.trim().parse::<u64>().ok());
    response.status() == StatusCode::PARTIAL_CONTENT && start == Some(from)
}

fn refusal(url: &str, download: &Download, status: StatusCode) -> FetchError {
    let rule = match status {
        StatusCode::NOT_FOUND | StatusCode::GONE => format!("the server has no such file ({status})"),
        status => format!("the server refuses it ({status})"),
    };
    FetchError::work(
        url,
        rule,
        format!(
            "try again later, or name a source that has {} with --from DIR|URL",
            download.file
        ),
    )
}

fn other_size(url: &str, download: &Download, bytes: u64) -> FetchError {
    FetchError::work(
        url,
        format!(
            "the server's file has {} bytes, and {} has {}",
            grouped(bytes),
            download.file,
            grouped(download.bytes)
        ),
        ELSEWHERE,
    )
}

fn interrupted(url: &str, download: &Download, have: u64, why: &str) -> FetchError {
    FetchError::work(
        url,
        format!(
            "the download was interrupted after {} of {} bytes: {why}",
            grouped(have),
            grouped(download.bytes)
        ),
        AGAIN,
    )
}
