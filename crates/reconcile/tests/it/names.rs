//! Which package a name and a publisher stand for.

use fleetmend_model::inventory::Software;
use fleetmend_model::patch::{Confidence, Evidence};
use fleetmend_reconcile::{Catalog, CatalogPackage, match_software};

use crate::{package, software};

/// `id | title | authors | address | pattern | version`, the last ones as needed.
pub fn packages(lines: &[&str]) -> Vec<CatalogPackage> {
    let one = |(line, id): (&&str, i64)| {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let cell = |at: usize| cells.get(at).copied().unwrap_or_default();
        let version = if cell(5).is_empty() { "1.0" } else { cell(5) };
        CatalogPackage {
            title: cell(1).to_owned(),
            authors: cell(2).to_owned(),
            project_url: cell(3).to_owned(),
            software_names: [cell(4).to_owned()].into(),
            ..package(id, cell(0), version)
        }
    };
    lines.iter().zip(1..).map(one).collect()
}

/// `name | publisher | version`
fn row(text: &str) -> Software {
    let cells: Vec<&str> = text.split('|').map(str::trim).collect();
    let cell = |at: usize| cells.get(at).copied().unwrap_or_default();
    Software {
        publisher: cell(1).to_owned(),
        ..software(cell(0), cell(2))
    }
}

/// The package where the match is strong, `review: …` where it is weak, `-` where there is none.
pub fn found(catalog: &Catalog, text: &str) -> String {
    match match_software(catalog, &row(text)) {
        None => "-".to_owned(),
        Some(found) if found.confidence == Confidence::Weak => {
            let candidates = if found.candidates.is_empty() {
                vec![found.package]
            } else {
                found.candidates
            };
            format!("review: {}", candidates.join(" "))
        }
        Some(found) => found.package,
    }
}

pub fn check(lines: &[&str], cases: &[(&str, &str)]) {
    let catalog = Catalog::new(packages(lines));
    for (row, expected) in cases {
        assert_eq!(found(&catalog, row), *expected, "{row}");
    }
}

#[test]
fn title_id_and_maker_make_a_match() {
    check(
        &[
            "example-editor | Example Editor (Install) | Jane Doe",
            "diffmerge | SourceGear DiffMerge | SourceGear",
            "firefox | Mozilla Firefox | Mozilla",
            "naps2 | NAPS2 (Not Another PDF Scanner 2) | Ben Olden-Cooligan",
            "nuclear | Nuclear | https://github.com/nukeop/nuclear/graphs",
            "texstudio | TeXstudio | Benito van der Zander",
        ],
        &[
            (
                "Example Editor 4.2 (x64) | Jane Doe | 4.2",
                "example-editor",
            ),
            ("ExampleEditor | Jane Doe", "example-editor"),
            ("Example Editor", "example-editor"),
            (
                "SourceGear DiffMerge 4.2.0.697.stable (x64) | SourceGear, LLC",
                "diffmerge",
            ),
            ("DiffMerge | SourceGear", "diffmerge"),
            ("Firefox | Mozilla", "firefox"),
            ("NAPS2 | NAPS2 Software | 7.5.2", "naps2"),
            ("nuclear 0.6.42 | nukeop", "nuclear"),
            (
                "TeXstudio - TeXstudio is a fully featured LaTeX editor. | Benito van der Zander",
                "texstudio",
            ),
            ("Other | Jane Doe", "-"),
        ],
    );
}

