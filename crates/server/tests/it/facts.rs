//! What check-ins say of their machines is kept, and costs nothing while it stays the same.

use fleetmend_model::device::Network;
use fleetmend_model::inventory::Boot;
use fleetmend_protocol::checkin::{CheckIn, CheckInReply};
use fleetmend_protocol::{CURRENT, paths};
use fleetmend_store::device_facts::{self, Facts};

use crate::agent::{Agent, read};
use crate::clocked::both;

pub fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|&it| it.to_owned()).collect()
}

pub async fn say(agent: &Agent, change: impl FnOnce(&mut CheckIn)) -> CheckInReply {
    let mut said = CheckIn {
        protocol: CURRENT,
        agent_version: "test".to_owned(),
        boot: Boot {
            id: agent.boot(),
            at: None,
        },
        time_zone: "Europe/Berlin".to_owned(),
        network: Network {
            addresses: texts(&["10.1.0.7", "2001:db8::7"]),
            gateways: texts(&["10.1.0.1"]),
        },
        abilities: texts(&["apt", "fly"]),
        ..CheckIn::default()
    };
    change(&mut said);
    read(agent.post(paths::CHECKIN, &said).await).await
}

both! {
    async fn what_a_device_says_of_itself_is_kept_and_written_once(site) {
        let agent = Agent::enrol(&site.site, "a").await;
        let stored = async || device_facts::get(site.db(), agent.device).await.unwrap();
        assert_eq!(stored().await, None);
        assert_eq!(say(&agent, |_| {}).await.protocol, CURRENT);
        let (facts, since) = stored().await.unwrap();
        let said = Facts {
            time_zone: "Europe/Berlin".to_owned(),
            network: Network {
                addresses: texts(&["10.1.0.7", "2001:db8::7"]),
                gateways: texts(&["10.1.0.1"]),
            },
            abilities: texts(&["apt", "fly"]),
        };
        assert_eq!(facts, said);

        site.live(std::time::Duration::from_mins(1)).await;
        say(&agent, |_| {}).await;
        assert_eq!(stored().await, Some((said.clone(), since)));

        // It was carried elsewhere. Nothing else changed, and nothing else is there to look for.
        site.live(std::time::Duration::from_mins(1)).await;
        say(&agent, |said| said.network.gateways = texts(&["10.2.0.1", "nowhere"])).await;
        let (facts, moved) = stored().await.unwrap();
        assert_eq!(facts.network.gateways, ["10.2.0.1"]);
        assert!(moved > since);
    }

    async fn an_agent_that_is_older_says_nothing_and_takes_nothing_back(site) {
        let agent = Agent::enrol(&site.site, "a").await;
        say(&agent, |_| {}).await;
        let db = site.db();
        let before = device_facts::get(db, agent.device).await.unwrap();
        assert!(before.is_some());
        let older = |said: &mut CheckIn| {
            *said = CheckIn {
                protocol: 2,
                boot: said.boot.clone(),
                ..CheckIn::default()
            };
        };
        say(&agent, older).await;
        assert_eq!(device_facts::get(db, agent.device).await.unwrap(), before);
    }
}
