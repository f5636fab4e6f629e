//! A service has no standard error: it is given a file.
#![allow(unsafe_code, reason = "calls of the Win32 API")]

use std::fs::{self, OpenOptions};
use std::io;
use std::os::windows::io::IntoRawHandle as _;
use std::path::Path;

use windows_sys::Win32::System::Console::{STD_ERROR_HANDLE, SetStdHandle};

/// The log's name in the agent's data folder.
pub(super) const NAME: &str = "agent.log";
/// How long the log may be when the service starts, in bytes; beyond that it is put aside.
const MAX_LENGTH: u64 = 4 * 1024 * 1024;

/// Makes standard error write to the log in the agent's data folder. The log before it is kept as
/// `agent.log.old`.
pub(super) fn redirect_standard_error(data: &Path) -> io::Result<()> {
    let path = data.join(NAME);
    if fs::metadata(&path).is_ok_and(|it| it.len() > MAX_LENGTH) {
        fs::rename(&path, data.join(format!("{NAME}.old")))?;
    }
    let file = OpenOptions::new().create(true).append(true).open(path)?;
    // The handle stays open for the life of the process.
    // SAFETY: the handle is valid and is never closed.
    let done = unsafe { SetStdHandle(STD_ERROR_HANDLE, file.into_raw_handle()) };
    if done == 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(())
    }
}
