//! Who the agent is and who may read its folder, through the Win32 API.
#![allow(unsafe_code, reason = "calls of the Win32 API")]

use std::ffi::c_void;
use std::io;
use std::os::windows::ffi::OsStrExt as _;
use std::os::windows::io::{AsRawHandle as _, OwnedHandle};
use std::path::Path;
use std::ptr::{null, null_mut};

use anyhow::Context as _;
use windows_sys::Win32::Foundation::LocalFree;
use windows_sys::Win32::Security::Authorization::{
    ConvertSidToStringSidW, ConvertStringSecurityDescriptorToSecurityDescriptorW, SDDL_REVISION_1,
    SE_FILE_OBJECT, SetNamedSecurityInfoW,
};
use windows_sys::Win32::Security::{
    ACL, DACL_SECURITY_INFORMATION, GetSecurityDescriptorDacl, GetSecurityDescriptorOwner,
    GetTokenInformation, OWNER_SECURITY_INFORMATION, PROTECTED_DACL_SECURITY_INFORMATION,
    TOKEN_ELEVATION, TOKEN_QUERY, TOKEN_USER, TokenElevation, TokenUser,
};
use windows_sys::Win32::System::Threading::{GetCurrentProcess, OpenProcessToken};

use super::processes::{owned, wide};

/// Space for a user's SID with what stands around it, in 8-byte words. A SID has at most 68 bytes.
const USER_WORDS: usize = 16;
/// The longest SID as text, in UTF-16 units.
const MAX_SID_TEXT: usize = 184;

/// Whether this process has an administrator's rights in full.
pub(super) fn is_elevated() -> bool {
    let Ok(token) = token() else { return false };
    let mut elevation = TOKEN_ELEVATION::default();
    let mut length = 0;
    // SAFETY: the structure's size is told, all pointers live during the call.
    let done = unsafe {
        GetTokenInformation(
            token.as_raw_handle(),
            TokenElevation,
            (&raw mut elevation).cast(),
            size_of::<TOKEN_ELEVATION>() as u32,
            &raw mut length,
        )
    };
    done != 0 && elevation.TokenIsElevated != 0
}

/// Lets only the system, administrators and the agent's own user into a folder. With an
/// administrator's rights the folder is made the administrators' own as well: somebody else may
/// have made it before, and an owner can always let himself in.
pub fn protect(dir: &Path) -> anyhow::Result<()> {
    let user = current_user().context("cannot tell the current user")?;
    // SY: the system; BA: administrators; FA: full access; OICI: what is in the folder as well.
    let entries = format!("D:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;FA;;;{user})");
    if is_elevated() {
        apply(dir, &format!("O:BA{entries}"), OWNER_SECURITY_INFORMATION)?;
    } else {
        apply(dir, &entries, 0)?;
    }
    Ok(())
}

fn apply(dir: &Path, description: &str, also: u32) -> io::Result<()> {
    let path: Vec<u16> = dir.as_os_str().encode_wide().chain([0]).collect();
    let description = Description::new(description)?;
    let (mut owner, mut dacl): (_, *mut ACL) = (null_mut(), null_mut());
    let (mut present, mut defaulted) = (0, 0);
    // SAFETY: all pointers live during the calls; what the first two give points into
    // `description`, which outlives the third.
    let code = unsafe {
        GetSecurityDescriptorOwner(description.0, &raw mut owner, &raw mut defaulted);
        GetSecurityDescriptorDacl(
            description.0,
            &raw mut present,
            &raw mut dacl,
            &raw mut defaulted,
        );
        SetNamedSecurityInfoW(
            path.as_ptr(),
            SE_FILE_OBJECT,
            DACL_SECURITY_INFORMATION | PROTECTED_DACL_SECURITY_INFORMATION | also,
            owner,
            null_mut(),
            dacl,
            null(),
        )
    };
    if code == 0 {
        Ok(())
    } else {
        Err(io::Error::from_raw_os_error(code.cast_signed()))
    }
}

/// A security descriptor; on drop its memory is given back.
struct Description(*mut c_void);

impl Description {
    /// Reads the security descriptor definition language.
    fn new(text: &str) -> io::Result<Self> {
        let text = wide(text);
        let mut descriptor = null_mut();
        // SAFETY: the text ends with a NUL, both pointers live during the call.
        let done = unsafe {
            ConvertStringSecurityDescriptorToSecurityDescriptorW(
                text.as_ptr(),
                SDDL_REVISION_1,
                &raw mut descriptor,
                null_mut(),
            )
        };
        if done == 0 {
            Err(io::Error::last_os_error())
        } else {
            Ok(Self(descriptor))
        }
    }
}

impl Drop for Description {
    fn drop(&mut self) {
        // SAFETY: made by a function whose memory is given back so; nobody else does.
        unsafe { LocalFree(self.0) };
    }
}

fn token() -> io::Result<OwnedHandle> {
    let mut token = null_mut();
    // SAFETY: the pointer lives during the call; the process's own handle needs no closing.
    if unsafe { OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &raw mut token) } == 0 {
        return Err(io::Error::last_os_error());
    }
    owned(token)
}

/// The current user's SID as text.
fn current_user() -> io::Result<String> {
    let token = token()?;
    let mut space = [0_u64; USER_WORDS];
    let mut length = 0;
    // SAFETY: the space's size is told, all pointers live during the call.
    let done = unsafe {
        GetTokenInformation(
            token.as_raw_handle(),
            TokenUser,
            space.as_mut_ptr().cast(),
            size_of_val(&space) as u32,
            &raw mut length,
        )
    };
    if done == 0 {
        return Err(io::Error::last_os_error());
    }
    let mut text = null_mut();
    // SAFETY: on success the space begins with this structure, whose SID lies in the space as well;
    // the text ends with a NUL and is given back once.
    unsafe {
        let sid = (*space.as_ptr().cast::<TOKEN_USER>()).User.Sid;
        if ConvertSidToStringSidW(sid, &raw mut text) == 0 {
            return Err(io::Error::last_os_error());
        }
        let length = (0..MAX_SID_TEXT)
            .take_while(|at| *text.add(*at) != 0)
            .count();
        let sid = String::from_utf16_lossy(std::slice::from_raw_parts(text, length));
        LocalFree(text.cast());
        Ok(sid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_protected_folder_is_open_to_the_agent_itself() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("before"), "x").unwrap();
        protect(folder.path()).unwrap();
        protect(folder.path()).unwrap();
        std::fs::write(folder.path().join("after"), "x").unwrap();
        assert_eq!(
            std::fs::read_to_string(folder.path().join("before")).unwrap(),
            "x"
        );
        let absent = folder.path().join("absent");
        assert!(protect(&absent).is_err());
    }

    #[test]
    fn the_current_user_has_a_sid() {
        let sid = current_user().unwrap();
        assert!(sid.starts_with("S-1-5-"), "{sid}");
    }
}
