//! What the device fills into an installer's arguments.

use fleetmend_model::arguments::{JOB_FOLDER, fill};
use proptest::prelude::*;

const PLAIN: &str = r"C:\ProgramData\Fleetmend\files\7";
const BLANKS: &str = r"D:\Our Data\Fleet Mend\files\7";

#[test]
fn the_jobs_folder_is_filled_in_and_quotes_survive() {
    let cases = [
        ("/S", r"/S", r"/S"),
        (
            r#"/qn /l*v "<job-folder>\a b.log" /norestart"#,
            r#"/qn /l*v "C:\ProgramData\Fleetmend\files\7\a b.log" /norestart"#,
            r#"/qn /l*v "D:\Our Data\Fleet Mend\files\7\a b.log" /norestart"#,
        ),
        (
            r"/S /LOG=<job-folder>\a.log /x",
            r"/S /LOG=C:\ProgramData\Fleetmend\files\7\a.log /x",
            r#"/S /LOG="D:\Our Data\Fleet Mend\files\7\a.log" /x"#,
        ),
        (
            r#"/s /v"/qn /l*v \"<job-folder>\a.log\"""#,
            r#"/s /v"/qn /l*v \"C:\ProgramData\Fleetmend\files\7\a.log\"""#,
            r#"/s /v"/qn /l*v \"D:\Our Data\Fleet Mend\files\7\a.log\"""#,
        ),
        (
            r"/a <job-folder>\a.log /b <job-folder>\b.log",
            r"/a C:\ProgramData\Fleetmend\files\7\a.log /b C:\ProgramData\Fleetmend\files\7\b.log",
            r#"/a "D:\Our Data\Fleet Mend\files\7\a.log" /b "D:\Our Data\Fleet Mend\files\7\b.log""#,
        ),
    ];
    for (arguments, plain, blanks) in cases {
        assert_eq!(fill(arguments, PLAIN), plain);
        assert_eq!(fill(arguments, BLANKS), blanks);
    }
}

/// A command line as programs split it, without the rule for two quotes in a row.
fn split(line: &str) -> Vec<String> {
    let (mut words, mut word, mut is_open) = (Vec::new(), None::<String>, false);
    let mut characters = line.chars().peekable();
    while let Some(c) = characters.next() {
        match c {
            '\\' => {
                let mut count = 1;
                while characters.next_if_eq(&'\\').is_some() {
                    count += 1;
                }
                let word = word.get_or_insert_default();
                if characters.peek() == Some(&'"') {
                    word.extend(std::iter::repeat_n('\\', count / 2));
                    if count % 2 == 1 {
                        word.extend(characters.next());
                    }
                } else {
                    word.extend(std::iter::repeat_n('\\', count));
                }
            }
            '"' => {
                word.get_or_insert_default();
                is_open = !is_open;
            }
            ' ' if !is_open => words.extend(word.take()),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

proptest! {
    #[test]
    fn the_program_gets_the_same_words_with_the_folder_in_them(
        words in prop::collection::vec(("(/[a-z]{1,4}[=:]?)?", "[a-z.]{1,6}", any::<bool>()), 0..5),
        folder in "[A-Z]:(\\\\[a-z]{1,5}( [a-z]{1,3})?){1,3}",
    ) {
        let line = words.iter().map(|(switch, name, quoted)| {
            let quote = if *quoted { "\"" } else { "" };
            format!("{switch}{quote}{JOB_FOLDER}\\{name}{quote}")
        });
        let line = line.collect::<Vec<_>>().join(" ");
        let wanted: Vec<_> =
            words.iter().map(|(switch, name, _)| format!("{switch}{folder}\\{name}")).collect();
        prop_assert_eq!(split(&fill(&line, &folder)), wanted);
    }

    #[test]
    fn arguments_without_the_place_stay_as_they_are(line in "\\PC{0,40}", folder in "\\PC{0,10}") {
        prop_assume!(!line.contains(JOB_FOLDER));
        prop_assert_eq!(fill(&line, &folder), line);
    }
}
