//! Which patches rules approve.

use fleetmend_model::Millis;
use fleetmend_model::device::SystemType;
use fleetmend_model::patch::PatchType;
use fleetmend_plan::auto::{ApprovalRule, Facts, RuleError, decide};
use fleetmend_plan::cool_down::Dates;
use fleetmend_plan::version::Step;
use serde_json::{Value as Json, json};

use crate::zoned::instant;

const NOW: &str = "2026-11-26T18:00Z";

fn rule(json: Json) -> ApprovalRule {
    serde_json::from_value(json).unwrap()
}

fn facts(tags: &[String]) -> Facts<'_> {
    Facts {
        package: "firefox",
        tags,
        patch_type: PatchType::ThirdParty,
        step: Step::Minor,
        dates: Dates {
            published: Some(instant("2026-11-20T18:00Z")),
            ..Dates::default()
        },
        is_security: false,
        is_exploited: false,
    }
}

/// The rule that approves, and from when on.
fn hit(facts: &Facts<'_>, rules: &[Json]) -> Option<(String, Millis)> {
    let rules: Vec<_> = rules.iter().cloned().map(rule).collect();
    let hit = decide(facts, SystemType::Normal, &rules, instant(NOW))?;
    Some((hit.rule.name.clone(), hit.from))
}

#[test]
fn a_rule_approves_what_meets_all_that_it_names() {
    let tags = ["browser".to_owned(), "Mozilla".to_owned()];
    for (more, approves) in [
        (json!({}), true),
        (json!({"is_enabled": false}), false),
        (json!({"packages": ["chrome", "fire*"]}), true),
        (json!({"packages": ["chrome", "/^fox/"]}), false),
        (json!({"tags": ["editor", " MOZILLA "]}), true),
        (json!({"tags": ["editor"]}), false),
        (json!({"packages": ["fire*"], "tags": ["editor"]}), false),
        (json!({"patch_type": "third_party"}), true),
        (json!({"patch_type": "os"}), false),
        (json!({"widest_step": "patch"}), false),
        (json!({"widest_step": "minor"}), true),
        (json!({"widest_step": "major"}), true),
        (json!({"security_only": true}), false),
        (json!({"exploited_only": true}), false),
    ] {
        let mut json = json!({"name": "it"});
        let fields = more.as_object().unwrap().clone();
        json.as_object_mut().unwrap().extend(fields);
        let found = hit(&facts(&tags), &[json]);
        assert_eq!(found.is_some(), approves, "{more}");
    }
    let security = Facts {
        is_security: true,
        ..facts(&[])
    };
    let exploited = Facts {
        is_exploited: true,
        ..facts(&[])
    };
    let only = |what: &str| [json!({"name": "it", what: true})];
    assert!(hit(&security, &only("security_only")).is_some());
    assert!(hit(&security, &only("exploited_only")).is_none());
    assert!(hit(&exploited, &only("security_only")).is_some());
    assert!(hit(&exploited, &only("exploited_only")).is_some());
}

#[test]
fn the_rule_that_approves_first_counts_and_of_several_the_one_that_stands_first() {
    let old = |name: &str, days: u32| json!({"name": name, "min_age_days": days});
    let at = |text: &str| Some(instant(text));
    let said = |rules: &[Json]| hit(&facts(&[]), rules).unzip();
    let name = |name: &str| Some(name.to_owned());
    // Published six days ago.
    assert_eq!(said(&[old("a", 6), old("b", 3)]), (name("a"), at(NOW)));
    assert_eq!(said(&[old("a", 7), old("b", 3)]), (name("b"), at(NOW)));
    assert_eq!(
        said(&[old("a", 9), old("b", 7)]),
        (name("b"), at("2026-11-27T18:00Z"))
    );
    assert_eq!(said(&[]), (None, None));
    let undated = Facts {
        dates: Dates::default(),
        ..facts(&[])
    };
    assert_eq!(hit(&undated, &[old("a", 1)]), None);
    assert!(hit(&undated, &[old("a", 0)]).is_some());
}

#[test]
fn a_rule_that_cannot_be_kept_to_is_refused_and_says_why() {
    let many: Vec<String> = (0..201).map(|it| format!("package-{it}")).collect();
    for (json, error) in [
        (json!({"name": " "}), RuleError::Name),
        (json!({"name": "x".repeat(101)}), RuleError::Name),
        (json!({"name": "a", "packages": many}), RuleError::TooMany),
        (json!({"name": "a", "tags": ["b", ""]}), RuleError::EmptyTag),
        (
            json!({"name": "a", "min_age_days": 366}),
            RuleError::Age(366),
        ),
    ] {
        assert_eq!(rule(json).check(), Err(error));
    }
    assert_eq!(rule(json!({"name": "a"})).check(), Ok(()));
    let odd = json!({"name": "a", "packges": ["b"]});
    assert!(serde_json::from_value::<ApprovalRule>(odd).is_err());
}
