//! What was acknowledged survives the loss of power at any moment.
//!
//! The system calls of a child that makes a store, works, is killed and works on are recorded. They
//! are played again on a disk of ours up to a moment; from what is on it for certain, and what may
//! be, an image is made. The store is opened from the image and compared with what the child had
//! acknowledged by that moment.
//!
//! `ROOST_IMAGES` sets how many images (200), `ROOST_SEED` which moments.

use std::path::Path;

use crate::TEST;
use crate::child::{FOLDER, LARGE, ROUND};
use crate::dice::Dice;
use crate::disk::{MODELS, Model};
use crate::house;
use crate::image;
use crate::letters::{self, Letters};
use crate::recording::Recording;
use crate::replay::{Lie, Replay};
use crate::setting;
use crate::verify::Journal;

/// The test that the child with mailboxes runs.
const HOUSE_TEST: &str = "power::mailboxes_survive_power_loss";

/// How many images, and of which moments.
struct Wanted {
    images: usize,
    seed: u64,
}

impl Wanted {
    fn read() -> Self {
        Self {
            images: setting("ROOST_IMAGES").unwrap_or(200) as usize,
            seed: setting("ROOST_SEED").unwrap_or(0x0b57),
        }
    }

    /// A night has the time for a longer recording.
    fn acks(&self) -> u64 {
        300 + (self.images as u64 / 4).min(3_000)
    }

    /// Makes images of a recording, and asks for a verdict on each.
    fn each(
        &self,
        recording: &Recording,
        verdict: impl Fn(usize, &Replay, &Path) -> Result<(), String>,
    ) {
        let mut dice = Dice::new(self.seed);
        let points = recording.points(self.images, &mut dice);
        let mut n = 0;
        recording.play(Lie::None, &points, |replay, point| {
            let model = MODELS[n % MODELS.len()];
            let folder = image::write(replay, model, &mut dice);
            if let Err(failure) = verdict(n, replay, folder.path()) {
                let (seed, kept) = (self.seed, folder.keep());
                let kept = kept.display();
                panic!("image {n} of seed {seed}, {model:?} at {point:?}, {kept}: {failure}");
            }
            n += 1;
        });
        eprintln!("{n} images of seed {}", self.seed);
    }
}

fn journal(replay: &Replay) -> Journal {
    Journal::of(replay.heard.iter().map(String::as_str))
}

#[test]
fn what_was_acknowledged_survives_power_loss() {
    let wanted = Wanted::read();
    let Some(recording) = Recording::make(TEST, wanted.acks()) else {
        return;
    };
    wanted.each(&recording, |n, replay, disk| {
        let journal = journal(replay);
        image::verdict(&journal, disk)?;
        match n % 4 {
            0 => image::goes_on(&journal, disk),
            _ => Ok(()),
        }
    });
}

/// Long enough for a journal to be sealed, and removed.
#[test]
#[ignore = "takes minutes and gigabytes of memory: for a night"]
fn a_journal_that_is_sealed_survives_power_loss() {
    let mut wanted = Wanted::read();
    wanted.images /= 4;
    let Some(recording) = Recording::from_round(LARGE, TEST, 250) else {
        return;
    };
    assert!(
        recording.has_removed("/0.jnl"),
        "a longer recording is needed"
    );
    wanted.each(&recording, |_, replay, disk| {
        image::verdict(&journal(replay), disk)
    });
}

/// Mail, and a phone that syncs it.
#[test]
fn mailboxes_survive_power_loss() {
    if let (Ok(folder), Ok(round)) = (std::env::var(FOLDER), std::env::var(ROUND)) {
        return house::run(Path::new(&folder), round.parse().unwrap());
    }
    let mut wanted = Wanted::read();
    wanted.images /= 4;
    let Some(recording) = Recording::make(HOUSE_TEST, wanted.acks() / 2) else {
        return;
    };
    wanted.each(&recording, |n, replay, disk| {
        if n % 6 == 0 {
            letters::is_in_order(disk)?;
        }
        image::caught(|| Letters::of(&replay.heard).verify(&disk.join("store")))
    });
}

/// The oracle has teeth: it finds a disk that lies about its syncs, and a child that speaks too soon.
#[test]
fn a_sync_that_is_missing_is_found() {
    let Some(recording) = Recording::make(TEST, 100) else {
        return;
    };
    let verdict = |heard: &[String], disk: &Path| {
        let journal = Journal::of(heard.iter().map(String::as_str));
        image::verdict(&journal, disk)
    };
    let found = |lie, lead| found(&recording, lie, lead, verdict);
    assert_eq!(found(Lie::None, 0), 0);
    // Only at the very beginning nothing is lost, as nothing was said.
    assert!(found(Lie::Syncs, 0) >= 15, "no sync does anything");
    assert!(found(Lie::FolderSyncs, 0) >= 15, "no name lasts");
    assert!(found(Lie::None, 60) >= 10, "acknowledged before the sync");
}

#[test]
fn a_sync_that_is_missing_is_found_in_mailboxes() {
    let Some(recording) = Recording::make(HOUSE_TEST, 100) else {
        return;
    };
    let verdict = |heard: &[String], disk: &Path| {
        image::caught(|| Letters::of(heard).verify(&disk.join("store")))
    };
    let found = |lie, lead| found(&recording, lie, lead, verdict);
    assert_eq!(found(Lie::None, 0), 0);
    assert!(found(Lie::Syncs, 0) >= 15, "no sync does anything");
    assert!(found(Lie::None, 60) >= 10, "acknowledged before the sync");
}

/// Of twenty moments, how often a verdict finds a lie, or that the child was heard too soon.
fn found(
    recording: &Recording,
    lie: Lie,
    lead: usize,
    verdict: impl Fn(&[String], &Path) -> Result<(), String>,
) -> usize {
    let points = recording.syncs(20, &mut Dice::new(1));
    let later = points.iter().map(|point| recording.later(*point, lead));
    let mut heard = Vec::new();
    recording.play(Lie::None, &later.collect::<Vec<_>>(), |replay, _| {
        heard.push(replay.heard.clone());
    });
    let (mut heard, mut found) = (heard.iter(), 0);
    recording.play(lie, &points, |replay, _| {
        let folder = image::write(replay, Model::Synced, &mut Dice::new(0));
        let verdict = verdict(heard.next().unwrap(), folder.path());
        found += usize::from(verdict.is_err());
    });
    found
}
