//! The index of all devices says the same as what is made from scratch, whatever changed before.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use fleetmend_model::DeviceId;
use fleetmend_model::inventory::{ChocolateyRecord, Place, Software};
use fleetmend_reconcile::device::third_party;
use fleetmend_reconcile::fleet::Turn;
use fleetmend_reconcile::{
    Answer, Catalog, CatalogPackage, Decision, Fleet, Loading, MissingPatch, Observed, Override,
    Overrides, State, answer, candidates,
};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::{msi, package, pinned, record, software, with_pattern, with_product};

#[test]
fn a_comparison_counts_what_changes_within_what_a_person_must_say() {
    let twin = |(id, name)| with_pattern(package(id, name, "2.0"), "Twin program*");
    let twins = (1..).zip(["twin-one", "twin-two", "twin-three"]).map(twin);
    let packages = twins.map(|it| (it.name.clone(), vec![it]));
    let mut fleet = Fleet::new(packages.collect(), Overrides::default());
    fleet.learn(1, &software("Twin program", "1.0"));
    for device in [1, 2] {
        fleet.put(DeviceId(device), &[1], &[]);
    }
    let it = Override {
        id: 1,
        name: "Twin program".to_owned(),
        publisher: String::new(),
        decision: Decision::IsNot("twin-one".to_owned()),
        reason: "seen".to_owned(),
        by: "ada".to_owned(),
    };
    let found = fleet.compare(
        &it,
        &Overrides::default(),
        &Overrides::new(vec![it.clone()]),
    );
    let expected = Turn {
        before: State::Review,
        after: State::Review,
        applications: 1,
        devices: 2,
    };
    assert_eq!(found.turns, [expected]);
    assert_eq!(found.devices, 2);
}

/// Few names, many of which are others' with a word before them.
const IDS: [&str; 15] = [
    "app.install.install",
    "app",
    "app.install",
    "app.portable",
    "tool",
    "Viewer",
    "acme-app",
    "acme-tool",
    "acme-viewer",
    "corp.app",
    "python3",
    "app-beta",
    "note.hook",
    "ünï",
    "toolbox",
];
const WORDS: [&str; 14] = [
    "App", "Tool", "Viewer", "Acme", "Toolbox", "Beta", "Python", "3", "Pro", "Ünï", "2.0",
    "(x64)", "(x86)", "32-bit",
];
const MAKERS: [&str; 8] = [
    "",
    "Acme",
    "Corp Ltd",
    "Maker",
    "Bob",
    "Example Team",
    "App",
    "Zed",
];
const CODES: [&str; 4] = ["", "{A}", "{a}", "{B}"];

fn one_of(all: &'static [&'static str]) -> impl Strategy<Value = String> {
    prop::sample::select(all).prop_map(str::to_owned)
}

fn name() -> impl Strategy<Value = String> {
    vec(one_of(&WORDS), 1..4).prop_map(|it| it.join(" "))
}

fn version() -> impl Strategy<Value = String> {
    prop_oneof![8 => "[1-3](\\.[0-2]){0,2}", 1 => Just("2.0-rc1".to_owned()), 1 => Just("x".to_owned())]
}

fn versions(of: String) -> impl Strategy<Value = Vec<CatalogPackage>> {
    let pattern = prop_oneof![
        2 => Just(String::new()),
        2 => name().prop_map(|it| it + "*"),
        1 => name().prop_map(|it| "*".to_owned() + &it),
    ];
    let one = (
        (version(), any::<bool>(), name(), one_of(&MAKERS), pattern),
        (
            one_of(&CODES),
            one_of(&CODES),
            version(),
            one_of(&IDS),
            one_of(&WORDS),
        ),
        (vec((name(), version()), 0..2), any::<bool>()),
    );
    vec(one, 0..3).prop_map(move |rows| {
        let mut versions = Vec::new();
        for (at, (says, found, (seen, ready))) in (1_i64..).zip(rows) {
            let (text, listed, title, authors, pattern): (String, _, _, _, String) = says;
            let (product, upgrade, registered, needs, tags): (String, String, String, _, _) = found;
            let observed = seen.into_iter();
            let it = CatalogPackage {
                title,
                listed,
                authors,
                tags,
                dependencies: vec![needs],
                software_names: Some(pattern)
                    .into_iter()
                    .filter(|it| !it.is_empty())
                    .collect(),
                observed: observed
                    .map(|(name, version)| Observed { name, version })
                    .collect(),
                deployable: if ready {
                    Ok(())
                } else {
                    Err("not looked at".to_owned())
                },
                ..package(at, &of, &text)
            };
            versions.push(with_product(it, &product, &upgrade, &registered));
        }
        versions
    })
}

