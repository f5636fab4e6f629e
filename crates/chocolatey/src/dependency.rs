//! What a package depends on.

/// One dependency, as the feed or the nuspec writes it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Dependency {
    /// Package id.
    pub id: String,
    /// NuGet version range as written (`1.0`, `[1.0]`, `[1.0,2.0)`); `None`: any version.
    pub range: Option<String>,
    /// Target framework of its group; Chocolatey packages have none.
    pub target_framework: Option<String>,
}

/// Reads a feed's `d:Dependencies`: `id:range:framework` joined by `|`.
///
/// Parts without an id are left out: NuGet galleries write `::net45` for an empty framework group.
pub fn parse_list(text: &str) -> Vec<Dependency> {
    text.split('|')
        .filter_map(|part| {
            let mut fields = part.split(':').map(str::trim);
            let id = fields.next().filter(|id| !id.is_empty())?;
            let mut optional = || fields.next().filter(|it| !it.is_empty()).map(str::to_owned);
            Some(Dependency {
                id: id.to_owned(),
                range: optional(),
                target_framework: optional(),
            })
        })
        .collect()
}
