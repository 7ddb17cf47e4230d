//! The life of a device: it comes, catches up, does what is due, waits, and looks once more at the end.

use super::ask::Trouble;
use super::phone::Phone;
use super::shared::Stage;
use crate::load::measure::State;

/// Requests of one catching up, at most.
const ROUNDS_MAX: u32 = 10_000;
/// Answers in a row that do not help, at most.
const STUCK_MAX: u32 = 6;
/// Breaches of the protocol in a row, after which a device gives up for a while.
const BREACHES_MAX: u32 = 3;
/// Tries of the last look.
const LOOKS_MAX: u32 = 5;
/// Seconds until a device that gave up, or was refused, tries again.
const SULK_S: u64 = 60;

/// Lives.
pub(super) async fn live(mut phone: Box<Phone>) {
    if phone.comes().await {
        // The first connection had its turn already.
        phone.hurries = true;
        while phone.core.shared.stage() < Stage::End {
            phone.turn().await;
        }
        Box::pin(phone.finish()).await;
    } else {
        let witness = &phone.core.shared.witness;
        witness.looked(phone.who, false);
        phone.core.shared.has_acted();
    }
    phone.is(None);
    phone.core.leaves(phone.who.device);
}

impl Phone {
    /// Waits for its turn to come; false: the end came before.
    async fn comes(&mut self) -> bool {
        let at_us = self.core.shared.gate(self.now_us());
        while self.now_us() < at_us {
            self.bell.sleep(at_us).await;
            if self.core.shared.stage() >= Stage::End {
                return false;
            }
        }
        true
    }

    /// Catches up, does what is due, and waits.
    async fn turn(&mut self) {
        let caught_up = Box::pin(self.catch_up()).await;
        self.hurries = false;
        let trouble = match caught_up {
            Ok(()) => {
                self.breaches = 0;
                self.arrives();
                Box::pin(self.act(false)).await.err()
            }
            Err(trouble) => Some(trouble),
        };
        match trouble {
            None => self.wait().await,
            Some(trouble) => {
                self.line = None;
                self.sulk(trouble).await;
            }
        }
    }

    /// After trouble: away, or given up for a while.
    async fn sulk(&mut self, trouble: Trouble) {
        let (seconds, state) = match trouble {
            Trouble::TooLate => return,
            Trouble::Violation if self.breaches < BREACHES_MAX => (1, State::Away),
            Trouble::GaveUp => (SULK_S, State::Away),
            Trouble::Refused | Trouble::Violation => (SULK_S, State::Broken),
        };
        if seconds == SULK_S {
            self.core.meter().count("gave up", 1);
            self.arrives();
        }
        self.is(Some(state));
        let due_us = self.now_us() + seconds * 1_000_000;
        while self.now_us() < due_us && self.core.shared.stage() < Stage::End {
            self.bell.sleep(due_us).await;
        }
    }

    fn arrives(&mut self) {
        if !self.arrived {
            self.arrived = true;
            self.core.shared.arrives();
        }
    }

    /// Does what a phone does by itself until it is up to date.
    pub(super) async fn catch_up(&mut self) -> Result<(), Trouble> {
        let mut intended_us = self.woken_us.unwrap_or_else(|| self.now_us());
        let mut stuck = 0;
        for _ in 0..ROUNDS_MAX {
            let Some(operation) = self.device.next() else {
                if self.woken_us.take().is_some() {
                    let witness = &self.core.shared.witness;
                    witness.synced(self.who, self.now_us());
                }
                return Ok(());
            };
            let outcome = Box::pin(self.ask(operation, intended_us, false)).await?;
            let parts = outcome.collections.iter().all(|(_, status)| *status == 1);
            if (outcome.ok() && parts) || outcome.provision_demanded() && stuck == 0 {
                stuck = usize::from(!outcome.ok());
            } else {
                stuck += 1;
                if stuck > usize::try_from(STUCK_MAX).unwrap_or(0) {
                    return Err(Trouble::GaveUp);
                }
                // A key that was refused is asked for anew at once.
                if stuck > 1 {
                    let due_us = self.now_us() + self.back_off_us();
                    self.rest(due_us).await?;
                }
            }
            intended_us = self.now_us();
        }
        Err(Trouble::GaveUp)
    }

    /// The end: what is due is done, and then everything is looked at once more.
    async fn finish(&mut self) {
        self.rouse();
        if let Some(line) = self.line.take() {
            match self.parked_us.take() {
                Some(_) => line.close(),
                None => self.line = Some(line),
            }
        }
        if let Some(aside) = self.aside.take() {
            aside.close();
        }
        if self.arrived {
            if self.woken_us.is_some() {
                // It was woken at the last moment, and follows that up as ever.
                let _ = Box::pin(self.catch_up()).await;
            }
            let _ = Box::pin(self.act(false)).await;
        }
        // The last look is due when its turn has come, and not since a wake.
        self.woken_us = None;
        let shared = std::sync::Arc::clone(&self.core.shared);
        shared.has_acted();
        // Until all have nothing left to do: what they sent is looked for.
        while shared.stage() != Stage::Look && self.now_us() < shared.deadline_us() {
            self.bell.sleep(shared.deadline_us()).await;
        }
        let mut whole = false;
        for _ in 0..LOOKS_MAX {
            if !self.arrived || whole || self.now_us() > shared.deadline_us() {
                break;
            }
            self.device.refresh();
            match self.catch_up().await {
                Ok(()) => whole = true,
                Err(Trouble::TooLate | Trouble::Refused) => break,
                Err(Trouble::GaveUp | Trouble::Violation) => {
                    let due_us = self.now_us() + self.back_off_us();
                    if self.rest(due_us).await.is_err() {
                        break;
                    }
                }
            }
        }
        let witness = &self.core.shared.witness;
        witness.looked(self.who, whole);
        if let Some(line) = self.line.take() {
            line.close();
        }
    }
}