fn application() -> impl Strategy<Value = Software> {
    let place = prop::sample::select(vec![
        Place::Machine64,
        Place::Machine64,
        Place::Machine32,
        Place::User,
        Place::Dpkg,
    ]);
    let row = (
        name(),
        version(),
        one_of(&CODES),
        one_of(&CODES),
        one_of(&MAKERS),
        place,
    );
    row.prop_map(
        |(name, version, product, upgrade, publisher, place)| Software {
            publisher,
            place,
            ..msi(&name, &version, &product, &upgrade)
        },
    )
}

fn an_override() -> impl Strategy<Value = (String, String, Decision)> {
    let decision = prop_oneof![
        one_of(&IDS).prop_map(Decision::Is),
        one_of(&IDS).prop_map(Decision::IsNot),
        Just(Decision::Excluded),
        Just(Decision::Pinned(None)),
        version().prop_map(|it| Decision::Pinned(Some(it))),
        (one_of(&IDS), version(), version()).prop_map(|(package, registered, version)| {
            Decision::Version {
                package,
                registered,
                version,
            }
        }),
    ];
    let pattern = prop_oneof![name(), name().prop_map(|it| it + "*")];
    (pattern, one_of(&MAKERS), decision)
}

/// One change.
#[derive(Debug, Clone)]
enum Step {
    Package(String, Vec<CatalogPackage>),
    Overrides(Vec<(String, String, Decision)>),
    Device(i64, Vec<prop::sample::Index>, Vec<ChocolateyRecord>),
    Gone(i64),
    /// A transaction that did not happen.
    Undone(prop::sample::Index),
}

fn step() -> impl Strategy<Value = Step> {
    let some = one_of(&IDS).prop_flat_map(|id| (Just(id.clone()), versions(id)));
    let records = (one_of(&IDS), version(), prop::bool::weighted(0.2));
    let records = records.prop_map(|(id, version, pinned)| ChocolateyRecord {
        pinned,
        ..record(&id, &version)
    });
    prop_oneof![
        6 => some.prop_map(|(id, versions)| Step::Package(id, versions)),
        1 => vec(an_override(), 0..4).prop_map(Step::Overrides),
        3 => (1..5_i64, vec(any::<prop::sample::Index>(), 0..6), vec(records, 0..3))
            .prop_map(|(device, has, records)| Step::Device(device, has, records)),
        1 => (1..5_i64).prop_map(Step::Gone),
        1 => any::<prop::sample::Index>().prop_map(Step::Undone),
    ]
}

/// Everything from scratch, and what a server keeps of what the index tells it.
#[derive(Default)]
struct Model {
    packages: BTreeMap<String, Vec<CatalogPackage>>,
    overrides: Overrides,
    devices: BTreeMap<DeviceId, (Vec<u32>, Vec<ChocolateyRecord>)>,
    stored: BTreeMap<DeviceId, Vec<MissingPatch>>,
}

impl Model {
    fn catalog(&self) -> Catalog {
        let all = self.packages.values().flatten().cloned().collect();
        Catalog::new(all).with_overrides(self.overrides.clone())
    }

    /// The index as a server fills it that starts now.
    fn loaded(&self, applications: &[Software]) -> Fleet {
        let fleet = Fleet::new(self.packages.clone(), self.overrides.clone());
        let mut loading = Loading::new(fleet);
        for (device, (has, records)) in &self.devices {
            loading.device(*device, has, records);
        }
        let all = (0..).zip(applications.iter().cloned());
        loading.applications(all.collect());
        loading.done()
    }

