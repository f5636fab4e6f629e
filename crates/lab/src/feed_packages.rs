//! The packages of the measured feed.

use std::io::{Seek as _, SeekFrom, Write as _};

use fleetmend_server::{App, feed};
use fleetmend_store::feed_packages::{self, NewFeedPackage, Provenance};
use fleetmend_store::files;
use fleetmend_trust::digest_hex;

use crate::feed::{BIG, package};
use crate::server::FeedOptions;

/// Puts them into the feed, as what was pushed long ago. They share one file; another one is to be
/// downloaded.
pub async fn fill(app: &App, options: &FeedOptions) -> anyhow::Result<()> {
    let small = keep(app, b"not read in this measure")?;
    let mut noise = vec![0; options.megabytes * 1_000_000];
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    for byte in &mut noise {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        *byte = state as u8;
    }
    let big = keep(app, &noise)?;
    let now = app.now();
    let mut tx = app.db.begin().await?;
    files::insert(&mut tx, &small, 24, now).await?;
    files::insert(&mut tx, &big, noise.len() as u64, now).await?;
    feed_packages::insert(&mut tx, &version(BIG, "1.0.0", &big), now).await?;
    for number in 0..options.packages {
        for minor in 0..options.versions {
            let text = format!("{}.{minor}.0", number % 9 + 1);
            let new = version(&package(number), &text, &small);
            feed_packages::insert(&mut tx, &new, now).await?;
        }
    }
    feed::note_change(&mut tx).await?;
    tx.commit().await?;
    feed::refresh(app).await
}

fn keep(app: &App, bytes: &[u8]) -> anyhow::Result<String> {
    let mut file = app.blobs.incoming()?;
    file.write_all(bytes)?;
    file.seek(SeekFrom::Start(0))?;
    let sha256 = digest_hex(bytes);
    app.blobs.keep(file, &sha256)?;
    Ok(sha256)
}

/// A version with a manifest of usual length.
fn version(id: &str, version: &str, sha256: &str) -> NewFeedPackage {
    let nuspec = format!(
        "<package><metadata><id>{id}</id><version>{version}</version><title>Product {id}</title>\
         <authors>A Vendor, Another Vendor</authors><projectUrl>https://vendor.example/{id}</projectUrl>\
         <iconUrl>https://cdn.example/icons/{id}.png</iconUrl><tags>tool admin foss {id}</tags>\
         <summary>What {id} is, in a sentence as vendors write it.</summary>\
         <description>{}</description>\
         <releaseNotes>https://vendor.example/{id}/releases/{version}</releaseNotes>\
         <dependencies><dependency id=\"chocolatey-core.extension\" version=\"1.3.3\" />\
         </dependencies></metadata></package>",
        "A paragraph of the usual length that says what the software does for its users. "
            .repeat(6)
    );
    NewFeedPackage {
        package: id.to_lowercase(),
        version_key: version.to_owned(),
        nuspec: nuspec.into_bytes(),
        sha256: sha256.to_owned(),
        sha512: format!("{}==", "A".repeat(86)),
        provenance: Provenance::Pushed,
        added_by: "lab".to_owned(),
    }
}
