//! Takes in what is known of one package, in place of what was known before.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use fleetmend_versions::display;
use fleetmend_versions::nuget::Version;

use super::learnt::{Known, newest_first};
use super::{Catalog, CatalogPackage, Code, CodeOf, Offer, Package, code_key, parse_version};
use crate::answer::Answer;
use crate::device::concerned;
use crate::identity::Identity;
use crate::lookup::{Key, Lookup};
use crate::normal::number_parts;
use crate::pattern::Pattern;

/// For what a change of the catalog may give other answers.
#[derive(Debug, Default)]
pub(crate) struct Change {
    /// Applications that look up one of these.
    pub(crate) keys: BTreeSet<Key>,
    /// Applications whose name fits one of these patterns.
    pub(crate) patterns: Vec<Pattern>,
    /// Where the package's versions alone are others: of those applications the ones that it narrows
    /// them down to.
    pub(crate) step: Option<Step>,
}

/// A package that has other versions and is the same otherwise.
#[derive(Debug)]
pub(crate) struct Step {
    package: String,
    from: String,
    to: String,
}

impl Step {
    /// Between these versions, where nothing else is another one and no line of versions is left: an
    /// application's number may be of a later line than the package.
    fn between(old: &Package, new: &Package) -> Option<Self> {
        let (from, to) = (&old.identity.version, &new.identity.version);
        let major = |it: &str| number_parts(it).first().map(|it| (*it).to_owned());
        let is_same = old.identity.is_but_for_version(&new.identity)
            && old.patterns == new.patterns
            && old.codes == new.codes
            && old.offer.is_some() == new.offer.is_some()
            && major(from) == major(to);
        is_same.then(|| Self {
            package: new.name.clone(),
            from: from.clone(),
            to: to.clone(),
        })
    }

    /// Whether the answer for an application may be another one: it is the package, or the package
    /// reaches its version only now, or no more.
    pub(crate) fn concerns(&self, installed: &str, answer: &Answer) -> bool {
        let is_above = |it: &str| display::compare(installed, it) == Some(Ordering::Greater);
        let package = concerned(answer);
        package == Some(&self.package) || is_above(&self.from) != is_above(&self.to)
    }
}

impl Catalog {
    /// Puts all that is known of the versions of a package (by its id, any letter case) in the place
    /// of what was known of it; without any version it is gone.
    pub(crate) fn put(&mut self, name: &str, versions: Vec<CatalogPackage>) -> Change {
        let name = name.to_lowercase();
        let mut readable: Vec<(Version, CatalogPackage)> = Vec::with_capacity(versions.len());
        let mut unreadable = Vec::new();
        for it in versions {
            match parse_version(&it.version) {
                Some(version) => readable.push((version, it)),
                None => unreadable.push((it.id, it.version)),
            }
        }
        self.unreadable.remove(&name);
        if !unreadable.is_empty() {
            self.unreadable.insert(name.clone(), unreadable);
        }
        readable.sort_by(newest_first);
        let place = self.place_of(&name);
        let old = self.take(place);
        let new = (!readable.is_empty()).then(|| self.package_of(&name, place, readable));
        let nothing = Identity::default();
        if let Some(slot) = self.packages.get_mut(place as usize) {
            *slot = new;
        }
        let (names, packages) = (&mut self.names, &self.packages);
        let of = |at: u32| packages.get(at as usize)?.as_ref();
        let touched = names.replace(
            place,
            old.as_ref().map_or(&nothing, |it| &it.identity),
            of(place).map_or(&nothing, |it| &it.identity),
            |at| Some(&of(at)?.identity),
        );
        let step = old.as_ref().zip(of(place));
        let mut change = Change {
            keys: touched.keys,
            patterns: Vec::new(),
            step: step.and_then(|(old, new)| Step::between(old, new)),
        };
        let others = touched.packages.into_iter().filter_map(of);
        for it in old.iter().chain(others) {
            it.note(&mut change);
        }
        change.keys.insert(Lookup::Package(&name).key());
        change
    }

