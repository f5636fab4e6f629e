//! How commands show the rows of a list.

use serde::Serialize;

/// In which form.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Output {
    /// A line a row, with tabs between its fields.
    #[default]
    Text,
    /// A JSON object a line, of the shape that the REST API gives.
    Json,
}

impl Output {
    /// The lines of rows.
    pub(crate) fn lines<R, B: Serialize>(
        self,
        rows: Vec<R>,
        body: impl FnMut(R) -> B,
        text: impl FnMut(R) -> String,
    ) -> anyhow::Result<Vec<String>> {
        let rows = rows.into_iter();
        match self {
            Self::Text => Ok(rows.map(text).collect()),
            Self::Json => {
                let lines = rows.map(body).map(|it| serde_json::to_string(&it));
                Ok(lines.collect::<Result<_, _>>()?)
            }
        }
    }
}
