//! Absence notes: whether the user is away, and what those who write are to be told. One row per
//! account, the same for all devices.
//!
//! Deliberately absent: telling them, see [`super::owed`].

use rkyv::{Archive, Deserialize, Serialize};

use super::stored;
use super::{By, Error, Mailbox};
use crate::clock::UnixMs;
use crate::limits;
use crate::pim::BodyKind;
use crate::store::{Condition, Row, Scope, Write, keys};

const FORMAT: u8 = 1;
const NAME: &[u8] = b"absence";

/// Whether the user is away.
#[derive(Archive, Serialize, Deserialize, Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(u8)]
pub enum AbsenceState {
    /// No.
    #[default]
    Off = 0,
    /// Yes.
    On = 1,
    /// From one time to another.
    Timed = 2,
}

/// Who writes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Audience {
    /// Somebody of the same organization.
    Internal,
    /// Somebody else whom the user knows.
    ExternalKnown,
    /// Anybody else.
    ExternalUnknown,
}

impl Audience {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 3] = [Self::Internal, Self::ExternalKnown, Self::ExternalUnknown];
}

/// What one audience is told.
#[derive(Archive, Serialize, Deserialize, Clone, PartialEq, Eq, Debug, Default)]
pub struct Note {
    /// It is told something.
    pub enabled: bool,
    /// The text, up to [`limits::ABSENCE_NOTE_BYTES_MAX`] bytes.
    pub text: String,
    /// What it is written in: text or HTML.
    pub kind: BodyKind,
}

/// The absence of a user.
#[derive(Archive, Serialize, Deserialize, Clone, PartialEq, Eq, Debug, Default)]
pub struct Absence {
    /// Whether the user is away.
    pub state: AbsenceState,
    /// Of a timed one the first moment, Unix milliseconds; else 0.
    pub from_ms: UnixMs,
    /// Of a timed one the end, Unix milliseconds, exclusive; else 0.
    pub to_ms: UnixMs,
    internal: Note,
    external_known: Note,
    external_unknown: Note,
}

impl Absence {
    /// Whether the user is away at `now_ms` (Unix milliseconds).
    #[must_use]
    pub fn is_away(&self, now_ms: UnixMs) -> bool {
        match self.state {
            AbsenceState::Off => false,
            AbsenceState::On => true,
            AbsenceState::Timed => (self.from_ms..self.to_ms).contains(&now_ms),
        }
    }

    /// What this audience is told.
    #[must_use]
    pub fn note(&self, audience: Audience) -> &Note {
        match audience {
            Audience::Internal => &self.internal,
            Audience::ExternalKnown => &self.external_known,
            Audience::ExternalUnknown => &self.external_unknown,
        }
    }

    /// The same, to change it.
    pub fn note_mut(&mut self, audience: Audience) -> &mut Note {
        match audience {
            Audience::Internal => &mut self.internal,
            Audience::ExternalKnown => &mut self.external_known,
            Audience::ExternalUnknown => &mut self.external_unknown,
        }
    }
}

impl Mailbox {
    /// The absence of an account's user; nobody has said anything: not away.
    ///
    /// # Errors
    /// The store's.
    pub async fn absence(&self, scope: Scope) -> Result<Absence, Error> {
        match self.get(keys::own(scope, NAME)).await? {
            Some(row) => stored::read(FORMAT, row.value()),
            None => Ok(Absence::default()),
        }
    }

    /// The absence together with its row, if there is one.
    pub(super) async fn absence_row(&self, scope: Scope) -> Result<Option<(Absence, Row)>, Error> {
        let Some(row) = self.get(keys::own(scope, NAME)).await? else {
            return Ok(None);
        };
        let absence = stored::read(FORMAT, row.value())?;
        Ok(Some((absence, row)))
    }

    /// Changes it with `change`, again if somebody else changes it meanwhile.
    ///
    /// # Errors
    /// [`Error::TooLarge`] for notes beyond [`limits::ABSENCE_NOTE_BYTES_MAX`];
    /// [`Error::Conflict`] after many tries; the store's.
    pub async fn change_absence(
        &self,
        scope: Scope,
        change: impl Fn(&mut Absence),
    ) -> Result<(), Error> {
        let key = keys::own(scope, NAME);
        for _ in 0..limits::CONFLICT_RETRIES_MAX {
            let row = self.get(key.clone()).await?;
            let before = match &row {
                Some(row) => stored::read(FORMAT, row.value())?,
                None => Absence::default(),
            };
            let mut absence = before.clone();
            change(&mut absence);
            let long = |a: &Audience| absence.note(*a).text.len() > limits::ABSENCE_NOTE_BYTES_MAX;
            if Audience::ALL.iter().any(long) {
                return Err(Error::TooLarge);
            }
            if absence == before {
                return Ok(());
            }
            let mut tx = self.transaction(scope, By::default());
            tx.require(match &row {
                Some(row) => super::unchanged(row),
                None => Condition::Absent(key.clone()),
            });
            let value = stored::write(FORMAT, &absence)?;
            tx.write(Write::Put(key.clone(), value));
            match Box::pin(tx.commit()).await {
                Err(Error::Conflict) => {}
                done => return done.map(drop),
            }
        }
        Err(Error::Conflict)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mailbox::testing::{account, block_on, mailbox};

    #[test]
    fn a_timed_absence_begins_and_ends() {
        let absence = Absence {
            state: AbsenceState::Timed,
            from_ms: 10,
            to_ms: 20,
            ..Absence::default()
        };
        let away = [9, 10, 19, 20].map(|now_ms| absence.is_away(now_ms));
        assert_eq!(away, [false, true, true, false]);
        assert!(!Absence::default().is_away(15));
    }

    #[test]
    fn what_was_noted_is_there_until_the_account_goes() {
        block_on(async {
            let mailbox = mailbox();
            let scope = mailbox.add_account(&account("anna")).await.unwrap();
            let note = |text: &str| {
                let text = text.to_owned();
                move |a: &mut Absence| {
                    a.state = AbsenceState::On;
                    a.note_mut(Audience::Internal).text.clone_from(&text);
                }
            };
            mailbox.change_absence(scope, note("skiing")).await.unwrap();
            let absence = mailbox.absence(scope).await.unwrap();
            assert_eq!(absence.note(Audience::Internal).text, "skiing");
            let long = "x".repeat(limits::ABSENCE_NOTE_BYTES_MAX + 1);
            let refused = mailbox.change_absence(scope, note(&long)).await;
            assert_eq!(refused, Err(Error::TooLarge));
            let all = "x".repeat(limits::ABSENCE_NOTE_BYTES_MAX);
            let every = |a: &mut Absence| {
                for audience in Audience::ALL {
                    a.note_mut(audience).text.clone_from(&all);
                }
            };
            mailbox.change_absence(scope, every).await.unwrap();
            Box::pin(mailbox.remove_account(scope)).await.unwrap();
            assert_eq!(mailbox.absence(scope).await.unwrap(), Absence::default());
        });
    }
}
