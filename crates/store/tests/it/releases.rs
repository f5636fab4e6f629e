//! Releases, files, and who may fetch them.

use fleetmend_model::patch::PatchType;
use fleetmend_model::recipe::{Bitness, InstallerKind};
use fleetmend_model::release::{Action, AptUpgrade, Release, ReleaseFile, RunInstaller};
use fleetmend_model::status::Party;
use fleetmend_model::status::deploy::{DeployState, DeployStatus};
use fleetmend_store::deploy_jobs::{JobMove, NewOrder};
use fleetmend_store::{Db, deploy_jobs, files, releases};

use crate::fixture::{T0, add_device, add_job, add_patch, both, t};

fn release(files: &[(&str, Bitness)]) -> Release {
    let files = files
        .iter()
        .map(|(sha256, bitness)| ReleaseFile {
            name: format!("{sha256}.msi"),
            sha256: (*sha256).to_owned(),
            length: 10,
            bitness: *bitness,
        })
        .collect();
    Release {
        package: "Zip".to_owned(),
        version: "2.0".to_owned(),
        title: "Zip".to_owned(),
        action: Action::RunInstaller(RunInstaller {
            kind: InstallerKind::Msi,
            files,
            arguments: "/qn".to_owned(),
            exit_codes: vec![0],
            detection: fleetmend_model::detection::Detection::default(),
        }),
    }
}

both! {
    async fn a_release_is_kept_as_it_was_signed_and_found_by_version(db: Db) {
        let mut tx = db.begin().await.unwrap();
        files::insert(&mut tx, "f32", 10, T0).await.unwrap();
        files::insert(&mut tx, "f64", 10, T0).await.unwrap();
        files::insert(&mut tx, "f64", 99, t(1)).await.unwrap();
        let made = release(&[("f64", Bitness::X64), ("f32", Bitness::Any)]);
        let third = PatchType::ThirdParty;
        let id = releases::insert(&mut tx, third, &made, "d1", "{}", T0).await.unwrap();
        let again = releases::insert(&mut tx, third, &made, "d1", "{}", t(5)).await.unwrap();
        assert_eq!(id, again);
        let newer = releases::insert(&mut tx, third, &release(&[]), "d2", "{}", t(6)).await.unwrap();
        let apt = Release {
            action: Action::AptUpgrade(AptUpgrade {
                package: "zip".to_owned(),
                architecture: "amd64".to_owned(),
                version: "2.0".to_owned(),
            }),
            ..made.clone()
        };
        releases::insert(&mut tx, PatchType::Os, &apt, "d3", "{}", t(7)).await.unwrap();
        tx.commit().await.unwrap();
        let stored = releases::get(&db, id).await.unwrap().unwrap();
        assert_eq!((stored.release, stored.created_at), (made.clone(), T0));
        let mut tx = db.begin().await.unwrap();
        releases::set_envelope(&mut tx, id, "{\"signed\": \"again\"}").await.unwrap();
        let envelopes = releases::envelopes(&mut tx).await.unwrap();
        let again: Vec<_> = envelopes.iter().map(|it| it.1.contains("again")).collect();
        assert_eq!((envelopes[0].0, again), (id, vec![true, false, false]));
        drop(tx);
        assert_eq!(releases::by_digest(&db, "d1").await.unwrap().unwrap().id, id);
        let found = releases::find(&db, third, "ZIP", "2.0", None).await.unwrap().unwrap();
        assert_eq!(found.id, newer);
        assert_eq!(releases::find(&db, third, "zip", "3.0", None).await.unwrap(), None);
        let mut tx = db.begin().await.unwrap();
        for made_from in ["a", "b", "a"] {
            releases::add_origin(&mut tx, id, made_from).await.unwrap();
        }
        tx.commit().await.unwrap();
        for (made_from, expected) in [("a", Some(id)), ("b", Some(id)), ("c", None)] {
            let found = releases::find(&db, third, "zip", "2.0", Some(made_from)).await.unwrap();
            assert_eq!(found.map(|it| it.id), expected, "{made_from}");
        }
        let os = releases::find(&db, PatchType::Os, "zip", "2.0", None).await.unwrap().unwrap();
        assert_eq!(os.release, apt);
        let mut listed = releases::files(&db, id).await.unwrap();
        listed.reverse();
        let Action::RunInstaller(run) = made.action else { unreachable!() };
        assert_eq!(listed, run.files);
        assert_eq!(files::length(&db, "f64").await.unwrap(), Some(10));
        assert_eq!(files::length(&db, "other").await.unwrap(), None);
    }

    async fn a_release_whose_file_the_mirror_lacks_is_refused(db: Db) {
        let mut tx = db.begin().await.unwrap();
        let made = release(&[("nowhere", Bitness::Any)]);
        releases::insert(&mut tx, PatchType::ThirdParty, &made, "d", "{}", T0).await.unwrap_err();
    }

    async fn a_device_gets_the_files_of_its_own_open_orders_only(db: Db) {
        let mut tx = db.begin().await.unwrap();
        let (a, b) = (add_device(&mut tx, "a").await, add_device(&mut tx, "b").await);
        let x = add_patch(&mut tx, "x").await;
        files::insert(&mut tx, "mine", 10, T0).await.unwrap();
        files::insert(&mut tx, "other", 10, T0).await.unwrap();
        let made = release(&[("mine", Bitness::Any)]);
        let release = releases::insert(&mut tx, PatchType::ThirdParty, &made, "d", "{}", T0)
            .await
            .unwrap();
        let job = add_job(&mut tx, a, x).await;
        deploy_jobs::set_release(&mut tx, job, release).await.unwrap();
        assert!(!files::is_for_device(&mut tx, "mine", a).await.unwrap(), "no order yet");
        let order = NewOrder { counter: 1, envelope: "{}", until: None, next_step: "" };
        deploy_jobs::set_order(&mut tx, job, &order, T0).await.unwrap();
        assert!(files::is_for_device(&mut tx, "mine", a).await.unwrap());
        assert!(!files::is_for_device(&mut tx, "other", a).await.unwrap());
        assert!(!files::is_for_device(&mut tx, "mine", b).await.unwrap(), "another's work");
        let over = DeployState { status: DeployStatus::NotApplicable, ending: None };
        let change = JobMove::new(DeployState::NEW, over, Party::Server, t(1));
        deploy_jobs::transition(&mut tx, job, &change).await.unwrap();
        assert!(!files::is_for_device(&mut tx, "mine", a).await.unwrap(), "the job is over");
    }
}
