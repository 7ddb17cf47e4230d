//! An organizer and an attendee, each with a device of some version or elsewhere, and what they do.

use crate::eas::Settings;
use crate::eas::outgoing::{NotTaken, Outbound, Remote};
use crate::eas::testing::{House, Phone, wbxml};
use crate::eas::tests::matrix::{Client, Node};
use crate::eas::version::Version;
use crate::mailbox::{Arriving, Delivery, FolderId, ItemRow};
use crate::pim::event::Meeting;
use crate::pim::invite::{self, Answer, Attending};
use crate::pim::mail::imip::{self, Invitation};
use crate::pim::mail::{self, Mailbox};
use crate::pim::{Attendee, Class, Event, Message, Record, Recurrence, ical};
use crate::store::BlobId;
use crate::wbxml::Writer;
use crate::wbxml::tags::composemail;
use crate::work::block_on;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

pub(super) const HOUR_MS: i64 = 3_600_000;
pub(super) const DAY_MS: i64 = 24 * HOUR_MS;
/// 2026-01-05T10:00:00Z.
pub(super) const START_MS: i64 = 1_767_607_200_000;
/// The third of a daily series.
pub(super) const THIRD_MS: i64 = START_MS + 2 * DAY_MS;

/// Where somebody is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Side {
    /// Here, with a device of this version.
    Here(Version),
    /// At another host.
    Elsewhere,
}

impl Side {
    pub(super) const ALL: [Self; 5] = [
        Self::Here(Version::V2_5),
        Self::Here(Version::V12_1),
        Self::Here(Version::V14_1),
        Self::Here(Version::V16_1),
        Self::Elsewhere,
    ];

    /// The server sends for the device.
    fn is_served(self) -> bool {
        matches!(self, Self::Here(version) if version >= Version::V16_0)
    }
}

/// What the attendee says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Said {
    Accept,
    Tentative,
    Decline,
    Counter,
}

impl Said {
    pub(super) const ALL: [Self; 4] = [Self::Accept, Self::Tentative, Self::Decline, Self::Counter];

    pub(super) fn answer(self) -> Answer {
        match self {
            Self::Accept => Answer::Accept,
            Self::Decline => Answer::Decline,
            Self::Tentative | Self::Counter => Answer::Tentative,
        }
    }

    pub(super) fn class(self) -> &'static str {
        match self {
            Self::Accept => "IPM.Schedule.Meeting.Resp.Pos",
            Self::Decline => "IPM.Schedule.Meeting.Resp.Neg",
            Self::Tentative | Self::Counter => "IPM.Schedule.Meeting.Resp.Tent",
        }
    }
}

/// Takes what leaves the house.
#[derive(Default)]
pub(super) struct Trap(Mutex<Vec<Remote>>);

impl Outbound for Trap {
    fn take<'a>(
        &'a self,
        mail: &'a Remote,
    ) -> Pin<Box<dyn Future<Output = Result<(), NotTaken>> + 'a>> {
        let mut taken = self.0.lock().unwrap();
        if !taken.iter().any(|t| t.id == mail.id) {
            taken.push(mail.clone());
        }
        Box::pin(async { Ok(()) })
    }
}

pub(super) fn house() -> (House, Arc<Trap>) {
    let trap = Arc::new(Trap::default());
    let house = House::beside(Settings::default(), Some(trap.clone()));
    (house, trap)
}

/// The two of them.
pub(super) struct Stage<'a> {
    pub(super) house: &'a House,
    trap: &'a Trap,
    organizer: Side,
    attendee: Side,
    calendar: Option<Client<'a>>,
    /// The meeting as its organizer's own program has it.
    pub(super) event: Event,
    item: String,
}

pub(super) fn items(house: &House, user: &str, folder: FolderId) -> Vec<ItemRow> {
    let scope = house.account(user).scope;
    let page = house.eas.mailbox().list_items(scope, folder, None, 100);
    block_on(page).unwrap().items
}

