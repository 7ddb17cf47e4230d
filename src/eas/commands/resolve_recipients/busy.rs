//! Free and busy times ([MS-ASCMD] 2.2.3.12): from the Calendar of whoever lives here, half an hour a
//! digit. The index by date leaves out what is over when the span begins.
//!
//! Deliberately absent: permissions (whoever finds a person in the address list may know when they are
//! free), calendars beside the default one, groups (there are none), and everybody who lives elsewhere.

use super::decode::Span;
use super::found::Recipient;
use crate::clock::MonoMs;
use crate::eas::context::Context;
use crate::eas::status::Failure;
use crate::limits;
use crate::mailbox::{AccountStatus, Error, FolderId};
use crate::pim::recur::{Busy, Slots};
use crate::store::Scope;
use crate::wbxml::Writer;
use crate::wbxml::tags::resolverecipients as tags;
use std::collections::HashMap;

const DONE: u16 = 1;
const TOO_MANY: u16 = 160;
const FOR_THE_MOMENT: u16 = 162;
const FAILED: u16 = 163;

const SLOT_MS: i64 = 30 * 60_000;
/// Appointments that are read at a time.
const PAGE: usize = 256;

/// The digits of one person, or the status that says why there are none.
type Times = Result<String, u16>;

/// Free and busy times of a whole answer: everybody's calendar is read once.
pub(super) struct Calendars {
    span: Span,
    until_ms: MonoMs,
    /// Appointments that may still be looked at.
    left: usize,
    known: HashMap<Scope, Times>,
}

impl Calendars {
    pub(super) fn new(ctx: &Context<'_>, span: Span) -> Self {
        Self {
            span,
            until_ms: ctx.eas.clock().mono_ms() + limits::FREE_BUSY_MS_MAX,
            left: limits::FREE_BUSY_EVENTS_MAX,
            known: HashMap::new(),
        }
    }

    /// Writes the times of a recipient, into an open `Recipient`.
    ///
    /// # Errors
    /// The store's.
    pub(super) async fn write(
        &mut self,
        ctx: &Context<'_>,
        w: &mut Writer,
        recipient: &Recipient,
    ) -> Result<(), Failure> {
        let times = match self.scope_of(ctx, recipient).await? {
            Some(scope) => self.of(ctx, scope).await?,
            None => Err(FAILED),
        };
        w.open(tags::AVAILABILITY);
        match times {
            Ok(digits) => {
                w.num(tags::STATUS, DONE);
                w.text(tags::MERGED_FREE_BUSY, &digits);
            }
            Err(status) => w.num(tags::STATUS, status),
        }
        w.close();
        Ok(())
    }

    /// Whose calendar it is: a contact may have the address of somebody who is in the address list.
    async fn scope_of(
        &self,
        ctx: &Context<'_>,
        recipient: &Recipient,
    ) -> Result<Option<Scope>, Failure> {
        if let Recipient::Person(person) = recipient {
            return Ok(Some(person.scope));
        }
        let found = ctx.mailbox().find_address(recipient.address()).await?;
        let domain = &ctx.account.account.domain;
        let is_listed = found.filter(|row| {
            row.account.status == AccountStatus::Active && row.account.domain == *domain
        });
        Ok(is_listed.map(|row| row.scope))
    }

    async fn of(&mut self, ctx: &Context<'_>, scope: Scope) -> Result<Times, Failure> {
        if let Some(known) = self.known.get(&scope) {
            return Ok(known.clone());
        }
        let times = match Box::pin(self.read(ctx, scope)).await {
            // One calendar that cannot be read is not to keep the others from the client.
            Err(Failure::Busy) => Err(FOR_THE_MOMENT),
            times => times?,
        };
        self.known.insert(scope, times.clone());
        Ok(times)
    }

