//! Codes that were decided already, by group: where the next one's numbers stand between theirs, it is like them.
//!
//! Nothing here knows what was decided, or why what stands between two good numbers is good: whoever puts a precedent
//! answers for that.

use crate::rules::{Numbers, MOST_BETWEEN};
use std::collections::HashMap;
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

/// Groups that are kept; beyond them all are forgotten, since they come back by themselves.
const MOST_GROUPS: usize = 8192;

/// Least and greatest numbers by group, and a place for each group that no other ever had.
#[derive(Default)]
pub struct Precedents {
    inner: RwLock<Inner>,
}

#[derive(Default)]
struct Inner {
    known: HashMap<Box<[u8]>, Known>,
    next: usize,
}

struct Known {
    place: usize,
    least: Numbers,
    greatest: Numbers,
}

/// What became of a precedent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Put {
    /// The group has this place already; its bounds are wider now.
    Wider(usize),
    /// The group is new and has this place; whether all others were forgotten for it.
    New(usize, bool),
}

/// Precedents that nobody adds to as long as this is held: asking for the lock with every code, threads would spend their
/// time on handing it to each other.
pub(crate) struct Held<'a>(RwLockReadGuard<'a, Inner>);

impl Held<'_> {
    /// The place of the group, where every number is between those of two codes of the group that were put here.
    pub(crate) fn find(&self, group: &[u8], numbers: &Numbers) -> Option<usize> {
        let known = self.0.known.get(group)?;
        let is_between = |i: usize| known.least[i] <= numbers[i] && numbers[i] <= known.greatest[i];
        (0..MOST_BETWEEN).all(is_between).then_some(known.place)
    }
}

impl Precedents {
    /// What is there now.
    pub(crate) fn held(&self) -> Held<'_> {
        Held(self.inner.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts a code of a group here; its numbers in their order, without those that its group has not.
    pub fn put(&self, group: &[u8], given: &[i64]) -> Option<Put> {
        let mut numbers = [0; MOST_BETWEEN];
        numbers.get_mut(..given.len())?.copy_from_slice(given);
        let mut inner = self.inner.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = inner.known.get_mut(group) {
            for (i, number) in numbers.into_iter().enumerate() {
                known.least[i] = known.least[i].min(number);
                known.greatest[i] = known.greatest[i].max(number);
            }
            return Some(Put::Wider(known.place));
        }
        let forgotten = inner.known.len() >= MOST_GROUPS;
        if forgotten {
            inner.known.clear();
        }
        let place = inner.next;
        inner.next += 1;
        inner.known.insert(group.into(), Known { place, least: numbers, greatest: numbers });
        Some(Put::New(place, forgotten))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(first: i64, second: i64) -> Numbers {
        [first, second, 0, 0, 0, 0, 0, 0]
    }

    #[test]
    fn what_stands_between_precedents_in_every_number_is_found() {
        let precedents = Precedents::default();
        assert_eq!(precedents.put(b"a", &[10, -5]), Some(Put::New(0, false)));
        assert_eq!(precedents.put(b"b", &[0, 0]), Some(Put::New(1, false)));
        assert_eq!(precedents.held().find(b"a", &numbers(10, -5)), Some(0));
        assert_eq!(precedents.held().find(b"a", &numbers(11, -5)), None);
        assert_eq!(precedents.put(b"a", &[20, -9]), Some(Put::Wider(0)));
        for (first, second, found) in [
            (10, -9, true),
            (20, -5, true),
            (15, -7, true),
            (9, -7, false),
            (21, -7, false),
            (15, -4, false),
            (15, -10, false),
        ] {
            assert_eq!(precedents.held().find(b"a", &numbers(first, second)), found.then_some(0), "{first} {second}");
        }
        assert_eq!(precedents.held().find(b"b", &numbers(15, -7)), None);
        assert_eq!(precedents.held().find(b"c", &numbers(0, 0)), None);
        assert_eq!(precedents.put(b"a", &[0; 9]), None);
    }

    #[test]
    #[cfg_attr(miri, ignore = "takes an hour there")]
    fn beyond_the_cap_all_are_forgotten_and_no_place_comes_back() {
        let precedents = Precedents::default();
        let name = |number: usize| number.to_le_bytes();
        for number in 0..MOST_GROUPS {
            assert_eq!(precedents.put(&name(number), &[]), Some(Put::New(number, false)));
        }
        assert_eq!(precedents.put(&name(0), &[]), Some(Put::Wider(0)));
        assert_eq!(precedents.put(b"more", &[]), Some(Put::New(MOST_GROUPS, true)));
        assert_eq!(precedents.held().find(&name(0), &[0; 8]), None);
        assert_eq!(precedents.held().find(b"more", &[0; 8]), Some(MOST_GROUPS));
        assert_eq!(precedents.put(&name(0), &[]), Some(Put::New(MOST_GROUPS + 1, false)));
    }
}
