//! The part of the day in which the user answers: invitations, an absence, a conversation that is
//! moved for good.

use super::{ALICE, DELETED, Day, INBOX, find, folder};
use crate::lmtp;
use crate::samples::{self, mail};
use roost::wbxml::Tag;
use roost::wbxml::tags::{
    airsync, airsyncbase, calendar, email, email2, folderhierarchy, itemoperations,
    meetingresponse, settings,
};
use roost_load::tree::{Content, empty, node, text};
use roost_load::{Class, Command, Node, Operation, Outcome, Version};

const CALENDAR: u32 = 8;

impl Day {
    fn asks(&mut self, command: Command, document: Node) -> Outcome {
        let document = Some(document);
        self.phone.ask(Operation::Ask { command, document })
    }

    /// The mail folders in the way of old.
    pub(super) fn hierarchy(&mut self) {
        let command = Command::GetHierarchy;
        let ask = Operation::Ask {
            command,
            document: None,
        };
        let outcome = self.phone.ask(ask);
        if self.version >= Version::V14_0 {
            assert_eq!(outcome.http, 501);
            return;
        }
        let root = outcome.tree.unwrap();
        let folders = root.all(folderhierarchy::FOLDER);
        let names: Vec<_> = folders
            .filter_map(|f| f.text(folderhierarchy::DISPLAY_NAME))
            .collect();
        assert!(
            names.contains(&"Inbox") && !names.contains(&"Calendar"),
            "{names:?}"
        );
    }

    /// An invitation comes by LMTP, is accepted, and is an appointment on both devices.
    pub(super) fn meetings(&mut self) {
        let invitation = samples::invitation("sender@elsewhere.example", "Kick-off");
        lmtp::deliver(self.house.lmtp, ALICE, &invitation);
        self.phone.look();
        let inbox = folder(&self.phone, INBOX);
        let id = find(&self.phone, &inbox, Class::Email, "Kick-off");
        let mut request = vec![
            text(meetingresponse::USER_RESPONSE, "1"),
            text(meetingresponse::COLLECTION_ID, inbox.clone()),
            text(meetingresponse::REQUEST_ID, id.clone()),
        ];
        if self.version >= Version::V16_0 {
            // The one who invites lives elsewhere, and mail for others waits in the queue.
            request.push(empty(meetingresponse::SEND_RESPONSE));
        }
        let request = node(
            meetingresponse::MEETING_RESPONSE,
            vec![node(meetingresponse::REQUEST, request)],
        );
        let outcome = self.asks(Command::MeetingResponse, request);
        let root = outcome.tree.unwrap();
        let result = root.child(meetingresponse::RESULT).unwrap();
        assert_eq!(result.text(meetingresponse::STATUS), Some("1"));
        let event = result.text(meetingresponse::CALENDAR_ID).unwrap();
        self.phone.look();
        self.tablet.look();
        let calendar = folder(&self.phone, CALENDAR);
        for phone in [&self.phone, &self.tablet] {
            assert_eq!(find(phone, &calendar, Class::Calendar, "Kick-off"), event);
            let item = &phone.device.collections[&calendar].items[event];
            assert_eq!(item.text(calendar::MEETING_STATUS), Some("3"));
            assert!(!phone.device.collections[&inbox].items.contains_key(&id));
        }
        let tidy = roost_load::SyncCommand::Delete {
            id: event.to_owned(),
        };
        assert!(self.phone.change(&calendar, vec![tidy]).ok());
        self.tablet.look();
    }

