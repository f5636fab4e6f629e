//! Who acts by the administrator's commands: the user of the operating system that runs them.

use super::Actor;

/// What the audit log has for the address of such a user.
const ADDRESS: &str = "command line";

/// The user who runs this process.
pub fn command_line() -> Actor {
    let name = user_name().unwrap_or_else(|| "unknown".to_owned());
    Actor {
        name,
        address: ADDRESS.to_owned(),
    }
}

/// By the process's own user id: the environment says what its caller likes.
#[cfg(unix)]
fn user_name() -> Option<String> {
    use std::os::unix::fs::MetadataExt as _;
    let id = std::fs::metadata("/proc/self").ok()?.uid();
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    Some(name_of(&users, id).unwrap_or_else(|| format!("user {id}")))
}

#[cfg(not(unix))]
fn user_name() -> Option<String> {
    std::env::var("USERNAME")
        .ok()
        .filter(|name| !name.is_empty())
}

/// The name of a user id in a file in the format of passwd(5).
#[cfg(unix)]
fn name_of(users: &str, id: u32) -> Option<String> {
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        let is_it = fields.nth(1)?.parse() == Ok(id);
        (is_it && !name.is_empty()).then(|| name.to_owned())
    })
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_named_by_the_id_and_nothing_else() {
        let users = "root:x:0:0:root:/root:/bin/sh\n\nbroken:x\n:x:7:7::/:\nanna:x:1000:7:0:/:\n";
        for (id, name) in [
            (0, Some("root")),
            (1000, Some("anna")),
            (7, None),
            (1, None),
        ] {
            assert_eq!(name_of(users, id).as_deref(), name, "{id}");
        }
    }

    #[test]
    fn the_one_who_acts_has_a_name_and_came_by_the_command_line() {
        let actor = command_line();
        assert!(!actor.name.is_empty() && actor.name != "unknown");
        assert_eq!(actor.address, "command line");
    }
}
