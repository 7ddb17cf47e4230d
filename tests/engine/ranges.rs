//! Ranges: order, bounds, pages, downwards; and many questions at one moment.

use roost::store::{Answer, Engine, Error, Read, keys};

use crate::kit::{A, B, batch, items, range, value, wait};
use crate::suite;

suite!(
    rows_come_in_the_order_of_their_keys,
    dates_before_1970_come_first,
    a_page_says_that_there_is_more,
    pages_downwards_meet_the_pages_upwards,
    large_rows_end_a_page_early,
    a_range_stays_within_its_kind,
    an_empty_range_is_empty,
    all_questions_are_answered_in_order,
    keys_of_no_kind_are_refused,
);

fn fill(engine: &impl Engine, numbers: impl IntoIterator<Item = u32>) {
    let put = |b: crate::kit::Make, n| b.put(keys::item(A, 2, n), &n.to_be_bytes());
    numbers.into_iter().fold(batch(A), put).seq(engine);
}

fn rows_come_in_the_order_of_their_keys(engine: &impl Engine) {
    fill(engine, [300, 2, 70_000, 1, 255, 256]);
    batch(A)
        .put(keys::item(A, 1, 9), b"")
        .put(keys::item(A, 3, 9), b"")
        .seq(engine);
    batch(B).put(keys::item(B, 2, 9), b"").seq(engine);
    let span = keys::items(A, 2);
    let up = range(engine, span.read(100));
    assert_eq!(items(&up), [1, 2, 255, 256, 300, 70_000]);
    assert!(!up.more);
    let down = range(engine, span.read_reverse(100));
    assert_eq!(items(&down), [70_000, 300, 256, 255, 2, 1]);
}

fn dates_before_1970_come_first(engine: &impl Engine) {
    let dates = [5, -1, i64::MAX, 0, -86_400_000];
    let put = |b: crate::kit::Make, d: &i64| b.put(keys::date(A, 2, *d, 1), b"");
    dates.iter().fold(batch(A), put).seq(engine);
    let read = |span: keys::Span| {
        let rows = range(engine, span.read(9)).rows;
        let date = |row: &roost::store::Row| keys::parse_date(&row.key).unwrap().date_ms;
        rows.iter().map(date).collect::<Vec<_>>()
    };
    assert_eq!(read(keys::dates(A, 2)), [-86_400_000, -1, 0, 5, i64::MAX]);
    assert_eq!(read(keys::dates_since(A, 2, 0)), [0, 5, i64::MAX]);
}

fn a_page_says_that_there_is_more(engine: &impl Engine) {
    fill(engine, 0..10);
    let mut span = keys::items(A, 2);
    let mut pages = Vec::new();
    loop {
        let page = range(engine, span.read(4));
        pages.push(items(&page));
        let Some(last) = page.rows.last().filter(|_| page.more) else {
            break;
        };
        span = span.after(&last.key);
    }
    assert_eq!(pages, [vec![0, 1, 2, 3], vec![4, 5, 6, 7], vec![8, 9]]);
    assert!(!range(engine, keys::items(A, 2).read(10)).more);
    let none = range(engine, keys::items(A, 2).read(0));
    assert!(none.rows.is_empty() && none.more);
}

fn pages_downwards_meet_the_pages_upwards(engine: &impl Engine) {
    fill(engine, 0..10);
    let first = range(engine, keys::items(A, 2).read_reverse(4));
    assert_eq!((items(&first), first.more), (vec![9, 8, 7, 6], true));
    let rest = keys::items(A, 2).before(&first.rows[3].key);
    let rest = range(engine, rest.read_reverse(6));
    assert_eq!((items(&rest), rest.more), (vec![5, 4, 3, 2, 1, 0], false));
}

fn large_rows_end_a_page_early(engine: &impl Engine) {
    let large = vec![7; roost::limits::VALUE_BYTES_MAX];
    for n in 0..20 {
        batch(A).put(keys::item(A, 2, n), &large).seq(engine);
    }
    for read in [
        keys::items(A, 2).read(20),
        keys::items(A, 2).read_reverse(20),
    ] {
        let page = range(engine, read);
        assert!(page.more);
        assert_eq!(
            page.rows.len(),
            15,
            "16 of 64 KiB and their keys are above 1 MiB"
        );
        assert_eq!(page.rows[0].value(), large);
    }
}

fn a_range_stays_within_its_kind(engine: &impl Engine) {
    let folder = keys::folder(A, 2);
    batch(A)
        .put(folder.clone(), b"")
        .put(keys::item(A, 2, 1), b"")
        .seq(engine);
    for reverse in [false, true] {
        let all = Read::Range {
            from: &folder,
            to: b"zzz",
            limit: 9,
            reverse,
        };
        let rows = range(engine, all).rows;
        assert_eq!(rows.len(), 1);
        assert_eq!(&rows[0].key[..], folder);
    }
}

fn an_empty_range_is_empty(engine: &impl Engine) {
    fill(engine, 0..3);
    let (low, high) = (keys::item(A, 2, 1), keys::item(A, 2, 2));
    for (from, to) in [(&low, &low), (&high, &low), (&high, &Vec::new())] {
        let rows = range(
            engine,
            Read::Range {
                from,
                to,
                limit: 9,
                reverse: false,
            },
        );
        assert!(rows.rows.is_empty() && !rows.more);
    }
}

fn all_questions_are_answered_in_order(engine: &impl Engine) {
    fill(engine, 0..3);
    let (there, gone, span) = (keys::item(A, 2, 1), keys::item(A, 2, 9), keys::items(A, 2));
    let reads = [Read::Get(&gone), span.read(2), Read::Get(&there)];
    let answers = wait(engine.read(&reads)).unwrap();
    assert!(matches!(&answers[0], Answer::Row(None)));
    assert!(matches!(&answers[1], Answer::Rows(rows) if rows.rows.len() == 2 && rows.more));
    assert!(matches!(&answers[2], Answer::Row(Some(row)) if row.value() == 1_u32.to_be_bytes()));
    assert_eq!(value(engine, &there), Some(vec![0, 0, 0, 1]));
}

fn keys_of_no_kind_are_refused(engine: &impl Engine) {
    for key in [&b""[..], b"?", b"\xff"] {
        let get = wait(engine.read(&[Read::Get(key)]));
        assert!(matches!(get, Err(Error::Refused(_))));
        let all = Read::Range {
            from: key,
            to: b"z",
            limit: 9,
            reverse: false,
        };
        assert!(matches!(wait(engine.read(&[all])), Err(Error::Refused(_))));
    }
}
