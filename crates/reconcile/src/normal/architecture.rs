//! The architecture that a name states.

/// What a program is built for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Architecture {
    /// 32-bit x86.
    X86,
    /// 64-bit x86.
    X64,
    /// 64-bit Arm.
    Arm64,
}

/// What the pieces of a name state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Stated {
    #[default]
    Nothing,
    One(Architecture),
    /// Several, or one of which nothing follows.
    Other,
}

impl Stated {
    /// Takes in a piece that names an architecture, or half of `64 bit`.
    pub(super) fn add(&mut self, piece: &str) {
        let said = match piece {
            "bit" | "bits" | "win" => return,
            piece => of_piece(piece).map_or(Self::Other, Self::One),
        };
        *self = match *self {
            Self::Nothing => said,
            it if it == said => said,
            _ => Self::Other,
        };
    }

    pub(super) fn is_any(self) -> bool {
        self != Self::Nothing
    }

    pub(super) fn one(self) -> Option<Architecture> {
        match self {
            Self::One(it) => Some(it),
            Self::Nothing | Self::Other => None,
        }
    }
}

/// A piece that names one architecture and nothing else, or a width.
fn of_piece(piece: &str) -> Option<Architecture> {
    match piece {
        "x86" | "x32" | "i386" | "i586" | "i686" | "386" | "32" | "32bit" | "32bits" | "32-bit"
        | "32-bits" | "win32" | "w32" => Some(Architecture::X86),
        "x64" | "amd64" | "x86_64" | "x86-64" | "64" | "64bit" | "64bits" | "64-bit"
        | "64-bits" | "64-bit-version" | "win64" | "w64" => Some(Architecture::X64),
        "arm64" | "aarch64" => Some(Architecture::Arm64),
        _ => None,
    }
}