    async fn read(&mut self, ctx: &Context<'_>, scope: Scope) -> Result<Times, Failure> {
        if self.left == 0 {
            return Ok(Err(TOO_MANY));
        }
        let mailbox = ctx.mailbox();
        let mut slots = Slots::new(self.span.from_ms, self.span.to_ms, SLOT_MS);
        let mut own = limits::BUSY_EVENTS_MAX;
        let mut from = None;
        loop {
            if ctx.eas.clock().mono_ms() >= self.until_ms {
                return Ok(Err(FOR_THE_MOMENT));
            }
            let since = (self.span.from_ms, from);
            let page = mailbox.list_items_since(scope, FolderId::CALENDAR, since, PAGE.min(own));
            let page = match page.await {
                Err(Error::NotFound) => return Ok(Err(FAILED)),
                page => page?,
            };
            let mut series = Vec::new();
            for row in &page.items {
                // What cannot be read is not in anybody's calendar either.
                if let Ok(record) = row.record() {
                    series.extend(slots.add_stored(record));
                }
            }
            if !series.is_empty() {
                // Those who follow rules through many years would hold up the core.
                let follow = move || {
                    series.iter().for_each(|event| slots.add(event));
                    slots
                };
                slots = ctx.eas.workers().run(follow).await?;
            }
            let read = page.items.len().max(1);
            own = own.saturating_sub(read);
            self.left = self.left.saturating_sub(read);
            from = page.next;
            match from {
                None => break,
                Some(_) if own == 0 => return Ok(Err(FAILED)),
                Some(_) if self.left == 0 => return Ok(Err(TOO_MANY)),
                Some(_) => {}
            }
        }
        let digit = |busy: &Busy| char::from(b'0' + *busy as u8);
        Ok(Ok(slots.states().iter().map(digit).collect()))
    }
}

#[cfg(test)]
mod tests {
    use crate::eas::testing::{House, Phone};
    use crate::eas::version::Version;
    use crate::limits;
    use crate::mailbox::{Account, By, FolderId};
    use crate::pim::tz::Zone;
    use crate::pim::{Contact, ContactField, Event, Record, Recurrence};
    use crate::work::block_on;

    const HALF_MS: i64 = 30 * 60_000;
    const HOUR_MS: i64 = 2 * HALF_MS;
    /// 2026-01-05T08:00:00Z, a Monday.
    const START: &str = "2026-01-05T08:00:00.000Z";
    const START_MS: i64 = 1_767_571_200_000 + 8 * HOUR_MS;

    fn put(house: &House, login: &str, events: &[Event]) {
        let mailbox = house.eas.mailbox();
        let scope = house.account(login).scope;
        let folder = block_on(mailbox.folder(scope, FolderId::CALENDAR)).unwrap();
        for chunk in events.chunks(100) {
            let mut tx = mailbox.transaction(scope, By::default());
            for event in chunk {
                let record = Record::Event(event.clone());
                block_on(tx.add(&folder, &record)).unwrap();
            }
            block_on(tx.commit()).unwrap();
        }
    }

    fn event(start_ms: i64, end_ms: i64, busy: u8) -> Event {
        Event {
            start_ms,
            end_ms,
            busy,
            ..Event::default()
        }
    }

    /// What is said of each recipient: the digits, or the status.
    fn times(phone: &Phone<'_>, names: &[&str], end: &str) -> Vec<String> {
        let names = names
            .iter()
            .map(|n| format!("<resolverecipients:To>{n}</resolverecipients:To>"))
            .collect::<String>();
        let end = match end {
            "" => String::new(),
            end => format!("<resolverecipients:EndTime>{end}</resolverecipients:EndTime>"),
        };
        let said = phone.says(
            "ResolveRecipients",
            &format!(
                "<resolverecipients:ResolveRecipients>{names}<resolverecipients:Options><resolverecipients:Availability><resolverecipients:StartTime>{START}</resolverecipients:StartTime>{end}</resolverecipients:Availability></resolverecipients:Options></resolverecipients:ResolveRecipients>"
            ),
        );
        let said = said.replace("resolverecipients:", "");
        let all = said.split("<Availability>").skip(1);
        all.map(|rest| {
            let inner = rest.split_once("</Availability>").unwrap().0;
            let inner = inner.strip_prefix("<Status>").unwrap();
            match inner.strip_prefix("1</Status><MergedFreeBusy>") {
                Some(digits) => digits.strip_suffix("</MergedFreeBusy>").unwrap().into(),
                None => inner.strip_suffix("</Status>").unwrap().into(),
            }
        })
        .collect()
    }

