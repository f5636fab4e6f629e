//! The statements: constant texts with names, registered so that a test can prepare every one.

/// One statement. The text is the same for both databases unless they need different words.
#[derive(Debug)]
pub struct Sql {
    /// The subject and the statement's name, for errors.
    pub name: &'static str,
    /// The text for SQLite.
    pub sqlite: &'static str,
    /// The text for PostgreSQL.
    pub postgres: &'static str,
}

/// Declares a file's statements and the list of them, `STATEMENTS`.
///
/// `NAME = "text";` is for both databases; `NAME = { sqlite: "…", postgres: "…" };` is the
/// exception. Placeholders are `$1`, `$2`, … in both. Several rows travel as one JSON text (see
/// [`crate::rows`]).
macro_rules! statements {
    ($(
        $(#[$doc:meta])*
        $name:ident = $text:tt;
    )+) => {
        $(
            $(#[$doc])*
            const $name: $crate::sql::Sql = $crate::sql::statements!(@one $name $text);
        )+
        /// Every statement of this file.
        pub(crate) const STATEMENTS: &[&$crate::sql::Sql] = &[$(&$name),+];
    };
    (@one $name:ident { sqlite: $sqlite:expr, postgres: $postgres:expr $(,)? }) => {
        $crate::sql::Sql {
            name: concat!(module_path!(), "::", stringify!($name)),
            sqlite: $sqlite,
            postgres: $postgres,
        }
    };
    (@one $name:ident ($text:expr)) => { $crate::sql::statements!(@both $name $text) };
    (@one $name:ident $text:literal) => { $crate::sql::statements!(@both $name $text) };
    (@both $name:ident $text:expr) => {
        $crate::sql::Sql {
            name: concat!(module_path!(), "::", stringify!($name)),
            sqlite: $text,
            postgres: $text,
        }
    };
}
pub(crate) use statements;
