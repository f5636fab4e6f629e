//! Installers, whole ones and hostile ones. The programs that they are built with run on Unix alone.
#![cfg(unix)]

mod hostile;
mod programs;