pub(super) fn entry(house: &House, user: &str) -> Option<Event> {
    let rows = items(house, user, FolderId::CALENDAR);
    assert!(rows.len() <= 1, "{user} has it {} times", rows.len());
    rows.first().map(|row| match row.to_record().unwrap() {
        Record::Event(event) => event,
        other => panic!("{other:?}"),
    })
}

fn raw_of(house: &House, blob: BlobId) -> Vec<u8> {
    let raw = house.eas.mailbox().store().get_blob(blob, 0..1_000_000);
    block_on(raw).unwrap().to_vec()
}

/// A mail from elsewhere.
pub(super) fn arrive(house: &House, user: &str, raw: &[u8]) {
    let (mailbox, account) = (house.eas.mailbox(), house.account(user));
    let now_ms = house.clock.now_ms();
    let (mut message, seen) = mail::inspect(raw, now_ms);
    let own = &account.account.addresses;
    let meeting = seen
        .calendar
        .and_then(|c| Arriving::note(&mut message, &c.text, &c.method, own));
    let blob = block_on(mailbox.put_mime(raw)).unwrap();
    let delivery = Delivery {
        raw: blob,
        raw_bytes: raw.len() as u64,
        unstored: None,
        message,
        words: None,
        fingerprint: Some(blob.0),
        meeting,
        asker: None,
    };
    let inbox = block_on(mailbox.folder(account.scope, FolderId::INBOX)).unwrap();
    block_on(Box::pin(mailbox.deliver(account.scope, &inbox, delivery))).unwrap();
}

fn attendee(side: Side) -> &'static str {
    match side {
        Side::Here(_) => "bob@example.org",
        Side::Elsewhere => "bob@example.net",
    }
}

fn organizer(side: Side) -> &'static str {
    match side {
        Side::Here(_) => "alice@example.org",
        Side::Elsewhere => "alice@example.net",
    }
}

fn compact(ms: i64) -> String {
    crate::eas::classes::date::compact(ms).to_string()
}

impl<'a> Stage<'a> {
    pub(super) fn new(
        house: &'a House,
        trap: &'a Trap,
        (organizer_side, attendee_side): (Side, Side),
        is_series: bool,
    ) -> Self {
        let calendar = match organizer_side {
            Side::Here(version) => Some(Client::of(house, "o", Class::Calendar, version)),
            Side::Elsewhere => None,
        };
        let event = Event {
            uid: "meeting-1".into(),
            subject: "Review".into(),
            start_ms: START_MS,
            end_ms: START_MS + HOUR_MS,
            busy: 2,
            meeting_status: 1,
            organizer_email: organizer(organizer_side).into(),
            attendees: vec![Attendee {
                name: "Bob".into(),
                email: attendee(attendee_side).into(),
                status: 5,
                kind: 1,
            }],
            response_requested: true,
            recurrence: is_series.then(|| Recurrence {
                interval: 1,
                occurrences: Some(9),
                ..Recurrence::default()
            }),
            ..Event::default()
        };
        Self {
            house,
            trap,
            organizer: organizer_side,
            attendee: attendee_side,
            calendar,
            event,
            item: String::new(),
        }
    }

    // ---- what the organizer does ----------------------------------------------------------------

    pub(super) fn create(&mut self) {
        let item = Node::parse(&wbxml(&self.data("", true)));
        if let Some(calendar) = &mut self.calendar {
            self.item = calendar.add(&[item]).remove(0);
            self.event.uid = entry(self.house, "alice").unwrap().uid;
        }
        self.tell("REQUEST", None);
    }

    /// Another time.
    pub(super) fn postpone(&mut self) {
        self.event.start_ms += HOUR_MS;
        self.event.end_ms += HOUR_MS;
        self.event.sequence += 1;
        self.command("Change", "", &self.data("", false));
        self.tell("REQUEST", None);
    }

    pub(super) fn delete(&mut self) {
        self.event.sequence += 1;
        self.command("Delete", "", "");
        self.tell("CANCEL", None);
    }