#[test]
fn a_word_that_nothing_explains_makes_it_another_product() {
    check(
        &[
            "git.install | Git (Install) | The Git Development Community",
            "opera | Opera | Opera",
            "python3 | Python 3.x | Python Software Foundation | | | 3.14.0",
            "zoom | Zoom | Zoom Video Communications",
            "log4om | Log4OM | Daniele Pistollato",
        ],
        &[
            (
                "Git version 2.45 | The Git Development Community | 2.45",
                "git.install",
            ),
            ("Git Extensions 3.4 | Git Extensions Team", "-"),
            ("GitHub Desktop | GitHub, Inc.", "-"),
            ("Opera Stable 71.0 | Opera Software | 71.0", "opera"),
            (
                "Opera GX Stable 68.0 | Opera Software | 68.0",
                "review: opera",
            ),
            (
                "Python 3.7.7 Documentation (64-bit) | Python Software Foundation | 3.7.7150.0",
                "-",
            ),
            ("Zoom Outlook Plugin | Zoom Video Communications", "-"),
            ("Log4OM Next | Daniele Pistollato", "review: log4om"),
        ],
    );
}

#[test]
fn lines_are_kept_apart_and_the_narrowest_is_taken() {
    check(
        &[
            "python | Python | Python Software Foundation | | | 3.14.0",
            "python3 | Python 3.x | Python Software Foundation | | | 3.14.0",
            "python312 | Python 3.12 | Python Software Foundation | | | 3.12.1",
            "python2 | Python 2.x | Python Software Foundation | | | 2.7.18",
            "vcredist2010 | Microsoft Visual C++ 2010 Redistributable Package | Microsoft | | | 10.0",
            "vcredist140 | Microsoft Visual C++ Redistributable for Visual Studio 2015-2019 | Microsoft | | | 14.29",
            "1password7 | 1Password | AgileBits | | | 7.9",
            "1password8 | 1Password | AgileBits | | | 8.10",
            "dotnet-8.0-runtime | Microsoft .NET 8.0 Runtime | Microsoft | | | 8.0.28",
            "dotnet-9.0-runtime | Microsoft .NET 9.0 Runtime | Microsoft | | | 9.0.17",
            "jdk17 | Oracle JDK 17 | Oracle | | | 17.0.2",
        ],
        &[
            (
                "Python 3.12.4 (64-bit) | Python Software Foundation | 3.12.4150.0",
                "python312",
            ),
            (
                "Python 3.11.9 (64-bit) | Python Software Foundation | 3.11.9150.0",
                "python3",
            ),
            (
                "Python 2.7.10 | Python Software Foundation | 2.7.10150",
                "python2",
            ),
            (
                "Microsoft Visual C++ 2010  x64 Redistributable - 10.0.40219 | | 10.0.40219",
                "vcredist2010",
            ),
            (
                "Microsoft Visual C++ 2013 Redistributable (x64) - 12.0.40660 | | 12.0.40660.0",
                "-",
            ),
            (
                "Microsoft Visual C++ 2015-2022 Redistributable (x64) - 14.32.31332 | | 14.32.31332.0",
                "vcredist140",
            ),
            (
                "Microsoft Visual C++ 2017 Redistributable (x86) | Microsoft Corporation | 14.16",
                "vcredist140",
            ),
            (
                "Microsoft Visual C++ 2022 X64 Minimum Runtime - 14.32.31332 | | 14.32.31332",
                "-",
            ),
            ("1Password | AgileBits | 8.10.30", "1password8"),
            ("1Password | AgileBits | 7.9.1", "1password7"),
            ("1Password | AgileBits", "review: 1password7 1password8"),
            (
                "Microsoft .NET Runtime - 8.0.6 (x64) | Microsoft Corporation | 64.24.1",
                "dotnet-8.0-runtime",
            ),
            (
                "Java(TM) SE Development Kit 17.0.8 (64-bit) | Oracle Corporation | 17.0.8",
                "jdk17",
            ),
            (
                "Java 8 Update 351 (64-bit) | Oracle Corporation | 8.0.3510.10",
                "-",
            ),
        ],
    );
}

