//! Meetings between an organizer and an attendee of all versions, here and elsewhere: the states on
//! both sides, and one mail each way.

mod arriving;
mod forwarding;
mod once;
mod stage;

use crate::pim::{Event, Exception};
use stage::{HOUR_MS, START_MS, Said, Side, Stage, THIRD_MS, house};

/// All pairs of which at least one is here.
fn pairs() -> impl Iterator<Item = (Side, Side)> {
    let all = Side::ALL.into_iter();
    let all = all.flat_map(|one| Side::ALL.into_iter().map(move |other| (one, other)));
    all.filter(|pair| *pair != (Side::Elsewhere, Side::Elsewhere))
}

/// Status, answer and busy status.
fn state(event: &Event) -> (u8, u8, u8) {
    (event.meeting_status, event.response, event.busy)
}

const ASKED: (u8, u8, u8) = (3, 5, 1);
const OVER: (u8, u8) = (7, 0);

fn answered(said: Said) -> (u8, u8, u8) {
    match said {
        Said::Accept => (3, 3, 2),
        Said::Tentative | Said::Counter => (3, 2, 1),
        Said::Decline => unreachable!(),
    }
}

const REQUEST: &str = "IPM.Schedule.Meeting.Request";
const CANCELED: &str = "IPM.Schedule.Meeting.Canceled";

impl Stage<'_> {
    fn later(&self) {
        self.house.clock.advance(60_000);
    }

    /// What the attendee sees, if it is somebody here.
    fn check_attendee(&self, side: Side, what: &str, mails: &[&str], expect: Option<(u8, u8, u8)>) {
        assert_eq!(self.attendee_got(), mails, "{what}");
        if side != Side::Elsewhere {
            let has = self.attendee_has();
            assert_eq!(has.as_ref().map(state), expect, "{what}");
        }
    }

    fn check_organizer(&self, side: Side, what: &str, mails: &[&str], status: u8) {
        assert_eq!(self.organizer_got(), mails, "{what}");
        if side != Side::Elsewhere {
            let has = self.organizer_has().unwrap();
            assert_eq!(has.attendees[0].status, status, "{what}");
            assert_eq!(has.organizer_email, "alice@example.org", "{what}");
        }
    }
}

#[test]
fn a_meeting_is_called_answered_moved_answered_again_and_cancelled() {
    for (pair, said) in pairs().flat_map(|p| Said::ALL.map(|s| (p, s))) {
        let (organizer, attendee) = pair;
        for is_series in [false, true] {
            let what = format!("{organizer:?} asks {attendee:?}: {said:?}, series {is_series}");
            let (house, trap) = house();
            let mut stage = Stage::new(&house, &trap, pair, is_series);
            stage.create();
            stage.check_attendee(attendee, &what, &[REQUEST], Some(ASKED));
            stage.later();
            stage.answer(said);
            let now = (said != Said::Decline).then(|| answered(said));
            stage.check_attendee(attendee, &what, &[REQUEST], now);
            let status = said.answer().number();
            stage.check_organizer(organizer, &what, &[said.class()], status);
            stage.later();
            stage.postpone();
            stage.check_attendee(attendee, &what, &[REQUEST, REQUEST], Some(ASKED));
            if attendee != Side::Elsewhere {
                let has = stage.attendee_has().unwrap();
                assert_eq!(has.start_ms, START_MS + HOUR_MS, "{what}");
                assert_eq!(has.recurrence.is_some(), is_series, "{what}");
            }
            stage.later();
            stage.answer(Said::Accept);
            stage.check_attendee(
                attendee,
                &what,
                &[REQUEST, REQUEST],
                Some(answered(Said::Accept)),
            );
            let got = [said.class(), Said::Accept.class()];
            stage.check_organizer(organizer, &what, &got, 3);
            stage.later();
            stage.delete();
            let mails = [REQUEST, REQUEST, CANCELED];
            assert_eq!(stage.attendee_got(), mails, "{what}");
            if attendee != Side::Elsewhere {
                let has = stage.attendee_has().unwrap();
                assert_eq!((has.meeting_status, has.busy), OVER, "{what}");
            }
            assert_eq!(stage.organizer_got(), got, "{what}");
        }
    }
}

#[test]
fn one_occurrence_is_moved_answered_and_cancelled() {
    for (pair, said) in pairs().flat_map(|p| Said::ALL.map(|s| (p, s))) {
        let (organizer, attendee) = pair;
        let what = format!("{organizer:?} asks {attendee:?}: {said:?}");
        let (house, trap) = house();
        let mut stage = Stage::new(&house, &trap, pair, true);
        stage.create();
        stage.later();
        stage.answer(Said::Accept);
        stage.later();
        stage.postpone_one();
        let accepted = Some(answered(Said::Accept));
        stage.check_attendee(attendee, &what, &[REQUEST, REQUEST], accepted);
        let third = |event: Option<Event>| -> Exception {
            let event = event.unwrap();
            let mut all = event.exceptions.into_iter();
            all.find(|x| x.original_ms == THIRD_MS).unwrap()
        };
        if attendee != Side::Elsewhere {
            let x = third(stage.attendee_has());
            assert_eq!(x.start_ms, Some(THIRD_MS + HOUR_MS), "{what}");
            assert_eq!((x.response, x.busy), (Some(5), Some(1)), "{what}");
        }
        stage.later();
        stage.answer(said);
        if attendee != Side::Elsewhere {
            let x = third(stage.attendee_has());
            assert_eq!(x.deleted, said == Said::Decline, "{what}");
            if !x.deleted {
                let (_, response, busy) = answered(said);
                assert_eq!((x.response, x.busy), (Some(response), Some(busy)), "{what}");
            }
        }
        // The answer to the whole stands, that to the one beside it.
        let got = [Said::Accept.class(), said.class()];
        stage.check_organizer(organizer, &what, &got, 3);
        if organizer != Side::Elsewhere {
            let own = third(stage.organizer_has()).attendees.unwrap();
            assert_eq!(own[0].status, said.answer().number(), "{what}");
        }
        stage.later();
        stage.delete_one();
        let mails = [REQUEST, REQUEST, CANCELED];
        stage.check_attendee(attendee, &what, &mails, accepted);
        if attendee != Side::Elsewhere {
            assert!(third(stage.attendee_has()).deleted, "{what}");
        }
        assert_eq!(stage.organizer_got(), got, "{what}");
    }
}
