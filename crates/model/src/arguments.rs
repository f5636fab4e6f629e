//! The place in an installer's arguments that only the device can fill in.

/// Stands in a release's arguments for the folder in which the agent keeps the job's files: where
/// installers are told to write their logs. Windows allows neither `<` nor `>` in a path.
pub const JOB_FOLDER: &str = "<job-folder>";

/// The arguments as they are run: with the job's folder, in quotes wherever the path needs them and
/// has none.
///
/// Source of the rules for quotes: Microsoft C++, 'Parsing C command-line arguments'.
pub fn fill(arguments: &str, job_folder: &str) -> String {
    let needs_quotes = job_folder.contains(char::is_whitespace);
    let mut line = String::with_capacity(arguments.len() + job_folder.len());
    let mut rest = arguments;
    while let Some(at) = rest.find(JOB_FOLDER) {
        line.push_str(&rest[..at]);
        rest = &rest[at + JOB_FOLDER.len()..];
        let is_bare = needs_quotes && !is_in_quotes(&arguments[..arguments.len() - rest.len()]);
        if is_bare {
            let end = rest
                .find(|c: char| c.is_whitespace() || c == '"')
                .unwrap_or(rest.len());
            line.push('"');
            line.push_str(job_folder);
            line.push_str(&rest[..end]);
            line.push('"');
            rest = &rest[end..];
        } else {
            line.push_str(job_folder);
        }
    }
    line.push_str(rest);
    line
}

/// Whether what follows this beginning of a command line stands between quotes. A quote behind an
/// odd number of backslashes is text.
pub fn is_in_quotes(beginning: &str) -> bool {
    let (mut is_open, mut backslashes) = (false, 0_usize);
    for c in beginning.chars() {
        if c == '"' && backslashes.is_multiple_of(2) {
            is_open = !is_open;
        }
        backslashes = if c == '\\' { backslashes + 1 } else { 0 };
    }
    is_open
}