#[test]
fn channels_are_kept_apart() {
    check(
        &[
            "firefox | Mozilla Firefox | Mozilla | | Mozilla Firefox*",
            "firefoxesr | Mozilla Firefox | Mozilla | | Mozilla Firefox*",
            "edge | Microsoft Edge | Microsoft",
            "nodejs | Node.js | OpenJS Foundation | | Node.js | 26.0",
            "nodejs-lts | Node.js LTS | OpenJS Foundation | | Node.js | 24.0",
            "toys | PowerToys | Microsoft",
            "brave-nightly | Brave Nightly | Brave",
        ],
        &[
            ("Mozilla Firefox (x64 en-US) | Mozilla | 128.0", "firefox"),
            (
                "Mozilla Firefox 78.4.0 ESR (x64 en-US) | Mozilla | 78.4.0",
                "firefoxesr",
            ),
            ("Microsoft Edge | Microsoft Corporation | 120.0", "edge"),
            ("Microsoft Edge Beta | Microsoft Corporation | 121.0", "-"),
            // Registered names do not say which of the two it is.
            (
                "Node.js | OpenJS Foundation | 22.1.0",
                "review: nodejs nodejs-lts",
            ),
            (
                "PowerToys (Preview) | Microsoft Corporation | 0.80",
                "review: toys",
            ),
            ("Brave Nightly | Brave Software Inc | 1.2", "brave-nightly"),
            ("Brave | Brave Software Inc | 1.2", "-"),
        ],
    );
}

#[test]
fn the_publisher_speaks_for_a_package_or_against_it() {
    check(
        &[
            "photos | Photos | Some Team",
            "session | Session | loki-project",
            "other-session | Session Viewer | Another",
            "third | Third | Third Team",
            "microsoft-tool | Tool | Microsoft",
            "quicklook | QuickLook | Xu",
        ],
        &[
            // The catalog knows Microsoft as the maker of something else.
            ("Photos | Some Team", "photos"),
            ("Third | Microsoft Corporation", "third"),
            ("Tool | Microsoft Corporation", "microsoft-tool"),
            (
                "Session Viewer | Microsoft Corporation",
                "review: other-session",
            ),
            ("Session Viewer | Nobody Known", "other-session"),
        ],
    );
}

#[test]
fn a_name_that_everybody_uses_needs_a_publisher() {
    let lines = [
        "maker-notes | Notes | Maker A",
        "b | B notes | Maker B",
        "c | C notes | Maker C",
        "d | D notes | Maker D",
        "e | E notes | Maker E",
    ];
    check(
        &lines,
        &[
            ("Notes | Maker A", "maker-notes"),
            ("Notes | Nobody Known", "-"),
            ("Notes", "review: maker-notes"),
        ],
    );
}

#[test]
fn of_packages_that_say_the_same_none_is_sure() {
    check(
        &[
            "gpg4win | Gpg4win | g10 Code | | Gpg4Win *",
            "gpg4win-light | Gpg4win Light | g10 Code | | Gpg4Win *",
            "chromium | Chromium | The Chromium Authors | | Chromium",
            "ungoogled-chromium | Ungoogled Chromium | Somebody | | Chromium",
        ],
        &[
            (
                "Gpg4win (2.3.4) | g10 Code | 2.3.4",
                "review: gpg4win gpg4win-light",
            ),
            ("Chromium | The Chromium Authors | 120.0", "chromium"),
        ],
    );
}

#[test]
fn repackaged_given_up_and_portable_packages_stand_behind() {
    check(
        &[
            "audacity | Audacity | Audacity Team",
            "gimp | GIMP | GIMP Team",
            "zotero | Zotero | Zotero Team",
            "uni-audacity | Audacity | Audacity Team | | Audacity*",
            "uni-gimp | GIMP | GIMP Team | | GIMP*",
            "uni-zotero | Zotero | Zotero Team | | Zotero*",
            "uni-jabref | JabRef | JabRef | | JabRef*",
            "tool-old | [Deprecated] Some Tool | Maker",
            "tool-new | Some Tool | Maker",
            "seek.portable | FileSeek (Portable) | Maker",
            "kept.portable | Kept Thing (Portable) | Maker",
            "kept | Kept Thing | Maker",
        ],
        &[
            ("Audacity 3.2.1 | Audacity Team | 3.2.1", "audacity"),
            ("JabRef | JabRef | 5.0", "review: uni-jabref"),
            ("Some Tool | Maker | 1.0", "tool-new"),
            ("FileSeek 6.4 | Maker | 6.4", "review: seek.portable"),
            ("Kept Thing | Maker", "kept"),
        ],
    );
}

