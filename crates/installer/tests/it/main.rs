//! Installers, whole ones and hostile ones.

mod hostile;
mod programs;
