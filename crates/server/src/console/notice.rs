//! What a page says after a change. The address carries a word and a number, never a text, so
//! that no link can put words into the console's mouth.

use super::fields::{Fields, address};
use super::view::counted;

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    /// Scans were posted.
    Scan,
    /// A system type was set.
    SystemType,
    /// A device was taken out of management.
    DeviceRemoved,
    /// Patches were approved.
    Approved,
    /// Patches were disapproved.
    Disapproved,
    /// Jobs were posted again.
    Redeployed,
    /// A job was cancelled.
    Cancelled,
    /// A device was asked to cancel a job.
    CancelAsked,
    /// Download counts were reset.
    DownloadCountReset,
    /// A package version was released from quarantine.
    Released,
    /// A package version is looked at again.
    LookedAtAgain,
    /// A source was added.
    SourceAdded,
    /// A source is read at once.
    SourceRead,
    /// The private hosts of a source were set.
    PrivateHostsSet,
    /// A source was changed.
    SourceSet,
    /// A source was removed.
    SourceRemoved,
    /// What a source no longer has was taken away.
    GoneRemoved,
    /// A catalog was imported.
    CatalogImported,
    /// A key of the feed was taken away.
    FeedKeyRevoked,
    /// Who may read the feed was set.
    FeedReadersSet,
    /// Lists show a package of the feed.
    FeedPackageShown,
    /// They do not show it any more.
    FeedPackageHidden,
    /// An override was made.
    OverrideAdded,
    /// An override was taken back.
    OverrideRemoved,
    /// A package is brought into the feed with its installers inside.
    Internalizing,
    /// A held update was released.
    HoldReleased,
    /// Nothing was ticked.
    NothingChosen,
}

impl Done {
    const ALL: [Self; 27] = [
        Self::Scan,
        Self::SystemType,
        Self::DeviceRemoved,
        Self::Approved,
        Self::Disapproved,
        Self::Redeployed,
        Self::Cancelled,
        Self::CancelAsked,
        Self::DownloadCountReset,
        Self::Released,
        Self::LookedAtAgain,
        Self::SourceAdded,
        Self::SourceRead,
        Self::PrivateHostsSet,
        Self::SourceSet,
        Self::SourceRemoved,
        Self::GoneRemoved,
        Self::CatalogImported,
        Self::FeedKeyRevoked,
        Self::FeedReadersSet,
        Self::FeedPackageShown,
        Self::FeedPackageHidden,
        Self::OverrideAdded,
        Self::OverrideRemoved,
        Self::Internalizing,
        Self::HoldReleased,
        Self::NothingChosen,
    ];

