//! The machines for which a script is explained. Facts that scripts ask for and that differ between
//! machines are answered from one of these; the analysis runs once for each that makes a difference.

/// A machine as scripts see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Profile {
    /// 32 or 64.
    pub(super) bits: i64,
    /// The build number of Windows 10, 11 or a server of their line.
    pub(super) build: u32,
    /// Whether tables are gone through from their end. .NET goes through them in an order of its
    /// own; what comes out must not depend on it.
    pub(super) reverses_tables: bool,
}

/// What most devices are, and what a recipe is made for first.
pub(super) const MAIN: Profile = Profile {
    bits: 64,
    build: 26_100,
    reverses_tables: false,
};

/// The last 32-bit Windows.
pub(super) const SMALL: Profile = Profile {
    bits: 32,
    build: 19_045,
    reverses_tables: false,
};

/// Older builds to try, newest first, where a script asks for the version: each that there was of
/// Windows 11, Server 2022 and Windows 10. Source: Microsoft's release information.
pub(super) const OLDER: [u32; 18] = [
    22_631, 22_621, 22_000, 20_348, 19_045, 19_044, 19_043, 19_042, 19_041, 18_363, 18_362, 17_763,
    17_134, 16_299, 15_063, 14_393, 10_586, 10_240,
];

/// The facts that a run asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) bits: bool,
    pub(super) build: bool,
    /// Went through a table.
    pub(super) order: bool,
}
