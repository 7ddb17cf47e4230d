//! The absence of a user, for people.

use super::order::AbsenceRow;
use crate::clock::UnixMs;
use crate::mailbox::{Absence, AbsenceState, Audience};

/// What is shown of it; none: the user is not away, and has no plan to be.
pub(super) fn shown(absence: &Absence, now_ms: UnixMs) -> Option<AbsenceRow> {
    let (from_ms, to_ms) = match absence.state {
        AbsenceState::Off => return None,
        AbsenceState::On => (None, None),
        AbsenceState::Timed => (Some(absence.from_ms), Some(absence.to_ms)),
    };
    let told = Audience::ALL
        .into_iter()
        .filter(|a| absence.note(*a).enabled);
    Some(AbsenceRow {
        from_ms,
        to_ms,
        is_away: absence.is_away(now_ms),
        audiences: told.map(|a| name(a).to_owned()).collect(),
    })
}

fn name(audience: Audience) -> &'static str {
    match audience {
        Audience::Internal => "internal",
        Audience::ExternalKnown => "external known",
        Audience::ExternalUnknown => "external unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_absence_is_shown() {
        let mut absence = Absence::default();
        assert_eq!(shown(&absence, 15), None);
        absence.state = AbsenceState::Timed;
        (absence.from_ms, absence.to_ms) = (10, 20);
        absence.note_mut(Audience::ExternalKnown).enabled = true;
        let row = shown(&absence, 15).unwrap();
        assert_eq!(
            (row.from_ms, row.to_ms, row.is_away),
            (Some(10), Some(20), true)
        );
        assert_eq!(row.audiences, ["external known"]);
    }
}
