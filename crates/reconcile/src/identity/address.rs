//! Who is behind an address.

/// Where a site says whose project it is.
enum Says {
    /// In the first part of the path.
    Owner,
    /// In front of the site's name.
    Subdomain,
    /// It is the company's own.
    Company(&'static str),
    /// Nowhere.
    Nobody,
}

/// Sites of many makers.
const SITES: [(&str, Says); 20] = [
    ("github.com", Says::Owner),
    ("gitlab.com", Says::Owner),
    ("bitbucket.org", Says::Owner),
    ("codeberg.org", Says::Owner),
    ("github.io", Says::Subdomain),
    ("gitlab.io", Says::Subdomain),
    ("readthedocs.io", Says::Subdomain),
    ("wordpress.com", Says::Subdomain),
    ("blogspot.com", Says::Subdomain),
    ("sourceforge.net", Says::Subdomain),
    ("sf.net", Says::Subdomain),
    ("codeplex.com", Says::Subdomain),
    ("google.com", Says::Company("google")),
    ("microsoft.com", Says::Company("microsoft")),
    ("apple.com", Says::Company("apple")),
    ("mozilla.org", Says::Company("mozilla")),
    ("chocolatey.org", Says::Nobody),
    ("archive.org", Says::Nobody),
    ("wikipedia.org", Says::Nobody),
    ("facebook.com", Says::Nobody),
];

/// Names of the makers that an address tells: an owner, or the host's own name.
pub(super) fn makers(address: &str) -> Vec<String> {
    let address = address.trim();
    let behind = address.split_once("://").map_or(address, |(_, it)| it);
    let (host, path) = behind.split_once('/').unwrap_or((behind, ""));
    let host = host.split('@').next_back().unwrap_or_default();
    let host = host.split(':').next().unwrap_or_default().to_lowercase();
    let host = host.strip_prefix("www.").unwrap_or(&host);
    let site = SITES
        .iter()
        .find_map(|(site, says)| {
            Some((
                host.strip_suffix(site)?.strip_suffix('.'),
                host == *site,
                says,
            ))
        })
        .filter(|(before, is_site, _)| *is_site || before.is_some());
    let named = match site {
        Some((_, _, Says::Owner)) => path.split('/').next(),
        Some((before, _, Says::Subdomain)) => before.and_then(|it| it.split('.').next_back()),
        Some((_, _, Says::Company(company))) => Some(*company),
        Some((_, _, Says::Nobody)) => None,
        // Without the top-level domain; the `co` of `co.uk` is dropped as a form of company.
        None => host.rsplit_once('.').map(|(before, _)| before),
    };
    named
        .into_iter()
        .flat_map(|it| it.split('.'))
        .filter(|it| !it.is_empty())
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::makers;

    #[test]
    fn an_address_tells_who_is_behind_it() {
        for (address, expected) in [
            ("https://github.com/nukeop/nuclear/graphs", "nukeop"),
            ("https://rundeck.github.io/rundeck-cli/", "rundeck"),
            ("http://www.7-zip.org/", "7-zip"),
            ("https://www.mozilla.org/en-US/firefox/new/", "mozilla"),
            (
                "https://microsoftedge.microsoft.com/addons/detail/mega/x",
                "microsoft",
            ),
            (
                "https://web.archive.org/web/https://www.apachefriends.org/",
                "",
            ),
            ("https://user@example.co.uk:8080/a", "example co"),
            ("notepad-plus-plus.org", "notepad-plus-plus"),
            ("http://beebeep.sourceforge.net/", "beebeep"),
            ("https://sourceforge.net/projects/x", ""),
            ("https://notgithub.com/x", "notgithub"),
            ("localhost", ""),
            ("", ""),
            ("://", ""),
        ] {
            assert_eq!(makers(address).join(" "), expected, "{address}");
        }
    }
}
