//! What devices lack of some packages, put in place of what they lacked of them.

use fleetmend_model::{DeviceId, PatchId};
use fleetmend_store::missing::{
    self, Changes, NewMissing, PackagesMissing, packages, replace_for_devices, replace_for_packages,
};
use fleetmend_store::{Db, Tx, devices};

use crate::fixture::{T0, add_device, add_patch, both, lacks, t};

/// All that these devices lack of a package, each as everything of [`lacks`].
async fn of(tx: &mut Tx, package: &str, rows: &[(DeviceId, PatchId)]) -> PackagesMissing {
    let mut all: Vec<(DeviceId, NewMissing)> = Vec::new();
    for (device, patch) in rows {
        let row = lacks(tx, *device, &[*patch]).await.rows[0];
        all.push((*device, row));
    }
    PackagesMissing {
        packages: vec![package.to_owned()],
        rows: all,
    }
}

async fn counted(tx: &mut Tx, device: DeviceId) -> u32 {
    let device = devices::get(tx, device).await.unwrap().unwrap();
    device.missing_third_party
}

both! {
    async fn only_rows_of_the_packages_change_and_counts_stay_in_step(db: Db) {
        let mut tx = db.begin().await.unwrap();
        let (a, b) = (add_device(&mut tx, "a").await, add_device(&mut tx, "b").await);
        let gone = add_device(&mut tx, "gone").await;
        let (x, y) = (add_patch(&mut tx, "x").await, add_patch(&mut tx, "y").await);
        let all = [
            lacks(&mut tx, a, &[x, y]).await,
            lacks(&mut tx, gone, &[x]).await,
        ];
        replace_for_devices(&mut tx, &all, t(1)).await.unwrap();
        devices::remove(&mut tx, gone, t(1)).await.unwrap();
        assert_eq!(packages(&mut tx).await.unwrap(), ["x", "y"]);

        let new = of(&mut tx, "x", &[(b, x), (gone, x)]).await;
        let changes = replace_for_packages(&mut tx, &new, t(2)).await.unwrap();
        assert_eq!(changes, Changes { added: vec![(b, x)], removed: vec![(a, x)] });
        assert_eq!(missing::devices_of(&mut tx, x, None).await.unwrap(), [b]);
        assert_eq!(missing::devices_of(&mut tx, y, None).await.unwrap(), [a]);
        assert_eq!((counted(&mut tx, a).await, counted(&mut tx, b).await), (1, 1));
        assert_eq!(counted(&mut tx, gone).await, 0);

        let again = replace_for_packages(&mut tx, &new, t(3)).await.unwrap();
        assert_eq!(again, Changes::default());
        let row = missing::get(&mut tx, b, x).await.unwrap().unwrap();
        assert_eq!(row.since, t(2));

        let nothing = of(&mut tx, "x", &[]).await;
        let changes = replace_for_packages(&mut tx, &nothing, t(4)).await.unwrap();
        assert_eq!(changes, Changes { added: vec![], removed: vec![(b, x)] });
        assert_eq!(counted(&mut tx, b).await, 0);
        assert_eq!(packages(&mut tx).await.unwrap(), ["y"]);
    }

    async fn more_devices_than_one_statement_takes_are_all_written(db: Db) {
        const DEVICES: usize = 5_001;
        let mut tx = db.begin().await.unwrap();
        let x = add_patch(&mut tx, "x").await;
        let mut rows = Vec::new();
        for number in 0..DEVICES {
            rows.push((add_device(&mut tx, &number.to_string()).await, x));
        }
        let row = lacks(&mut tx, rows[0].0, &[x]).await.rows[0];
        let new = PackagesMissing {
            packages: vec!["x".to_owned()],
            rows: rows.iter().map(|it| (it.0, row)).collect(),
        };
        let changes = replace_for_packages(&mut tx, &new, T0).await.unwrap();
        assert_eq!(changes.added.len(), DEVICES);
        assert_eq!(counted(&mut tx, rows[DEVICES - 1].0).await, 1);
        let none = PackagesMissing { rows: Vec::new(), ..new };
        let changes = replace_for_packages(&mut tx, &none, T0).await.unwrap();
        assert_eq!(changes.removed.len(), DEVICES);
        assert_eq!(counted(&mut tx, rows[0].0).await, 0);
    }
}
