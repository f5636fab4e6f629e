//! The project's own commands: `cargo xtask test [--fast]`, `cargo xtask tidy`, `cargo xtask dist`.

mod command;
mod dist;
mod hostile;
mod needs;
mod nuget;
mod sysroot;
mod test;
mod tidy;
mod workspace;

use std::process::ExitCode;

const USAGE: &str = "\
cargo xtask test          every check and test; installs from Debian what is missing, as root
cargo xtask test --fast   formatting, rules and tests without Wine, browser and end-to-end tests
cargo xtask test --only <tier>   one line of the summary, without those before it
cargo xtask tidy          the rules of this repository that no other tool checks
cargo xtask dist          release programs with their digests, into dist/
cargo xtask windows-std   builds Rust's standard library for Windows from source; `test` does it
                          by itself where rustup cannot download it";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match arguments.as_slice() {
        ["test"] => test::run(test::Extent::All),
        ["test", "--fast"] => test::run(test::Extent::Fast),
        ["test", "--only", tier] => test::run(test::Extent::Only(tier)),
        ["tidy"] => tidy::run(),
        ["dist"] => dist::build(),
        ["windows-std"] => sysroot::build(),
        ["wine-run", rest @ ..] => test::wine_run(rest),
        ["help" | "--help" | "-h"] => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        _ => {
            eprintln!("xtask does not know this command. It knows:\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
