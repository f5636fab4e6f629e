//! The folder for temporary files in an installer's arguments: where scripts have logs written. On the
//! device, the job's own folder takes its place.

use fleetmend_model::arguments::{JOB_FOLDER, is_in_quotes};

use super::value::TEMP;

/// Puts the job's folder where the arguments name a file in the folder for temporary files. `None`:
/// how they name it is not understood. Only a file right in the folder will do: other folders in it
/// need not exist on the device.
pub(super) fn name_job_folder(arguments: &str) -> Option<String> {
    // The word means something else to Fleetmend.
    if arguments.contains(JOB_FOLDER) {
        return None;
    }
    let mut line = String::with_capacity(arguments.len());
    let mut rest = arguments;
    while let Some(at) = rest.find(TEMP) {
        line.push_str(&rest[..at]);
        rest = &rest[at + TEMP.len_utf8()..];
        let in_quotes = is_in_quotes(&line);
        let word = line.rsplit('"').next().unwrap_or(&line);
        // The folder stands in the middle of a quoted text.
        if in_quotes && word.contains(char::is_whitespace) {
            return None;
        }
        // NSIS takes the folder to install into unquoted, to the end of the line.
        if line.to_ascii_lowercase().ends_with("/d=") {
            return None;
        }
        let name = rest
            .strip_prefix(['\\', '/'])
            .and_then(|behind| file_name(behind, in_quotes))?;
        line.push_str(JOB_FOLDER);
        line.push('\\');
        line.push_str(name);
        rest = &rest[1 + name.len()..];
    }
    line.push_str(rest);
    Some(line)
}

/// The file's name at the beginning of a text, if it ends where the word or its quotes end.
fn file_name(text: &str, in_quotes: bool) -> Option<&str> {
    let is_end = |c: char| match c {
        '"' | '\\' | '/' => true,
        c => c.is_whitespace() && !in_quotes,
    };
    let name = &text[..text.find(is_end).unwrap_or(text.len())];
    let behind = &text[name.len()..];
    let ends = behind.is_empty()
        || behind.starts_with(['"', ' ', '\t'])
        || (in_quotes && behind.starts_with("\\\""));
    let is_file = name.chars().any(char::is_alphanumeric)
        && !name.contains(['<', '>', ':', '*', '?', '|', TEMP])
        && !name.chars().any(char::is_control);
    (ends && is_file).then_some(name)
}
