//! Requests to the own feed, made to hurt.

use fleetmend_chocolatey::gallery::MAX_QUERY;

use crate::made::{Made, filled, made};

/// All of them.
pub(crate) fn all() -> impl Iterator<Item = Made> {
    let queries = QUERIES.iter().flat_map(|(name, path, begin, middle, end)| {
        let query = filled(MAX_QUERY, begin, middle, end);
        ["gallery", "large_gallery"].map(|reader| made(reader, name, format!("{path}?{query}")))
    });
    let filters = FILTERS.iter().map(|(name, begin, middle)| {
        // As many words and signs as a filter may have.
        let filter = format!("{begin}{}", middle.repeat(56));
        made(
            "large_gallery",
            name,
            format!("Packages()?$filter={filter}"),
        )
    });
    queries.chain(filters)
}

/// Queries of the own feed: path, begin, what is repeated up to the cap, end.
const QUERIES: &[(&str, &str, &str, &str, &str)] = &[
    ("parentheses", "Packages()", "$filter=", "(", ""),
    ("negations", "Packages()", "$filter=", "not ", "true"),
    (
        "alternatives",
        "Packages()",
        "$filter=Id eq 'a'",
        " or Id eq 'a'",
        "",
    ),
    ("short alternatives", "Packages()", "$filter=", "''or", "''"),
    ("short conditions", "Packages()", "$filter=", "''and", "''"),
    (
        "alternatives of one package",
        "FindPackagesById()",
        "id='a'&$filter=",
        "''or",
        "''",
    ),
    (
        "alternatives that are counted",
        "Packages/$count",
        "$filter=",
        "''or",
        "''",
    ),
    ("calls in calls", "Packages()", "$filter=", "tolower(", ""),
    ("texts", "Packages()", "$filter=Id eq '", "''", "'"),
    ("orders", "Packages()", "$orderby=Id", ",Id", ""),
    (
        "orders by title",
        "Packages()",
        "$orderby=Title",
        ",Title",
        "",
    ),
    ("parameters", "Packages()", "", "a=b&", ""),
    ("escapes", "Packages()", "$filter=", "%27", ""),
    ("words", "Search()", "searchTerm=a", "+a", ""),
    (
        "different words",
        "Search()",
        "searchTerm=",
        "a+aa+aaa+",
        "",
    ),
    (
        "installed packages",
        "GetUpdates()",
        "packageIds='a",
        "|a",
        "'",
    ),
];

/// Filters of the own feed: begin, and what is repeated.
const FILTERS: &[(&str, &str, &str)] = &[
    (
        "searches of descriptions",
        "''",
        "or substringof('no',Description)",
    ),
    ("searches of ids", "''", "or substringof('no',Id)"),
    ("comparisons of titles", "''", "or toupper(Title)eq'no'"),
    ("comparisons of versions", "''", "or(Version)eq'3.0'"),
];
