//! Requests that cost a feed of one's own more than any client's does.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use fleetmend_chocolatey::gallery::{Document, Gallery, Item, MAX_QUERY};

use crate::gallery::{ask, gallery, item, read, shown};

/// The stack of the threads that answer.
const STACK: usize = 2 << 20;

/// As many of `middle` as a query may have.
fn filled(begin: &str, middle: &str) -> String {
    let times = (MAX_QUERY - begin.len()) / middle.len();
    format!("{begin}{}", middle.repeat(times))
}

fn on_a_small_stack<T: Send>(run: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK);
        thread.spawn_scoped(scope, run).unwrap().join().unwrap()
    })
}

#[test]
fn a_filter_of_many_terms_is_refused_before_it_fills_the_stack() {
    let resources = ["Packages()", "Packages/$count", "FindPackagesById()"];
    let terms = ["''or", "''and", "not''or", "(''or'')and", "Id eq''or"];
    for (resource, term) in resources.iter().flat_map(|it| terms.map(|term| (it, term))) {
        let query = filled("id='acme'&$filter=''or", term) + "''";
        let query = &query[..query.len().min(MAX_QUERY)];
        let answer = on_a_small_stack(|| ask(&gallery(), &format!("{resource}?{query}")));
        let error = answer.unwrap_err();
        assert!(error.contains("more than 400 words and signs"), "{error}");
    }
}

#[test]
fn a_request_for_more_than_clients_ask_for_at_once_is_refused_with_the_number() {
    let words = |count: u32| {
        let words = (0..count).map(|number| format!("w{number}"));
        format!(
            "Search()?searchTerm='{}'",
            words.collect::<Vec<_>>().join("+")
        )
    };
    let order = |count: usize| format!("Packages()?$orderby={}", vec!["Title"; count].join(","));
    let updates = |count: usize| {
        let (ids, versions) = (
            vec!["acme"; count].join("|"),
            vec!["1.0.0"; count].join("|"),
        );
        format!("GetUpdates()?packageIds='{ids}'&versions='{versions}'&includeAllVersions=true")
    };
    for (most, one_more, why) in [
        (words(50), words(51), "50 words"),
        (order(8), order(9), "8 parts"),
        (updates(500), updates(501), "500 packages"),
    ] {
        read(&gallery(), &most);
        let error = ask(&gallery(), &one_more).unwrap_err();
        assert!(error.contains(why), "{error}");
    }
    let again = filled("searchTerm=acme", "+acme");
    let found = shown(&read(&gallery(), &format!("Search()?{again}")));
    assert!(found.starts_with("acme 1.0.0"), "{found}");
}

/// Packages with long texts.
fn large_gallery(packages: u64) -> Gallery {
    let text = "Reads, writes and CHECKS archives. ".repeat(150);
    let mut gallery = Gallery::default();
    for number in 0..packages {
        let mut it = item(&format!("package{number}"), "1.0.0");
        it.nuspec.description = Some(text.clone());
        gallery.insert(Item { size: number, ..it });
    }
    gallery
}

#[test]
fn a_filter_that_reads_every_text_many_times_over_is_refused() {
    let gallery = large_gallery(1_000);
    let mut filter = String::from("substringof('no',Description)");
    for number in 0..55 {
        let _ = write!(filter, "%20or%20substringof('no{number}',Description)");
    }
    for request in ["Packages()/$count", "Search()"] {
        let error = ask(&gallery, &format!("{request}?$filter={filter}")).unwrap_err();
        assert!(error.contains("name an id"), "{error}");
    }
    // Of one package it costs little.
    let one = format!("Packages()?$filter=Id%20eq%20'package7'%20and%20not({filter})");
    assert_eq!(shown(&read(&gallery, &one)), "package7 1.0.0");
    let once = "Packages()/$count?$filter=substringof('checks',Description)";
    assert_eq!(ask(&gallery, once), Ok(Document::Count(1_000)));
}

/// So many texts that each package of the large gallery has.
fn found_everywhere(count: usize) -> Vec<String> {
    let mut parts = BTreeSet::new();
    for word in ["reads", "writes", "checks", "archives"] {
        for begin in 0..word.len() {
            parts.extend((begin + 1..=word.len()).map(|end| word[begin..end].to_owned()));
        }
    }
    parts.into_iter().take(count).collect()
}

#[test]
fn a_search_that_reads_every_text_many_times_over_is_refused() {
    let gallery = large_gallery(1_200);
    let search = |words: usize, rest: &str| {
        let words = found_everywhere(words).join("+");
        ask(
            &gallery,
            &format!("Search()/$count?searchTerm='{words}'{rest}"),
        )
    };
    assert_eq!(search(10, ""), Ok(Document::Count(1_200)));
    let error = search(50, "").unwrap_err();
    assert!(
        error.contains("searchTerm: it looks at too much text"),
        "{error}"
    );
    // What a search and a filter cost counts together.
    let mut filter = String::from("&$filter=substringof('no',Description)");
    for number in 0..40 {
        let _ = write!(filter, "%20or%20substringof('no{number}',Description)");
    }
    assert_eq!(search(1, &filter), Ok(Document::Count(0)));
    let error = search(20, &filter).unwrap_err();
    assert!(error.contains("$filter: it looks at too much"), "{error}");
}

#[test]
fn an_order_that_compares_too_much_text_is_refused() {
    let mut gallery = Gallery::default();
    for number in 0..3_000 {
        let mut it = item(&format!("package{number:04}"), "1.0.0");
        it.nuspec.title = Some("A".repeat(1_500) + &number.to_string());
        gallery.insert(it);
    }
    let order = |keys: usize| {
        let keys = vec!["Title"; keys].join(",");
        let list = ask(&gallery, &format!("Packages()?$orderby={keys}&$top=1"))?;
        let Document::Atom(list) = list else {
            panic!("{list:?}");
        };
        Ok::<_, String>(list.contains("package0000"))
    };
    assert_eq!(order(1), Ok(true));
    let error = order(8).unwrap_err();
    assert!(error.contains("$orderby: it looks at too much"), "{error}");
}
