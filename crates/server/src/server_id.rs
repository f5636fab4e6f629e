//! Which server this is, of those that may share a database: a random name in its data folder,
//! which belongs to one server at a time.

use std::path::Path;

use anyhow::Context as _;
use ring::rand::{SecureRandom as _, SystemRandom};

/// Where it stands.
const FILE: &str = "server.id";

/// The server's id; made if the data folder has none.
pub fn load_or_make(data: &Path) -> anyhow::Result<String> {
    let path = data.join(FILE);
    if let Ok(id) = std::fs::read_to_string(&path)
        && is_id(&id)
    {
        return Ok(id);
    }
    let id = make()?;
    std::fs::write(&path, &id).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(id)
}

/// A new id, like no other.
pub(crate) fn make() -> anyhow::Result<String> {
    let mut bytes = [0; 16];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| anyhow::anyhow!("the system's random source failed"))?;
    Ok(fleetmend_trust::hex(&bytes))
}

/// Whether a text is such an id.
pub(crate) fn is_id(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|it| it.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_data_folder_has_one_id_for_good() {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let id = load_or_make(one.path()).unwrap();
        assert!(is_id(&id), "{id}");
        assert_eq!(load_or_make(one.path()).unwrap(), id);
        assert_ne!(load_or_make(other.path()).unwrap(), id);
        // Cut off by a crash.
        std::fs::write(one.path().join(FILE), "12").unwrap();
        assert!(is_id(&load_or_make(one.path()).unwrap()));
    }
}
