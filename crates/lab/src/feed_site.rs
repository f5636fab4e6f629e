//! A site on this machine with the measure's feed. Hand-made HTTP/1.1, so that the reader is measured
//! and not the site.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::bail;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::feed_pages::Feed;

/// The longest head of a request, in bytes.
const MAX_HEAD: usize = 16 * 1024;

/// The site; it ends with the value.
pub struct FeedSite {
    base: String,
    counts: Arc<Counts>,
    _serving: JoinSet<()>,
}

#[derive(Default)]
struct Counts {
    requests: AtomicUsize,
    unchanged: AtomicUsize,
}

impl FeedSite {
    /// Starts one on a free port.
    pub async fn start(feed: Feed) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let base = format!("http://{}/api/v2/", listener.local_addr()?);
        let documents = Arc::new(feed.documents(&base));
        let counts = Arc::new(Counts::default());
        let mut serving = JoinSet::new();
        let shared = Arc::clone(&counts);
        serving.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (documents, counts) = (Arc::clone(&documents), Arc::clone(&shared));
                connections.spawn(async move {
                    // A client that goes away ends its connection.
                    let _ = serve(stream, feed, &documents, &counts).await;
                });
            }
        });
        Ok(Self {
            base,
            counts,
            _serving: serving,
        })
    }

    /// The feed's address.
    pub fn url(&self) -> String {
        self.base.clone()
    }

    /// Requests for pages since the last call, and those that were answered by 'not modified'.
    pub fn take_counts(&self) -> (usize, usize) {
        let take = |count: &AtomicUsize| count.swap(0, Ordering::Relaxed);
        (take(&self.counts.requests), take(&self.counts.unchanged))
    }
}

async fn serve(
    mut stream: TcpStream,
    feed: Feed,
    documents: &[Vec<u8>],
    counts: &Counts,
) -> anyhow::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        while !buffer.ends_with(b"\r\n\r\n") {
            if buffer.len() > MAX_HEAD || stream.read_buf(&mut buffer).await? == 0 {
                bail!("the connection ended");
            }
        }
        let head = std::str::from_utf8(&buffer)?;
        let address = head.split(' ').nth(1).unwrap_or_default();
        if address.contains("$count") {
            let count = feed.entries().to_string();
            answer(&mut stream, "200 OK", "", count.as_bytes()).await?;
            continue;
        }
        counts.requests.fetch_add(1, Ordering::Relaxed);
        let page = feed
            .number(address)
            .and_then(|it| Some((it, documents.get(it)?)));
        let Some((number, document)) = page else {
            answer(&mut stream, "404 Not Found", "", b"").await?;
            continue;
        };
        let etag = format!("\"{number}\"");
        if head
            .to_ascii_lowercase()
            .contains(&format!("if-none-match: {etag}\r\n"))
        {
            counts.unchanged.fetch_add(1, Ordering::Relaxed);
            answer(&mut stream, "304 Not Modified", &etag, b"").await?;
        } else {
            answer(&mut stream, "200 OK", &etag, document).await?;
        }
    }
}

async fn answer(
    stream: &mut TcpStream,
    status: &str,
    etag: &str,
    body: &[u8],
) -> anyhow::Result<()> {
    let etag = match etag {
        "" => String::new(),
        etag => format!("ETag: {etag}\r\n"),
    };
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/atom+xml\r\n{etag}Content-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    Ok(stream.write_all(body).await?)
}
