//! Which missing patches a command asks for, in words.

use anyhow::anyhow;
use fleetmend_model::device::SystemType;
use fleetmend_model::patch::{Approval, PatchType};
use fleetmend_store::missing::{PatchFilter, PatchSort};

use super::published;
use crate::handle::said;

/// The filters and the order of a list of missing patches; what is absent is all.
#[derive(Debug, Clone, Default)]
pub struct PatchQuery {
    /// `os` or `third_party`.
    pub patch_type: Option<String>,
    /// `normal` or `critical`.
    pub system_type: Option<String>,
    /// `not_approved`, `approved` or `disapproved`.
    pub approval: Option<String>,
    /// Part of the title or the package's name, case ignored.
    pub title: Option<String>,
    /// Part of the name of a host that lacks it, case ignored.
    pub hostname: Option<String>,
    /// Whether it closes a security hole.
    pub security: Option<bool>,
    /// Whether it is held everywhere or on some device.
    pub held: Option<bool>,
    /// Published on this day or at this time, or later.
    pub published_since: Option<String>,
    /// Published before it.
    pub published_before: Option<String>,
    /// Whether a device that had lacked it was found to have it.
    pub fixed: Option<bool>,
    /// Also those that no device lacks any more, where one was found to have it.
    pub with_fixed: bool,
    /// `title`, `affected` or `newest`.
    pub sort: Option<String>,
}

impl PatchQuery {
    pub(crate) fn filter(&self) -> anyhow::Result<PatchFilter> {
        Ok(PatchFilter {
            patch_type: word(
                "patch-type",
                self.patch_type.as_deref(),
                PatchType::from_key,
            )?,
            system_type: word(
                "system-type",
                self.system_type.as_deref(),
                SystemType::from_key,
            )?,
            approval: word("approval", self.approval.as_deref(), Approval::from_key)?,
            title: self.title.clone(),
            hostname: self.hostname.clone(),
            security: self.security,
            held: self.held,
            published_since: day_or_time("published-since", self.published_since.as_deref())?,
            published_before: day_or_time("published-before", self.published_before.as_deref())?,
            fixed: self.fixed,
            with_fixed: self.with_fixed,
        })
    }

    pub(crate) fn order(&self) -> anyhow::Result<PatchSort> {
        Ok(word("sort", self.sort.as_deref(), PatchSort::from_key)?.unwrap_or_default())
    }
}

/// A day or a time, as packages' times are kept.
pub(crate) fn day_or_time(field: &str, given: Option<&str>) -> anyhow::Result<Option<String>> {
    published::of(field, given).map_err(said)
}

/// A word out of a fixed set.
pub(crate) fn word<T>(
    field: &str,
    given: Option<&str>,
    read: impl FnOnce(&str) -> Option<T>,
) -> anyhow::Result<Option<T>> {
    let read = |it: &str| {
        read(it).ok_or_else(|| anyhow!("field '{field}': '{it}' is not one of its values"))
    };
    given.map(read).transpose()
}