    #[test]
    fn the_times_of_who_lives_here_are_told_from_14_0_on() {
        let house = House::new();
        let at = |halves: i64| START_MS + halves * HALF_MS;
        put(
            &house,
            "bob",
            &[
                event(at(-4), at(0), 2),
                event(at(0), at(1), 1),
                event(at(1) + 1, at(2) + 1, 2),
                event(at(-100), at(900), 0),
                event(at(3), at(4), 3),
            ],
        );
        put(&house, "alice", &[event(at(0), at(9), 2)]);
        let mut contact = Contact::default();
        contact.set(ContactField::FileAs, "Rednose");
        contact.set(ContactField::Email1Address, "bob@example.org");
        house.put(FolderId::CONTACTS, &Record::Contact(contact));
        let mut contact = Contact::default();
        contact.set(ContactField::FileAs, "Zoe");
        contact.set(ContactField::Email1Address, "zoe@elsewhere.example");
        house.put(FolderId::CONTACTS, &Record::Contact(contact));
        for version in [
            Version::V14_0,
            Version::V14_1,
            Version::V16_0,
            Version::V16_1,
        ] {
            let phone = house.phone(version);
            let names = ["bob", "alice@example.org", "Rednose", "Zoe", "nobody"];
            let said = times(&phone, &names, "2026-01-05T10:20:00.000Z");
            // The last half hour has only begun.
            assert_eq!(said, ["12230", "22222", "12230", "163"]);
            assert_eq!(times(&phone, &["bob"], "")[0].len(), 7 * 48, "a week");
            let most = times(&phone, &["bob"], "2026-02-16T08:00:00.000Z");
            assert_eq!(most[0].len(), 42 * 48);
        }
    }

    #[test]
    fn everybody_is_asked_in_their_own_zone_across_a_clock_change() {
        // Who meets at nine o'clock in each of them, every weekday: the digits are those of the wall clock.
        let house = House::new();
        let zones = [
            "Europe/Berlin",
            "America/New_York",
            "Asia/Kolkata",
            "Pacific/Auckland",
        ];
        let wall_ms = 1_767_571_200_000 + 9 * HOUR_MS;
        for name in zones {
            let login = name.replace('/', "-").to_lowercase();
            let account = Account {
                addresses: vec![format!("{login}@example.org")],
                login: login.clone(),
                ..Account::default()
            };
            block_on(house.eas.mailbox().add_account(&account)).unwrap();
            let zone = Zone::named(name).unwrap();
            let series = Event {
                zone: name.into(),
                recurrence: Some(Recurrence {
                    kind: 1,
                    interval: 1,
                    day_of_week: Some(62),
                    ..Recurrence::default()
                }),
                ..event(zone.to_utc(wall_ms), zone.to_utc(wall_ms + HOUR_MS), 2)
            };
            put(&house, &login, &[series]);
        }
        let phone = house.phone(Version::V16_1);
        let names = zones.map(|n| format!("{}@example.org", n.replace('/', "-").to_lowercase()));
        let names = names.each_ref().map(String::as_str);
        let said = times(&phone, &names, "2026-02-16T08:00:00.000Z");
        for (name, digits) in zones.iter().zip(said) {
            let zone = Zone::named(name).unwrap();
            for (n, digit) in (0_i64..).zip(digits.chars()) {
                let wall = zone.to_local(START_MS + n * HALF_MS);
                let day = wall.div_euclid(24 * HOUR_MS);
                let weekday = (day + 4).rem_euclid(7);
                // A half hour there may begin within one here.
                let hour = |ms: i64| (wall + ms).rem_euclid(24 * HOUR_MS) / HOUR_MS == 9;
                let meets = (hour(0) || hour(HALF_MS - 1)) && (1..=5).contains(&weekday);
                let meets = meets && wall + HALF_MS > wall_ms;
                assert_eq!(digit == '2', meets, "{name} {n}");
            }
        }
    }

    #[test]
    fn what_is_over_costs_nothing_and_what_is_too_much_is_said() {
        let house = House::new();
        let over = vec![event(START_MS - HOUR_MS, START_MS - HALF_MS, 2); 500];
        put(&house, "alice", &over);
        put(&house, "alice", &[event(START_MS, START_MS + 1, 2)]);
        let coming = vec![event(START_MS, START_MS + 1, 2); limits::BUSY_EVENTS_MAX + 1];
        put(&house, "bob", &coming);
        let phone = house.phone(Version::V14_1);
        let end = "2026-01-05T09:00:00.000Z";
        assert_eq!(times(&phone, &["alice", "bob"], end), ["20", "163"]);
    }
}