    /// One occurrence at another time, the third.
    pub(super) fn postpone_one(&mut self) {
        self.event.sequence += 1;
        let (from, to) = (THIRD_MS + HOUR_MS, THIRD_MS + 2 * HOUR_MS);
        let times = format!(
            "<calendar:StartTime>{}</calendar:StartTime><calendar:EndTime>{}</calendar:EndTime>",
            compact(from),
            compact(to)
        );
        self.except("Change", &times);
        let mut one = self.event.clone();
        (one.start_ms, one.end_ms, one.recurrence) = (from, to, None);
        self.tell("REQUEST", Some(one));
    }

    pub(super) fn delete_one(&mut self) {
        self.event.sequence += 1;
        self.except("Delete", "<calendar:Deleted>1</calendar:Deleted>");
        let mut one = self.event.clone();
        (one.start_ms, one.end_ms) = (THIRD_MS, THIRD_MS + HOUR_MS);
        one.recurrence = None;
        self.tell("CANCEL", Some(one));
    }

    /// By its id from 16.0 on, before that with all exceptions of the series.
    fn except(&mut self, verb: &str, exception: &str) {
        let at = compact(THIRD_MS);
        if self.organizer.is_served() {
            let id = format!("<airsyncbase:InstanceId>{at}</airsyncbase:InstanceId>");
            let data = match verb {
                "Change" => format!("<ApplicationData>{exception}</ApplicationData>"),
                _ => String::new(),
            };
            return self.command(verb, &id, &data);
        }
        let all = format!(
            "<calendar:Exceptions><calendar:Exception><calendar:ExceptionStartTime>{at}</calendar:ExceptionStartTime>{exception}</calendar:Exception></calendar:Exceptions>"
        );
        self.command("Change", "", &self.data(&all, false));
    }

    fn command(&mut self, verb: &str, instance: &str, data: &str) {
        let Some(calendar) = &mut self.calendar else {
            return;
        };
        // What came meanwhile is heard first.
        calendar.sync(&[]);
        let id = format!("<ServerId>{}</ServerId>", self.item);
        let command = wbxml(&format!("<{verb}>{id}{instance}{data}</{verb}>"));
        let told = calendar.sync(&[Node::parse(&command)]).written();
        assert!(!told.contains("<Responses>"), "{told}");
    }

    /// The whole as the device writes it.
    fn data(&self, exceptions: &str, fresh: bool) -> String {
        let e = &self.event;
        let uid = match fresh && !self.organizer.is_served() {
            true => format!("<calendar:UID>{}</calendar:UID>", e.uid),
            false => String::new(),
        };
        let kinds = match self.organizer {
            Side::Here(Version::V2_5) => "",
            _ => "<calendar:AttendeeType>1</calendar:AttendeeType>",
        };
        let series = match e.recurrence {
            Some(_) => {
                "<calendar:Recurrence><calendar:Type>0</calendar:Type><calendar:Interval>1</calendar:Interval><calendar:Occurrences>9</calendar:Occurrences></calendar:Recurrence>"
            }
            None => "",
        };
        format!(
            "<ApplicationData><calendar:Subject>{}</calendar:Subject><calendar:StartTime>{}</calendar:StartTime><calendar:EndTime>{}</calendar:EndTime><calendar:BusyStatus>2</calendar:BusyStatus><calendar:MeetingStatus>1</calendar:MeetingStatus>{uid}<calendar:Attendees><calendar:Attendee><calendar:Email>{}</calendar:Email><calendar:Name>Bob</calendar:Name>{kinds}</calendar:Attendee></calendar:Attendees>{series}{exceptions}</ApplicationData>",
            e.subject,
            compact(e.start_ms),
            compact(e.end_ms),
            e.attendees[0].email
        )
    }