    fn key(self) -> &'static str {
        match self {
            Self::Scan => "scan",
            Self::SystemType => "system-type",
            Self::DeviceRemoved => "device-removed",
            Self::Approved => "approved",
            Self::Disapproved => "disapproved",
            Self::Redeployed => "redeployed",
            Self::Cancelled => "cancelled",
            Self::CancelAsked => "cancel-asked",
            Self::DownloadCountReset => "download-count-reset",
            Self::Released => "released",
            Self::LookedAtAgain => "looked-at-again",
            Self::SourceAdded => "source-added",
            Self::SourceRead => "source-read",
            Self::PrivateHostsSet => "private-hosts-set",
            Self::SourceSet => "source-set",
            Self::SourceRemoved => "source-removed",
            Self::GoneRemoved => "gone-removed",
            Self::CatalogImported => "catalog-imported",
            Self::FeedKeyRevoked => "feed-key-revoked",
            Self::FeedReadersSet => "feed-readers-set",
            Self::FeedPackageShown => "feed-package-shown",
            Self::FeedPackageHidden => "feed-package-hidden",
            Self::OverrideAdded => "override-added",
            Self::OverrideRemoved => "override-removed",
            Self::Internalizing => "internalizing",
            Self::HoldReleased => "hold-released",
            Self::NothingChosen => "nothing-chosen",
        }
    }

    fn sentence(self, n: u64) -> String {
        match self {
            Self::Scan => {
                format!(
                    "{} posted.",
                    counted(n, "new scan job was", "new scan jobs were")
                )
            }
            Self::SystemType => {
                format!(
                    "The system type of {} was set.",
                    counted(n, "device", "devices")
                )
            }
            Self::DeviceRemoved => "The device was taken out of management.".to_owned(),
            Self::Approved => format!("{} approved.", counted(n, "patch was", "patches were")),
            Self::Disapproved => {
                format!("{} disapproved.", counted(n, "patch was", "patches were"))
            }
            Self::Redeployed => {
                format!(
                    "{} posted again.",
                    counted(n, "deploy job was", "deploy jobs were")
                )
            }
            Self::Cancelled => "The deploy job was cancelled.".to_owned(),
            Self::CancelAsked => {
                "The device was asked to cancel the deploy job: it confirms, unless it has started."
                    .to_owned()
            }
            Self::DownloadCountReset => format!(
                "{} reset.",
                counted(n, "download count was", "download counts were")
            ),
            Self::Released => {
                "The version was released: the file that was found is accepted, and no other."
                    .to_owned()
            }
            Self::LookedAtAgain => {
                "The version is looked at again: its nupkg now, its installers when it is deployed."
                    .to_owned()
            }
            Self::SourceAdded => "The source was added and is being read.".to_owned(),
            Self::SourceRead => "The source is being read.".to_owned(),
            Self::PrivateHostsSet => {
                "The private hosts were set, and the source is being read.".to_owned()
            }
            Self::SourceSet => "The source was changed.".to_owned(),
            Self::SourceRemoved => "The source was removed.".to_owned(),
            Self::GoneRemoved => {
                format!("{} taken away.", counted(n, "version was", "versions were"))
            }
            Self::CatalogImported => format!(
                "The catalog was imported: it has {}.",
                counted(n, "package version", "package versions")
            ),
            Self::FeedKeyRevoked => "The key was taken away: it opens nothing.".to_owned(),
            Self::FeedReadersSet => "Who may read the feed was set.".to_owned(),
            Self::FeedPackageShown => "The feed's lists show the package again.".to_owned(),
            Self::FeedPackageHidden => {
                "The feed's lists do not show the package any more: who names it gets it all the same."
                    .to_owned()
            }
            Self::OverrideAdded => {
                "The override was made: all devices are matched anew.".to_owned()
            }
            Self::OverrideRemoved => {
                "The override was taken back: all devices are matched anew.".to_owned()
            }
            Self::Internalizing => {
                "The package is brought into the feed with its installers inside: it stands below when \
                 that is done, and otherwise why not."
                    .to_owned()
            }
            Self::HoldReleased => "The update was released: it is offered again.".to_owned(),
            Self::NothingChosen => "Nothing was done: tick one or more rows first.".to_owned(),
        }
    }
}

/// A path with the notice behind it; an older notice goes.
pub fn onto(path: &str, what: Done, count: u64) -> String {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let kept: Vec<&str> = query
        .split('&')
        .filter(|it| !it.is_empty() && !it.starts_with("done=") && !it.starts_with("n="))
        .collect();
    let path = if kept.is_empty() {
        path.to_owned()
    } else {
        format!("{path}?{}", kept.join("&"))
    };
    address(&path, [("done", what.key()), ("n", &count.to_string())])
}

/// The sentence for a page's address.
pub fn of(fields: &Fields) -> Option<String> {
    let done = fields.get("done")?;
    let count = fields.get("n").and_then(|n| n.parse().ok()).unwrap_or(0);
    Done::ALL
        .into_iter()
        .find(|it| it.key() == done)
        .map(|it| it.sentence(count))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notice_replaces_the_one_before_and_keeps_the_filters() {
        assert_eq!(onto("/devices", Done::Scan, 2), "/devices?done=scan&n=2");
        assert_eq!(
            onto("/devices?hostname=a&done=scan&n=2", Done::SystemType, 1),
            "/devices?hostname=a&done=system-type&n=1"
        );
    }

    #[test]
    fn an_address_cannot_bring_its_own_words() {
        let fields = |done: &str| Fields(vec![("done".to_owned(), done.to_owned())]);
        assert_eq!(of(&fields("You were hacked, call 555")), None);
        assert!(of(&fields("scan")).is_some());
    }
}