    /// An absence is set on one device and seen on the other.
    pub(super) fn absence(&mut self) {
        let note = |audience: Tag| {
            let children = vec![
                empty(audience),
                text(settings::ENABLED, "1"),
                text(settings::REPLY_MESSAGE, "Back <soon>"),
                text(settings::BODY_TYPE, "Text"),
            ];
            node(settings::OOF_MESSAGE, children)
        };
        let oof = |child: Node| node(settings::SETTINGS, vec![node(settings::OOF, vec![child])]);
        let set = vec![
            text(settings::OOF_STATE, "2"),
            text(settings::START_TIME, "2026-12-01T08:00:00.000Z"),
            text(settings::END_TIME, "2026-12-24T08:00:00.000Z"),
            note(settings::APPLIES_TO_INTERNAL),
            note(settings::APPLIES_TO_EXTERNAL_UNKNOWN),
        ];
        let outcome = self.asks(Command::Settings, oof(node(settings::SET, set)));
        let status = |outcome: &Outcome| {
            let root = outcome.tree.clone().unwrap();
            let oof = root.child(settings::OOF).unwrap();
            oof.number(settings::STATUS)
        };
        assert_eq!(status(&outcome), Some(1), "{outcome:?}");
        let get = node(settings::GET, vec![text(settings::BODY_TYPE, "HTML")]);
        let outcome = self.tablet.ask(Operation::Ask {
            command: Command::Settings,
            document: Some(oof(get)),
        });
        let root = outcome.tree.unwrap();
        let got = root.at(&[settings::OOF, settings::GET]).unwrap();
        assert_eq!(got.text(settings::OOF_STATE), Some("2"));
        let messages: Vec<_> = got.all(settings::OOF_MESSAGE).collect();
        assert_eq!(messages.len(), 3);
        let html = messages[0].text(settings::REPLY_MESSAGE).unwrap();
        assert!(html.contains("Back &lt;soon"), "{html}");
        assert_eq!(messages[1].text(settings::ENABLED), Some("0"));
    }

    /// A conversation goes into Deleted Items, and what comes of it later, too.
    pub(super) fn conversation(&mut self) {
        let answer = |n: u32| {
            let head = format!("In-Reply-To: <Noise@elsewhere.example>\r\nX-Turn: {n}\r\n");
            [head.as_bytes(), &mail(&format!("Noise {n}"))].concat()
        };
        lmtp::deliver(self.house.lmtp, ALICE, &answer(1));
        self.phone.look();
        let (inbox, deleted) = (folder(&self.phone, INBOX), folder(&self.phone, DELETED));
        let id = find(&self.phone, &inbox, Class::Email, "Noise 1");
        let item = &self.phone.device.collections[&inbox].items[&id];
        let conversation = item.get(email2::CONVERSATION_ID).unwrap().clone();
        assert!(matches!(&conversation.content, Content::Opaque(id) if id.len() == 16));
        let options = vec![empty(itemoperations::MOVE_ALWAYS)];
        let request = vec![
            Node {
                tag: itemoperations::CONVERSATION_ID,
                ..conversation
            },
            text(itemoperations::DST_FLD_ID, deleted.clone()),
            node(itemoperations::OPTIONS, options),
        ];
        let request = node(
            itemoperations::ITEM_OPERATIONS,
            vec![node(itemoperations::MOVE, request)],
        );
        let outcome = self.asks(Command::ItemOperations, request);
        let root = outcome.tree.unwrap();
        let moved = root.at(&[itemoperations::RESPONSE, itemoperations::MOVE]);
        assert_eq!(moved.unwrap().number(itemoperations::STATUS), Some(1));
        lmtp::deliver(self.house.lmtp, ALICE, &answer(2));
        self.phone.look();
        self.tablet.look();
        for phone in [&self.phone, &self.tablet] {
            for n in [1, 2] {
                find(phone, &deleted, Class::Email, &format!("Noise {n}"));
            }
            assert!(!phone.device.collections[&inbox].items.contains_key(&id));
        }
    }

    /// Only those properties of a mail that are named.
    pub(super) fn properties(&mut self) {
        let inbox = folder(&self.phone, INBOX);
        let id = find(&self.phone, &inbox, Class::Email, "Mail 4");
        let schema = vec![empty(email::SUBJECT), empty(airsyncbase::BODY)];
        let fetch = vec![
            text(itemoperations::STORE, "Mailbox"),
            text(airsync::COLLECTION_ID, inbox),
            text(airsync::SERVER_ID, id),
            node(
                itemoperations::OPTIONS,
                vec![node(itemoperations::SCHEMA, schema)],
            ),
        ];
        let request = node(
            itemoperations::ITEM_OPERATIONS,
            vec![node(itemoperations::FETCH, fetch)],
        );
        let outcome = self.asks(Command::ItemOperations, request);
        let root = outcome.tree.unwrap();
        let properties = root.at(&[
            itemoperations::RESPONSE,
            itemoperations::FETCH,
            itemoperations::PROPERTIES,
        ]);
        assert_eq!(properties.unwrap().children().len(), 2, "{root:?}");
    }
}
