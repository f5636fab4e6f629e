//! What explains a name's further words, its line and its channel, and what does not.

use fleetmend_reconcile::Catalog;

use crate::names::{check, found, packages};

#[test]
fn what_a_framework_calls_its_installer_says_nothing_of_the_product() {
    check(
        &[
            "trill | Trill | Maker Studios | | Trill*",
            "office-365 | Office 365 | Microsoft",
            "tunnel | tunnel - SSL Wrapper | Jane Doe",
        ],
        &[
            ("Trill Machine-Wide Installer | Maker Studios", "trill"),
            ("Trill Deployment Tool | Maker Studios", "trill"),
            ("Trill Deployment Tool", "trill"),
            ("Trill Deployment Tool | Nobody Known", "-"),
            ("Trill Deployment Tool Server | Maker Studios", "-"),
            ("Deployment Tool | Maker Studios", "-"),
            ("tunnel installed for AllUsers", "tunnel"),
            ("tunnel installed for CurrentUser | Jane Doe", "tunnel"),
            ("tunnel installed for all users | Jane Doe", "tunnel"),
        ],
    );
}

#[test]
fn credits_of_a_maker_are_no_part_of_the_name() {
    check(
        &[
            "backup | Backup and Restore | Giggle",
            "mc | Midnight Manager | adam",
            "guardtor-client | GuardTor VPN Client (Install) | Guard.net | | *GuardTor*",
        ],
        &[
            ("Backup and Restore from Giggle | Giggle, Inc.", "backup"),
            ("Backup and Restore by Giggle | Giggle, Inc.", "backup"),
            (
                "Backup and Restore from Other | Giggle, Inc.",
                "review: backup",
            ),
            (
                "GNU Midnight Manager version 4.8 (build: 20240331-230) | The Free Software \
                 Foundation, Inc. | 4.8",
                "mc",
            ),
            ("Midnight Manager GNU | adam", "review: mc"),
            (
                "VPWork LLC - GuardTor - Online Privacy Protection Services | VPWork LLC",
                "guardtor-client",
            ),
            ("GuardTor - Online Privacy Services | VPWork LLC", "-"),
        ],
    );
}

#[test]
fn a_sentence_behind_a_dash_describes_unless_it_names_a_component_by_its_ends() {
    check(
        &["layout | KLayout | Jane Doe"],
        &[
            (
                "KLayout - Layout Viewer and Editor | Jane Doe | 0.29",
                "layout",
            ),
            ("KLayout - Viewer for many other things | Jane Doe", "-"),
            ("KLayout - The other kind of viewer | Jane Doe", "-"),
        ],
    );
}

#[test]
fn the_free_edition_is_meant_where_the_own_pattern_fits_and_nobody_is_named() {
    check(
        &["bench | My Bench | Maker | | My Bench* | 8.0"],
        &[
            ("My Bench 8.0 CE | | 8.0.13", "bench"),
            ("My Bench 8.0 CE | Maker | 8.0.13", "bench"),
            ("My Bench 8.0 CE | Nobody Known | 8.0.13", "review: bench"),
            ("My Bench 8.0 Pro | | 8.0.13", "review: bench"),
        ],
    );
}

#[test]
fn a_width_at_the_end_is_an_architecture() {
    check(
        &["viewer-irfa | IrfaView | Irfa"],
        &[
            ("IrfaView 64 (remove only) | Irfa | 4.51", "viewer-irfa"),
            ("IrfaView 65 | Irfa | 4.51", "review: viewer-irfa"),
            ("IrfaView 64 Pictures | Irfa | 4.51", "-"),
        ],
    );
}

#[test]
fn a_number_behind_windows_is_no_line() {
    check(
        &[
            "auto-dark | Windows 10 Auto Dark | Armin",
            "assistant | Windows 10 Update Assistant | Microsoft | | Windows 10 Update Assistant* | 1.4",
        ],
        &[
            ("Auto Dark | Armin | 10.4.1", "auto-dark"),
            ("Auto Dark | Armin", "auto-dark"),
            (
                "Windows 10 Update Assistant | Microsoft Corporation | 10.0.1",
                "assistant",
            ),
        ],
    );
}

#[test]
fn a_pattern_that_is_a_name_word_for_word_speaks_for_the_maker() {
    check(
        &[
            "bulk | Bulk Crap Remover | Marcin | | BCRemover",
            "merge | Visual Merge | Force | | Helix Core*",
            "insider | Wave Insider - Beta | Waves | | Wave Beta",
            "wave | Wave | Waves",
            "fox-nightly | Fox Nightly | Moz | | Nightly",
        ],
        &[
            ("BCRemover | Marcin", "bulk"),
            ("BCRemover | Nobody Known", "review: bulk"),
            ("Helix Core Apps | Force", "review: merge"),
            ("Wave Beta | Waves | 1.0", "insider"),
            ("Wave | Waves | 1.0", "wave"),
            ("Wave Dev | Waves | 1.0", "-"),
            ("Nightly | Moz | 156.0", "fox-nightly"),
        ],
    );
}