#[test]
fn a_package_that_pulls_in_another_of_the_same_name_is_its_wrapper() {
    let mut lines = packages(&[
        "go | Go Programming Language | The Go Authors",
        "golang | Go Programming Language | The Go Authors",
    ]);
    let text = "Go Programming Language amd64 go1.24.3 | The Go Authors | 1.24.3";
    assert_eq!(
        found(&Catalog::new(lines.clone()), text),
        "review: go golang"
    );
    lines[0].dependencies.push("GoLang".to_owned());
    assert_eq!(found(&Catalog::new(lines), text), "golang");
}

#[test]
fn updates_drivers_and_language_packs_are_no_packages_software() {
    check(
        &[
            "office | Microsoft Office 2010 | Microsoft",
            "visualstudio2022-langpack | Visual Studio 2022 | Microsoft",
            "rtx-voice | Nvidia RTX Voice | Nvidia",
            "vscode-java | Visual Studio Code | Microsoft | | | ",
        ],
        &[
            (
                "Security Update for Microsoft Office 2010 (KB2553140) | Microsoft",
                "-",
            ),
            (
                "Microsoft Visual Studio 2022 Language Pack - DEU | Microsoft Corporation | 17.0",
                "-",
            ),
            (
                "NVIDIA RTX Voice Driver 1.0.0.2 | NVIDIA Corporation | 1.0.0.2",
                "-",
            ),
        ],
    );
}

#[test]
fn without_its_own_package_an_edition_is_no_other_ones() {
    check(
        &[
            "firefox-dev | Firefox Developer Edition | Mozilla | | Firefox Developer Edition*",
            "opera-developer | Opera Developer | Opera",
            "pycharm | JetBrains Pycharm Professional | JetBrains | | PyCharm*",
            "genius | Genius (Free Edition) | Some Maker",
            "kit-x86 | Example Kit (32-bit) | Another Maker",
            "map-ltr | Map LTR (Long Term Release) | Map Makers",
        ],
        &[
            (
                "Mozilla Firefox 128.0 (x64 en-US) | Mozilla | 128.0",
                "review: firefox-dev",
            ),
            (
                "Firefox Developer Edition 128.0 (x64 en-US) | Mozilla | 128.0",
                "firefox-dev",
            ),
            (
                "Opera Stable 75.0 | Opera Software | 75.0",
                "review: opera-developer",
            ),
            (
                "Opera Developer 75.0 | Opera Software | 75.0",
                "opera-developer",
            ),
            (
                "PyCharm Community Edition 2024.3 | JetBrains s.r.o. | 243.1",
                "-",
            ),
            ("PyCharm 2024.3 | JetBrains s.r.o. | 243.1", "pycharm"),
            // A remark of the packager alone.
            ("Genius 5.1 | Some Maker | 5.1", "genius"),
            ("Example Kit (64-bit) | Another Maker | 1.0", "-"),
            ("Example Kit (32-bit) | Another Maker | 1.0", "kit-x86"),
            ("Example Kit | Another Maker | 1.0", "kit-x86"),
            ("Map 3.40 | Map Makers | 3.40", "review: map-ltr"),
            ("Map LTR 3.40 | Map Makers | 3.40", "map-ltr"),
        ],
    );
}

#[test]
fn two_kinds_of_program_of_one_name_are_two_products() {
    check(
        &["tool | Example Tool | Maker"],
        &[
            ("Example Tool | Maker | 1.0", "tool"),
            ("Example | Maker | 1.0", "tool"),
            ("Example App | Maker | 1.0", "review: tool"),
            ("Example Desktop | Maker | 1.0", "review: tool"),
        ],
    );
}

