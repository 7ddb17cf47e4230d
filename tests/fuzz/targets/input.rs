//! Bytes of the fuzzer as choices: small numbers, pieces, and what is left. After their end all
//! numbers are 0, so that a cut input is a shorter story and not an error.

use std::sync::atomic::{AtomicBool, Ordering};

/// What is not used yet.
pub(crate) struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    pub(crate) fn new(data: &'a [u8]) -> Self {
        Self(data)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else {
            return 0;
        };
        self.0 = rest;
        *first
    }

    /// A number below `n`, which is at most 256.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        usize::from(self.byte()) % n
    }

    pub(crate) fn flag(&mut self) -> bool {
        self.byte() & 1 == 1
    }

    pub(crate) fn u16(&mut self) -> u16 {
        u16::from_be_bytes([self.byte(), self.byte()])
    }

    pub(crate) fn u32(&mut self) -> u32 {
        u32::from(self.u16()) << 16 | u32::from(self.u16())
    }

    pub(crate) fn u64(&mut self) -> u64 {
        u64::from(self.u32()) << 32 | u64::from(self.u32())
    }

    pub(crate) fn pick<'p, T>(&mut self, from: &'p [T]) -> &'p T {
        &from[self.below(from.len())]
    }

    /// At most `n` bytes.
    pub(crate) fn take(&mut self, n: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(n.min(self.0.len()));
        self.0 = rest;
        taken
    }

    /// A piece whose length stands in front of it.
    pub(crate) fn piece(&mut self) -> &'a [u8] {
        let n = usize::from(self.byte());
        self.take(n)
    }

    /// The same, as text.
    pub(crate) fn text(&mut self) -> String {
        String::from_utf8_lossy(self.piece()).into_owned()
    }

    pub(crate) fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.0)
    }
}

/// Set where every input is put to all checks: there are few of them.
static THOROUGH: AtomicBool = AtomicBool::new(false);

/// From now on each input is put to all checks.
#[allow(dead_code, reason = "the smoke test asks for it")]
pub(crate) fn be_thorough() {
    THOROUGH.store(true, Ordering::Relaxed);
}

/// Whether it is this input's turn, one of so many, for a check that is too dear for all of them. The
/// bytes decide, and do not know it: what looked new to a fuzzer would soon be all that it tries.
pub(crate) fn is_turn(data: &[u8], turn: u64, of: u64) -> bool {
    THOROUGH.load(Ordering::Relaxed) || (hash(data) >> 8) % of == turn
}

fn hash(data: &[u8]) -> u64 {
    data.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, b| {
        (hash ^ u64::from(*b)).wrapping_mul(0x100_0000_01b3)
    })
}

/// Where reads of `len` bytes may be cut, drawn from the bytes themselves: one way of cutting for
/// each input, and the same one again.
pub(crate) fn cuts(data: &[u8], len: usize) -> Vec<usize> {
    let mut state = hash(data);
    let mut cuts: Vec<usize> = (0..state % 7)
        .map(|_| {
            state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
            usize::try_from(state >> 33).unwrap_or(0) % (len + 1)
        })
        .collect();
    cuts.sort_unstable();
    cuts
}