    /// The organizer's program writes to the attendee, where the server does not.
    fn tell(&self, method: &str, one: Option<Event>) {
        if self.organizer.is_served() {
            return;
        }
        let recurrence_id_ms = one.as_ref().map(|_| THIRD_MS);
        let event = Event {
            stamp_ms: self.house.clock.now_ms(),
            ..one.unwrap_or_else(|| self.event.clone())
        };
        let meeting = Meeting {
            method: method.into(),
            recurrence_id_ms,
            event,
        };
        let raw = written(&meeting, organizer(self.organizer), attendee(self.attendee));
        self.send("alice", self.organizer, &raw);
    }

    fn send(&self, user: &'static str, from: Side, raw: &[u8]) {
        let Side::Here(version) = from else {
            // From elsewhere to the one who is here.
            let to = if user == "alice" { "bob" } else { "alice" };
            return arrive(self.house, to, raw);
        };
        let phone = self.phone(user, version);
        let body = if version < Version::V14_0 {
            raw.to_vec()
        } else {
            let mut w = Writer::new();
            w.open(composemail::SEND_MAIL);
            let id = format!("{}", self.house.clock.now_ms());
            w.text(composemail::CLIENT_ID, &id);
            w.opaque(composemail::MIME, raw);
            w.close();
            w.finish()
        };
        let answer = phone.answer("SendMail", &body);
        assert_eq!((answer.status, answer.body.len()), (200, 0));
    }