    fn place_of(&mut self, name: &str) -> u32 {
        if let Some(place) = self.by_name.get(name) {
            return *place;
        }
        let place = self.packages.len() as u32;
        self.packages.push(None);
        self.by_name.insert(name.to_owned(), place);
        place
    }

    /// Takes a package out, but for its names.
    fn take(&mut self, place: u32) -> Option<Package> {
        let package = self.packages.get_mut(place as usize)?.take()?;
        for pattern in &package.patterns {
            self.patterns.remove(pattern, place);
        }
        for code in &package.codes {
            let (index, key) = match code {
                CodeOf::Product(key) => (&mut self.by_product_code, key),
                CodeOf::Upgrade(key) => (&mut self.by_upgrade_code, key),
            };
            if let Some(codes) = index.get_mut(key) {
                codes.retain(|it| it.package != place);
                if codes.is_empty() {
                    index.remove(key);
                }
            }
        }
        Some(package)
    }

    /// The package, and its codes and patterns in their indexes.
    fn package_of(
        &mut self,
        name: &str,
        place: u32,
        versions: Vec<(Version, CatalogPackage)>,
    ) -> Package {
        let mut patterns = versions.iter().map(|(_, it)| patterns_of(it));
        let patterns = patterns.find(|it| !it.is_empty()).unwrap_or_default();
        for pattern in &patterns {
            self.patterns.insert(pattern, place);
        }
        let newest = versions.first();
        let identity = newest.map(|(_, newest)| Identity::of(newest, &patterns));
        let known = Known::of(&versions);
        let relation = known.relation(&self.overrides.pairs(name));
        let mut codes = BTreeSet::new();
        let mut offer: Option<Offer> = None;
        for (version, it) in versions {
            for product in &it.products {
                let code = Code {
                    package: place,
                    version: version.clone(),
                    product_version: product.product_version.clone(),
                };
                if let Some(key) = product.product_code.as_deref().map(code_key) {
                    codes.insert(CodeOf::Product(key.clone()));
                    let known = self.by_product_code.entry(key).or_default();
                    known.push(code.clone());
                }
                if let Some(key) = product.upgrade_code.as_deref().map(code_key) {
                    codes.insert(CodeOf::Upgrade(key.clone()));
                    self.by_upgrade_code.entry(key).or_default().push(code);
                }
            }
            match &mut offer {
                None if it.listed && !version.is_prerelease() => {
                    offer = Some(offer_of(name, version, it));
                }
                // The same version from another source: what its mirror knows counts as well.
                Some(offer) if offer.version == version => offer.products.extend(it.products),
                _ => {}
            }
        }
        Package {
            name: name.to_owned(),
            patterns,
            codes,
            identity: identity.unwrap_or_default(),
            known,
            relation,
            offer,
        }
    }
}

impl Package {
    /// Everything that it is found by.
    fn note(&self, change: &mut Change) {
        let names = self.identity.names.iter();
        change
            .keys
            .extend(names.map(|it| Lookup::Name(&it.key).key()));
        change.keys.extend(self.codes.iter().map(|it| match it {
            CodeOf::Product(code) => Lookup::ProductCode(code).key(),
            CodeOf::Upgrade(code) => Lookup::UpgradeCode(code).key(),
        }));
        change.patterns.extend(self.patterns.iter().cloned());
    }
}

fn patterns_of(package: &CatalogPackage) -> Vec<Pattern> {
    let texts = package.software_names.iter();
    texts.filter_map(|it| Pattern::of(it)).collect()
}

fn offer_of(name: &str, version: Version, it: CatalogPackage) -> Offer {
    Offer {
        id: it.id,
        title: if it.title.is_empty() {
            name.to_owned()
        } else {
            it.title
        },
        version,
        text: it.version,
        products: it.products,
        deployable: it.deployable,
    }
}
