//! Room for one more path where there are as many as may be.

use std::collections::HashMap;
use std::hash::Hash;

use super::track::Track;

/// Makes room for `key`: where the map is full, the quarter of which nothing was learnt for longest
/// gives way. So that is rare, whatever comes.
pub(super) fn make<K: Hash + Eq, V>(
    map: &mut HashMap<K, V>,
    max: usize,
    key: &K,
    track: impl Fn(&V) -> &Track,
) {
    if map.len() < max || map.contains_key(key) {
        return;
    }
    let mut latest: Vec<u32> = map.values().map(|v| track(v).latest_h()).collect();
    let quarter = latest.len() / 4;
    let (_, bound, _) = latest.select_nth_unstable(quarter);
    let (bound, mut left) = (*bound, quarter + 1);
    // Of those at the bound itself as many as are needed: all may have the same hour.
    map.retain(|_, v| {
        let gives_way = left > 0 && track(v).latest_h() <= bound;
        left -= usize::from(gives_way);
        !gives_way
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_unused_give_way() {
        let mut map = HashMap::new();
        for n in 0..100_u32 {
            make(&mut map, 100, &n, |t| t);
            let mut track = Track::default();
            track.cut(300, n * 24);
            map.insert(n, track);
        }
        make(&mut map, 100, &7, |t| t);
        assert_eq!(map.len(), 100, "it is there already");
        make(&mut map, 100, &100, |t| t);
        assert_eq!(map.len(), 74);
        assert!((26..100).all(|n| map.contains_key(&n)));
    }

    #[test]
    fn those_of_one_hour_too() {
        let mut map: HashMap<u32, Track> = (0..100).map(|n| (n, Track::default())).collect();
        make(&mut map, 100, &100, |t| t);
        assert_eq!(map.len(), 74);
    }
}
