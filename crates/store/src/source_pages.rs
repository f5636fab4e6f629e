//! The pages of feeds, and the files of folders, as they were read last: what is unchanged is not
//! read again, and what no page offers any more is gone from its source.

use fleetmend_model::{Millis, SourceId};

use crate::db::{Read, Tx};
use crate::error::Result;
use crate::rows::Rows;
use crate::sources::LeftOut;
use crate::sql::statements;
use crate::value::{Row, args, bad, row, to_json};

statements! {
    KNOWN = "SELECT url, CASE WHEN reader = $2 THEN etag END AS etag,
                 CASE WHEN reader = $2 THEN last_modified END AS last_modified,
                 next, entries, first_id, last_id, is_in_order FROM source_pages
             WHERE source = $1";
    PUT = "INSERT INTO source_pages (source, url, etag, last_modified, next, entries, first_id,
               last_id, is_in_order, versions, left_out, left_out_count, reader, read_at)
           SELECT $2, value->>0, value->>1, value->>2, value->>3, CAST(value->>4 AS BIGINT),
                  value->>5, value->>6, CAST(value->>7 AS BIGINT), unhex(value->>8), value->>9,
                  CAST(value->>10 AS BIGINT), $3, $4
           FROM jsonb_each($1) WHERE true
           ON CONFLICT (source, url) DO UPDATE SET
               etag = excluded.etag, last_modified = excluded.last_modified,
               next = excluded.next, entries = excluded.entries, first_id = excluded.first_id,
               last_id = excluded.last_id, is_in_order = excluded.is_in_order,
               versions = excluded.versions,
               left_out = excluded.left_out, left_out_count = excluded.left_out_count,
               reader = excluded.reader, read_at = excluded.read_at";
    SEEN = "UPDATE source_pages SET read_at = $3
            WHERE source = $2 AND url IN (SELECT value->>0 FROM jsonb_each($1))";
    VERSIONS = "SELECT versions FROM source_pages WHERE source = $1 AND url = $2";
    OFFERED = "SELECT versions FROM source_pages WHERE source = $1";
    LEFT_OUT = "SELECT left_out, left_out_count FROM source_pages
                WHERE source = $1 AND left_out_count > 0 AND read_at >= $2 ORDER BY url";
    DROP_OLDER = "DELETE FROM source_pages WHERE source = $1 AND read_at <> $2";
    LAST = "SELECT MAX(read_at) AS at FROM source_pages WHERE source = $1";
    COUNT = "SELECT COUNT(*) AS id FROM source_pages WHERE source = $1";
    FORGET_STATES = "UPDATE source_pages SET etag = NULL, last_modified = NULL WHERE source = $1";
    DROP_ALL = "DELETE FROM source_pages WHERE source = $1";
}

/// A version of a package, told from others by eight bytes; made by the server.
pub type VersionMark = u64;

/// What is kept of a page so that it need not be read again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KnownPage {
    /// Its address, or the file's path.
    pub url: String,
    /// The header `ETag`, or what tells a file's states apart.
    pub etag: Option<String>,
    /// The header `Last-Modified`.
    pub last_modified: Option<String>,
    /// The address of the page behind it.
    pub next: Option<String>,
    /// Entries on it, those that cannot be used included.
    pub entries: u64,
    /// The first id on it, or of a file its id and version; empty where there is none.
    pub first_id: String,
    /// The last id on it; empty where there is none.
    pub last_id: String,
    /// Whether its ids come in an order.
    pub is_in_order: bool,
}

/// A page that was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewPage {
    /// What tells whether it changed, and what follows it.
    pub known: KnownPage,
    /// The versions on it.
    pub versions: Vec<VersionMark>,
    /// Whether it is there and could not be read: the versions that it had count as still on it.
    pub is_unreadable: bool,
    /// What on it cannot be used: the first ones.
    pub left_out: Vec<LeftOut>,
    /// How much of it cannot be used.
    pub left_out_count: u64,
}

fn read(row: &Row) -> Result<KnownPage> {
    Ok(KnownPage {
        url: row.text("url")?,
        etag: row.text_opt("etag")?,
        last_modified: row.text_opt("last_modified")?,
        next: row.text_opt("next")?,
        entries: row.u64("entries")?,
        first_id: row.text("first_id")?,
        last_id: row.text("last_id")?,
        is_in_order: row.flag("is_in_order")?,
    })
}