#[test]
fn a_pattern_that_names_the_line_says_which_it_is() {
    check(
        &[
            "vc140 | Example C++ Redistributable 2015-2026 (x64) | Exam | | \
             Example C++ v14 Redistributable (x64)* | 14.51",
            "zulu11 | Zulu 8 | Azul | | Zulu 11* | 11.90",
        ],
        &[
            (
                "Example C++ v14 Redistributable (x64) - 14.50.35 | Exam Corporation | 14.50.35",
                "vc140",
            ),
            (
                "Example C++ 2013 Redistributable (x64) - 12.0.40 | Exam Corporation | 12.0.40",
                "-",
            ),
            ("Zulu 11.90.17, 64-bit | Azul | 11.90.17", "zulu11"),
            ("Zulu 17.90.17, 64-bit | Azul | 17.90.17", "-"),
        ],
    );
}

#[test]
fn another_known_maker_is_no_doubt_where_id_title_and_pattern_agree() {
    let others = [
        "ruby.install | Ruby (Install) | Matz | | ruby *",
        "ruby.devkit | Ruby DevKit | RubyInstaller Contributors",
        "rubymine | Ruby Mine | Jet",
        "ruby-b | Ruby B | B",
    ];
    check(
        &others,
        &[(
            "Ruby 3.1.4-1-x64 | RubyInstaller Team | 3.1.4",
            "ruby.install",
        )],
    );
    let mut without = others;
    without[0] = "ruby.install | Ruby (Install) | Matz";
    check(
        &without,
        &[("Ruby 3.1.4-1-x64 | RubyInstaller Team | 3.1.4", "-")],
    );
}

#[test]
fn a_product_before_its_first_version_may_call_itself_a_preview() {
    check(
        &[
            "toys | PowerToys | Microsoft | | PowerToys* | 0.100",
            "grown | Grown Up | Microsoft | | Grown Up* | 2.0",
        ],
        &[
            ("PowerToys (Preview) | Microsoft Corporation | 0.20", "toys"),
            (
                "PowerToys (Preview) | Microsoft Corporation | 1.0",
                "review: toys",
            ),
            ("PowerToys Preview | Microsoft Corporation | 0.20", "-"),
            (
                "Grown Up (Preview) | Microsoft Corporation | 0.20",
                "review: grown",
            ),
        ],
    );
}

#[test]
fn of_the_same_name_the_package_that_reached_the_row_is_meant() {
    check(
        &[
            "kit | Java SE Development Kit | Oracle | | | 8.0",
            "oraclekit | Oracle JDK | Oracle | | | 17.0.2",
        ],
        &[
            (
                "Java(TM) SE Development Kit 17.0.8 (64-bit) | Oracle Corporation | \
                 Java(TM) SE Development Kit 17.0.8 (64-bit)",
                "oraclekit",
            ),
            (
                "Java SE Development Kit 8 Update 381 (64-bit) | Oracle Corporation | 8.0.3810.9",
                "kit",
            ),
        ],
    );
}

#[test]
fn what_is_later_than_the_long_term_release_is_none() {
    check(
        &[
            "node | Node.js | Foundation | | | 26.0",
            "node-lts | Node.js LTS | Foundation | | | 24.0",
        ],
        &[
            ("Node.js | Foundation | 25.1.0", "node"),
            ("Node.js | Foundation | 22.1.0", "review: node node-lts"),
        ],
    );
}

#[test]
fn a_renamed_reader_is_found_by_either_name() {
    check(
        &["adobereader | Adobe Reader DC | Adobe | | | 2020.0"],
        &[
            (
                "Adobe Acrobat Reader DC - Deutsch | Adobe Systems Incorporated | 17.9",
                "adobereader",
            ),
            ("Adobe Acrobat DC (64-bit) | Adobe | 23.8", "-"),
            ("Adobe Acrobat Reader DC Font Pack | Adobe | 23.8", "-"),
        ],
    );
}

#[test]
fn what_is_pulled_in_and_leaves_words_of_the_row_out_is_not_what_is_wrapped() {
    let mut lines = packages(&[
        "studio2022community | Example Studio 2022 Community | Micro",
        "studio-installer | Example Studio Installer (remove only) | Micro",
    ]);
    lines[0].dependencies.push("studio-installer".to_owned());
    assert_eq!(
        found(
            &Catalog::new(lines),
            "Example Studio Community 2022 | Micro Corporation | 17.8"
        ),
        "studio2022community"
    );
}
