//! Organizational units, and groups.

use fleetmend_model::UnitId;
use fleetmend_model::unit::UnitPath;
use fleetmend_store::groups::{self, NewGroup};
use fleetmend_store::{Db, Error, Page, units};

use crate::fixture::{T0, add_device, both, t};

fn path(text: &str) -> UnitPath {
    text.parse().unwrap()
}

fn group(name: &str) -> NewGroup {
    NewGroup {
        name: name.to_owned(),
        scope: "{}".to_owned(),
    }
}

both! {
    async fn a_unit_is_made_with_those_above_it_once_however_it_is_spelled(db: Db) {
        let mut tx = db.begin().await.unwrap();
        let sites = units::insert_tree(&mut tx, "Sites").await.unwrap();
        let error = units::insert_tree(&mut tx, "SITES").await.unwrap_err();
        assert!(matches!(error, Error::Exists { .. }), "{error}");
        let other = units::insert_tree(&mut tx, "Customers").await.unwrap();
        let names: Vec<_> = units::trees(&mut tx).await.unwrap().into_iter().map(|it| it.name).collect();
        assert_eq!(names, ["Customers", "Sites"]);
        let office = units::ensure(&mut tx, sites, &path("Berlin/Office 2")).await.unwrap();
        assert_eq!(units::ensure(&mut tx, sites, &path("BERLIN / office 2")).await.unwrap(), office);
        assert_ne!(units::ensure(&mut tx, other, &path("Berlin/Office 2")).await.unwrap(), office);
        units::ensure(&mut tx, sites, &path("Berlin-Mitte")).await.unwrap();
        let unit = units::get(&mut tx, office).await.unwrap().unwrap();
        assert_eq!((unit.tree, unit.path.to_string().as_str()), (sites, "Berlin/Office 2"));
        let above = units::get(&mut tx, unit.parent.unwrap()).await.unwrap().unwrap();
        assert_eq!((above.parent, above.path.to_string().as_str()), (None, "Berlin"));
        tx.commit().await.unwrap();

        let first = units::list(&db, sites, &Page::first(2)).await.unwrap();
        let rest = units::list(&db, sites, &Page::after(2, first.next.unwrap())).await.unwrap();
        let all: Vec<_> = first.rows.iter().chain(&rest.rows).map(|it| it.path.to_string()).collect();
        assert_eq!((all.len(), rest.next), (3, None));
        assert!(all.iter().any(|it| it == "Berlin-Mitte"));
    }

    async fn a_device_is_in_one_unit_of_each_tree(db: Db) {
        let mut tx = db.begin().await.unwrap();
        let sites = units::insert_tree(&mut tx, "Sites").await.unwrap();
        let owners = units::insert_tree(&mut tx, "Owners").await.unwrap();
        let berlin = units::ensure(&mut tx, sites, &path("Berlin")).await.unwrap();
        let office = units::ensure(&mut tx, sites, &path("Berlin/Office")).await.unwrap();
        let anna = units::ensure(&mut tx, owners, &path("Anna")).await.unwrap();
        let (one, other) = (add_device(&mut tx, "one").await, add_device(&mut tx, "other").await);
        let places = [(one, berlin), (one, anna), (other, office), (other, UnitId(999))];
        assert_eq!(units::place_many(&mut tx, &places, "anna", T0).await.unwrap(), 3);
        assert_eq!(units::place_many(&mut tx, &[(one, office)], "bea", t(1)).await.unwrap(), 1);
        let shown = |places: Vec<units::Place>| -> Vec<_> {
            let places = places.into_iter();
            places.map(|it| (it.device, it.tree, it.path.to_string())).collect()
        };
        let at = |device, tree: &str, path: &str| (device, tree.to_owned(), path.to_owned());
        let of_one = shown(units::places(&mut tx, Some(&[one])).await.unwrap());
        assert_eq!(of_one, [at(one, "Owners", "Anna"), at(one, "Sites", "Berlin/Office")]);
        assert!(!units::remove(&mut tx, berlin).await.unwrap(), "one lies below it");
        assert!(units::remove(&mut tx, office).await.unwrap());
        assert!(units::remove(&mut tx, berlin).await.unwrap());
        assert_eq!(shown(units::places(&mut tx, None).await.unwrap()), [at(one, "Owners", "Anna")]);
        assert_eq!(units::take_out(&mut tx, owners, &[one, other]).await.unwrap(), 1);
        assert!(units::remove_tree(&mut tx, owners).await.unwrap());
        assert!(units::get(&mut tx, anna).await.unwrap().is_none());
        assert!(units::places(&mut tx, None).await.unwrap().is_empty());
    }

    async fn a_group_has_a_name_of_its_own(db: Db) {
        let mut tx = db.begin().await.unwrap();
        let web = groups::insert(&mut tx, &group("Web"), "anna", T0).await.unwrap();
        let error = groups::insert(&mut tx, &group("WEB"), "anna", T0).await.unwrap_err();
        assert!(matches!(error, Error::Exists { .. }), "{error}");
        let db_group = groups::insert(&mut tx, &group("Databases"), "anna", T0).await.unwrap();
        let error = groups::set(&mut tx, db_group, &group("web"), "bea", t(1)).await.unwrap_err();
        assert!(matches!(error, Error::Exists { .. }), "{error}");
        groups::set(&mut tx, web, &group("web"), "bea", t(1)).await.unwrap();
        let names: Vec<_> = groups::all(&mut tx).await.unwrap().into_iter().map(|it| it.what.name).collect();
        assert_eq!(names, ["Databases", "web"]);
        assert_eq!(groups::get(&mut tx, web).await.unwrap().unwrap().updated_by, "bea");
        assert!(groups::remove(&mut tx, web).await.unwrap());
        assert!(!groups::remove(&mut tx, web).await.unwrap());
        let error = groups::set(&mut tx, web, &group("x"), "bea", t(1)).await.unwrap_err();
        assert!(matches!(error, Error::Missing { .. }), "{error}");
    }
}