    fn take(&mut self, fleet: &mut Fleet, step: Step, applications: &[Software]) {
        match step {
            Step::Package(id, versions) => {
                fleet.put_package(&id, versions.clone());
                self.packages.insert(id, versions);
            }
            Step::Overrides(all) => {
                let all = (1..)
                    .zip(all)
                    .map(|(id, (name, publisher, decision))| Override {
                        id,
                        name,
                        publisher,
                        decision,
                        reason: "so".to_owned(),
                        by: "ann".to_owned(),
                    });
                self.overrides = Overrides::new(all.collect());
                fleet.put_overrides(self.overrides.clone());
            }
            Step::Device(device, has, records) => {
                let has = has
                    .iter()
                    .map(|it| it.index(applications.len()) as u32)
                    .collect::<Vec<_>>();
                for id in &has {
                    fleet.learn(*id, &applications[*id as usize]);
                }
                let device = DeviceId(device);
                fleet.put(device, &has, &records);
                fleet.forget_idle(1);
                self.stored.insert(device, fleet.missing(&has, &records));
                self.devices.insert(device, (has, records));
            }
            Step::Undone(application) => {
                let id = application.index(applications.len()) as u32;
                fleet.learn(id, &applications[id as usize]);
                let is_had = self.devices.values().any(|it| it.0.contains(&id));
                fleet.forget([id]);
                let is_kept = applications[id as usize].place != Place::Dpkg && is_had;
                assert_eq!(fleet.knows(id), is_kept);
            }
            Step::Gone(device) => {
                fleet.remove(DeviceId(device));
                fleet.forget_idle(1);
                self.stored.remove(&DeviceId(device));
                self.devices.remove(&DeviceId(device));
            }
        }
        let changed = fleet.take_changed();
        for missing in self.stored.values_mut() {
            missing.retain(|it| !changed.copies.contains(copy(&it.package)));
        }
        for it in changed.copies.iter().flat_map(|it| fleet.lacking(it)) {
            for device in fleet.devices_of(&it) {
                self.stored.entry(device).or_default().push(it.patch());
            }
        }
    }
}

fn fleet_of(packages: &[CatalogPackage]) -> Fleet {
    let all = packages
        .iter()
        .map(|it| (it.name.clone(), vec![it.clone()]));
    Fleet::new(all.collect(), Overrides::default())
}

fn copy(package: &str) -> &str {
    package.strip_suffix(".install").unwrap_or(package)
}

proptest! {
    #[test]
    fn any_sequence_of_changes_is_the_same_as_made_from_scratch(
        applications in vec(application(), 1..10),
        steps in vec(step(), 1..30),
    ) {
        let (mut fleet, mut model) = (Fleet::default(), Model::default());
        for step in steps {
            model.take(&mut fleet, step, &applications);
        }
        let catalog = model.catalog();
        prop_assert!(fleet.differing(&model.packages).is_empty());
        for (id, software, found, devices) in fleet.applications() {
            prop_assert_eq!(found, &answer(&catalog, &software), "{:?}", software);
            let has = model.devices.values().filter(|it| it.0.contains(&id));
            prop_assert_eq!(devices, has.count() as u64);
        }
        let loaded = model.loaded(&applications);
        let devices = |of: &Fleet| {
            let all = of.applications().filter(|it| it.3 > 0);
            let all = all.map(|(id, software, found, _)| {
                let has = (1..5).filter(|it| of.has(DeviceId(*it), id)).collect::<Vec<_>>();
                (id, (software, found.clone(), has))
            });
            all.collect::<BTreeMap<_, _>>()
        };
        prop_assert_eq!(devices(&loaded), devices(&fleet));
        let patches = |of: &Fleet| {
            let all = of.all_lacking().map(|it| (it.patch(), of.devices_of(&it).collect::<BTreeSet<_>>()));
            all.collect::<HashMap<_, _>>()
        };
        prop_assert_eq!(patches(&loaded), patches(&fleet));
        let mut whole: BTreeMap<DeviceId, Vec<MissingPatch>> = BTreeMap::new();
        for it in fleet.all_lacking() {
            for device in fleet.devices_of(&it) {
                whole.entry(device).or_default().push(it.patch());
            }
        }
        for (device, (has, records)) in &model.devices {
            let distinct: BTreeSet<&u32> = has.iter().collect();
            let has: Vec<Software> = distinct.iter().map(|it| applications[**it as usize].clone()).collect();
            let expected = third_party(&catalog, &has, records);
            let ids: Vec<u32> = distinct.iter().map(|it| **it).collect();
            let others = fleet.here(&ids, records);
            for (id, software) in ids.iter().zip(&has) {
                let Answer::Missing { package, .. } = answer(&catalog, software) else {
                    prop_assert!(others.iter().all(|it| it.id != *id));
                    continue;
                };
                let is_missing = expected.iter().any(|it| copy(&it.package) == copy(&package));
                prop_assert!(is_missing || others.iter().any(|it| it.id == *id), "{software:?}");
            }
            for found in [&mut whole, &mut model.stored] {
                let mut found = found.remove(device).unwrap_or_default();
                found.sort_by(|a, b| a.package.cmp(&b.package));
                prop_assert_eq!(&found, &expected);
            }
        }
        prop_assert!(whole.is_empty() && model.stored.values().all(Vec::is_empty));
    }
}