#[test]
fn what_a_title_describes_is_no_name_of_the_package() {
    check(
        &[
            "eddie | Eddie - OpenVPN GUI | Eddie Team",
            "vim | Vim (gvim) | Bram",
        ],
        &[
            ("OpenVPN 2.5.4 | OpenVPN, Inc. | 2.5.4", "-"),
            ("Eddie - OpenVPN GUI | Eddie Team | 2.24", "eddie"),
            ("Vim 9.1 (gvim) | Bram | 9.1", "vim"),
        ],
    );
}

#[test]
fn what_was_renamed_or_comes_with_something_is_for_review() {
    check(
        &[
            "zoom | Zoom Client for Meetings | Zoom Video Communications, Inc. | | zoom*",
            "ruby.install | Ruby (Install) | Yukihiro Matsumoto | | ruby *",
            "vnc-viewer | VNC Viewer (Install) | RealVNC Limited.",
        ],
        &[
            (
                "Zoom Workplace (64-bit) | Zoom Video Communications, Inc. | 6.0",
                "review: zoom",
            ),
            (
                "Zoom Outlook Plugin | Zoom Video Communications, Inc. | 6.0",
                "-",
            ),
            (
                "Ruby 3.1.2-1-x64 with MSYS2 | RubyInstaller Team | 3.1.2",
                "review: ruby.install",
            ),
            ("RealVNC Viewer 7.7.0 | RealVNC | 7.7.0", "vnc-viewer"),
            ("RealVNC Server 7.7.0 | RealVNC | 7.7.0", "-"),
        ],
    );
}

#[test]
fn a_part_of_a_makers_word_is_not_the_maker() {
    check(
        &[
            "origin | Origin | Electronic Arts | http://www.origin.com/",
            "zero-studio | Zero Studio | Paul | http://studio.zero.com/",
            "spark | Spark | Ignite Realtime | | Spark*",
            "media | Example Media Player | OpenMedia",
            "guard-client | Guard | Guard",
        ],
        &[
            ("Origin | Electronic Arts, Inc. | 10.5", "origin"),
            (
                "Origin 2023 | OriginLab Corporation | 10.0",
                "review: origin",
            ),
            ("Beehive Studio 5.0 | Beehive Studio Team | 5.0", "-"),
            ("Spark 3.0.2 | Ignite Realtime RTC | 3.0.2", "spark"),
            // Named by a stranger's name, it is the stranger's.
            ("Cisco Spark | Cisco Systems, Inc. | 2.0", "review: spark"),
            ("Example Media Player | Open Media LLC | 1.0", "media"),
            (
                "Networks LLC - Guard - Privacy for all of the people | Networks LLC | 1.0",
                "guard-client",
            ),
        ],
    );
}

#[test]
fn a_match_by_name_says_what_it_rests_on() {
    let catalog = Catalog::new(packages(&[
        "example-editor | Example Editor | Jane Doe",
        "other | Other Thing | Jane Doe | | Other Thing* | 5.2",
    ]));
    let by_name = match_software(&catalog, &row("Example Editor 4.2 | Jane Doe Ltd | 4.2"));
    let by_name = by_name.expect("a match");
    assert_eq!(by_name.evidence, Evidence::Name);
    assert_eq!(
        by_name.why,
        "its name 'Example Editor 4.2' is the package's title 'Example Editor', and its publisher \
         'Jane Doe Ltd' makes it"
    );
    let by_pattern = match_software(&catalog, &row("Other Thing 5 | | 5.1")).expect("a match");
    assert_eq!(by_pattern.evidence, Evidence::SoftwareName);
    assert_eq!(
        by_pattern.why,
        "its name 'Other Thing 5' fits the package's own pattern 'Other Thing*'"
    );
    let weak = match_software(&catalog, &row("Example Editor Pro | Jane Doe | 4.2"));
    assert_eq!(
        weak.expect("a match").why,
        "its name 'Example Editor Pro' is the package's title 'Example Editor', and its publisher \
         'Jane Doe' makes it, but for 'pro'"
    );
}
