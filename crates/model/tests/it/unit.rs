//! Organizational units by their paths.

use fleetmend_model::unit::{LONGEST_NAME, MOST_LEVELS, UnitPath, UnitPathError};

fn path(text: &str) -> UnitPath {
    text.parse().unwrap()
}

#[test]
fn a_path_is_compared_without_case_and_blanks_around_names() {
    let one = path(" Berlin / Office 2 ");
    assert_eq!(one.to_string(), "Berlin/Office 2");
    assert_eq!(one.key(), path("BERLIN/office 2").key());
    assert_eq!(one.name(), "Office 2");
    let above = one.parent().unwrap();
    assert_eq!(
        (above.to_string().as_str(), above.key()),
        ("Berlin", "berlin")
    );
    assert_eq!(above.parent(), None);
}

#[test]
fn a_unit_lies_within_itself_and_those_above_it() {
    for (inner, outer, is_within) in [
        ("Berlin", "berlin", true),
        ("Berlin/Office", "BERLIN", true),
        ("Berlin/Office/2", "Berlin/Office", true),
        ("Berlin", "Berlin/Office", false),
        ("Berlin-Mitte", "Berlin", false),
        ("Paris/Berlin", "Berlin", false),
    ] {
        assert_eq!(
            path(inner).is_within(&path(outer)),
            is_within,
            "{inner} in {outer}"
        );
    }
}

#[test]
fn what_no_list_could_show_is_no_path() {
    for text in ["", " ", "/", "a/", "/a", "a//b", "a/ /b"] {
        assert!(
            matches!(text.parse::<UnitPath>(), Err(UnitPathError::Empty(_))),
            "{text}"
        );
    }
    let long = "x".repeat(LONGEST_NAME + 1);
    assert_eq!(long.parse::<UnitPath>(), Err(UnitPathError::Name));
    assert_eq!("a\u{7}b".parse::<UnitPath>(), Err(UnitPathError::Name));
    let deep = vec!["x"; MOST_LEVELS + 1].join("/");
    assert_eq!(deep.parse::<UnitPath>(), Err(UnitPathError::TooDeep));
}
