//! Other processes of the machine, through the Win32 API.
#![allow(unsafe_code, reason = "calls of the Win32 API")]

use std::ffi::OsString;
use std::io;
use std::os::windows::ffi::OsStringExt as _;
use std::os::windows::io::{AsRawHandle as _, FromRawHandle as _, OwnedHandle};
use std::path::PathBuf;
use std::process::Child;
use std::time::Duration;

use windows_sys::Win32::Foundation::{HANDLE, INVALID_HANDLE_VALUE, WAIT_OBJECT_0, WAIT_TIMEOUT};
use windows_sys::Win32::System::Diagnostics::ToolHelp::{
    CreateToolhelp32Snapshot, PROCESSENTRY32W, Process32FirstW, Process32NextW, TH32CS_SNAPPROCESS,
    TH32CS_SNAPTHREAD, THREADENTRY32, Thread32First, Thread32Next,
};
use windows_sys::Win32::System::SystemInformation::GetTickCount64;
use windows_sys::Win32::System::Threading::{
    OpenMutexW, OpenProcess, OpenThread, PROCESS_NAME_WIN32, PROCESS_QUERY_LIMITED_INFORMATION,
    QueryFullProcessImageNameW, ReleaseMutex, ResumeThread, SYNCHRONIZATION_SYNCHRONIZE,
    THREAD_SUSPEND_RESUME, WaitForSingleObject,
};

/// The longest path of a program, in UTF-16 units. Source: 'Maximum Path Length Limitation'.
const MAX_PATH_UNITS: usize = 32_768;

/// How long the machine has been running.
pub(super) fn milliseconds_since_start() -> u64 {
    // SAFETY: takes nothing.
    unsafe { GetTickCount64() }
}

/// A text as the Win32 API takes it, with its NUL.
pub(super) fn wide(text: &str) -> Vec<u16> {
    text.encode_utf16().chain([0]).collect()
}

/// Takes over a handle that a function gave, where it gave one.
pub(super) fn owned(handle: HANDLE) -> io::Result<OwnedHandle> {
    if handle.is_null() || handle == INVALID_HANDLE_VALUE {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: a valid handle that nobody else closes.
    Ok(unsafe { OwnedHandle::from_raw_handle(handle) })
}

/// Waits for the end of a process; tells whether it came within the time.
pub(super) fn wait(child: &Child, time: Duration) -> bool {
    // u32::MAX would mean for ever.
    let milliseconds = u32::try_from(time.as_millis())
        .unwrap_or(u32::MAX)
        .min(u32::MAX - 1);
    // SAFETY: the handle lives as long as `child`.
    unsafe { WaitForSingleObject(child.as_raw_handle(), milliseconds) == WAIT_OBJECT_0 }
}

/// Whether somebody holds a mutex (not only keeps a handle to it).
pub(super) fn is_mutex_held(name: &str) -> bool {
    let name = wide(name);
    // SAFETY: `name` ends with a NUL and lives during the call.
    let mutex = unsafe { OpenMutexW(SYNCHRONIZATION_SYNCHRONIZE, 0, name.as_ptr()) };
    let Ok(mutex) = owned(mutex) else {
        return false;
    };
    // SAFETY: the handle is valid. Whatever is not a time-out gave the mutex to this thread, which
    // gives it back at once.
    unsafe {
        let held = WaitForSingleObject(mutex.as_raw_handle(), 0) == WAIT_TIMEOUT;
        if !held {
            ReleaseMutex(mutex.as_raw_handle());
        }
        held
    }
}

/// The processes whose program's file has this name, case ignored.
pub(super) fn named(file_name: &str) -> io::Result<Vec<u32>> {
    // SAFETY: takes no pointers.
    let snapshot = owned(unsafe { CreateToolhelp32Snapshot(TH32CS_SNAPPROCESS, 0) })?;
    let mut entry = PROCESSENTRY32W {
        dwSize: size_of::<PROCESSENTRY32W>() as u32,
        ..PROCESSENTRY32W::default()
    };
    let mut found = Vec::new();
    // SAFETY: `entry` has its size set and lives during the calls.
    let mut more = unsafe { Process32FirstW(snapshot.as_raw_handle(), &raw mut entry) };
    while more != 0 {
        let end = entry.szExeFile.iter().position(|unit| *unit == 0);
        let name = String::from_utf16_lossy(&entry.szExeFile[..end.unwrap_or_default()]);
        if name.to_lowercase() == file_name.to_lowercase() {
            found.push(entry.th32ProcessID);
        }
        // SAFETY: as above.
        more = unsafe { Process32NextW(snapshot.as_raw_handle(), &raw mut entry) };
    }
    Ok(found)
}

/// The full path of a process's program; `None` where the process is gone or closed to this user.
pub(super) fn image(process: u32) -> Option<PathBuf> {
    // SAFETY: takes no pointers.
    let handle = unsafe { OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, 0, process) };
    let handle = owned(handle).ok()?;
    let mut path = vec![0; MAX_PATH_UNITS];
    let mut length = MAX_PATH_UNITS as u32;
    // SAFETY: `path` has `length` units; both live during the call.
    let done = unsafe {
        QueryFullProcessImageNameW(
            handle.as_raw_handle(),
            PROCESS_NAME_WIN32,
            path.as_mut_ptr(),
            &raw mut length,
        )
    };
    (done != 0).then(|| OsString::from_wide(path.get(..length as usize).unwrap_or_default()).into())
}

