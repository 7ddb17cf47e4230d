//! Find in the address list: the same people as Search finds.

use super::{DONE, GAL, Page, close, open, write_range};
use crate::eas::commands::search::gal;
use crate::eas::context::{Context, Reply};
use crate::eas::people::{self, photos};
use crate::eas::status::Failure;
use crate::wbxml::Writer;
use crate::wbxml::tags::find as tags;

/// A page of those whose names begin so.
///
/// # Errors
/// The store's.
pub(super) async fn answer(
    ctx: &Context<'_>,
    query: &str,
    page: Page,
    photos: Option<photos::Asked>,
) -> Result<Reply, Failure> {
    let found = gal::find(ctx, query).await?;
    let mut w = Writer::new();
    open(&mut w, GAL, DONE);
    let mut count = 0;
    let mut room = photos.map(photos::Room::new);
    for person in found.iter().skip(page.from).take(page.count) {
        w.open(tags::RESULT);
        w.open(tags::PROPERTIES);
        people::show(ctx, &mut w, person, &mut room).await?;
        w.close();
        w.close();
        count += 1;
    }
    if count > 0 {
        write_range(&mut w, page.from, count, found.len());
    }
    Ok(close(w, DONE).with_changes(count))
}
