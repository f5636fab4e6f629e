//! What a person reads who started the program.

use std::io::Write as _;

/// Shows a line. Nobody may be there to read it any more, and then the work goes on all the same.
pub fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}
