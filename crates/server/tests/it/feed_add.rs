//! What comes into the feed of one's own without being pushed.

use std::io::Write as _;

use fleetmend_e2e::nupkg::Nupkg;
use fleetmend_model::effect::{Effect, EffectKind, Machines, Phase};
use fleetmend_model::recipe::{
    Analysis, Bitness, FileOrigin, Recipe, RecipeFile, RecipeKind, Verdict,
};
use fleetmend_server::feed::{self, AddError, Added};
use fleetmend_server::people::Actor;
use fleetmend_store::feed_packages::{self, Making, Original, Provenance};
use fleetmend_store::packages::{self, NewPackage, Package};
use fleetmend_store::sources::{self, Settings, SourceKind};
use fleetmend_trust::digest_hex;

use crate::site::Site;

const LOCATION: &str = "https://feed.example/nupkg";

fn mirror() -> Actor {
    Actor {
        name: "mirror".to_owned(),
        address: String::new(),
    }
}

/// Puts bytes into the mirror; gives their SHA-256.
fn keep(site: &Site, bytes: &[u8]) -> String {
    let blobs = &site.running().app().blobs;
    let mut file = blobs.incoming().unwrap();
    file.write_all(bytes).unwrap();
    let sha256 = digest_hex(bytes);
    blobs.keep(file, &sha256).unwrap();
    sha256
}

fn nupkg(version: &str) -> Vec<u8> {
    Nupkg::new("Acme.Tool", version).build().unwrap()
}

fn original() -> Original {
    Original {
        source: "community".to_owned(),
        location: LOCATION.to_owned(),
        sha256: "0".repeat(64),
    }
}

#[tokio::test]
async fn what_was_added_is_told_apart_from_what_was_there_and_from_what_is_another_package() {
    let site = Site::start().await;
    let app = site.running().app();
    let add = async |bytes: &[u8], provenance| {
        feed::add(app, &keep(&site, bytes), provenance, &mirror()).await
    };
    let added = |is_new| Added {
        id: "Acme.Tool".to_owned(),
        version: "1.2.0".to_owned(),
        is_new,
    };
    let making = || Making {
        program: "a test".to_owned(),
        files: Vec::new(),
    };
    let internalized = || Provenance::Internalized(original(), making());
    let bytes = nupkg("1.2");
    assert_eq!(add(&bytes, internalized()).await.unwrap(), added(true));
    assert_eq!(add(&bytes, internalized()).await.unwrap(), added(false));
    let other = Nupkg::new("acme.tool", "1.2.0.0").build().unwrap();
    let error = add(&other, Provenance::Mirrored(original())).await;
    assert!(matches!(error, Err(AddError::Taken(_))), "{error:?}");
    let error = add(b"not a zip", internalized()).await.unwrap_err();
    assert!(matches!(error, AddError::Unusable(_)), "{error}");
    let kept = feed_packages::get(&app.db, "acme.tool", "1.2.0").await;
    let kept = kept.unwrap().unwrap();
    assert_eq!(kept.what.provenance, internalized());
    assert_eq!(
        (kept.what.sha256, kept.length),
        (digest_hex(&bytes), bytes.len() as u64)
    );
    assert_eq!(app.feed.len(), 1);
}

/// A package of the catalog with this analysis, whose nupkg was fetched.
async fn package(site: &Site, version: &str, analysis: &Analysis) -> Package {
    let app = site.running().app();
    let sha256 = keep(site, &nupkg(version));
    let mut tx = app.db.begin().await.unwrap();
    let known = sources::list(&mut tx).await.unwrap();
    let known = known.iter().find(|it| it.settings.location == LOCATION);
    let source = if let Some(known) = known {
        known.id
    } else {
        let mut settings = Settings::new(LOCATION, "community");
        settings.enabled = false;
        sources::insert(&mut tx, SourceKind::Feed, &settings)
            .await
            .unwrap()
    };
    let new = NewPackage {
        source,
        id: "Acme.Tool".to_owned(),
        version: version.to_owned(),
        normalized: version.to_owned(),
        prerelease: false,
        title: String::new(),
        authors: String::new(),
        project_url: String::new(),
        metadata: "{}".to_owned(),
        content_location: format!("{LOCATION}/{version}"),
        content_hash: None,
        listed: true,
    };
    let row = packages::upsert_many(&mut tx, &[new], app.now())
        .await
        .unwrap()[0];
    packages::set_analysis(&mut tx, row, analysis, &sha256, app.now())
        .await
        .unwrap();
    tx.commit().await.unwrap();
    packages::get(&app.db, row).await.unwrap().unwrap()
}

fn analysis(verdict: Verdict, recipe: Option<Recipe>) -> Analysis {
    Analysis {
        recipe,
        ..Analysis::new(verdict)
    }
}

fn recipe(origin: FileOrigin) -> Recipe {
    let file = RecipeFile::new(origin, Bitness::Any, None);
    Recipe::new(RecipeKind::Msi, vec![file], "/qn")
}

#[tokio::test]
async fn a_sources_package_comes_into_the_feed_as_it_is_only_if_it_fetches_nothing() {
    let site = Site::start().await;
    let app = site.running().app();
    let inside = || {
        recipe(FileOrigin::Embedded {
            path: "a.msi".to_owned(),
        })
    };
    let outside = || {
        recipe(FileOrigin::Url {
            url: "https://a.example/a.msi".to_owned(),
        })
    };
    let further = |other: Recipe| Recipe {
        further: vec![other],
        ..inside()
    };
    let extension = Effect {
        kind: EffectKind::EditorExtension,
        command: "install-vscodeextension".to_owned(),
        operands: std::collections::BTreeMap::new(),
        always: true,
        conditions: Vec::new(),
        phase: Phase::Before,
        machines: Machines::All,
        file: String::new(),
        line: 1,
    };
    let editor = Analysis {
        effects: vec![extension],
        ..analysis(Verdict::Ready, Some(inside()))
    };
    for (number, (analysis, expected)) in [
        (analysis(Verdict::NoInstaller, None), true),
        (analysis(Verdict::Ready, Some(inside())), true),
        (analysis(Verdict::Ready, Some(further(inside()))), true),
        (analysis(Verdict::Ready, Some(outside())), false),
        (analysis(Verdict::Ready, Some(further(outside()))), false),
        (analysis(Verdict::NeedsReview, Some(inside())), false),
        (analysis(Verdict::NeedsChocolatey, None), false),
        (editor, false),
    ]
    .into_iter()
    .enumerate()
    {
        let version = format!("1.{number}.0");
        let package = package(&site, &version, &analysis).await;
        let added = feed::take_in(app, &package, false, &mirror()).await;
        assert_eq!(added.is_ok(), expected, "{analysis:?}");
        let kept = feed_packages::get(&app.db, "acme.tool", &version)
            .await
            .unwrap();
        let provenance = kept.map(|it| it.what.provenance);
        let original = Original {
            source: "community".to_owned(),
            location: format!("{LOCATION}/{version}"),
            sha256: digest_hex(&nupkg(&version)),
        };
        assert_eq!(
            provenance,
            expected.then_some(Provenance::Mirrored(original)),
            "{analysis:?}"
        );
    }
}
