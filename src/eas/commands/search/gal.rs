//! The address list ([MS-ASCMD] 2.2.3.178, Store "GAL").

use crate::eas::commands::search::{DONE, close, open};
use crate::eas::context::{Context, Reply};
use crate::eas::people::photos::{Asked, Room};
use crate::eas::people::{self, Names};
use crate::eas::status::Failure;
use crate::mailbox::Person;
use crate::wbxml::Writer;
use crate::wbxml::tags::search as tags;

/// The people of whom some name begins with `query`, by display name.
///
/// # Errors
/// The store's.
pub async fn find(ctx: &Context<'_>, query: &str) -> Result<Vec<Person>, Failure> {
    let query = query.to_lowercase();
    people::list(ctx, |a, d| Names::of(a, d).begin_with(&query)).await
}

/// An answer with `count` of them from the `from`th on, with photos where they are asked for.
///
/// # Errors
/// The store's.
pub async fn write(
    ctx: &Context<'_>,
    found: &[Person],
    from: usize,
    count: usize,
    photos: Option<Asked>,
) -> Result<Reply, Failure> {
    let mut w = Writer::new();
    open(&mut w, DONE);
    let page: Vec<_> = found.iter().skip(from).take(count).collect();
    let mut room = photos.map(Room::new);
    for person in &page {
        w.open(tags::RESULT);
        w.open(tags::PROPERTIES);
        people::show(ctx, &mut w, person, &mut room).await?;
        w.close();
        w.close();
    }
    if page.is_empty() {
        w.empty(tags::RESULT);
    } else {
        let last = from + page.len() - 1;
        w.text(tags::RANGE, &format!("{from}-{last}"));
        w.num(tags::TOTAL, i64::try_from(found.len()).unwrap_or(i64::MAX));
    }
    Ok(close(w, DONE).with_changes(page.len()))
}
