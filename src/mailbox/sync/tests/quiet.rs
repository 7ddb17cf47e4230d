//! Where a look at the head of a state is enough. That it never says so wrongly, every request of these
//! tests finds out ([`Fixture::ask`]).

use super::*;
use crate::mailbox::Fault;

impl Fixture {
    pub(super) async fn quiet(&self, phone: &Phone) -> Option<Quiet> {
        let device = DeviceNo(phone.number);
        let quiet = self.mailbox.quiet(self.scope, device, self.folder);
        quiet.await.unwrap()
    }
}

#[test]
fn a_state_is_quiet_when_all_is_told_and_until_something_happens() {
    block_on(async {
        let f = Fixture::new(FolderId::INBOX).await;
        f.mail("one", 1).await;
        let mut phone = Phone::new(1);
        assert_eq!(f.quiet(&phone).await, None, "there is no state");
        f.sync(&mut phone, 0).await;
        assert_eq!(f.quiet(&phone).await, None, "there is a mail to tell");
        let mut round = f.round(&phone).await;
        round.set_options(b"options".to_vec()).unwrap();
        let answer = finish(round, 100).await.unwrap();
        phone.take(answer.key, &answer.changes);
        let quiet = |key| Quiet {
            key,
            options: b"options".to_vec(),
            window: Window::ALL,
        };
        assert_eq!(f.quiet(&phone).await, Some(quiet(phone.key)));
        let two = f.mail("two", 0).await;
        assert_eq!(f.quiet(&phone).await, None);
        assert_eq!(f.sync(&mut phone, 100).await, ["+two"]);
        assert_eq!(f.quiet(&phone).await, Some(quiet(phone.key)));
        f.remove(two).await;
        assert_eq!(f.quiet(&phone).await, None);
        f.sync(&mut phone, 100).await;
        // A narrower window takes back what is out of it, in as many answers as it likes.
        f.mail("old", 20).await;
        f.sync(&mut phone, 100).await;
        let narrow = Window::since(NEW_YEAR_MS - 3 * crate::mailbox::purge::DAY_MS);
        let answer = f.ask(&phone, Some(narrow), 0).await;
        phone.take(answer.key, &answer.changes);
        assert_eq!(f.quiet(&phone).await, None);
        assert_eq!(f.sync(&mut phone, 100).await, ["~old"]);
        assert_eq!(f.quiet(&phone).await.unwrap().window, narrow);
    });
}

/// The next program may be able to write what this one could not, so it has to be looked at.
#[test]
fn a_state_with_broken_items_is_never_quiet() {
    block_on(async {
        let f = Fixture::new(FolderId::INBOX).await;
        let item = f.mail("one", 1).await;
        let mut phone = f.phone(1, Window::ALL).await;
        assert!(f.quiet(&phone).await.is_some());
        let mut round = f.round(&phone).await;
        round.set_broken(&f.row(item).await, Fault::Damaged);
        let answer = finish(round, 100).await.unwrap();
        phone.take(answer.key, &answer.changes);
        assert_eq!(f.sync(&mut phone, 100).await, Vec::<String>::new());
        assert_eq!(f.quiet(&phone).await, None);
    });
}
