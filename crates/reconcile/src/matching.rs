//! Which package an installed application is: by evidence, the best first.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use fleetmend_model::inventory::{Place, Software};
use fleetmend_model::patch::{Confidence, Evidence};

use crate::catalog::{Catalog, Code, Package, family};
use crate::pattern::Pattern;

/// The package that an installed application is taken for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Match {
    /// The package's id, lower case.
    pub package: String,
    /// What it rests on.
    pub evidence: Evidence,
    /// How sure it is.
    pub confidence: Confidence,
    /// The same in a sentence.
    pub why: String,
    /// Package ids that fit equally well, this one included, where the choice is open.
    pub candidates: Vec<String>,
}

/// Takes the first kind of evidence that gives anything. Overrides by administrators come before
/// all of them, normalised names behind the patterns (issue 4).
pub fn match_software(catalog: &Catalog, software: &Software) -> Option<Match> {
    if software.place == Place::Dpkg {
        return None;
    }
    by_product_code(catalog, software)
        .or_else(|| by_upgrade_code(catalog, software))
        .or_else(|| by_pattern(catalog, software))
}

fn by_product_code(catalog: &Catalog, software: &Software) -> Option<Match> {
    let code = software.product_code.as_deref()?;
    let found = catalog.with_product_code(code);
    let why = format!("its product code {code} is that of an installer in the package");
    by_code(
        catalog,
        software,
        found,
        Evidence::ProductCode,
        Confidence::Certain,
        &why,
    )
}

/// Strong, not certain: vendors carry one upgrade code through channels and product lines.
fn by_upgrade_code(catalog: &Catalog, software: &Software) -> Option<Match> {
    let code = software.upgrade_code.as_deref()?;
    let found = catalog.with_upgrade_code(code);
    let why = format!("its upgrade code {code} is that of an installer in the package");
    by_code(
        catalog,
        software,
        found,
        Evidence::UpgradeCode,
        Confidence::Strong,
        &why,
    )
}

fn by_code(
    catalog: &Catalog,
    software: &Software,
    found: &[Code],
    evidence: Evidence,
    confidence: Confidence,
    why: &str,
) -> Option<Match> {
    let packages: BTreeSet<u32> = found.iter().map(|code| code.package).collect();
    let mut packages: Vec<u32> = packages.into_iter().collect();
    if families(catalog, &packages).len() > 1 {
        // Several packages carry the same installer: the name may tell which one is meant.
        let mut named = catalog.with_pattern_for(&software.name);
        named.retain(|package| packages.contains(package));
        let named = best(catalog, named);
        if families(catalog, &named).len() == 1 {
            packages = named;
        }
    }
    choose(catalog, &packages, evidence, confidence, why)
}

fn by_pattern(catalog: &Catalog, software: &Software) -> Option<Match> {
    let packages = best(catalog, catalog.with_pattern_for(&software.name));
    let pattern = catalog.package(*packages.first()?)?.pattern.as_ref()?;
    let why = format!(
        "its name '{}' fits the package's own pattern '{}'",
        software.name, pattern.text
    );
    if pattern.is_specific {
        choose(
            catalog,
            &packages,
            Evidence::SoftwareName,
            Confidence::Strong,
            &why,
        )
    } else {
        let why = format!("{why}, which names too little to be sure");
        choose(
            catalog,
            &packages,
            Evidence::SoftwareName,
            Confidence::Weak,
            &why,
        )
    }
}

/// Those with the closest pattern.
fn best(catalog: &Catalog, mut packages: Vec<u32>) -> Vec<u32> {
    let rank = |package: &u32| {
        let pattern = catalog.package(*package).and_then(|it| it.pattern.as_ref());
        pattern.map(Pattern::rank)
    };
    let top = packages.iter().map(rank).max();
    packages.retain(|package| Some(rank(package)) == top);
    packages
}

/// One package of those that fit equally well: `.install` before the plain id before
/// `.portable`; of several families none is sure.
fn choose(
    catalog: &Catalog,
    packages: &[u32],
    evidence: Evidence,
    confidence: Confidence,
    why: &str,
) -> Option<Match> {
    let mut fitting: Vec<&Package> = packages
        .iter()
        .filter_map(|package| catalog.package(*package))
        .collect();
    fitting.sort_by_key(|it| {
        let is_portable = it.name.ends_with(".portable");
        (
            it.offer.is_none(),
            is_portable,
            Reverse(it.name.ends_with(".install")),
            &it.name,
        )
    });
    let package = fitting.first()?.name.clone();
    if families(catalog, packages).len() == 1 {
        return Some(Match {
            package,
            evidence,
            confidence,
            why: why.to_owned(),
            candidates: Vec::new(),
        });
    }
    let mut candidates: Vec<String> = fitting.iter().map(|it| it.name.clone()).collect();
    candidates.sort_unstable();
    let why = format!("{why}, and so it does for {}", list(&candidates));
    Some(Match {
        package,
        evidence,
        confidence: Confidence::Weak,
        why,
        candidates,
    })
}

fn families<'c>(catalog: &'c Catalog, packages: &[u32]) -> BTreeSet<&'c str> {
    packages
        .iter()
        .filter_map(|package| catalog.package(*package))
        .map(|package| family(&package.name))
        .collect()
}

/// At most five names; how many more there are.
fn list(names: &[String]) -> String {
    const SHOWN: usize = 5;
    let shown = names
        .iter()
        .take(SHOWN)
        .map(String::as_str)
        .collect::<Vec<_>>()
        .join(", ");
    match names.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