proptest! {
    /// The same program in several versions and architectures on one device: few sequences that are made
    /// by chance come to it.
    #[test]
    fn copies_side_by_side_count_for_all_devices_as_for_one(
        rows in vec((0..5_usize, "[12]\\.[01]", 0..3_usize, one_of(&CODES), one_of(&CODES)), 1..8),
        records in vec("[12]\\.[01]", 0..2),
        excluded in any::<bool>(),
        is_pinned in prop::bool::weighted(0.1),
    ) {
        let mut versions = vec![package(1, "app", "2.0")];
        versions[0] = with_product(versions[0].clone(), "{A}", "", "2.0");
        versions.push(with_product(package(2, "app", "1.0"), "{B}", "", "1.0"));
        let rows: Vec<Software> = rows.into_iter().map(|(name, version, place, product, upgrade)| {
            let name = ["App", "App (x64)", "App (x86)", "App (32-bit)", "App (x64 x86)"][name];
            let place = [Place::Machine64, Place::Machine32, Place::User][place];
            Software { place, ..msi(name, &version, &product, &upgrade) }
        }).collect();
        let records: Vec<_> = records.iter().map(|it| ChocolateyRecord {
            pinned: is_pinned,
            ..record("app", it)
        }).collect();
        let overrides = excluded.then(|| Override {
            id: 1,
            name: "App (x64 x86)".to_owned(),
            publisher: String::new(),
            decision: Decision::Excluded,
            reason: "so".to_owned(),
            by: "ann".to_owned(),
        });
        let overrides = Overrides::new(overrides.into_iter().collect());
        let catalog = Catalog::new(versions.clone()).with_overrides(overrides.clone());
        let mut fleet = Fleet::new(BTreeMap::from([("app".to_owned(), versions)]), overrides);
        let ids: Vec<u32> = (1..).take(rows.len()).collect();
        for (id, row) in ids.iter().zip(&rows) {
            fleet.learn(*id, row);
        }
        fleet.put(DeviceId(1), &ids, &records);
        fleet.put(DeviceId(2), &ids[..1], &records);
        for (device, has) in [(DeviceId(1), &rows[..]), (DeviceId(2), &rows[..1])] {
            let lacking = fleet.all_lacking();
            let of_device = lacking.filter(|it| fleet.devices_of(it).any(|it| it == device));
            let found: Vec<MissingPatch> = of_device.map(|it| it.patch()).collect();
            prop_assert_eq!(found, third_party(&catalog, has, &records));
        }
    }
}

#[test]
fn a_new_version_tells_the_devices_that_lack_it_and_no_other() {
    let mut fleet = fleet_of(&[package(1, "app", "1.0"), package(2, "tool", "1.0")]);
    fleet.learn(1, &software("app", "1.0"));
    fleet.learn(2, &software("tool", "1.0"));
    fleet.put(DeviceId(7), &[1], &[]);
    fleet.put(DeviceId(8), &[1, 2], &[record("app", "1.0")]);
    fleet.put(DeviceId(9), &[2], &[]);
    fleet.take_changed();
    assert_eq!(fleet.all_lacking().count(), 0);
    fleet.put_package("App", vec![package(3, "app", "2.0")]);
    let changed = fleet.take_changed();
    assert_eq!(changed.copies, BTreeSet::from(["app".to_owned()]));
    assert_eq!(changed.applications, BTreeSet::from([1]));
    let told: Vec<(String, Vec<i64>)> = fleet
        .lacking("app")
        .iter()
        .map(|it| {
            let devices = fleet.devices_of(it).map(|it| it.0);
            (it.patch().evidence.key().to_owned(), devices.collect())
        })
        .collect();
    let expected = [("chocolatey_record", vec![8]), ("name", vec![7])];
    let expected = expected.map(|(evidence, devices)| (evidence.to_owned(), devices));
    assert_eq!(told, expected);
    fleet.put_package("app", Vec::new());
    assert_eq!(fleet.all_lacking().count(), 0);
}

