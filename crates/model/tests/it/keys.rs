//! The words of the database, the API and the wire are read back, and are the same words.

use std::fmt::Debug;

use fleetmend_model::abilities::Ability;
use fleetmend_model::device::{OsFamily, SystemType};
use fleetmend_model::inventory::Place;
use fleetmend_model::patch::{Approval, Confidence, Evidence, PatchType};
use fleetmend_model::recipe::Verdict;
use fleetmend_model::status::deploy::Ending;

fn check<T: Copy + Debug + PartialEq + serde::Serialize>(
    values: &[T],
    key: impl Fn(T) -> &'static str,
    from_key: impl Fn(&str) -> Option<T>,
) {
    for &value in values {
        let word = key(value);
        assert_eq!(from_key(word), Some(value));
        assert_eq!(
            serde_json::to_value(value).expect("a word"),
            word,
            "{value:?} on the wire"
        );
    }
    assert_eq!(from_key("unknown"), None);
    assert_eq!(from_key(""), None);
}

#[test]
fn every_word_is_read_back_and_is_the_same_on_the_wire() {
    use Evidence::{
        ChocolateyRecord, Name, PackageManager, ProductCode, SoftwareName, UpgradeCode,
    };
    check(&Ability::ALL, Ability::key, Ability::from_key);
    check(&SystemType::ALL, SystemType::key, SystemType::from_key);
    check(
        &[OsFamily::Windows, OsFamily::Linux],
        OsFamily::key,
        OsFamily::from_key,
    );
    check(
        &[Place::Machine64, Place::Machine32, Place::User, Place::Dpkg],
        Place::key,
        Place::from_key,
    );
    check(&PatchType::ALL, PatchType::key, PatchType::from_key);
    check(&Approval::ALL, Approval::key, Approval::from_key);
    check(
        &[
            ChocolateyRecord,
            ProductCode,
            UpgradeCode,
            SoftwareName,
            Name,
            PackageManager,
        ],
        Evidence::key,
        Evidence::from_key,
    );
    check(
        &[Confidence::Weak, Confidence::Strong, Confidence::Certain],
        Confidence::key,
        Confidence::from_key,
    );
    check(
        &[
            Verdict::Ready,
            Verdict::NoInstaller,
            Verdict::NeedsReview,
            Verdict::NeedsChocolatey,
        ],
        Verdict::key,
        Verdict::from_key,
    );
    check(&Ending::ALL, Ending::key, Ending::from_key);
}

#[test]
fn labels_of_lists_are_word_for_word() {
    assert_eq!(
        PatchType::ALL.map(PatchType::label),
        ["Third Party Patches", "OS Patches"]
    );
    assert_eq!(
        SystemType::ALL.map(SystemType::label),
        ["Normal Systems", "Critical Systems"]
    );
    assert_eq!(
        Approval::ALL.map(Approval::label),
        ["Not Approved", "Approved", "Disapproved"]
    );
    assert_eq!(
        Approval::ALL.map(Approval::list_label),
        [
            "Not Approved Patches",
            "Approved Patches",
            "Disapproved Patches"
        ]
    );
    assert!(Confidence::Weak < Confidence::Strong && Confidence::Strong < Confidence::Certain);
    assert_eq!(Approval::default(), Approval::NotApproved);
}