    fn phone(&self, user: &'static str, version: Version) -> Phone<'a> {
        Phone {
            user,
            device: format!("{user}{}", version.tens()),
            ..self.house.phone(version)
        }
    }

    // ---- what the attendee does -----------------------------------------------------------------

    /// Answers the last request.
    pub(super) fn answer(&self, said: Said) {
        let raw = self.last_request();
        let meeting = meeting_in(&raw, attendee(self.attendee));
        let proposed = (said == Said::Counter).then(|| {
            let start_ms = meeting.event.start_ms + 2 * HOUR_MS;
            (start_ms, start_ms + HOUR_MS)
        });
        if let Side::Here(version) = self.attendee {
            let (row, _) = self.requests_here().pop().unwrap();
            let number = match said.answer() {
                Answer::Accept => 1,
                Answer::Tentative => 2,
                Answer::Decline => 3,
            };
            let times = proposed.map_or_else(String::new, |(from, to)| {
                format!(
                    "<meetingresponse:ProposedStartTime>{}</meetingresponse:ProposedStartTime><meetingresponse:ProposedEndTime>{}</meetingresponse:ProposedEndTime>",
                    compact(from),
                    compact(to)
                )
            });
            let told = match (self.attendee.is_served(), times.is_empty()) {
                (false, _) => String::new(),
                (true, true) => "<meetingresponse:SendResponse/>".to_owned(),
                (true, false) => {
                    format!("<meetingresponse:SendResponse>{times}</meetingresponse:SendResponse>")
                }
            };
            let ask = format!(
                "<meetingresponse:MeetingResponse><meetingresponse:Request><meetingresponse:UserResponse>{number}</meetingresponse:UserResponse><meetingresponse:CollectionId>2</meetingresponse:CollectionId><meetingresponse:RequestId>2:{}</meetingresponse:RequestId>{told}</meetingresponse:Request></meetingresponse:MeetingResponse>",
                row.item
            );
            // The answer may be lost: nothing happens twice.
            for _ in 0..2 {
                let said = self.phone("bob", version).says("MeetingResponse", &ask);
                assert!(said.contains("<meetingresponse:Status>1<"), "{said}");
            }
        }
        if self.attendee.is_served() {
            return;
        }
        let own = [attendee(self.attendee).to_owned()];
        let who = Attending {
            name: "Bob",
            addresses: &own,
        };
        let (which, now_ms) = (meeting.recurrence_id_ms, self.house.clock.now_ms());
        let reply = invite::reply(&meeting.event, which, said.answer(), proposed, who, now_ms);
        let raw = written(&reply, &own[0], organizer(self.organizer));
        self.send("bob", self.attendee, &raw);
    }

    fn requests_here(&self) -> Vec<(ItemRow, Message)> {
        let mut found = mails(self.house, "bob", FolderId::INBOX);
        found.retain(|(_, m)| m.message_class == "IPM.Schedule.Meeting.Request");
        found.sort_by_key(|(row, _)| row.item);
        found
    }

    fn last_request(&self) -> Vec<u8> {
        match self.attendee {
            Side::Here(_) => {
                let (_, message) = self.requests_here().pop().unwrap();
                raw_of(self.house, BlobId(message.mime.hash))
            }
            Side::Elsewhere => {
                let all = self.gone_to(attendee(self.attendee)).into_iter().rev();
                let mut all = all.filter(|raw| class_of(raw).ends_with("Request"));
                all.next().unwrap()
            }
        }
    }

    // ---- what has come of it --------------------------------------------------------------------

    /// All that went to somebody elsewhere.
    fn gone_to(&self, address: &str) -> Vec<Vec<u8>> {
        let taken = self.trap.0.lock().unwrap();
        let to = |t: &&Remote| t.recipients.iter().any(|r| r == address);
        taken
            .iter()
            .filter(to)
            .map(|t| raw_of(self.house, t.raw))
            .collect()
    }

    /// The classes of all mails that the attendee has got, in their order.
    pub(super) fn attendee_got(&self) -> Vec<String> {
        self.got("bob", self.attendee, attendee(self.attendee))
    }

    /// The same for the organizer.
    pub(super) fn organizer_got(&self) -> Vec<String> {
        self.got("alice", self.organizer, organizer(self.organizer))
    }

    fn got(&self, user: &str, side: Side, address: &str) -> Vec<String> {
        if side == Side::Elsewhere {
            return self.gone_to(address).iter().map(|r| class_of(r)).collect();
        }
        let mut all = mails(self.house, user, FolderId::INBOX);
        all.extend(mails(self.house, user, FolderId::DELETED));
        all.sort_by_key(|(_, m)| m.received_ms);
        all.into_iter().map(|(_, m)| m.message_class).collect()
    }

    pub(super) fn attendee_has(&self) -> Option<Event> {
        entry(self.house, "bob")
    }

    pub(super) fn organizer_has(&self) -> Option<Event> {
        entry(self.house, "alice")
    }
}

fn class_of(raw: &[u8]) -> String {
    mail::inspect(raw, 0).0.message_class
}

fn meeting_in(raw: &[u8], own: &str) -> Meeting {
    let calendar = mail::inspect(raw, 0).1.calendar.unwrap();
    ical::meeting_for(&calendar.text, &calendar.method, 0, &[own.to_owned()]).unwrap()
}

pub(super) fn mails(house: &House, user: &str, folder: FolderId) -> Vec<(ItemRow, Message)> {
    let rows = items(house, user, folder);
    let mail = |row: ItemRow| match row.to_record().unwrap() {
        Record::Message(mail) => (row, mail),
        other => panic!("{other:?}"),
    };
    rows.into_iter().map(mail).collect()
}

/// The mail as another program writes it.
pub(super) fn written(meeting: &Meeting, from: &str, to: &str) -> Vec<u8> {
    let mailbox = |address: &str| Mailbox {
        name: String::new(),
        address: address.into(),
    };
    let stamp_ms = meeting.event.stamp_ms;
    imip::build(&Invitation {
        from: &mailbox(from),
        to: &[mailbox(to)],
        subject: &meeting.event.subject,
        text: "",
        html: None,
        date_ms: stamp_ms,
        message_id: &format!("{}{stamp_ms}@example.net", meeting.method),
        meeting,
    })
}

/// The same by the organizer, to the first attendee.
pub(super) fn organizer_mail(method: &str, event: &Event) -> Vec<u8> {
    let meeting = Meeting {
        method: method.into(),
        recurrence_id_ms: None,
        event: event.clone(),
    };
    written(&meeting, &event.organizer_email, &event.attendees[0].email)
}

impl Trap {
    pub(super) fn count(&self) -> usize {
        self.0.lock().unwrap().len()
    }
}
