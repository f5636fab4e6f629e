//! Who the agent is, and owners and entries of files and folders, through the Win32 API.
#![allow(unsafe_code, reason = "calls of the Win32 API")]

use std::ffi::c_void;
use std::io;
use std::os::windows::ffi::OsStrExt as _;
use std::os::windows::io::{AsRawHandle as _, OwnedHandle};
use std::path::Path;
use std::ptr::{null, null_mut};

use windows_sys::Win32::Foundation::LocalFree;
use windows_sys::Win32::Security::Authorization::{
    ConvertSecurityDescriptorToStringSecurityDescriptorW, ConvertSidToStringSidW,
    ConvertStringSecurityDescriptorToSecurityDescriptorW, GetNamedSecurityInfoW, SDDL_REVISION_1,
    SE_FILE_OBJECT, SetNamedSecurityInfoW,
};
use windows_sys::Win32::Security::{
    ACL, DACL_SECURITY_INFORMATION, GetSecurityDescriptorDacl, GetSecurityDescriptorOwner,
    GetTokenInformation, OWNER_SECURITY_INFORMATION, PROTECTED_DACL_SECURITY_INFORMATION, PSID,
    SECURITY_ATTRIBUTES, SetTokenInformation, TOKEN_ADJUST_DEFAULT, TOKEN_ELEVATION, TOKEN_OWNER,
    TOKEN_QUERY, TOKEN_USER, TokenElevation, TokenOwner, TokenUser,
};
use windows_sys::Win32::Storage::FileSystem::CreateDirectoryW;
use windows_sys::Win32::System::Threading::{GetCurrentProcess, OpenProcessToken};

use super::processes::{owned, wide};

/// Space for a user's SID with what stands around it, in 8-byte words. A SID has at most 68 bytes.
const USER_WORDS: usize = 16;
/// The longest SID as text, in UTF-16 units.
const MAX_SID_TEXT: usize = 184;

/// Whether this process has an administrator's rights in full.
pub(super) fn is_elevated() -> bool {
    let Ok(token) = token(TOKEN_QUERY) else {
        return false;
    };
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

/// Makes what this process makes from now on the administrators' own, as Windows does for most
/// programs with an administrator's rights: what a user owns, he can open to himself.
pub(super) fn own_as_administrators() -> io::Result<()> {
    let token = token(TOKEN_ADJUST_DEFAULT)?;
    let administrators = Description::new("O:BA")?;
    let owner = TOKEN_OWNER {
        Owner: administrators.owner(),
    };
    // SAFETY: the structure's size is told; it and the SID in it live during the call.
    let done = unsafe {
        SetTokenInformation(
            token.as_raw_handle(),
            TokenOwner,
            (&raw const owner).cast(),
            size_of::<TOKEN_OWNER>() as u32,
        )
    };
    if done == 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(())
    }
}

/// Makes a folder with the owner and the entries of a description.
pub(super) fn create_folder(dir: &Path, description: &str) -> io::Result<()> {
    let path = path(dir);
    let description = Description::new(description)?;
    let attributes = SECURITY_ATTRIBUTES {
        nLength: size_of::<SECURITY_ATTRIBUTES>() as u32,
        lpSecurityDescriptor: description.0,
        bInheritHandle: 0,
    };
    // SAFETY: the path ends with a NUL; it and the descriptor live during the call.
    if unsafe { CreateDirectoryW(path.as_ptr(), &raw const attributes) } == 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(())
    }
}

/// Replaces the entries of a file or folder, and its owner where the description has one. Nothing
/// is taken over from the folder above.
pub(super) fn apply(to: &Path, description: &str) -> io::Result<()> {
    let path = path(to);
    let description = Description::new(description)?;
    let owner = description.owner();
    let with_owner = if owner.is_null() {
        0
    } else {
        OWNER_SECURITY_INFORMATION
    };
    // SAFETY: all pointers live during the call: those to the owner and the entries point into
    // `description`.
    let code = unsafe {
        SetNamedSecurityInfoW(
            path.as_ptr(),
            SE_FILE_OBJECT,
            DACL_SECURITY_INFORMATION | PROTECTED_DACL_SECURITY_INFORMATION | with_owner,
            owner,
            null_mut(),
            description.entries(),
            null(),
        )
    };
    done(code)
}

/// The owner and the entries of a file or folder, as text.
pub(super) fn describe(what: &Path) -> io::Result<String> {
    let path = path(what);
    let wanted = OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION;
    let mut descriptor = null_mut();
    // SAFETY: the path ends with a NUL, all pointers live during the call.
    let code = unsafe {
        GetNamedSecurityInfoW(
            path.as_ptr(),
            SE_FILE_OBJECT,
            wanted,
            null_mut(),
            null_mut(),
            null_mut(),
            null_mut(),
            &raw mut descriptor,
        )
    };
    done(code)?;
    let descriptor = Description(descriptor);
    let (mut text, mut length) = (null_mut(), 0);
    // SAFETY: the descriptor is valid; on success the text has that many units, its NUL among them,
    // and is given back once.
    unsafe {
        if ConvertSecurityDescriptorToStringSecurityDescriptorW(
            descriptor.0,
            SDDL_REVISION_1,
            wanted,
            &raw mut text,
            &raw mut length,
        ) == 0
        {
            return Err(io::Error::last_os_error());
        }
        let units = std::slice::from_raw_parts(text, length as usize);
        let described = String::from_utf16_lossy(units);
        LocalFree(text.cast());
        Ok(described.trim_end_matches('\0').to_owned())
    }
}

fn path(path: &Path) -> Vec<u16> {
    path.as_os_str().encode_wide().chain([0]).collect()
}

fn done(code: u32) -> io::Result<()> {
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

impl Description {
    /// Its owner's SID; null where it names none. It lives as long as this.
    fn owner(&self) -> PSID {
        let (mut owner, mut defaulted) = (null_mut(), 0);
        // SAFETY: the descriptor is valid, both pointers live during the call.
        unsafe { GetSecurityDescriptorOwner(self.0, &raw mut owner, &raw mut defaulted) };
        owner
    }

    /// Its entries; null where it has none. They live as long as this.
    fn entries(&self) -> *mut ACL {
        let (mut present, mut dacl, mut defaulted) = (0, null_mut(), 0);
        // SAFETY: the descriptor is valid, all pointers live during the call.
        unsafe {
            GetSecurityDescriptorDacl(self.0, &raw mut present, &raw mut dacl, &raw mut defaulted);
        }
        dacl
    }
}

impl Drop for Description {
    fn drop(&mut self) {
        // SAFETY: made by a function whose memory is given back so; nobody else does.
        unsafe { LocalFree(self.0) };
    }
}

fn token(access: u32) -> io::Result<OwnedHandle> {
    let mut token = null_mut();
    // SAFETY: the pointer lives during the call; the process's own handle needs no closing.
    if unsafe { OpenProcessToken(GetCurrentProcess(), access, &raw mut token) } == 0 {
        return Err(io::Error::last_os_error());
    }
    owned(token)
}

/// The current user's SID as text.
pub(super) fn current_user() -> io::Result<String> {
    let token = token(TOKEN_QUERY)?;
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
    fn the_current_user_has_a_sid() {
        let sid = current_user().unwrap();
        assert!(sid.starts_with("S-1-5-"), "{sid}");
    }
}
