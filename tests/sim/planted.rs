//! Faults that are planted to see that they are found: each oracle has at least one that it catches.

use roost::mailbox::{By, FolderId, ItemRow};
use roost::pim::{Record, Task};
use roost::store::{Batch, Write, keys};
use roost::wbxml::Tag;
use roost::wbxml::tags::airsync;
use roost::work::block_on;
use roost_load::tree::{Content, empty};
use roost_load::{Answer, Node, Operation};

use super::appliance::Appliance;
use super::ledger::{parse, title};
use super::phone::{Flight, STAND_IN};
use super::world::World;

/// What is wrong with the appliance, or with its answers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fault {
    /// Sync answers bring an item twice.
    AddsTwice,
    /// Sync answers lose an item now and then.
    LosesAdd,
    /// Sync answers lose the properties that a change brings.
    LosesChange,
    /// What was acknowledged shortly before a kill is gone after it.
    Forgets,
    /// Each mail over LMTP is delivered under two names.
    DeliversTwice,
    /// A deleted item comes back after a kill.
    Resurrects,
    /// An item says again what it said before.
    Reverts,
    /// Other people's changes are undone by whoever comes later.
    LosesConflicts,
    /// Those who wait hear of nothing.
    Swallows,
    /// States of collections pile up.
    Hoards,
    /// The index by date loses an item.
    LosesIndex,
    /// An answer now and then is an internal error.
    Fails,
    /// There is always more to sync.
    NeverEnds,
    /// What is told in place of an item is as hard to take as the item.
    StandsInBadly,
    /// Items are kept from phones that could take them.
    KeepsBack,
}

/// The planted fault of a run, and what it needs.
pub(crate) struct Planted {
    fault: Option<Fault>,
    count: u64,
    backup: Option<Appliance>,
}

impl Planted {
    pub(crate) fn of(fault: Option<Fault>) -> Self {
        Self {
            fault,
            count: 0,
            backup: None,
        }
    }

    pub(crate) fn is_none(&self) -> bool {
        self.fault.is_none()
    }

    pub(crate) fn is(&self, fault: Fault) -> bool {
        self.fault == Some(fault)
    }

    pub(crate) fn swallows_signals(&self) -> bool {
        self.is(Fault::Swallows)
    }

    /// Looks at the appliance after a step.
    pub(crate) fn stepped(&mut self, appliance: &Appliance) {
        self.count += 1;
        if self.is(Fault::Forgets) && self.count.is_multiple_of(40) {
            self.backup = appliance.copy();
        }
    }

    /// The appliance was killed.
    pub(crate) fn crashed(&mut self, appliance: &mut Appliance) {
        if let Some(backup) = self.backup.take() {
            appliance.back_to(backup);
        }
    }

    /// An answer is on its way.
    pub(crate) fn answered(&mut self, answer: &mut Answer, flight: &Flight) {
        let Some(fault) = self.fault else {
            return;
        };
        if fault == Fault::Fails && self.count % 100 == 99 {
            answer.status = 500;
        }
        if !matches!(flight.operation, Operation::Sync(_)) || answer.body.is_empty() {
            return;
        }
        let Ok(mut root) = Node::decode(&answer.body) else {
            return;
        };
        // Rarely, so that it is not found by what comes right after it.
        if matches!(fault, Fault::LosesAdd | Fault::LosesChange) && !self.count.is_multiple_of(16) {
            return;
        }
        let changed = match fault {
            Fault::AddsTwice => spoil(&mut root, &mut double),
            Fault::LosesAdd => spoil(&mut root, &mut |node| {
                node.tag == airsync::COMMANDS && lose(node, airsync::ADD)
            }),
            Fault::LosesChange => spoil(&mut root, &mut |node| {
                node.tag == airsync::COMMANDS && lose(node, airsync::CHANGE)
            }),
            Fault::LosesConflicts => spoil(&mut root, &mut lose_refusals),
            Fault::NeverEnds => spoil(&mut root, &mut more),
            Fault::StandsInBadly => spoil(&mut root, &mut |node| {
                retitle(node, |says| says.strip_prefix(STAND_IN)?.strip_prefix(": "))
            }),
            Fault::KeepsBack => spoil(&mut root, &mut |node| {
                retitle(node, |says| says.starts_with("o1 ").then_some(STAND_IN))
            }),
            _ => false,
        };
        if changed {
            answer.body = root.encode();
        }
    }
}

