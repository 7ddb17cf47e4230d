//! The tasks and notes.

use super::dice::Dice;
use super::words::{self, Person};
use super::{DAY_MS, Owned};
use crate::pim::event::Recurrence;
use crate::pim::task::TaskRecurrence;
use crate::pim::tz::Zone;
use crate::pim::{Body, Note, Task};

/// What has to be done once.
const CHORES: &[&str] = &[
    "Answer the tender",
    "Ask the neighbours for the ladder",
    "Book the train to Praha",
    "Buy blue paint",
    "Call the printer about the proof",
    "Choose photos for the catalogue",
    "Compare the two contracts",
    "Cut the hedge",
    "Find the old harbour map",
    "Fix the bicycle light",
    "Hang the shelf",
    "Invite the choir",
    "Learn the second verse",
    "Order envelopes",
    "Pack the boxes for the move",
    "Plan the school garden",
    "Prepare the workshop",
    "Return the library books",
    "Send the samples",
    "Sort the archive, letters A to F",
    "Thank Rosa for the cake",
    "Try the new ferry",
    "Update the price list",
    "Write the summary",
];

/// What, and its rule: kind, interval, days of the week, day of the month.
type Routine = (&'static str, u8, u16, Option<u8>, Option<u8>);

/// What comes again.
const ROUTINES: &[Routine] = &[
    ("Water the plants", 1, 1, Some(0b000_1010), None),
    ("Back up the photos", 2, 1, None, Some(15)),
    ("Change the bed linen", 1, 2, Some(0b100_0000), None),
    ("Read the meter", 2, 3, None, Some(1)),
    ("Vitamin for Muffin", 0, 1, None, None),
];

const NOTES: &[(&str, &str)] = &[
    (
        "Plum cake",
        "600 g plums\n300 g flour\n150 g butter\n2 eggs\n120 g sugar\n\nForty minutes, rather hot.",
    ),
    (
        "Kite sizes",
        "Small: 80 cm\nMiddle: 140 cm\nBig: do not fly alone",
    ),
    (
        "Wi-Fi for guests",
        "Name: harbour-guests\nThe word is on the blackboard, it changes on Mondays.",
    ),
    (
        "Books to read",
        "- the one about lighthouses\n- the one that Rosa lent me\n- maps, second volume",
    ),
    (
        "Paint",
        "Kitchen: Nordic blue, half matt\nHall: leave it white",
    ),
    (
        "Garden plan",
        "Beans by the fence.\nTomatoes where the old shed was.\nNothing under the birch, nothing grows there.",
    ),
    (
        "Ideas for the catalogue",
        "Fewer words.\nOne big picture per page.\nAn index that one can read.",
    ),
    (
        "Measurements",
        "Window 112 x 138\nDoor 86\nShelf at most 74",
    ),
    (
        "Things lent",
        "Ladder: neighbours on the left\nDrill: Tamsin\nTent: Łukasz, since summer",
    ),
    (
        "Train times",
        "7:12, 7:42, 8:12, then every hour.\nThe 17:05 is always full.",
    ),
    (
        "Songs",
        "Second voice: from bar 32 on, softer.\nAsk about the ending.",
    ),
    (
        "Questions for the architect",
        "Where does the water go?\nCan the wall be moved?\nHow long without a kitchen?",
    ),
];

/// The tasks of both users, the same for the same `now_ms` (Unix milliseconds).
pub fn tasks(now_ms: i64) -> impl Iterator<Item = Owned<Task>> {
    let users = [(words::alice(), 21), (words::bob(), 22)];
    users.into_iter().flat_map(move |(user, seed)| {
        let mut desk = Desk::new(&user, now_ms, seed);
        let mut found: Vec<Task> = CHORES.iter().map(|what| desk.chore(what)).collect();
        found.extend(ROUTINES.iter().map(|routine| desk.routine(routine)));
        found.into_iter().map(move |item| Owned {
            user: user.email.clone(),
            item,
        })
    })
}

/// The notes of both users, the same for the same `now_ms` (Unix milliseconds).
pub fn notes(now_ms: i64) -> impl Iterator<Item = Owned<Note>> {
    let users = [(words::alice(), 31), (words::bob(), 32)];
    users.into_iter().flat_map(move |(user, seed)| {
        let mut dice = Dice::new(seed);
        let mut written: Vec<(String, String)> = NOTES
            .iter()
            .map(|(s, t)| ((*s).to_owned(), (*t).to_owned()))
            .collect();
        for _ in 0..12 {
            let subject = format!("Notes on {}", words::subject(&mut dice));
            let sentences = 2 + dice.below(5);
            written.push((subject, words::paragraph(&mut dice, sentences)));
        }
        let made: Vec<Owned<Note>> = written
            .into_iter()
            .map(|(subject, text)| {
                let days = i64::try_from(dice.below(200)).unwrap_or(0);
                let modified_ms = now_ms - days * DAY_MS;
                let note = Note {
                    subject,
                    message_class: "IPM.StickyNote".to_owned(),
                    modified_ms,
                    categories: some_category(&mut dice, 60),
                    body: Body {
                        text,
                        ..Body::default()
                    },
                    created_ms: modified_ms - DAY_MS,
                };
                Owned {
                    user: user.email.clone(),
                    item: note,
                }
            })
            .collect();
        made
    })
}

fn some_category(dice: &mut Dice, percent: usize) -> Vec<String> {
    let wanted = dice.chance(percent);
    let name = dice.pick(words::CATEGORIES).to_owned();
    if wanted { vec![name] } else { Vec::new() }
}

/// Where one user's tasks are made. Their dates are wall time, and the instant beside it.
struct Desk {
    zone: Zone,
    dice: Dice,
    now_ms: i64,
    today: i64,
    user: String,
    count: usize,
}

impl Desk {
    fn new(user: &Person, now_ms: i64, seed: u64) -> Self {
        let zone = Zone::named(&user.zone).unwrap_or_default();
        let today = zone.to_local(now_ms).div_euclid(DAY_MS);
        let (name, _) = user.email.split_once('@').unwrap_or_default();
        Self {
            zone,
            dice: Dice::new(seed),
            now_ms,
            today,
            user: name.to_owned(),
            count: 0,
        }
    }

    /// Due on a day since 1970, begun some days before.
    fn task(&mut self, subject: &str, due: i64, lead: i64) -> Task {
        let (start, due) = ((due - lead) * DAY_MS, due * DAY_MS);
        self.count += 1;
        Task {
            subject: subject.to_owned(),
            importance: 1,
            start_ms: Some(start),
            utc_start_ms: Some(self.zone.to_utc(start)),
            due_ms: Some(due),
            utc_due_ms: Some(self.zone.to_utc(due)),
            uid: format!("demo-task-{}-{}@example.org", self.user, self.count),
            created_ms: self.now_ms - 20 * DAY_MS,
            ..Task::default()
        }
    }

    fn chore(&mut self, what: &str) -> Task {
        let due = self.today + i64::try_from(self.dice.below(90)).unwrap_or(0) - 30;
        let lead = i64::try_from(self.dice.below(6)).unwrap_or(0);
        let mut task = self.task(what, due, lead);
        task.importance = self.dice.pick(&[1, 1, 1, 2, 0]);
        task.sensitivity = self.dice.pick(&[0, 0, 0, 0, 2]);
        task.categories = some_category(&mut self.dice, 50);
        if self.dice.chance(50) {
            let sentences = 1 + self.dice.below(2);
            task.body.text = words::paragraph(&mut self.dice, sentences);
        }
        if due < self.today && self.dice.chance(80) {
            task.complete = true;
            task.completed_ms = task.utc_due_ms;
        } else if self.dice.chance(50) {
            task.reminder_set = true;
            task.reminder_ms = Some(due * DAY_MS + 9 * 3_600_000);
        }
        if self.dice.chance(15) {
            // No dates at all: some day.
            (task.start_ms, task.utc_start_ms) = (None, None);
            (task.due_ms, task.utc_due_ms) = (None, None);
            (task.reminder_set, task.reminder_ms) = (false, None);
        }
        task
    }

    fn routine(&mut self, routine: &Routine) -> Task {
        let (what, kind, interval, day_of_week, day_of_month) = *routine;
        let mut rule = Recurrence {
            kind,
            interval,
            day_of_week,
            day_of_month,
            ..Recurrence::default()
        };
        if kind == 0 {
            rule.occurrences = Some(30);
        }
        // The next day that the rule allows.
        let from = self.today * DAY_MS;
        let utc = Zone::utc();
        let mut starts = crate::pim::recur::Starts::new(&rule, from, &utc);
        let start_ms = starts.next().unwrap_or(from);
        let mut task = self.task(what, start_ms.div_euclid(DAY_MS), 0);
        task.recurrence = Some(TaskRecurrence {
            rule,
            start_ms,
            ..TaskRecurrence::default()
        });
        task
    }
}
