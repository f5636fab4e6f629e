//! What hangs on a source.

use fleetmend_model::patch::PatchType;
use fleetmend_model::release::{Action, AptUpgrade, Release};
use fleetmend_store::packages::{self, NewPackage};
use fleetmend_store::patches::{self, NewPatch};
use fleetmend_store::source_use::{self, SourceUse};
use fleetmend_store::sources::{self, Settings, SourceKind};
use fleetmend_store::{Db, missing, releases};

use crate::fixture::{T0, add_device, add_job, both, lacks, patch};

both! {
    async fn what_hangs_on_a_source_is_counted_before_it_goes(db: Db) {
        let mut tx = db.begin().await.unwrap();
        let mut ids = Vec::new();
        for location in ["https://a", "https://b"] {
            let settings = Settings::new(location, location);
            ids.push(sources::insert(&mut tx, SourceKind::Feed, &settings).await.unwrap());
        }
        let (own, other) = (ids[0], ids[1]);
        let package = |source, id: &str, version: &str| NewPackage {
            source,
            id: id.to_owned(),
            version: version.to_owned(),
            normalized: version.to_owned(),
            prerelease: false,
            title: id.to_owned(),
            authors: String::new(),
            project_url: String::new(),
            metadata: "{}".to_owned(),
            content_location: format!("https://feed/{id}"),
            content_hash: None,
            listed: true,
        };
        let new = [
            package(own, "zip", "2.0"),
            package(own, "zip", "1.0"),
            package(own, "tool", "2.0"),
            package(other, "app", "2.0"),
        ];
        let rows = packages::upsert_many(&mut tx, &new, T0).await.unwrap();
        let of = |name: &str, row: usize| NewPatch { package: Some(rows[row]), ..patch(name, "2.0") };
        let all = [of("zip", 0), of("tool", 2), of("app", 3)];
        let patches = patches::upsert_many(&mut tx, &all, T0).await.unwrap();
        let (first, second) = (add_device(&mut tx, "first").await, add_device(&mut tx, "second").await);
        let third = add_device(&mut tx, "third").await;
        for (device, lacking) in [(first, vec![patches[0], patches[1]]), (second, vec![patches[1]]), (third, vec![patches[2]])] {
            let row = lacks(&mut tx, device, &lacking).await;
            missing::replace_for_devices(&mut tx, &[row], T0).await.unwrap();
        }
        add_job(&mut tx, first, patches[0]).await;
        add_job(&mut tx, first, patches[1]).await;
        add_job(&mut tx, third, patches[2]).await;
        let release = Release {
            package: "tool".to_owned(),
            version: "2.0".to_owned(),
            title: "Tool".to_owned(),
            action: Action::AptUpgrade(AptUpgrade {
                package: String::new(),
                architecture: String::new(),
                version: String::new(),
            }),
        };
        releases::insert(&mut tx, PatchType::ThirdParty, &release, "d", "{}", T0).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(source_use::of(&db, own).await.unwrap(), SourceUse {
            versions: 3,
            patches: 2,
            devices: 2,
            open_jobs: 2,
            jobs_without_files: 1,
            releases: 1,
        });
        let one = SourceUse { versions: 1, patches: 1, devices: 1, open_jobs: 1, jobs_without_files: 1, releases: 0 };
        assert_eq!(source_use::of(&db, other).await.unwrap(), one);
        let unknown = source_use::of(&db, fleetmend_model::SourceId(99)).await.unwrap();
        assert_eq!(unknown, SourceUse::default());
    }
}
