//! A fleet of Windows machines and a catalog from numbers alone, the same every time: a few packages are
//! on most devices and most are on few, as with real software; four in ten applications are of no
//! package.

use fleetmend_model::PackageId;
use fleetmend_model::inventory::{ChocolateyRecord, Place, Software};
use fleetmend_reconcile::CatalogPackage;

/// Installed versions of a package across the fleet; the last one is that on offer.
const VERSIONS: u64 = 5;
/// Titles that no package is known for.
const STRANGERS: usize = 20_000;
/// Installed versions of each of those.
const STRANGER_VERSIONS: usize = 2;

/// Numbers by chance, the same ones from the same start (`SplitMix64`).
pub struct Chance(pub u64);

impl Chance {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut it = self.0;
        it = (it ^ (it >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        it = (it ^ (it >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        it ^ (it >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end.max(1)
    }

    /// One of the first `count`, the earlier ones far more often.
    pub fn popular(&mut self, count: usize) -> usize {
        // The rank's share falls with the rank: count^u for an even u.
        let even = (self.next() >> 11) as f64 / (1_u64 << 53) as f64;
        let rank = ((count as f64 + 20.0) / 20.0).powf(even) * 20.0 - 20.0;
        (rank as usize).min(count.saturating_sub(1))
    }
}

/// The catalog, and the applications that devices have.
pub struct World {
    packages: Vec<CatalogPackage>,
}

/// An application of the world, by its number.
pub type Application = usize;

impl World {
    /// These packages, and made-up ones up to `count`.
    pub fn new(mut packages: Vec<CatalogPackage>, count: usize) -> Self {
        packages.truncate(count);
        for number in packages.len()..count {
            packages.push(made_up(number));
        }
        Self { packages }
    }

    pub fn packages(&self) -> &[CatalogPackage] {
        &self.packages
    }

    /// How many different applications there are.
    pub fn applications(&self) -> usize {
        self.packages.len() * VERSIONS as usize + STRANGERS * STRANGER_VERSIONS
    }

    /// What an application registers.
    pub fn application(&self, application: Application) -> Software {
        let version = (application as u64) % VERSIONS;
        let number = application / VERSIONS as usize;
        let (name, publisher, version) = if let Some(package) = self.packages.get(number) {
            (
                title(package).to_owned(),
                package.authors.clone(),
                older(&package.version, VERSIONS - 1 - version),
            )
        } else {
            let number = application - self.packages.len() * VERSIONS as usize;
            let (stranger, version) = (number / STRANGER_VERSIONS, number % STRANGER_VERSIONS);
            let (first, second) = (word(stranger + 7_000_000), word(stranger * 3 + 9_000_000));
            (
                format!("{first} {second}"),
                format!("{} GmbH", word(stranger % 4_000 + 5_000_000)),
                format!("{}.{version}.0", stranger % 30),
            )
        };
        Software {
            place: if number.is_multiple_of(4) {
                Place::Machine32
            } else {
                Place::Machine64
            },
            key: format!("{name}_{version}"),
            name: format!("{name} {version} (x64)"),
            version,
            publisher,
            product_code: None,
            upgrade_code: None,
        }
    }

    /// What a device has, each once.
    pub fn device(&self, number: u64, count: usize) -> (Vec<Application>, Vec<ChocolateyRecord>) {
        let mut chance = Chance(number.wrapping_mul(0x0001_0001_0001_0001));
        let known = self.packages.len() * VERSIONS as usize;
        let is_recorded = number.is_multiple_of(10);
        let (mut has, mut records) = (Vec::with_capacity(count), Vec::new());
        let mut titles = std::collections::HashSet::new();
        while has.len() < count.min(self.packages.len().max(1) / 2) {
            if has.len() % 5 < 3 {
                let package = chance.popular(self.packages.len());
                if !titles.insert(package) {
                    continue;
                }
                // Six in ten are as they are on offer.
                let version = match chance.below(10) {
                    0..6 => VERSIONS - 1,
                    older => older % (VERSIONS - 1),
                };
                has.push(package * VERSIONS as usize + version as usize);
                if is_recorded && chance.below(3) == 0 {
                    let package = &self.packages[package];
                    records.push(ChocolateyRecord {
                        id: package.name.clone(),
                        version: older(&package.version, VERSIONS - 1 - version),
                        pinned: false,
                    });
                }
            } else {
                let stranger = chance.popular(STRANGERS) * STRANGER_VERSIONS
                    + chance.below(STRANGER_VERSIONS as u64) as usize;
                has.push(known + stranger);
            }
        }
        has.sort_unstable();
        has.dedup();
        (has, records)
    }
}

/// A package.
pub fn made_up(number: usize) -> CatalogPackage {
    let (first, second) = (word(number / 3), word(number + 1_000_000));
    CatalogPackage {
        id: PackageId(number as i64 + 1),
        name: format!("{first}-{second}").to_lowercase(),
        title: format!("{first} {second}"),
        version: format!("{}.{}.{}", number % 20 + 1, number % 7, number % 5 + 10),
        listed: true,
        authors: format!("{first} Software"),
        project_url: format!("https://{first}.example/{second}").to_lowercase(),
        tags: format!("{second} {} tool", word(number % 300 + 2_000_000)).to_lowercase(),
        dependencies: Vec::new(),
        software_names: if number.is_multiple_of(4) {
            vec![format!("{first} {second}*")]
        } else {
            Vec::new()
        },
        observed: Vec::new(),
        programs: Vec::new(),
        products: Vec::new(),
        deployable: Ok(()),
    }
}

fn title(package: &CatalogPackage) -> &str {
    if package.title.is_empty() {
        &package.name
    } else {
        &package.title
    }
}

/// A version `steps` before one: lower in its last number that is high enough, or in none.
fn older(version: &str, steps: u64) -> String {
    let mut parts: Vec<String> = version.split('.').map(str::to_owned).collect();
    for part in parts.iter_mut().rev() {
        if let Some(lower) = part
            .parse::<u64>()
            .ok()
            .and_then(|it| it.checked_sub(steps))
        {
            *part = lower.to_string();
            break;
        }
    }
    parts.join(".")
}

/// A word of three or four syllables, another one for each number.
fn word(number: usize) -> String {
    const SYLLABLES: [&str; 32] = [
        "ba", "ce", "di", "fo", "gu", "ha", "je", "ki", "lo", "mu", "na", "pe", "qui", "ro", "su",
        "ta", "ve", "wi", "xo", "zu", "bra", "cle", "dri", "flo", "gru", "pla", "ste", "tri",
        "sno", "spu", "kra", "vle",
    ];
    let mut rest = Chance(number as u64).next();
    let mut word = String::new();
    for _ in 0..4 {
        word += SYLLABLES[(rest % 32) as usize];
        rest /= 32;
    }
    let mut letters = word.chars();
    let first = letters.next().map(|it| it.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}
