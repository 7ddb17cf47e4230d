//! How long a deletion is remembered.

use super::*;

/// Two devices of the account that have everything.
async fn two_phones(f: &Fixture) -> (Phone, Phone) {
    for number in [1, 2] {
        let id = format!("D{number}");
        let row = f.mailbox.get_or_add_device(f.scope, &id, "x", "y");
        assert_eq!(row.await.unwrap().number, DeviceNo(number));
    }
    (f.phone(1, Window::ALL).await, f.phone(2, Window::ALL).await)
}

/// Rows of the folder's change log.
async fn logged(f: &Fixture) -> usize {
    let span = crate::store::keys::changes(f.scope, f.folder.0);
    f.mailbox.range(span.read(99)).await.unwrap().rows.len()
}

#[test]
fn a_device_that_was_away_for_long_hears_of_deletions_nobody_remembers() {
    block_on(async {
        let f = Fixture::new(FolderId::INBOX).await;
        let (a, _) = (f.mail("a", 1).await, f.mail("b", 2).await);
        let (mut away, mut here) = two_phones(&f).await;
        f.remove(a).await;
        assert_eq!(f.sync(&mut here, 9).await, ["-a"]);
        f.mailbox.purge_all(f.scope).await.unwrap();
        assert_eq!(logged(&f).await, 2, "one device needs the tombstone still");
        let days = i64::from(crate::limits::TOMBSTONES_KEPT_DAYS) + 1;
        f.mailbox
            .clock()
            .advance(days * crate::mailbox::purge::DAY_MS);
        f.mailbox.purge_all(f.scope).await.unwrap();
        assert_eq!(logged(&f).await, 1);
        assert_eq!(f.watch(&away).await, Watched::Changed);
        assert_eq!(f.watch(&here).await, Watched::Unchanged);
        f.mail("c", 0).await;
        assert_eq!(f.sync(&mut away, 9).await, ["-a", "+c"]);
        assert_eq!(f.sync(&mut here, 9).await, ["+c"]);
    });
}

/// Nobody has to wait for it: what every device is past goes with the next purge.
#[test]
fn what_every_device_has_heard_of_is_forgotten() {
    block_on(async {
        let f = Fixture::new(FolderId::INBOX).await;
        let c = f.mail("c", 1).await;
        f.mail("d", 1).await;
        let (mut one, mut two) = two_phones(&f).await;
        f.remove(c).await;
        assert_eq!(f.sync(&mut one, 9).await, ["-c"]);
        f.mailbox.purge_all(f.scope).await.unwrap();
        assert_eq!(logged(&f).await, 2);
        assert_eq!(f.sync(&mut two, 9).await, ["-c"]);
        f.mailbox.purge_all(f.scope).await.unwrap();
        assert_eq!(logged(&f).await, 1);
    });
}
