//! A job object: a process with all that it starts. (Windows's word; a deploy job is another thing.)
#![allow(unsafe_code, reason = "calls of the Win32 API")]

use std::io;
use std::os::windows::io::{AsRawHandle as _, OwnedHandle};
use std::process::Child;

use windows_sys::Win32::Foundation::{ERROR_MORE_DATA, GetLastError};
use windows_sys::Win32::Security::SECURITY_ATTRIBUTES;
use windows_sys::Win32::System::JobObjects::{
    AssignProcessToJobObject, CreateJobObjectW, JobObjectBasicProcessIdList, OpenJobObjectW,
    QueryInformationJobObject, TerminateJobObject,
};

use super::processes::{owned, wide};

/// The right to ask for a job object's processes. Source: 'Job Object Security and Access Rights'.
const JOB_OBJECT_QUERY: u32 = 0x0004;
/// How many processes of a job object are looked at.
const MAX_PROCESSES: usize = 1024;
/// The exit code of processes that are stopped.
const STOPPED: u32 = 1;

/// A job object. It lives, with its name, as long as any process has a handle to it; every process
/// that an agent starts gets one, so a later life of the agent finds it by its name. It does not
/// kill its processes when it ends: an agent that dies must not kill installers.
pub(super) struct JobObject(OwnedHandle);

impl JobObject {
    /// Makes a job object, or opens that of an earlier start from which something still runs. Its
    /// name must be one that other users cannot guess: who makes it first owns it.
    pub(super) fn new(name: &str) -> io::Result<Self> {
        let name = wide(name);
        let attributes = SECURITY_ATTRIBUTES {
            nLength: size_of::<SECURITY_ATTRIBUTES>() as u32,
            lpSecurityDescriptor: std::ptr::null_mut(),
            bInheritHandle: 1,
        };
        // SAFETY: both pointers live during the call, the name ends with a NUL.
        let handle = unsafe { CreateJobObjectW(&raw const attributes, name.as_ptr()) };
        owned(handle).map(Self)
    }

    /// The job object of this name, where there is one.
    pub(super) fn open(name: &str) -> Option<Self> {
        let name = wide(name);
        // SAFETY: the name ends with a NUL and lives during the call.
        owned(unsafe { OpenJobObjectW(JOB_OBJECT_QUERY, 0, name.as_ptr()) })
            .ok()
            .map(Self)
    }

    /// Puts a process in, with all that it will start.
    pub(super) fn assign(&self, child: &Child) -> io::Result<()> {
        // SAFETY: both handles are valid.
        check(unsafe { AssignProcessToJobObject(self.0.as_raw_handle(), child.as_raw_handle()) })
    }

    /// Ends all processes in it.
    pub(super) fn terminate(&self) -> io::Result<()> {
        // SAFETY: the handle is valid.
        check(unsafe { TerminateJobObject(self.0.as_raw_handle(), STOPPED) })
    }

    /// The ids of the processes in it that run.
    pub(super) fn processes(&self) -> io::Result<Vec<u32>> {
        // Two counts of 32 bits, then ids as wide as a pointer.
        // Source: `JOBOBJECT_BASIC_PROCESS_ID_LIST`.
        let counts = size_of::<u64>() / size_of::<usize>();
        let mut list = vec![0_usize; counts + MAX_PROCESSES];
        // SAFETY: `list` is aligned for the structure, and its length in bytes is told.
        let done = unsafe {
            QueryInformationJobObject(
                self.0.as_raw_handle(),
                JobObjectBasicProcessIdList,
                list.as_mut_ptr().cast(),
                size_of_val(list.as_slice()) as u32,
                std::ptr::null_mut(),
            )
        };
        // SAFETY: asks for this thread's last error.
        if done == 0 && unsafe { GetLastError() } != ERROR_MORE_DATA {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the vector has at least two 32-bit numbers, and is aligned for them.
        let in_list = unsafe { *list.as_ptr().cast::<u32>().add(1) } as usize;
        Ok(list[counts..]
            .iter()
            .take(in_list)
            .map(|id| *id as u32)
            .collect())
    }
}

fn check(done: i32) -> io::Result<()> {
    if done == 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(())
    }
}
