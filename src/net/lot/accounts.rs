//! Which entries wait for an account: the number of the first, and from each the next.

use std::collections::hash_map::Entry as Found;

use rustc_hash::FxHashMap;

use super::entry::Entry;
use super::slab::Slab;

/// Behind the last entry.
const END: u32 = u32::MAX;

/// The first entry of every account of which a request waits. The numbers of accounts are the server's:
/// no peer can choose ones that collide.
#[derive(Default)]
pub(super) struct Accounts(FxHashMap<u64, u32>);

impl Accounts {
    pub(super) fn link<P>(&mut self, slab: &mut Slab<Entry<P>>, account: u64, index: u32) {
        let first = self.0.insert(account, index);
        if let Some(entry) = slab.get_mut(index) {
            entry.next = first.unwrap_or(END);
        }
    }

    /// Takes an entry out. An account has few entries: its devices.
    pub(super) fn unlink<P>(&mut self, slab: &mut Slab<Entry<P>>, account: u64, index: u32) {
        let Some(next) = slab
            .get_mut(index)
            .map(|e| std::mem::replace(&mut e.next, END))
        else {
            return;
        };
        let Found::Occupied(mut first) = self.0.entry(account) else {
            return;
        };
        if *first.get() == index {
            if next == END {
                first.remove();
            } else {
                first.insert(next);
            }
            return;
        }
        let mut at = *first.get();
        while let Some(entry) = slab.get_mut(at) {
            if entry.next == index {
                entry.next = next;
                return;
            }
            at = entry.next;
        }
    }

    /// The first entry of an account.
    pub(super) fn first<'a, P>(
        &self,
        slab: &'a mut Slab<Entry<P>>,
        account: u64,
    ) -> Option<&'a mut Entry<P>> {
        slab.get_mut(*self.0.get(&account)?)
    }

    /// Adds the numbers of an account's entries to `into`.
    pub(super) fn of<P>(&self, slab: &mut Slab<Entry<P>>, account: u64, into: &mut Vec<u32>) {
        let mut at = self.0.get(&account).copied().unwrap_or(END);
        while let Some(entry) = slab.get_mut(at) {
            into.push(at);
            at = entry.next;
        }
    }
}
