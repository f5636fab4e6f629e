//! Opens files that somebody else put where they are.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::Path;

/// Opens a file for reading, if it is one. A pipe, a socket or a device under its name could keep whoever
/// opens or reads it for ever: what stands there is looked at before it is opened, and once more then, and
/// opening waits for nobody.
pub fn open(path: &Path) -> io::Result<File> {
    check(&fs::metadata(path)?)?;
    open_at_once(path)
}

fn open_at_once(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed());
    }
    let file = options.open(path)?;
    check(&file.metadata()?)?;
    Ok(file)
}

fn check(file: &fs::Metadata) -> io::Result<()> {
    if file.is_file() {
        Ok(())
    } else {
        Err(io::Error::other("it is no file"))
    }
}

#[cfg(test)]
mod tests {
    #[cfg(unix)]
    #[test]
    fn a_pipe_is_no_file_even_if_it_came_after_the_first_look() {
        use rustix::fs::{CWD, FileType, Mode, mknodat};

        use super::{open, open_at_once};

        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe.nupkg");
        mknodat(CWD, &pipe, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        for opened in [open(&pipe), open_at_once(&pipe), open(folder.path())] {
            assert_eq!(opened.unwrap_err().to_string(), "it is no file");
        }
        let file = folder.path().join("file.nupkg");
        std::fs::write(&file, "bytes").unwrap();
        open(&file).unwrap();
    }
}
