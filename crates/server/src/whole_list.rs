//! Lists as a whole, page by page: for commands, which show all that there is.

use fleetmend_store::{MAX_PAGE, Page, Paged};

/// All rows of a list, of which one page can be read.
pub(crate) async fn whole<T, E>(
    mut read: impl AsyncFnMut(&Page) -> Result<Paged<T>, E>,
) -> Result<Vec<T>, E> {
    let mut rows = Vec::new();
    let mut page = Page::first(MAX_PAGE);
    loop {
        let listed = read(&page).await?;
        rows.extend(listed.rows);
        let Some(next) = listed.next else {
            return Ok(rows);
        };
        page = Page::after(MAX_PAGE, next);
    }
}
