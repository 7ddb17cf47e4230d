//! Places for what waits: in chunks that never move, so that growth copies nothing and wastes little.

/// Places of one chunk.
const CHUNK: usize = 256;

/// Values by number. A place counts its uses, so that a late message for an earlier value is told
/// apart.
pub(super) struct Slab<T> {
    chunks: Vec<Box<[Place<T>]>>,
    free: Vec<u32>,
    len: usize,
}

struct Place<T> {
    uses: u32,
    value: Option<T>,
}

impl<T> Slab<T> {
    pub(super) fn new() -> Self {
        Self {
            chunks: Vec::new(),
            free: Vec::new(),
            len: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Puts a value in; its number and the count of the place's uses.
    pub(super) fn insert(&mut self, value: T) -> (u32, u32) {
        if self.free.is_empty() {
            self.grow();
        }
        let index = self.free.pop().unwrap_or(u32::MAX);
        let Some(place) = self.place(index) else {
            return (index, 0);
        };
        place.value = Some(value);
        let uses = place.uses;
        self.len += 1;
        (index, uses)
    }

    fn grow(&mut self) {
        let first = self.chunks.len() * CHUNK;
        let place = |_| Place {
            uses: 0,
            value: None,
        };
        self.chunks.push((0..CHUNK).map(place).collect());
        let numbers = (first..first + CHUNK).rev();
        self.free
            .extend(numbers.map(|n| u32::try_from(n).unwrap_or(u32::MAX)));
    }

    fn place(&mut self, index: u32) -> Option<&mut Place<T>> {
        let index = index as usize;
        self.chunks.get_mut(index / CHUNK)?.get_mut(index % CHUNK)
    }

    /// How often the place was used before.
    pub(super) fn uses(&mut self, index: u32) -> u32 {
        self.place(index).map_or(0, |place| place.uses)
    }

    pub(super) fn get_mut(&mut self, index: u32) -> Option<&mut T> {
        self.place(index)?.value.as_mut()
    }

    pub(super) fn remove(&mut self, index: u32) -> Option<T> {
        let place = self.place(index)?;
        let value = place.value.take()?;
        place.uses = place.uses.wrapping_add(1);
        self.free.push(index);
        self.len -= 1;
        Some(value)
    }

    /// The numbers of all values.
    pub(super) fn numbers(&self) -> impl Iterator<Item = u32> {
        let places = self.chunks.iter().flatten();
        (0..)
            .zip(places)
            .filter_map(|(n, place)| place.value.as_ref().map(|_| n))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_used_again_and_tell_their_users_apart() {
        let mut slab = Slab::new();
        let places: Vec<_> = (0..1_000).map(|n| slab.insert(n)).collect();
        assert_eq!(slab.len(), 1_000);
        assert!(places.iter().zip(0..).all(|((index, _), n)| *index == n));
        assert_eq!((slab.remove(500), slab.remove(500)), (Some(500), None));
        assert_eq!(slab.numbers().count(), 999);
        let (index, uses) = slab.insert(7);
        assert_eq!((index, uses, slab.uses(500)), (500, 1, 1));
        assert_eq!(slab.get_mut(500), Some(&mut 7));
        assert_eq!(slab.get_mut(100_000), None);
    }
}