/// Lets a process go on that was started suspended.
pub(super) fn resume(process: u32) -> io::Result<()> {
    // SAFETY: takes no pointers.
    let snapshot = owned(unsafe { CreateToolhelp32Snapshot(TH32CS_SNAPTHREAD, 0) })?;
    let mut entry = THREADENTRY32 {
        dwSize: size_of::<THREADENTRY32>() as u32,
        ..THREADENTRY32::default()
    };
    let mut resumed = false;
    // SAFETY: `entry` has its size set and lives during the calls.
    let mut more = unsafe { Thread32First(snapshot.as_raw_handle(), &raw mut entry) };
    while more != 0 {
        if entry.th32OwnerProcessID == process {
            // SAFETY: takes no pointers.
            let thread = unsafe { OpenThread(THREAD_SUSPEND_RESUME, 0, entry.th32ThreadID) };
            let thread = owned(thread)?;
            // SAFETY: the handle is valid and permits it.
            if unsafe { ResumeThread(thread.as_raw_handle()) } == u32::MAX {
                return Err(io::Error::last_os_error());
            }
            resumed = true;
        }
        // SAFETY: as above.
        more = unsafe { Thread32Next(snapshot.as_raw_handle(), &raw mut entry) };
    }
    if resumed {
        Ok(())
    } else {
        Err(io::Error::other("it has no thread"))
    }
}

#[cfg(test)]
mod tests {
    use windows_sys::Win32::System::Threading::CreateMutexW;

    use super::*;

    #[test]
    fn a_mutex_is_held_only_while_somebody_has_it() {
        let name = r"Global\Fleetmend test of mutexes";
        assert!(!is_mutex_held(name), "it is not there");
        let wide_name = wide(name);
        // SAFETY: the name ends with a NUL and lives during the call.
        let mutex =
            owned(unsafe { CreateMutexW(std::ptr::null(), 1, wide_name.as_ptr()) }).unwrap();
        // Whoever holds it may take it again: another thread must ask.
        let ask = || {
            std::thread::spawn(move || is_mutex_held(name))
                .join()
                .unwrap()
        };
        assert!(ask());
        // SAFETY: this thread holds it.
        assert_ne!(unsafe { ReleaseMutex(mutex.as_raw_handle()) }, 0);
        assert!(!ask(), "a handle alone does not hold it");
        assert!(!ask(), "asking does not take it");
    }

    #[test]
    fn this_process_is_found_by_its_name_and_its_program() {
        let program = std::env::current_exe().unwrap();
        let name = program
            .file_name()
            .unwrap()
            .to_str()
            .unwrap()
            .to_uppercase();
        let own = std::process::id();
        assert!(named(&name).unwrap().contains(&own));
        assert_eq!(named("no such program.exe").unwrap(), [0; 0]);
        let found = image(own).unwrap();
        assert_eq!(found.file_name(), program.file_name(), "{found:?}");
        assert_eq!(image(u32::MAX), None);
    }
}