/// Whatever of another package counts for an answer: each change is of a package that the application is
/// not.
#[test]
fn what_counts_of_other_packages_gives_a_new_answer() {
    let by = |id, name: &str, maker: &str| CatalogPackage {
        authors: maker.to_owned(),
        ..package(id, name, "2.0")
    };
    let row = |name: &str, publisher: &str| Software {
        publisher: publisher.to_owned(),
        ..software(name, "1.0")
    };
    let titled = |it, title: &str| CatalogPackage {
        title: title.to_owned(),
        ..it
    };
    let tagged = |it| CatalogPackage {
        tags: "viewer".to_owned(),
        ..it
    };
    let coded = |it| with_product(it, "{A}", "", "1.0");
    let cases: Vec<(&str, Vec<CatalogPackage>, Software, Vec<CatalogPackage>)> = vec![
        (
            "the publisher becomes known as the maker of another package",
            vec![by(1, "reader-pro", "Ann")],
            row("Reader", "Zed"),
            vec![by(2, "other", "Zed")],
        ),
        (
            "a word becomes one that many makers use",
            vec![by(1, "viewer", "Ann")],
            row("Viewer", "Quux"),
            vec![
                tagged(by(2, "other-a", "Bob")),
                tagged(by(3, "other-b", "Cid")),
                tagged(by(4, "other-c", "Dan")),
            ],
        ),
        (
            "a package becomes one of an organisation's own",
            vec![
                titled(by(1, "acme-tool", "Ann"), "Tool"),
                titled(by(2, "acme-app", "Ann"), "App"),
                titled(by(3, "acme-it", "Ann"), "It"),
                by(4, "tool", "Bob"),
                by(5, "app", "Bob"),
            ],
            row("Acme Tool", ""),
            vec![by(6, "it", "Bob")],
        ),
        (
            "a package with the same installer",
            vec![coded(by(1, "app", "Ann"))],
            msi("Something", "1.0", "{A}", ""),
            vec![coded(by(2, "suite", "Ann"))],
        ),
        (
            "a package with a pattern for it",
            vec![by(1, "app", "Ann")],
            row("Nothing Like It 1.0", "Ann"),
            vec![crate::with_pattern(
                by(2, "nothing", "Ann"),
                "Nothing Like*",
            )],
        ),
    ];
    for (rule, before, row, then) in cases {
        let mut fleet = fleet_of(&before);
        fleet.learn(1, &row);
        let was = fleet.answer(1).cloned();
        for it in &then {
            let name = it.name.clone();
            fleet.put_package(&name, vec![it.clone()]);
        }
        let all = before.iter().chain(&then).cloned().collect();
        let expected = answer(&Catalog::new(all), &row);
        assert_ne!(
            was.as_ref(),
            Some(&expected),
            "{rule}: the case shows nothing"
        );
        assert_eq!(fleet.answer(1), Some(&expected), "{rule}");
        assert_eq!(
            fleet.take_changed().applications,
            BTreeSet::from([1]),
            "{rule}"
        );
    }
}

#[test]
fn a_package_does_not_stand_for_another_because_its_id_ends_alike() {
    let odd = || package(1, "app.install.install", "2.0");
    let records = [record("app.install.install", "1.0")];
    let mut fleet = fleet_of(&[odd()]);
    fleet.put(DeviceId(8), &[], &records);
    let all: Vec<_> = fleet.all_lacking().map(|it| it.patch()).collect();
    assert_eq!(all, third_party(&Catalog::new(vec![odd()]), &[], &records));

    // Nor does what is pinned under an id that no package has.
    let records = [records[0].clone(), pinned("app.install", "1.0")];
    let mut fleet = fleet_of(&[package(1, "app", "2.0")]);
    fleet.learn(1, &software("app", "1.0"));
    fleet.put(DeviceId(7), &[1], &records[1..]);
    fleet.put(DeviceId(8), &[], &records);
    let all = fleet
        .all_lacking()
        .map(|it| (it.patch().package, it.count()));
    assert_eq!(all.collect::<Vec<_>>(), [("app".to_owned(), 1)]);
}

#[test]
fn candidates_stand_by_name_in_whatever_order_packages_came() {
    let row = msi("Something", "1.0", "{A}", "");
    let of = |name: &str| with_product(package(1, name, "2.0"), "{A}", "", "1.0");
    let mut fleet = fleet_of(&[of("bbb")]);
    fleet.put_package("aaa", vec![of("aaa")]);
    let all = candidates(fleet.catalog(), &row).into_iter();
    assert_eq!(all.map(|it| it.package).collect::<Vec<_>>(), ["aaa", "bbb"]);
}