/// The pages of a source. What tells whether one changed is of those that were read in this way
/// (`reader`): the others are looked at anew.
pub async fn known(mut from: impl Read, source: SourceId, reader: u32) -> Result<Vec<KnownPage>> {
    from.rows(&KNOWN, args![source, reader])
        .await?
        .iter()
        .map(read)
        .collect()
}

/// What pages are marked with that a read comes by which begins now: its time, unless an earlier one
/// has that.
pub async fn next_mark(mut from: impl Read, source: SourceId, now: Millis) -> Result<Millis> {
    let row = from.row(&LAST, args![source]).await?;
    let last = row.map(|row| row.int_opt("at")).transpose()?.flatten();
    Ok(last.map_or(now, |last| now.max(Millis(last + 1))))
}

/// Stores pages that the read that began at `read_at` found new or changed. No address twice.
pub async fn put_many(
    tx: &mut Tx,
    source: SourceId,
    pages: &[NewPage],
    reader: u32,
    read_at: Millis,
) -> Result<()> {
    let mut rows = Rows::new();
    for page in pages {
        let versions = if page.is_unreadable {
            let before = tx.row(&VERSIONS, args![source, &page.known.url]).await?;
            before.map_or(Ok(Vec::new()), |row| row.blob("versions"))?
        } else {
            let versions = page.versions.iter();
            versions.flat_map(|it| it.to_le_bytes()).collect()
        };
        rows.push(&row![
            &page.known.url,
            &page.known.etag,
            &page.known.last_modified,
            &page.known.next,
            page.known.entries as i64,
            &page.known.first_id,
            &page.known.last_id,
            page.known.is_in_order,
            versions,
            to_json("left_out", &page.left_out)?,
            page.left_out_count as i64,
        ]);
    }
    if rows.is_empty() {
        return Ok(());
    }
    tx.run(&PUT, args![rows, source, reader, read_at])
        .await
        .map(drop)
}

/// Notes that the read that began at `read_at` found pages as they were.
pub async fn seen(tx: &mut Tx, source: SourceId, urls: &[&str], read_at: Millis) -> Result<()> {
    if urls.is_empty() {
        return Ok(());
    }
    let urls = Rows::of(urls.iter().copied());
    tx.run(&SEEN, args![urls, source, read_at]).await.map(drop)
}

/// The versions on a source's pages; some may repeat.
pub async fn offered(mut from: impl Read, source: SourceId) -> Result<Vec<VersionMark>> {
    let mut all = Vec::new();
    for row in from.rows(&OFFERED, args![source]).await? {
        let bytes = row.blob("versions")?;
        let (marks, rest) = bytes.as_chunks::<8>();
        if !rest.is_empty() {
            return Err(bad("versions", format!("{} bytes", bytes.len())));
        }
        all.extend(marks.iter().map(|it| VersionMark::from_le_bytes(*it)));
    }
    Ok(all)
}

/// What cannot be used of a source's pages that a read came by which began at `since` or later: the first
/// ones, and how much in all.
pub async fn left_out(
    mut from: impl Read,
    source: SourceId,
    since: Millis,
    most: usize,
) -> Result<(Vec<LeftOut>, u64)> {
    let (mut first, mut count) = (Vec::new(), 0);
    for row in from.rows(&LEFT_OUT, args![source, since]).await? {
        count += row.u64("left_out_count")?;
        if first.len() < most {
            first.extend(row.json::<Vec<LeftOut>>("left_out")?);
        }
    }
    first.truncate(most);
    Ok((first, count))
}

/// Forgets the pages that a read did not come by; gives how many that were.
pub async fn drop_older(tx: &mut Tx, source: SourceId, read_at: Millis) -> Result<u64> {
    tx.run(&DROP_OLDER, args![source, read_at]).await
}

/// Forgets all pages of a source that has more than so many.
pub async fn limit(tx: &mut Tx, source: SourceId, most: u64) -> Result<()> {
    let row = tx.row(&COUNT, args![source]).await?;
    let count = row.map_or(Ok(0), |row| row.u64("id"))?;
    if count > most {
        drop_all(tx, source).await?;
    }
    Ok(())
}

/// Forgets what tells whether pages changed: the next read looks at each of them anew.
pub async fn forget_states(tx: &mut Tx, source: SourceId) -> Result<()> {
    tx.run(&FORGET_STATES, args![source]).await.map(drop)
}

/// Forgets all pages: the next read looks at everything anew.
pub async fn drop_all(tx: &mut Tx, source: SourceId) -> Result<()> {
    tx.run(&DROP_ALL, args![source]).await.map(drop)
}
