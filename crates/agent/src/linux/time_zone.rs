//! The machine's time zone by its IANA name.

use std::fs;
use std::path::Path;

/// The longest name that is taken, in bytes.
const LONGEST: usize = 64;

/// The name in a system whose `/etc` is `etc`; empty where it names none.
///
/// Source: localtime(5), a link into the zoneinfo folder; Debian's `/etc/timezone`.
pub(super) fn time_zone(etc: &Path) -> String {
    let linked = fs::read_link(etc.join("localtime")).ok();
    let linked = linked.as_deref().and_then(Path::to_str).and_then(of_link);
    let named = || fs::read_to_string(etc.join("timezone")).ok();
    let name = linked.or_else(|| named().map(|text| text.trim().to_owned()));
    name.filter(|name| is_name(name)).unwrap_or_default()
}

fn of_link(target: &str) -> Option<String> {
    let (_, name) = target.split_once("zoneinfo/")?;
    // The same zones, with and without leap seconds.
    let name = ["posix/", "right/"]
        .into_iter()
        .find_map(|folder| name.strip_prefix(folder))
        .unwrap_or(name);
    Some(name.to_owned())
}

fn is_name(name: &str) -> bool {
    let is_part_of_one = |it: u8| it.is_ascii_alphanumeric() || b"/_+-".contains(&it);
    (1..=LONGEST).contains(&name.len()) && name.bytes().all(is_part_of_one)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn the_zone_is_the_one_that_localtime_leads_to_or_else_the_one_in_timezone() {
        for (link, timezone, zone) in [
            (
                Some("/usr/share/zoneinfo/Europe/Berlin"),
                None,
                "Europe/Berlin",
            ),
            (
                Some("../usr/share/zoneinfo/Asia/Kathmandu"),
                Some("UTC\n"),
                "Asia/Kathmandu",
            ),
            (
                Some("/usr/share/zoneinfo/right/America/New_York"),
                None,
                "America/New_York",
            ),
            (Some("/usr/share/zoneinfo/Etc/GMT+12"), None, "Etc/GMT+12"),
            (
                Some("/etc/somewhere"),
                Some("Europe/Paris\n"),
                "Europe/Paris",
            ),
            (None, Some(" Europe/Paris \n"), "Europe/Paris"),
            (None, Some("not a zone\n"), ""),
            (None, Some(""), ""),
            (None, None, ""),
        ] {
            let etc = tempfile::tempdir().unwrap();
            if let Some(link) = link {
                symlink(link, etc.path().join("localtime")).unwrap();
            }
            if let Some(timezone) = timezone {
                fs::write(etc.path().join("timezone"), timezone).unwrap();
            }
            assert_eq!(time_zone(etc.path()), zone, "{link:?} {timezone:?}");
        }
    }
}
