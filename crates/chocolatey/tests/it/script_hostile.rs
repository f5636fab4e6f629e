use fleetmend_model::recipe::Verdict;
use proptest::prelude::*;

use crate::script::{run, shown};

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn deep_and_long_scripts_come_back_and_are_never_ready() {
    let install = "Install-ChocolateyPackage acme exe /S https://a.example/a.exe";
    // Numbered, because a package with a script that packs too well is refused before.
    let numbers: String = (0..200_000).map(|n| n.to_string() + "\n").collect();
    for (name, script) in [
        (
            "parentheses",
            format!(
                "{install}\n$x = {}1{}",
                "(".repeat(20_000),
                ")".repeat(20_000)
            ),
        ),
        (
            "open parentheses",
            format!("{install}\n$x = {}", "(".repeat(20_000)),
        ),
        (
            "blocks",
            format!(
                "{install}\n{}{}",
                "if (Test-Path x) {".repeat(5_000),
                "}".repeat(5_000)
            ),
        ),
        (
            "strings in strings",
            format!(
                "{install}\n$x = {}1{}",
                "\"$(".repeat(2_000),
                ")\"".repeat(2_000)
            ),
        ),
        (
            "growing text",
            format!(
                "$x = 'aaaaaaaa'\n{}{install} \"$x\"",
                "$x = \"$x$x$x$x\"\n".repeat(30)
            ),
        ),
        (
            "many ways",
            format!(
                "if (Test-Path 0) {{ }}{}\n{install}",
                " elseif (Test-Path 1) { throw }".repeat(20_000)
            ),
        ),
        (
            "many casts",
            format!("{}$x = 1\n{install}", "[a]".repeat(20_000)),
        ),
        (
            "many signs",
            format!("$x = 1{}\n{install} $x", " + 1".repeat(20_000)),
        ),
        (
            "nested tables",
            format!(
                "$x = @{{a = 1}}\n{}{install} $x",
                "$x = @{a = $x}\n".repeat(20_000)
            ),
        ),
        (
            "doubling text",
            format!(
                "$x = 'aaaaaaaa'\n{}{install} $x",
                "$x = $x + $x\n".repeat(60)
            ),
        ),
        (
            "doubling list",
            format!("$x = @('a', 'b')\n{}{install} $x", "$x += $x\n".repeat(60)),
        ),
        (
            "doubling table",
            format!(
                "$x = @{{a = 1}}\n{}{install} $x",
                "$x = @{a = $x; b = $x}\n".repeat(60)
            ),
        ),
        (
            "replacing",
            format!(
                "$x = 'aaaaaaaaaaaaaaaa'\n{}{install} \"$x\"; $x = '{}'",
                "$x = $x.Replace('a', $x)\n".repeat(20),
                '\'',
            ),
        ),
        (
            "formatting",
            format!(
                "$x = '{{0}}{{0}}'\n{}{install} \"$x\"; throw",
                "$x = $x -f $x\n".repeat(60)
            ),
        ),
        ("unary", format!("{install}\n$x = {}1", "!".repeat(20_000))),
        ("too large", format!("{install}\n<#{numbers}#>")),
        ("marks", format!("{install} '\u{F8F0}'")),
        ("zero", format!("{install}\0")),
    ] {
        let found = run(script.as_bytes(), &[]);
        let text: String = shown(&found).chars().take(300).collect();
        assert_ne!(found.verdict, Verdict::Ready, "{name}: {text}");
        assert!(!found.findings.is_empty(), "{name}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_bytes_are_analysed_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        run(&bytes, &[]);
    }

    #[test]
    fn any_mix_of_script_parts_is_analysed_without_panic(
        parts in prop::collection::vec(prop::sample::select(vec![
            "$a", " = ", "\"", "'", "$(", ")", "(", "{", "}", "@{", "@(", ";", "\n", "|", "if (", "else {",
            "foreach ($x in ", "Install-ChocolateyPackage ", "-Url64bit ", "-a:", "@a", "`", "``é", "é", ",",
            "$a.b", "$a['x']", "[string]", "::x(", "-f ", "+ ", "\"$a\\*.exe\"", "$a\\*.exe", ">", "2>&1", "#",
            "<#", "return", "throw ", "& ", ". ", "%{", "${", "$env:", "@'\n", "\n'@", "-1", "0x", "1.5", "!", "=",
        ]), 0..40)
    ) {
        run(parts.concat().as_bytes(), &[]);
    }
}
