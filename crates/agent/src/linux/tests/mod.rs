//! The Linux platform against real APT: in Debian roots of the tests' own, and on this machine's
//! own lists without changing it.

mod device;
mod scan;
mod upgrade;
