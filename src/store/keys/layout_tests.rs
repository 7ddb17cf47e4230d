//! The bytes of every key. A store that was written once is read for ever: a line that has to be
//! changed here is a store that cannot be opened any more.

use super::*;
use std::fmt::Write as _;

const S: Scope = Scope(0x0102_0304_0506_0708);
/// Of an account, as every key of it begins, behind its kind.
const SCOPE: &str = "0102030405060708";

/// The kind as a letter, then the rest in hexadecimal.
fn written(key: &[u8]) -> String {
    let (kind, rest) = key.split_first().unwrap();
    rest.iter()
        .fold(char::from(*kind).to_string(), |mut text, b| {
            let _ = write!(text, "{b:02x}");
            text
        })
}

fn check(key: &[u8], kind: char, rest: &str) {
    let own = Kind::of(key).unwrap();
    assert_eq!(own as u8, kind as u8, "{own:?}");
    assert_eq!(written(key), format!("{kind}{rest}"), "{own:?}");
}

fn check_scoped(key: &[u8], kind: char, rest: &str) {
    check(key, kind, &format!("{SCOPE}{rest}"));
    assert_eq!(written(scope_prefix(key)), format!("{kind}{SCOPE}"));
}

#[test]
fn keys_of_an_account_stand_as_they_always_did() {
    check_scoped(&account(S), 'a', "");
    check_scoped(&person(S), 'p', "");
    check_scoped(&certificates(S), 'y', "");
    check_scoped(&counter(S, 2), 'c', "00000002");
    check_scoped(&folder(S, 0x11), 'f', "00000011");
    check_scoped(&item(S, 0x11, 0x21), 'i', "0000001100000021");
    check_scoped(
        &change(S, 0x11, 0x31, 0x21),
        'l',
        "00000011000000000000003100000021",
    );
    check_scoped(&change_prefix(S, 0x11), 'l', "00000011");
    assert_eq!(change_suffix(0x21), [0, 0, 0, 0x21]);
    check_scoped(
        &date(S, 0x11, 0x41, 0x21),
        'd',
        "00000011800000000000004100000021",
    );
    check_scoped(
        &date(S, 0x11, -1, 0x21),
        'd',
        "000000117fffffffffffffff00000021",
    );
    check_scoped(&device(S, 0x51), 'v', "00000051");
    check_scoped(&device_id(S, "Ab1"), 'w', "416231");
    check_scoped(&sync(S, 0x51, 0x11), 's', "0000005100000011");
    check_scoped(&sync_part(S, 0x51, 0x11, 0x61), 's', "00000051000000110061");
    check_scoped(&sent(S, 0x51, b"id"), 't', "000000516964");
    check_scoped(&delivered(S, &[0xab, 0xcd]), 'r', "abcd");
    check_scoped(&own(S, b"oof"), 'o', "6f6f66");
    check_scoped(
        &notice(S, &[0xab; 16]),
        'm',
        "abababababababababababababababab",
    );
    // The newest stands first, and of one moment the one that came last.
    check_scoped(
        &words(S, 0x11, 0x41, 0x21),
        'x',
        "000000117fffffffffffffbeffffffde",
    );
    check_scoped(&head(S), 'h', "");
}

#[test]
fn keys_of_the_appliance_stand_as_they_always_did() {
    let check_bare = |key: &[u8], kind: char, rest: &str| {
        check(key, kind, rest);
        assert_eq!(written(scope_prefix(key)), kind.to_string());
    };
    check_bare(&account_name("ann"), 'n', "616e6e");
    check_bare(&secret("tickets"), 'k', "7469636b657473");
    check_bare(&queue(0x41, 0x71), 'q', "80000000000000410000000000000071");
    assert_eq!(written(&commit_number()), "h");
}

#[test]
fn numbers_come_back_from_their_order() {
    for n in [i64::MIN, -1, 0, 1, 0x41, i64::MAX] {
        assert_eq!(unorder_i64(order_i64(n)), n);
    }
}
