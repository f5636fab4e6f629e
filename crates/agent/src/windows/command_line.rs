//! The command line of Windows Installer.

/// What follows `msiexec.exe /i "<file>" `: the release's own arguments, and the switches that keep
/// it from asking and from restarting the machine where the release says nothing about that.
///
/// Source: Windows Installer, 'Command-Line Options' and 'Standard Installer Command-Line Options'.
pub(crate) fn msi_arguments(arguments: &str) -> String {
    let words = words(arguments);
    let switches: Vec<String> = words
        .iter()
        .filter_map(|word| word.strip_prefix(['/', '-']))
        .map(str::to_ascii_lowercase)
        .collect();
    let is_quiet = switches.iter().any(|switch| {
        matches!(switch.as_str(), "q" | "quiet" | "passive")
            || switch.starts_with("qn")
            || switch.starts_with("qb")
    });
    let says_restart = switches.iter().any(|switch| {
        matches!(
            switch.as_str(),
            "norestart" | "promptrestart" | "forcerestart"
        )
    }) || words
        .iter()
        .any(|word| word.to_ascii_lowercase().starts_with("reboot="));
    let mut line = arguments.trim().to_owned();
    for (missing, switch) in [(!is_quiet, "/qn"), (!says_restart, "/norestart")] {
        if missing {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(switch);
        }
    }
    line
}

/// A command line at its blanks, but not at those between quotes.
fn words(line: &str) -> Vec<&str> {
    let mut in_quotes = false;
    line.split(|c: char| {
        in_quotes ^= c == '"';
        c.is_whitespace() && !in_quotes
    })
    .filter(|word| !word.is_empty())
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_msi_neither_asks_nor_restarts_unless_its_release_says_so() {
        for (given, expected) in [
            ("", "/qn /norestart"),
            ("/qn /norestart", "/qn /norestart"),
            ("/quiet", "/quiet /norestart"),
            ("-QN", "-QN /norestart"),
            ("/qb!- REBOOT=ReallySuppress", "/qb!- REBOOT=ReallySuppress"),
            ("/passive /forcerestart", "/passive /forcerestart"),
            ("/qf", "/qf /qn /norestart"),
            ("ALLUSERS=1 ", "ALLUSERS=1 /qn /norestart"),
            (
                r#"DIR="C:\a /qn /norestart b""#,
                r#"DIR="C:\a /qn /norestart b" /qn /norestart"#,
            ),
            (r"/l*v C:\log.txt", r"/l*v C:\log.txt /qn /norestart"),
        ] {
            assert_eq!(msi_arguments(given), expected, "{given}");
        }
    }
}
