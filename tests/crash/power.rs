//! What was acknowledged survives the loss of power at any moment.
//!
//! The system calls of a child that makes a store, works, is killed and works on are recorded. They
//! are played again on a disk of ours up to a moment; from what is on it for certain, and what may
//! be, an image is made. The store is opened from the image and compared with what the child had
//! acknowledged by that moment.
//!
//! `ROOST_IMAGES` sets how many images (200), `ROOST_SEED` which moments.

use crate::dice::Dice;
use crate::disk::{MODELS, Model};
use crate::image;
use crate::recording::Recording;
use crate::replay::Lie;
use crate::setting;

#[test]
fn what_was_acknowledged_survives_power_loss() {
    let images = setting("ROOST_IMAGES").unwrap_or(200) as usize;
    let seed = setting("ROOST_SEED").unwrap_or(0x0b57);
    // A night has the time for a longer one.
    let Some(recording) = Recording::make(300 + images as u64 / 2) else {
        return;
    };
    let mut dice = Dice::new(seed);
    let points = recording.points(images, &mut dice);
    let mut n = 0;
    recording.play(Lie::None, &points, |replay, point| {
        let model = MODELS[n % MODELS.len()];
        let folder = image::write(replay, model, &mut dice);
        let mut verdict = image::verdict(&replay.journal, folder.path());
        if n % 4 == 0 {
            verdict = verdict.and_then(|()| image::goes_on(&replay.journal, folder.path()));
        }
        if let Err(failure) = verdict {
            let kept = folder.keep();
            panic!(
                "image {n} of seed {seed}, {model:?} at {point:?}, {}: {failure}",
                kept.display()
            );
        }
        n += 1;
    });
    eprintln!("{n} images of seed {seed}");
}

/// The oracle has teeth: it finds a disk that lies about its syncs, and a child that speaks too soon.
#[test]
fn a_sync_that_is_missing_is_found() {
    let Some(recording) = Recording::make(100) else {
        return;
    };
    let points = recording.syncs(20, &mut Dice::new(1));
    let journals = |lead| {
        let later = points.iter().map(|point| recording.later(*point, lead));
        let mut journals = Vec::new();
        recording.play(Lie::None, &later.collect::<Vec<_>>(), |replay, _| {
            journals.push(replay.journal.clone());
        });
        journals
    };
    let found = |lie, lead| {
        let mut journals = journals(lead).into_iter();
        let mut found = 0;
        recording.play(lie, &points, |replay, _| {
            let folder = image::write(replay, Model::Synced, &mut Dice::new(0));
            found += usize::from(image::verdict(&journals.next().unwrap(), folder.path()).is_err());
        });
        found
    };
    assert_eq!(found(Lie::None, 0), 0);
    // Only at the very beginning nothing is lost, as nothing was said.
    assert!(found(Lie::Syncs, 0) >= 15, "no sync does anything");
    assert!(found(Lie::FolderSyncs, 0) >= 15, "no name lasts");
    assert!(found(Lie::None, 60) >= 10, "acknowledged before the sync");
}
