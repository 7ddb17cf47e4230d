//! A thread that hands over what is due, over connections that it keeps.

use super::dialog::Dialog;
use super::place::Line;
use super::{Door, Due, Kind, Shared, card, dav, imap, letter};
use std::collections::BTreeMap;
use std::io;
use std::sync::PoisonError;

/// Sessions of IMAP that are kept, one for each user.
const KEPT_MAX: usize = 16;

/// What a thread keeps.
#[derive(Default)]
struct Kept {
    dialog: Option<Dialog>,
    imap: BTreeMap<String, imap::Session>,
    caldav: Option<Line>,
    carddav: Option<Line>,
}

/// Hands over until nothing more comes.
pub(super) fn hand_over(shared: &Shared, due: &flume::Receiver<Due>) {
    let mut kept = Kept::default();
    for due in due {
        let delivered = kept.deliver(shared, &due);
        let now_us = shared.meters.now_us();
        let mut done = shared.done.lock().unwrap_or_else(PoisonError::into_inner);
        match delivered {
            Ok(()) => {
                done.taken += 1;
                let mut meter = shared.meter.lock().unwrap_or_else(PoisonError::into_inner);
                let us = now_us.saturating_sub(due.at_us);
                meter.latency(due.kind.operation(), shared.meters.phase(), us);
                meter.injected();
                shared.ledger.acknowledged(due.marker, now_us);
            }
            Err(error) => {
                shared.ledger.uncertain(due.marker);
                let words = format!("{}: {error}", due.kind.name());
                *done.errors.entry(words).or_default() += 1;
            }
        }
    }
}

impl Kept {
    fn deliver(&mut self, shared: &Shared, due: &Due) -> io::Result<()> {
        let (doors, mark) = (&shared.doors, due.marker.to_string());
        let now_ms = shared.meters.clock().now_ms();
        let way = || io::Error::other("no way in");
        let tls = doors.tls.as_ref();
        match due.kind {
            Kind::Mail => {
                let to = [due.login.address.clone()];
                let text = letter(&mark, &to, due.bytes, now_ms);
                match doors.mail.as_ref().ok_or_else(way)? {
                    Door::Imap(place) => {
                        let (name, password) = (&due.login.name, &due.login.password);
                        let mut session = match self.imap.remove(name) {
                            Some(session) => session,
                            None => imap::Session::open(place, tls, (name, password))?,
                        };
                        session.append(&text)?;
                        if self.imap.len() >= KEPT_MAX {
                            self.imap.pop_first();
                        }
                        self.imap.insert(name.clone(), session);
                        Ok(())
                    }
                    door => self.send(door, &to, &text),
                }
            }
            Kind::Event => {
                let name = format!("{mark}.ics");
                let put = dav::Put {
                    name: &name,
                    kind: "text/calendar; charset=utf-8",
                    text: card::event(&mark, due.marker.number, now_ms),
                };
                let collection = doors.caldav.as_ref().ok_or_else(way)?;
                collection.put(&mut self.caldav, tls, &due.login, &put)
            }
            Kind::Contact => {
                let name = format!("{mark}.vcf");
                let put = dav::Put {
                    name: &name,
                    kind: "text/vcard; charset=utf-8",
                    text: card::contact(&mark),
                };
                let collection = doors.carddav.as_ref().ok_or_else(way)?;
                collection.put(&mut self.carddav, tls, &due.login, &put)
            }
        }
    }

    fn send(&mut self, door: &Door, to: &[String], text: &[u8]) -> io::Result<()> {
        let mut dialog = match self.dialog.take() {
            Some(dialog) => dialog,
            None => Dialog::open(door)?,
        };
        let answers = dialog.send(to, text)?;
        self.dialog = Some(dialog);
        match answers.into_iter().find_map(Result::err) {
            Some(refused) => Err(io::Error::other(refused)),
            None => Ok(()),
        }
    }
}
