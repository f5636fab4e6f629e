//! What is left of names and publishers, and what is taken out.

use fleetmend_reconcile::normal::{Architecture, Channel, Name, Publisher};
use proptest::collection::vec;
use proptest::prelude::*;

fn left(name: &str, version: &str) -> String {
    let words = Name::of(name, version).words;
    let words: Vec<&str> = words.iter().map(|it| it.text.as_str()).collect();
    words.join(" ")
}

#[test]
fn versions_are_taken_out_of_names() {
    let cases = [
        ("Example 1.2.3", "example"),
        ("Example v1.2", "example"),
        ("Example V6.0.0", "example"),
        ("Example v. 6.21.2", "example"),
        ("Example version 2", "example"),
        ("Example version V2.0.3.7", "example"),
        ("Example release 0.80", "example"),
        ("Example 4.2.0.697.stable", "example"),
        ("Example 20.02 alpha", "example"),
        ("Example 1.15beta1", "example"),
        ("Example 8_8_2", "example"),
        ("Example 11.0.27+6", "example"),
        ("Example 1.8.0_252-2-vendor", "example"),
        ("Example version 01-01-2023", "example"),
        ("Example 1.4 (build: 20240331-230)", "example"),
        ("Example 8 Update 351", "example"),
        ("Example 2008 SP1", "example 2008"),
        ("example-5.43.2", "example"),
        ("Example example-2023.3.0", "example"),
        ("Example exa1.24.3", "example exa"),
        ("Go Language go1.24.3", "go language"),
        ("Example 3.4 'Codename'", "example"),
        ("Example 3.x", "example"),
        // A number alone may be a line or the product's own.
        ("Example 2010", "example 2010"),
        ("Example 2015-2022 Runtime", "example 2015-2022 runtime"),
        ("7-Zip", "7 zip"),
        ("KDiff3", "kdiff3"),
    ];
    for (name, expected) in cases {
        assert_eq!(left(name, ""), expected, "{name}");
    }
    assert_eq!(left("Example XI", "11.0.06"), "example");
    assert_eq!(left("Example XI", "12.0"), "example xi");
}

#[test]
fn architecture_language_and_words_of_the_installer_are_taken_out() {
    let cases = [
        ("Example (x64)", "example"),
        ("Example (x64 edition)", "example"),
        ("Example 64-bit", "example"),
        ("Example (64 bits)", "example"),
        ("Example (win 64 bits)", "example"),
        ("Example 2.1, 32/64 bit", "example"),
        ("Example_x64", "example"),
        ("Example 7-x64", "example 7"),
        ("Example 2.7.1-1-x64", "example"),
        ("Example amd64", "example"),
        ("Example (x64 en-US)", "example"),
        ("Example (x86 de)", "example"),
        ("Example - ENU", "example"),
        ("Example (English)", "example"),
        ("Example zh-CN", "example"),
        ("English Example", "english example"),
        ("Example de Example", "example de example"),
        ("Example (remove only)", "example"),
        ("Example (uninstall only)", "example"),
        ("Example (only current user)", "example"),
        ("Example (User)", "example"),
        ("User Example", "user example"),
        ("Example MSI", "example"),
        ("Example(TM) Tool", "example tool"),
        ("Example\u{ae} Tool\u{2122}", "example tool"),
        ("R (R)", "r"),
        (
            "\u{dc}n\u{ef}c\u{f6}d\u{e9} \u{ff34}\u{ff4f}\u{ff4f}\u{ff4c}",
            "unicode tool",
        ),
        ("\u{b5}Torrent", "utorrent"),
        ("Code::Blocks", "code blocks"),
        ("Notepad++", "notepad++"),
        ("Example 7.0 2008R2Plus", "example"),
    ];
    for (name, expected) in cases {
        assert_eq!(left(name, ""), expected, "{name}");
    }
}

#[test]
fn the_channel_stands_beside_the_name() {
    let cases = [
        ("Example Beta", Some(Channel::Test("beta")), false),
        ("Example (Preview)", Some(Channel::Test("preview")), true),
        ("Example Insiders", Some(Channel::Test("preview")), false),
        ("Example 68.9.0 ESR", Some(Channel::ExtendedSupport), false),
        (
            "Example Extended Support Release",
            Some(Channel::ExtendedSupport),
            false,
        ),
        ("Example LTS", Some(Channel::LongTerm), false),
        ("Example Stable 70.1", None, false),
        ("Example", None, false),
    ];
    for (name, channel, is_aside) in cases {
        let found = Name::of(name, "");
        assert_eq!(found.channel, channel, "{name}");
        assert_eq!(found.channel_is_aside, is_aside, "{name}");
        assert_eq!(found.key(), "example", "{name}");
    }
    // The first word is the product's own, and a test version of the ordinary one is that one.
    for name in ["Beta Tool", "Canary", "Example 1.2 beta 3"] {
        assert_eq!(Name::of(name, "").channel, None, "{name}");
    }
}

#[test]
fn updates_of_windows_and_office_are_known_as_such() {
    for name in [
        "Security Update for Windows XP (KB982381)",
        "Update for Microsoft Office 2010 (KB2553140) 32-Bit Edition",
        "Hotfix for Windows XP (KB954550-v5)",
        "MSXML 4.0 SP2 (KB954430)",
        "Service Pack 2 for SQL Server 2008",
    ] {
        assert!(Name::of(name, "").is_update, "{name}");
    }
    for name in [
        "Dell Update",
        "Update Checker",
        "KB Editor",
        "Windows Update Blocker",
    ] {
        assert!(!Name::of(name, "").is_update, "{name}");
    }
}

