//! Keys of the search index: the items of a folder, newest first.

use super::{DateKey, Fields, Key, Kind, Scope, Span};

/// `x`: the words of an item that stands in its folder at this date (Unix milliseconds).
#[must_use]
pub fn words(scope: Scope, folder: u32, date_ms: i64, item: u32) -> Vec<u8> {
    let key = Key::scoped(Kind::Words, scope).u32(folder);
    key.i64(!date_ms).u32(!item).0
}

/// The words of all items of a folder, newest first.
#[must_use]
pub fn words_of(scope: Scope, folder: u32) -> Span {
    Span::prefix(Key::scoped(Kind::Words, scope).u32(folder).0)
}

/// The same of the items dated from the one to the other, both included.
#[must_use]
pub fn words_between(scope: Scope, folder: u32, from_ms: i64, to_ms: i64) -> Span {
    let from = words(scope, folder, to_ms, u32::MAX);
    Span {
        to: words(scope, folder, from_ms, 0),
        from,
    }
    .with_last()
}

/// The fields of an `x` key.
#[must_use]
pub fn parse_words(key: &[u8]) -> Option<DateKey> {
    let mut fields = Fields::of(key, Kind::Words)?;
    let parts = DateKey {
        scope: fields.scope()?,
        folder: fields.u32()?,
        date_ms: !fields.i64()?,
        item: !fields.u32()?,
    };
    fields.end().map(|()| parts)
}

impl Span {
    /// The span with the key at its end.
    fn with_last(mut self) -> Self {
        self.to.push(0);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: Scope = Scope(16);

    #[test]
    fn the_newest_comes_first() {
        let at = [
            (i64::MAX, 1),
            (9, 1),
            (5, 3),
            (5, 2),
            (0, 9),
            (-7, 1),
            (i64::MIN, 0),
        ];
        let keys = at.map(|(date_ms, item)| words(S, 2, date_ms, item));
        assert!(keys.is_sorted());
        for (key, (date_ms, item)) in keys.iter().zip(at) {
            let parsed = parse_words(key).unwrap();
            assert_eq!(
                (parsed.folder, parsed.date_ms, parsed.item),
                (2, date_ms, item)
            );
            let span = words_of(S, 2);
            assert!(span.from <= *key && *key < span.to);
        }
        assert_eq!(parse_words(&keys[0][..20]), None);
    }

    #[test]
    fn a_span_of_dates_holds_both_ends() {
        let span = words_between(S, 2, 5, 9);
        let holds = |date_ms, item| {
            let key = words(S, 2, date_ms, item);
            span.from <= key && key < span.to
        };
        assert!(holds(5, 0) && holds(5, u32::MAX) && holds(9, 0) && holds(9, u32::MAX));
        assert!(!holds(4, u32::MAX) && !holds(10, 0));
        let all = words_between(S, 2, i64::MIN, i64::MAX);
        assert!(all.from <= words(S, 2, i64::MAX, u32::MAX) && words(S, 2, i64::MIN, 0) < all.to);
    }
}
