//! Version texts as the systems that write them order them: Chocolatey (NuGet), Debian, RPM and the
//! free-form `DisplayVersion` of Windows' installed programs. Pure: text in, order out.

pub mod debian;
mod digits;
pub mod display;
pub mod fix_date;
pub mod nuget;
pub mod rpm;
