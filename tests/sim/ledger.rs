//! What has to be true of the items, by where each came from.
//!
//! Every item says where it came from and which edit it is ("o12 t55"). What was acknowledged is
//! certain; what got no answer may have happened or not, and both are right.

use std::collections::{BTreeMap, BTreeSet};

use super::broken::{Held, Oracle, hold};

/// An item of a user: the user, and the origin.
pub(crate) type Name = (usize, String);

/// Whether something happened.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Debug)]
pub(crate) enum Sure {
    #[default]
    No,
    Maybe,
    Yes,
}

/// What is known of one item.
#[derive(Default, Debug)]
struct Fact {
    made: Sure,
    gone: Sure,
    /// What it may say.
    texts: BTreeSet<String>,
    /// Who may have written last; `None`: somebody without a phone.
    writers: BTreeSet<Option<usize>>,
}

/// What is known of all items.
#[derive(Default)]
pub(crate) struct Ledger {
    facts: BTreeMap<Name, Fact>,
    next: u64,
}

/// The title of a new edit of an item.
pub(crate) fn title(origin: &str, text: &str) -> String {
    format!("{origin} {text}")
}

/// Where an item came from, and which edit it is.
pub(crate) fn parse(title: &str) -> Option<(&str, &str)> {
    let (origin, text) = title.split_once(' ')?;
    origin.starts_with('o').then_some((origin, text))
}

impl Ledger {
    /// Something that was never said before.
    pub(crate) fn new_word(&mut self, letter: char) -> String {
        self.next += 1;
        format!("{letter}{}", self.next)
    }

    /// An item was made, or may have been.
    pub(crate) fn made(&mut self, name: &Name, text: &str, by: Option<usize>, sure: Sure) {
        let fact = self.facts.entry(name.clone()).or_default();
        fact.made = fact.made.max(sure);
        fact.texts.insert(text.to_owned());
        fact.writers.insert(by);
    }

    /// An item was changed, or may have been.
    pub(crate) fn changed(&mut self, name: &Name, text: &str, by: Option<usize>, sure: Sure) {
        let fact = self.facts.entry(name.clone()).or_default();
        if sure == Sure::Yes {
            fact.texts.clear();
            fact.writers.clear();
        }
        fact.texts.insert(text.to_owned());
        fact.writers.insert(by);
    }

    /// An item is gone, or may be.
    pub(crate) fn gone(&mut self, name: &Name, sure: Sure) {
        let fact = self.facts.entry(name.clone()).or_default();
        fact.gone = fact.gone.max(sure);
    }

    /// Whether a phone may have written an item last.
    pub(crate) fn may_be_of(&self, name: &Name, phone: usize) -> bool {
        self.facts
            .get(name)
            .is_none_or(|fact| fact.writers.contains(&Some(phone)))
    }

    /// An item that is gone for good.
    pub(crate) fn a_dead_one(&self) -> Option<Name> {
        let is_dead = |(_, fact): &(&Name, &Fact)| fact.gone == Sure::Yes;
        self.facts
            .iter()
            .find(is_dead)
            .map(|(name, _)| name.clone())
    }

    /// Holds what there is on the server against what has to be: each item of a user with what it
    /// says.
    pub(crate) fn check(&self, live: &BTreeMap<Name, Vec<String>>) -> Held {
        for (name, texts) in live {
            let (count, who) = (texts.len(), || format!("{} of user {}", name.1, name.0));
            hold(Oracle::ExactlyOnce, count == 1, || {
                format!("{} is there {count} times", who())
            })?;
            let Some(fact) = self.facts.get(name) else {
                continue;
            };
            hold(Oracle::Resurrected, fact.gone != Sure::Yes, || {
                format!("{} has come back", who())
            })?;
            let says = &texts[0];
            hold(Oracle::LastWriter, fact.texts.contains(says), || {
                format!("{} says {says:?}, not one of {:?}", who(), fact.texts)
            })?;
        }
        for (name, fact) in &self.facts {
            let needed = fact.made == Sure::Yes && fact.gone == Sure::No;
            hold(Oracle::Lost, !needed || live.contains_key(name), || {
                format!("{} of user {} is lost", name.1, name.0)
            })?;
        }
        Ok(())
    }
}
