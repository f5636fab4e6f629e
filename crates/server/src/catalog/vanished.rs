//! What a source had and no longer has: it is not offered any more, unless so much is gone at once
//! that the source itself may be at fault.

use std::collections::HashSet;

use fleetmend_model::{Millis, PackageId};
use fleetmend_store::packages::ListedVersion;
use fleetmend_store::source_pages::VersionMark;
use fleetmend_store::sources::{SourceKind, Withheld};

use crate::text_digest::text_digest;

/// So few may go without a question, as long as others stay.
const FEW: usize = 10;
/// More than one part in so many is a reason to ask.
const SHARE: usize = 5;

/// What tells a version of a package from others: part of a digest, so that nobody finds two that
/// are alike by trying a little.
pub fn mark(id: &str, normalized: &str) -> VersionMark {
    let digest = text_digest([id.to_lowercase().as_str(), normalized]);
    let mut mark = [0; 8];
    mark.copy_from_slice(&digest[..8]);
    VersionMark::from_le_bytes(mark)
}

/// The versions that a source no longer has. `listed` comes by id, the newest version first.
///
/// A folder, an import, and this server's own feed, show all that they have. Another feed is asked for
/// the latest versions alone: older ones are superseded and stay as they are, as what is good to go back
/// to; one that is newer than what the feed now calls the latest was pulled.
pub fn gone(
    kind: SourceKind,
    listed: &[ListedVersion],
    offered: impl IntoIterator<Item = VersionMark>,
) -> Vec<PackageId> {
    let offered: HashSet<_> = offered.into_iter().collect();
    let mut gone = Vec::new();
    for versions in listed.chunk_by(|a, b| a.id == b.id) {
        let is_offered = |it: &&ListedVersion| offered.contains(&mark(&it.id, &it.normalized));
        let shown = match kind {
            SourceKind::Folder | SourceKind::Own | SourceKind::Imported => versions.len(),
            SourceKind::Feed => versions
                .iter()
                .position(|it| is_offered(&it))
                .unwrap_or(versions.len()),
        };
        gone.extend(
            versions[..shown]
                .iter()
                .filter(|it| !is_offered(it))
                .map(|it| it.row),
        );
    }
    gone
}

/// What is kept back for a person to decide: so much is gone that the source may be at fault (an
/// empty answer, a share that is not there).
pub fn withheld(
    listed: usize,
    gone: usize,
    before: Option<Withheld>,
    now: Millis,
) -> Option<Withheld> {
    let is_much = gone == listed || (gone > FEW && gone * SHARE > listed);
    (gone > 0 && is_much).then(|| Withheld {
        listed: listed as u64,
        gone: gone as u64,
        since: before.map_or(now, |it| it.since),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(row: i64, id: &str, version: &str) -> ListedVersion {
        ListedVersion {
            row: PackageId(row),
            id: id.to_owned(),
            normalized: version.to_owned(),
        }
    }

    #[test]
    fn a_feed_pulls_what_is_newer_than_its_latest_and_a_folder_all_that_is_not_there() {
        let listed = [
            version(1, "pulled", "3.0.0"),
            version(2, "pulled", "2.0.0"),
            version(3, "pulled", "1.0.0"),
            version(4, "same", "2.0.0"),
            version(5, "same", "1.0.0"),
            version(6, "vanished", "2.0.0"),
            version(7, "vanished", "1.0.0"),
        ];
        let offered = [mark("Pulled", "2.0.0"), mark("same", "2.0.0")];
        let rows =
            |kind| -> Vec<i64> { gone(kind, &listed, offered).iter().map(|it| it.0).collect() };
        assert_eq!(rows(SourceKind::Feed), [1, 6, 7]);
        assert_eq!(rows(SourceKind::Folder), [1, 3, 5, 6, 7]);
    }

    #[test]
    fn a_source_that_shrinks_at_once_loses_nothing_before_a_person_says_so() {
        let now = Millis(7);
        for (listed, gone, is_kept) in [
            (0, 0, false),
            (1000, 0, false),
            (1000, 10, false),
            (1000, 200, false),
            (1000, 201, true),
            (1000, 1000, true),
            (20, 10, false),
            (20, 11, true),
            (3, 2, false),
            (3, 3, true),
            (1, 1, true),
        ] {
            let found = withheld(listed, gone, None, now);
            assert_eq!(found.is_some(), is_kept, "{gone} of {listed}");
        }
        let before = withheld(5, 5, None, Millis(3));
        assert_eq!(
            withheld(6, 6, before, now).map(|it| it.since),
            Some(Millis(3))
        );
    }

    #[test]
    fn versions_are_told_apart_and_letter_case_of_ids_does_not_count() {
        assert_eq!(mark("7Zip", "1.0.0"), mark("7zip", "1.0.0"));
        assert_ne!(mark("a", "11.0.0"), mark("a1", "1.0.0"));
    }
}
