//! The head of a scope: how far it is, and which batches it took last.

use super::row::Error;
use super::{BatchId, Seq};
use crate::limits;

/// The row under [`keys::head`](super::keys::head).
///
/// The ids of the last few batches are part of every commit, so that a batch whose outcome its
/// caller never heard is recognised when it comes again.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Head {
    /// The number of the latest commit; 0 before the first.
    pub seq: Seq,
    /// The latest batches, newest first.
    batches: Vec<(BatchId, Seq)>,
}

/// Format of the row.
const FORMAT: u8 = 1;

impl Head {
    /// Reads the value of the row.
    ///
    /// # Errors
    /// [`Error::Corrupt`].
    pub fn decode(value: &[u8]) -> Result<Self, Error> {
        Self::parse(value).ok_or(Error::Corrupt("the head of a scope"))
    }

    fn parse(value: &[u8]) -> Option<Self> {
        let rest = value.strip_prefix(&[FORMAT])?;
        let (seq, mut rest) = rest.split_first_chunk()?;
        let mut batches = Vec::new();
        while let Some((id, after)) = rest.split_first_chunk() {
            let (seq, after) = after.split_first_chunk()?;
            batches.push((BatchId(*id), Seq::from_be_bytes(*seq)));
            rest = after;
        }
        rest.is_empty().then_some(Self {
            seq: Seq::from_be_bytes(*seq),
            batches,
        })
    }

    /// The value of the row.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut value = vec![FORMAT];
        value.extend_from_slice(&self.seq.to_be_bytes());
        for (id, seq) in &self.batches {
            value.extend_from_slice(&id.0);
            value.extend_from_slice(&seq.to_be_bytes());
        }
        value
    }

    /// The number under which the batch is committed already.
    #[must_use]
    pub fn committed(&self, id: BatchId) -> Option<Seq> {
        self.batches.iter().find(|(of, _)| *of == id).map(|b| b.1)
    }

    /// The head after the commit of one more batch.
    #[must_use]
    pub fn next(&self, id: BatchId) -> Self {
        let seq = self.seq + 1;
        let kept = self.batches.iter().copied();
        let batches = std::iter::once((id, seq)).chain(kept);
        Self {
            seq,
            batches: batches.take(limits::BATCH_IDS_KEPT).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_remembers_the_last_batches_and_no_more() {
        let mut head = Head::default();
        for n in 1..=20 {
            head = head.next(BatchId([n; 16]));
        }
        assert_eq!(head.seq, 20);
        assert_eq!(head.committed(BatchId([20; 16])), Some(20));
        assert_eq!(head.committed(BatchId([13; 16])), Some(13));
        assert_eq!(head.committed(BatchId([12; 16])), None);
        assert_eq!(Head::decode(&head.encode()), Ok(head));
    }

    #[test]
    fn a_torn_head_is_an_error() {
        let value = Head::default().next(BatchId([1; 16])).encode();
        let whole = [9, value.len()];
        for len in (0..=value.len()).filter(|len| !whole.contains(len)) {
            assert!(Head::decode(&value[..len]).is_err(), "{len} bytes");
        }
    }
}