impl World {
    /// What a planted fault does after a step.
    pub(crate) fn after_step(&mut self, n: usize) {
        let appliance = self.appliance.as_ref().unwrap();
        self.planted.stepped(appliance);
        if self.planted.is(Fault::Reverts) && n % 100 == 99 {
            let row = appliance.items(0).into_iter().next_back();
            if let Some((row, record)) = row.and_then(|row| reverted(&row).map(|r| (row, r))) {
                let mut tx = appliance
                    .mailbox()
                    .transaction(appliance.scope(0), By::default());
                tx.update(&row, &record).unwrap();
                let _ = block_on(tx.commit());
            }
        }
        if self.planted.is(Fault::LosesIndex) && n == 399 {
            let scope = appliance.scope(0);
            let mut batch = Batch::new(scope);
            let is_date =
                |key: &[u8]| keys::scope_of(key) == Some(scope) && keys::parse_date(key).is_some();
            let rows = appliance.rows().into_iter();
            let last = rows.rev().find(|(key, _)| is_date(key));
            batch.writes.extend(last.map(|(key, _)| Write::Delete(key)));
            let _ = block_on(appliance.mailbox().store().commit(batch));
        }
        if self.planted.is(Fault::Hoards) {
            let scope = appliance.scope(0);
            let part = u16::try_from(n).unwrap();
            let mut batch = Batch::new(scope);
            let key = keys::sync_part(scope, 1, 2, part);
            batch.writes.push(Write::Put(key, vec![0]));
            let _ = block_on(appliance.mailbox().store().commit(batch));
        }
    }

    pub(super) fn bring_back(&self, user: usize, origin: &str) {
        let (mailbox, scope) = (self.appliance().mailbox(), self.appliance().scope(user));
        let folder = block_on(mailbox.folder(scope, FolderId::TASKS)).unwrap();
        let mut tx = mailbox.transaction(scope, By::default());
        let subject = title(origin, "t0");
        let task = Task {
            subject,
            ..Task::default()
        };
        block_on(tx.add(&folder, &Record::Task(task))).unwrap();
        block_on(tx.commit()).unwrap();
    }
}

/// The item with a text that nobody has written.
fn reverted(row: &ItemRow) -> Option<Record> {
    let mut record = row.to_record().ok()?;
    match &mut record {
        Record::Task(task) => task.subject = title(parse(&task.subject)?.0, "t0"),
        Record::Note(note) => note.subject = title(parse(&note.subject)?.0, "t0"),
        _ => return None,
    }
    Some(record)
}

/// Replaces a text.
fn retitle(node: &mut Node, with: impl Fn(&str) -> Option<&str>) -> bool {
    let Content::Text(says) = &node.content else {
        return false;
    };
    let Some(other) = with(says).map(str::to_owned) else {
        return false;
    };
    node.content = Content::Text(other);
    true
}

/// Lets `with` have every node; whether it changed one.
fn spoil(node: &mut Node, with: &mut dyn FnMut(&mut Node) -> bool) -> bool {
    let mut changed = with(node);
    for child in children(node) {
        changed |= spoil(child, with);
    }
    changed
}

fn children(node: &mut Node) -> &mut [Node] {
    match &mut node.content {
        Content::Nodes(nodes) => nodes,
        _ => &mut [],
    }
}

/// Brings the first of several new items again.
fn double(node: &mut Node) -> bool {
    let Content::Nodes(children) = &mut node.content else {
        return false;
    };
    match children.first().cloned() {
        Some(first) if node.tag == airsync::COMMANDS && first.tag == airsync::ADD => {
            children.push(first);
            true
        }
        _ => false,
    }
}

/// Takes the responses away that say that a change was refused.
fn lose_refusals(node: &mut Node) -> bool {
    let of_changes = |responses: &Node| {
        let mut all = responses.children().iter();
        responses.tag == airsync::RESPONSES && all.all(|r| r.tag == airsync::CHANGE)
    };
    let Content::Nodes(children) = &mut node.content else {
        return false;
    };
    let before = children.len();
    children.retain(|child| !of_changes(child));
    children.len() < before
}

/// Says that there is more.
fn more(node: &mut Node) -> bool {
    if node.tag != airsync::COLLECTION || node.child(airsync::MORE_AVAILABLE).is_some() {
        return false;
    }
    let Content::Nodes(children) = &mut node.content else {
        return false;
    };
    let at = children
        .iter()
        .position(|child| child.tag == airsync::STATUS);
    let at = at.map_or(children.len(), |at| at + 1);
    children.insert(at, empty(airsync::MORE_AVAILABLE));
    true
}

/// Takes the last child of a kind away, where others remain.
fn lose(node: &mut Node, tag: Tag) -> bool {
    let Content::Nodes(children) = &mut node.content else {
        return false;
    };
    let at = children.iter().rposition(|child| child.tag == tag);
    match at {
        Some(at) if children.len() > 1 => {
            children.remove(at);
            true
        }
        _ => false,
    }
}
