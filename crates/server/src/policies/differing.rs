//! Of settings what differs from the defaults: the rest follows the defaults, also when those change.

use fleetmend_plan::policy::Settings;
use serde_json::{Map, Value as Json};

/// What is to be kept of settings. Read again it is the same settings.
pub fn differing(settings: &Settings) -> serde_json::Result<Json> {
    let full = serde_json::to_value(settings)?;
    let default = serde_json::to_value(Settings::default())?;
    let short = without(&full, &default, true);
    // A part that cannot be read without what equals a default is kept as it is.
    let reads_same = |it: &Json| {
        let read: Result<Settings, _> = serde_json::from_value(it.clone());
        read.is_ok_and(|it| it == *settings)
    };
    Ok([short, without(&full, &default, false)]
        .into_iter()
        .find(reads_same)
        .unwrap_or(full))
}

/// The fields that are others; of those that are objects themselves only what is other in them, if asked.
fn without(full: &Json, default: &Json, goes_deeper: bool) -> Json {
    let (Json::Object(full), Json::Object(default)) = (full, default) else {
        return full.clone();
    };
    let mut kept = Map::new();
    for (name, value) in full {
        match default.get(name) {
            Some(same) if same == value => {}
            // What says what kind it is is no collection of settings.
            Some(other) if goes_deeper && !is_one_of_several(value) => {
                kept.insert(name.clone(), without(value, other, false));
            }
            _ => {
                kept.insert(name.clone(), value.clone());
            }
        }
    }
    Json::Object(kept)
}

fn is_one_of_several(value: &Json) -> bool {
    value.get("kind").is_some()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_differs_is_kept_and_reads_as_the_same() {
        for (given, kept) in [
            (json!({}), json!({})),
            (json!({"scan": {"retries": 1}}), json!({})),
            (
                json!({"scan": {"retries": 5, "purge_days": 3}, "auto_approval": true}),
                json!({"scan": {"retries": 5}, "auto_approval": true}),
            ),
            (
                json!({"critical": [{"kind": "all"}]}),
                json!({"critical": [{"kind": "all"}]}),
            ),
        ] {
            let settings: Settings = serde_json::from_value(given.clone()).unwrap();
            let found = differing(&settings).unwrap();
            assert_eq!(found, kept, "{given}");
            let again: Settings = serde_json::from_value(found).unwrap();
            assert_eq!(again, settings, "{given}");
        }
    }
}
