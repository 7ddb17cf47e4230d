//! What becomes of the commands of a round that are refused, and of those that are too much for one
//! commit.

use super::*;
use crate::limits::NOTICES_BYTES_MAX;
use crate::mailbox::notice;
use crate::pim::event::Meeting;
use crate::pim::notice::Notice;
use crate::pim::{Attendee, Event};

#[test]
fn what_was_refused_is_refused_alike_when_it_comes_again() {
    block_on(async {
        let f = Fixture::new(FolderId::INBOX).await;
        f.mail("a", 1).await;
        let phone = f.phone(1, Window::ALL).await;
        let (command, print, status) = (Command::Change(ItemId(77)), 5, 8);
        let mut round = f.round(&phone).await;
        assert_eq!(round.recorded(&command, print), Recorded::New);
        round.refuse(command.clone(), status, print);
        finish(round, 9).await.unwrap();
        // The answer is lost.
        let mut round = f.round(&phone).await;
        let Recorded::Same(outcome) = round.recorded(&command, print) else {
            panic!("it is not remembered");
        };
        assert_eq!((outcome.status, outcome.item), (status, None));
    });
}

/// A request that names one ClientId twice, found by fuzzing: the first of the two came again as an edit of
/// what the second had made.
#[test]
fn what_was_refused_stays_so_though_its_client_id_was_taken_afterwards() {
    block_on(async {
        let f = Fixture::new(FolderId::DRAFTS).await;
        let phone = f.phone(1, Window::ALL).await;
        let (command, refused, taken) = (add("c1"), 5, 6);
        let mut round = f.round(&phone).await;
        assert_eq!(round.recorded(&command, refused), Recorded::New);
        round.refuse(command.clone(), 183, refused);
        assert_eq!(round.recorded(&command, taken), Recorded::New);
        let record = Record::Message(mail("mine", NEW_YEAR_MS));
        let item = round.add("c1", &record, 1, taken).await.unwrap();
        let first = finish(round, 9).await.unwrap();
        // The answer is lost.
        let mut round = f.round(&phone).await;
        let outcome = |recorded| match recorded {
            Recorded::Same(outcome) => (outcome.status, outcome.item),
            other => panic!("{other:?}"),
        };
        assert_eq!(outcome(round.recorded(&command, refused)), (183, None));
        assert_eq!(outcome(round.recorded(&command, taken)), (1, Some(item)));
        assert_eq!(finish(round, 9).await.unwrap().key, first.key);
        // Something else under that name is an edit, and takes nothing of this back.
        let mut round = f.round(&phone).await;
        let Recorded::Differs(made) = round.recorded(&command, 7) else {
            panic!("it is new");
        };
        assert_eq!(made.item, Some(item));
        round.refuse(command.clone(), 6, 7);
        assert_eq!(outcome(round.recorded(&command, taken)), (1, Some(item)));
    });
}

/// A meeting, and as many messages about it as may be, each of so many bytes.
fn called(n: usize, notice_bytes: usize) -> (Record, Vec<Notice>) {
    let notice = |occurrence: i64| {
        let event = Event {
            uid: format!("m{n}"),
            location: "x".repeat(notice_bytes),
            attendees: vec![Attendee {
                email: "b@example.net".into(),
                ..Attendee::default()
            }],
            ..Event::default()
        };
        let meeting = Meeting {
            method: "REQUEST".into(),
            recurrence_id_ms: Some(occurrence),
            event,
        };
        Notice {
            meeting,
            to: vec![0],
        }
    };
    let most = i64::try_from(NOTICES_BYTES_MAX / notice_bytes).unwrap() - 1;
    let record = Record::Event(Event {
        uid: format!("m{n}"),
        ..Event::default()
    });
    (record, (0..most).map(notice).collect())
}

#[test]
fn messages_to_attendees_stand_in_the_commit_of_their_change_however_many_there_are() {
    for notice_bytes in [6_000, 40_000] {
        block_on(async {
            let f = Fixture::new(FolderId::CALENDAR).await;
            let phone = f.phone(1, Window::ALL).await;
            let mut round = f.round(&phone).await;
            let mut expect = 0;
            for n in 0..8 {
                let (record, notices) = called(n, notice_bytes);
                round.reserve(&notices).await.unwrap();
                let bytes = notices.iter().map(|n| notice::bytes(n).unwrap()).sum();
                assert!(round.tx.has_room_for(bytes), "{n}: beside what is spare");
                let client_id = format!("c{n}");
                round.add(&client_id, &record, 1, 7).await.unwrap();
                expect += notices.len();
                round.announce(notices).await.unwrap();
            }
            finish(round, 0).await.unwrap();
            let mut found = 0;
            let mut mark = None;
            loop {
                let (rows, next) = f.mailbox.notices(Some(f.scope), mark).await.unwrap();
                found += rows.len();
                mark = next;
                if mark.is_none() {
                    break;
                }
            }
            assert_eq!(found, expect, "of {notice_bytes} bytes");
        });
    }
}
