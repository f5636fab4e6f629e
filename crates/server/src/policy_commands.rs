//! What the administrator's commands show of policies, without the network.

use crate::api::policies::{detail, listed};
use crate::api::time;
use crate::console::counted;
use crate::handle::{Handle, said};
use crate::output::Output;
use crate::policies::shown::{self, Shown};

impl Handle {
    /// One line for each policy, in the order in which they are asked: its place, number and name, whether
    /// devices can have it, how many do, and for which it is.
    pub async fn list_policies(&self, output: Output) -> anyhow::Result<Vec<String>> {
        if output == Output::Json {
            let all = crate::policies::list(&self.app).await.map_err(said)?;
            let bodies = all.into_iter().map(listed).collect::<Result<Vec<_>, _>>();
            let bodies = bodies.map_err(said)?.into_iter();
            let lines = bodies.map(|it| serde_json::to_string(&it));
            return Ok(lines.collect::<Result<_, _>>()?);
        }
        let all = shown::all(&self.app).await.map_err(said)?;
        Ok(all.iter().map(line).collect())
    }

    /// A policy, named by its number or its name: for which devices it is, what it sets, and who changed it
    /// when.
    pub async fn show_policy(&self, named: &str, output: Output) -> anyhow::Result<Vec<String>> {
        let one = shown::one(&self.app, named).await.map_err(said)?;
        if output == Output::Json {
            let body = detail(&self.app, one.shown.policy.id).await.map_err(said)?;
            return Ok(vec![serde_json::to_string(&body)?]);
        }
        let mut lines = vec![line(&one.shown)];
        lines.extend(one.settings.iter().map(|it| format!("  {it}")));
        lines.extend(one.versions.iter().map(|it| {
            let off = match it.is_enabled {
                Some(true) => "",
                Some(false) => ", disabled",
                None => ", not known whether it was enabled",
            };
            let (by, at) = (&it.changed_by, time(it.at));
            format!(
                "  generation {}: '{}'{off}, by {by}, {at}",
                it.generation, it.name
            )
        }));
        Ok(lines)
    }
}

fn line(it: &Shown) -> String {
    let rank = it.rank.map_or("last".to_owned(), |it| it.to_string());
    let what = &it.policy.what;
    let enabled = if what.is_enabled {
        "enabled"
    } else {
        "disabled"
    };
    let id = it.policy.id.to_string();
    let devices = counted(it.devices, "device", "devices");
    [&rank, &id, &what.name, enabled, &devices, &it.conditions()].join("\t")
}
