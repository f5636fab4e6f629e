//! A small HTTP/1.1 server on a free port, one thread a connection, one request a connection.
//!
//! It knows nothing of feeds: it reads requests, notes them, and writes answers, right ones or ones
//! that are broken on purpose.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context as _, Result};

/// How long a client may take to send its request or to read the next part of an answer.
const CLIENT_TIMEOUT: Duration = Duration::from_secs(30);
/// The most that an endless body sends, should a client really read on for ever.
const ENDLESS_LIMIT: u64 = 64 << 30;
const MAX_REQUEST_LINES: usize = 200;
const MAX_LINE_BYTES: u64 = 64 * 1024;

/// A request that the site received.
#[derive(Debug, Clone)]
pub struct Request {
    /// `GET`, `HEAD`, ….
    pub method: String,
    /// The path, percent-decoded.
    pub path: String,
    /// The query's pairs, percent-decoded, in order.
    pub query: Vec<(String, String)>,
    /// The headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// Path and query as they came.
    pub target: String,
}

impl Request {
    /// The first value of a parameter of the query.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.query
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// The first value of a header, its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }
}

/// How the body of an answer goes over the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Delivery {
    /// Whole.
    Whole,
    /// The length of the whole is announced, half is sent, then the connection is closed.
    Truncated,
    /// This length is said, and the body sent; then the connection is closed.
    Claiming(u64),
    /// After the body, more of it without end.
    Endless,
    /// Half is sent, then nothing more; the connection stays open until the site ends.
    Stalled,
}

/// An answer.
#[derive(Debug, Clone)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) content_type: &'static str,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) delivery: Delivery,
}

impl Response {
    pub(crate) fn new(status: u16, content_type: &'static str, body: impl Into<Vec<u8>>) -> Self {
        let delivery = Delivery::Whole;
        Self {
            status,
            content_type,
            headers: Vec::new(),
            body: body.into(),
            delivery,
        }
    }
}

/// The server; on drop it ends, together with its open connections.
#[derive(Debug)]
pub(crate) struct HttpSite {
    address: SocketAddr,
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    requests: Vec<Request>,
    ended: bool,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ended(&self) -> bool {
        self.state().ended
    }
}

impl HttpSite {
    pub(crate) fn start(
        answer: impl Fn(&Request) -> Response + Send + Sync + 'static,
    ) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).context("cannot open a port")?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared::default());
        let answer = Arc::new(answer);
        let for_thread = Arc::clone(&shared);
        let acceptor = std::thread::spawn(move || {
            for connection in listener.incoming() {
                if for_thread.ended() {
                    return;
                }
                let Ok(connection) = connection else { continue };
                let (shared, answer) = (Arc::clone(&for_thread), Arc::clone(&answer));
                // A client that goes away in the middle is its own business.
                std::thread::spawn(move || {
                    let _ = serve(connection, &shared, &*answer);
                });
            }
        });
        Ok(Self {
            address,
            shared,
            acceptor: Some(acceptor),
        })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.shared.state().requests.clone()
    }

    /// Waits until a request that `wanted` accepts has come.
    pub(crate) fn wait_for_request(
        &self,
        timeout: Duration,
        wanted: impl Fn(&Request) -> bool,
    ) -> Result<Request> {
        let found = |state: &State| {
            state
                .requests
                .iter()
                .find(|request| wanted(request))
                .cloned()
        };
        let (state, _) = self
            .shared
            .changed
            .wait_timeout_while(self.shared.state(), timeout, |state| found(state).is_none())
            .unwrap_or_else(PoisonError::into_inner);
        found(&state).with_context(|| format!("no such request came within {timeout:?}"))
    }
}

impl Drop for HttpSite {
    fn drop(&mut self) {
        self.shared.state().ended = true;
        self.shared.changed.notify_all();
        // Wakes the acceptor, which then sees that it is to end.
        let _ = TcpStream::connect(self.address);
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
    }
}

fn serve(
    mut connection: TcpStream,
    shared: &Shared,
    answer: &dyn Fn(&Request) -> Response,
) -> Result<()> {
    connection.set_read_timeout(Some(CLIENT_TIMEOUT))?;
    connection.set_write_timeout(Some(CLIENT_TIMEOUT))?;
    let request = read_request(&mut BufReader::new(&connection))?;
    shared.state().requests.push(request.clone());
    shared.changed.notify_all();
    let response = answer(&request);

    let mut head = format!(
        "HTTP/1.1 {} {}\r\nContent-Type: {}\r\nConnection: close\r\n",
        response.status,
        reason(response.status),
        response.content_type
    );
    let length = match response.delivery {
        Delivery::Endless => None,
        Delivery::Claiming(length) => Some(length),
        _ => Some(response.body.len() as u64),
    };
    if let Some(length) = length {
        let _ = write!(head, "Content-Length: {length}\r\n");
    }
    for (name, value) in &response.headers {
        let _ = write!(head, "{name}: {value}\r\n");
    }
    head.push_str("\r\n");
    connection.write_all(head.as_bytes())?;
    if request.method == "HEAD" {
        return Ok(());
    }
    let half = &response.body[..response.body.len() / 2];
    match response.delivery {
        Delivery::Whole | Delivery::Claiming(_) => connection.write_all(&response.body)?,
        Delivery::Truncated => connection.write_all(half)?,
        Delivery::Stalled => {
            connection.write_all(half)?;
            let state = shared.state();
            drop(shared.changed.wait_while(state, |state| !state.ended));
        }
        Delivery::Endless => {
            connection.write_all(&response.body)?;
            let filler = vec![b' '; 64 * 1024];
            let mut sent = 0;
            while sent < ENDLESS_LIMIT && !shared.ended() {
                connection.write_all(&filler)?;
                sent += filler.len() as u64;
            }
        }
    }
    Ok(())
}

fn read_request(reader: &mut BufReader<&TcpStream>) -> Result<Request> {
    let mut read_line = || -> Result<String> {
        let mut line = String::new();
        reader.by_ref().take(MAX_LINE_BYTES).read_line(&mut line)?;
        Ok(line.trim_end().to_owned())
    };
    let first = read_line()?;
    let mut words = first.split(' ');
    let method = words.next().unwrap_or_default().to_owned();
    let target = words.next().context("a request without a path")?;
    // To a proxy the whole address is said.
    let target = match target.split_once("://") {
        Some((_, rest)) => rest.find('/').map_or("/", |at| &rest[at..]),
        None => target,
    };
    let target = target.to_owned();
    let mut headers = Vec::new();
    for _ in 0..MAX_REQUEST_LINES {
        let line = read_line()?;
        let Some((name, value)) = line.split_once(':') else {
            break;
        };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let pairs = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (
                decode(&name.replace('+', " ")),
                decode(&value.replace('+', " ")),
            )
        });
    let (path, query) = (decode(path), pairs.collect());
    Ok(Request {
        method,
        path,
        query,
        headers,
        target,
    })
}

fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        rest = tail;
        let hex = tail.get(..2).and_then(|two| std::str::from_utf8(two).ok());
        match (first, hex.and_then(|two| u8::from_str_radix(two, 16).ok())) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            (other, _) => bytes.push(*other),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        206 => "Partial Content",
        304 => "Not Modified",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        416 => "Range Not Satisfiable",
        429 => "Too Many Requests",
        503 => "Service Unavailable",
        _ => "Other",
    }
}