#[test]
fn products_that_register_under_another_name_get_the_known_one() {
    assert_eq!(left("Java 8 Update 351 (64-bit)", ""), "jre");
    assert_eq!(left("Java SE Development Kit 17.0.8", ""), "jdk");
    assert_eq!(left("Java Editor", ""), "java editor");
    assert_eq!(
        Name::of("Microsoft Windows Desktop Runtime - 8.0.16 (x64)", "").key(),
        Name::of("Microsoft .NET 8.0 Desktop Runtime", "").key()
    );
    assert_eq!(
        left(
            "Microsoft Visual C++ Redistributable for Visual Studio 2017",
            ""
        ),
        "microsoft visual c++ redistributable 2017"
    );
}

#[test]
fn publishers_lose_the_form_of_the_company() {
    let cases = [
        ("Example Corporation", "example"),
        ("Example, Inc.", "example"),
        ("Example GmbH & Co. KG", "example"),
        ("Example B.V.", "example"),
        ("Example s.r.o.", "example"),
        ("Example Co., Ltd", "example"),
        ("AS Example", "asexample"),
        ("Limited", "limited"),
        ("(c) 2006-2011, Example Software", "examplesoftware"),
        ("https://example.org", "exampleorg"),
        ("", ""),
    ];
    for (publisher, expected) in cases {
        assert_eq!(Publisher::of(publisher).key(), expected, "{publisher}");
    }
    assert!(Publisher::of(" ,. ").is_empty());
}

#[test]
fn what_is_longer_than_any_name_has_no_words() {
    let long = "x".repeat(2000);
    assert_eq!(Name::of(&long, "").words, []);
    // Compatible forms can be much longer than what they stand for.
    assert_eq!(Name::of(&"\u{fdfa}".repeat(300), "").words, []);
}

/// Pieces of which names are made.
fn name() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => prop::sample::select(vec![
            "Example", "Java", "Beta", "version", "v", "64", "bit", "32", "win", "(x64)", "8",
            "Update", "1.2.3", "2015-2022", "-", ":", "|", "for", "visual", "studio", "windows",
            "desktop", "runtime", "redistributable", "(user)", "current user", "de", "(de)",
            "ENU", "'Pi'", "(", ")", "\"", "r2", "sp1", "esr", "long", "term", "support", "only",
            "remove", "c++", "x64-", "stable", "Edu", "XI", "plus", "2008r2plus", "KB123456",
        ])
        .prop_map(str::to_owned),
        1 => "\\PC{0,6}",
    ];
    let glue = prop::sample::select(vec![" ", "-", "_", ".", "", "/"]);
    vec((piece, glue), 0..8).prop_map(|parts| parts.into_iter().map(|(a, b)| a + b).collect())
}

proptest! {
    #[test]
    fn what_is_left_of_a_name_has_nothing_more_to_take_out(name in name(), version in "[0-9.]{0,4}") {
        let once = Name::of(&name, &version);
        let text: Vec<&str> = once.words.iter().map(|it| it.text.as_str()).collect();
        let twice = Name::of(&text.join(" "), &version);
        let again: Vec<&str> = twice.words.iter().map(|it| it.text.as_str()).collect();
        prop_assert_eq!(text, again, "{:?}", name);
    }

    #[test]
    fn letter_case_space_and_width_do_not_count(name in "[a-zA-Z0-9 ().-]{0,24}") {
        let expected = Name::of(&name, "").key();
        let wide: String = name
            .chars()
            .map(|c| match c {
                'a'..='z' | 'A'..='Z' => char::from_u32(c as u32 + 0xfee0).unwrap_or(c),
                c => c,
            })
            .collect();
        for other in [name.to_uppercase(), name.replace(' ', "  "), wide, format!(" {name} ")] {
            prop_assert_eq!(&Name::of(&other, "").key(), &expected, "{:?}", other);
        }
    }

    #[test]
    fn a_publisher_is_the_same_when_it_is_normalised_again(publisher in "\\PC{0,24}") {
        let once = Publisher::of(&publisher);
        prop_assert_eq!(&Publisher::of(&once.words().join(" ")), &once);
    }
}

#[test]
fn a_name_states_an_architecture_where_it_names_one_alone() {
    let x64 = Some(Architecture::X64);
    let x86 = Some(Architecture::X86);
    let cases = [
        ("Example 1.2 (x64)", x64),
        ("Example (x64 en-US)", x64),
        ("Example (64-bit x64)", x64),
        ("Example 1.2 64 Bit", x64),
        ("Example_1.2-win64", x64),
        ("Example (AMD64)", x64),
        (
            "Microsoft Visual C++ 2015-2022 Redistributable (x86) - 14.40.33810",
            x86,
        ),
        ("Example (32-bit x86)", x86),
        ("Example Win 32", x86),
        ("Example (arm64)", Some(Architecture::Arm64)),
        ("Example", None),
        ("Example 64", None),
        ("Example (x86 x64)", None),
        ("Example 32/64 bit", None),
        ("Example (AnyCPU)", None),
        ("Example (ia64)", None),
    ];
    for (name, expected) in cases {
        assert_eq!(Name::of(name, "1.2").architecture, expected, "{name}");
    }
}
