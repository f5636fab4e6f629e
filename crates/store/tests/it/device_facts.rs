//! What agents say of their machines.

use fleetmend_model::DeviceId;
use fleetmend_model::device::Network;
use fleetmend_store::Db;
use fleetmend_store::device_facts::{Facts, get, put};

use crate::fixture::{T0, add_device, both, t};

fn facts() -> Facts {
    Facts {
        time_zone: "Europe/Berlin".to_owned(),
        network: Network {
            addresses: vec!["10.1.0.7".to_owned(), "2001:db8::7".to_owned()],
            gateways: vec!["10.1.0.1".to_owned()],
        },
        abilities: vec!["apt".to_owned(), "a \"quoted\" one".to_owned()],
    }
}

both! {
    async fn what_an_agent_says_is_kept_with_the_time_since_when_it_is_so(db: Db) {
        let mut tx = db.begin().await.unwrap();
        let device = add_device(&mut tx, "pc1").await;
        let other = add_device(&mut tx, "pc2").await;
        assert_eq!(get(&mut tx, device).await.unwrap(), None);
        assert!(put(&mut tx, device, &facts(), T0).await.unwrap());
        assert!(!put(&mut tx, device, &facts(), t(1)).await.unwrap());
        assert_eq!(get(&mut tx, device).await.unwrap(), Some((facts(), T0)));
        for (step, change) in [
            |facts: &mut Facts| facts.time_zone.clear(),
            |facts: &mut Facts| facts.network.addresses.clear(),
            |facts: &mut Facts| facts.network.gateways.clear(),
            |facts: &mut Facts| facts.abilities.clear(),
        ]
        .into_iter()
        .enumerate()
        {
            let mut changed = get(&mut tx, device).await.unwrap().unwrap().0;
            change(&mut changed);
            let at = t(10 + i64::try_from(step).unwrap());
            assert!(put(&mut tx, device, &changed, at).await.unwrap());
            assert_eq!(get(&mut tx, device).await.unwrap(), Some((changed, at)));
        }
        assert_eq!(get(&mut tx, other).await.unwrap(), None);
        assert!(put(&mut tx, other, &Facts::default(), T0).await.unwrap());
        assert_eq!(get(&mut tx, other).await.unwrap(), Some((Facts::default(), T0)));
        assert!(!put(&mut tx, DeviceId(999), &facts(), T0).await.unwrap());
        tx.commit().await.unwrap();
    }
}
