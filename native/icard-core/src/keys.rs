//! Keys and the tables that they have earned.
//!
//! A key begins without a table, and somebody else checks its signatures. After a number of good ones (forgeries count
//! nothing, so that nobody can make this work or fill memory by sending them) its table is built and proved, entry by
//! entry, before its first answer. Tables together stay below a cap: when it is reached, a key gets a table only in the
//! place of one that has not been used since the newcomer's first good signature. A rotation of more keys than the cap
//! holds therefore keeps the tables that it has, instead of building each only to lose it.

use crate::check::{verify, verify_many, Item, PreparedKey};
use crate::curve::{acceptable_point, Point};
use crate::engine::Engine;
use crate::table::Table;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock, Weak};

/// The base point's window: 512 KiB, built once.
const BASE_WIDTH: usize = 8;

/// What a keyring is allowed.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// The instructions to use.
    pub engine: Engine,
    /// A key's window in bits, 4 to 8; 6 takes 172 KiB a key.
    pub width: usize,
    /// Good signatures before a key's table is built; 0 builds it with the first question.
    pub build_after: u32,
    /// Bytes that all keys' tables may take together.
    pub most_bytes: usize,
}

impl Settings {
    /// Windows of 6 bits, tables at the eighth good signature, 64 MiB.
    pub fn new(engine: Engine) -> Settings {
        Settings { engine, width: 6, build_after: 8, most_bytes: 64 << 20 }
    }
}

/// A table that did not come out right: a fault of the machine or of this code. The keyring answers nothing any more.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fault;

/// All keys of a process and their tables.
pub struct Keyring {
    settings: Settings,
    base: OnceLock<Option<Table>>,
    clock: AtomicU64,
    faulty: AtomicBool,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    /// Keys that somebody holds, so that a key made twice has one table. Dead ones are swept out as it grows.
    known: HashMap<[u8; 32], Weak<Key>>,
    sweep_at: usize,
    /// Keys with a table; held here, so that new trust lists with the same keys find their tables.
    with_table: Vec<Arc<Key>>,
}

/// A key of a [`Keyring`].
pub struct Key {
    raw: [u8; 32],
    table: RwLock<Option<Arc<PreparedKey>>>,
    good: AtomicU32,
    /// The clock when the present count of good signatures began, and when the table was last used.
    counting_since: AtomicU64,
    used: AtomicU64,
}

/// A panic while a lock was held leaves data that is still whole: every write to it is one assignment.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Key {
    fn prepared(&self) -> Option<Arc<PreparedKey>> {
        self.table.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn put(&self, table: Option<Arc<PreparedKey>>) {
        *self.table.write().unwrap_or_else(PoisonError::into_inner) = table;
    }

    /// Whether the key has a table now.
    pub fn has_table(&self) -> bool {
        self.table.read().unwrap_or_else(PoisonError::into_inner).is_some()
    }
}

impl Keyring {
    /// A keyring without keys. Building its base table waits for the first use.
    pub fn new(settings: Settings) -> Keyring {
        Keyring {
            settings,
            base: OnceLock::new(),
            clock: AtomicU64::new(1),
            faulty: AtomicBool::new(false),
            inner: Mutex::default(),
        }
    }

    /// What this keyring was made with.
    pub fn settings(&self) -> Settings {
        self.settings
    }

    /// The key that icard takes under these bytes; None for one that it refuses.
    pub fn key(&self, raw: &[u8; 32]) -> Option<Arc<Key>> {
        let mut inner = lock(&self.inner);
        if let Some(key) = inner.known.get(raw).and_then(Weak::upgrade) {
            return Some(key);
        }
        acceptable_point(raw)?;
        let key = Arc::new(Key {
            raw: *raw,
            table: RwLock::new(None),
            good: AtomicU32::new(0),
            counting_since: AtomicU64::new(0),
            used: AtomicU64::new(0),
        });
        inner.known.insert(*raw, Arc::downgrade(&key));
        if inner.known.len() > inner.sweep_at {
            inner.known.retain(|_, key| key.strong_count() > 0);
            inner.sweep_at = 2 * inner.known.len().max(32);
        }
        Some(key)
    }

    /// The base point's table, proved when it is made.
    fn base(&self) -> Result<&Table, Fault> {
        let made = self.base.get_or_init(|| {
            let base = Point::base();
            let table = Table::new(&base, BASE_WIDTH);
            table.proved(&base.encode(), false).then_some(table)
        });
        made.as_ref().ok_or_else(|| self.fail())
    }

    fn fail(&self) -> Fault {
        self.faulty.store(true, Relaxed);
        Fault
    }

    /// Stops answering, for good: somebody has seen a wrong answer.
    pub fn stop(&self) {
        self.faulty.store(true, Relaxed);
    }

    /// Whether this keyring has stopped.
    pub fn stopped(&self) -> bool {
        self.faulty.load(Relaxed)
    }

    /// Whether the engine of the settings passes its self-test.
    pub fn passes_self_test(&self) -> bool {
        self.base().is_ok_and(|base| self.settings.engine.passes_self_test(base))
    }

    /// Whether the signature is the key's over the message; None where the key has no table, and for a keyring that has
    /// stopped: ask somebody else, and say [`Keyring::was_good`] where the answer is yes.
    pub fn verify(&self, key: &Arc<Key>, signature: &[u8; 64], message: &[u8]) -> Result<Option<bool>, Fault> {
        if self.stopped() {
            return Ok(None);
        }
        if self.settings.build_after == 0 {
            self.prepare(key)?;
        }
        let table = key.table.read().unwrap_or_else(PoisonError::into_inner);
        let Some(prepared) = table.as_ref() else { return Ok(None) };
        key.used.store(self.clock.fetch_add(1, Relaxed), Relaxed);
        Ok(Some(verify(self.settings.engine, self.base()?, prepared, signature, message)))
    }

    /// As [`Keyring::verify`], for many in order.
    pub fn verify_many(&self, asked: &[(&Arc<Key>, &[u8; 64], &[u8])]) -> Result<Vec<Option<bool>>, Fault> {
        let mut answers = vec![None; asked.len()];
        if self.stopped() {
            return Ok(answers);
        }
        let mut prepared: HashMap<*const Key, Option<Arc<PreparedKey>>> = HashMap::new();
        // Neighbours mostly have one key.
        for of_key in asked.chunk_by(|(one, ..), (other, ..)| Arc::ptr_eq(one, other)) {
            let key = of_key[0].0;
            if let std::collections::hash_map::Entry::Vacant(place) = prepared.entry(Arc::as_ptr(key)) {
                if self.settings.build_after == 0 {
                    self.prepare(key)?;
                }
                key.used.store(self.clock.fetch_add(1, Relaxed), Relaxed);
                place.insert(key.prepared());
            }
        }
        let (mut places, mut items): (Vec<usize>, Vec<Item<'_>>) = (Vec::new(), Vec::new());
        let mut start = 0;
        for of_key in asked.chunk_by(|(one, ..), (other, ..)| Arc::ptr_eq(one, other)) {
            if let Some(Some(prepared)) = prepared.get(&Arc::as_ptr(of_key[0].0)) {
                places.extend(start..start + of_key.len());
                items.extend(of_key.iter().map(|(_, signature, message)| (&**prepared, *signature, *message)));
            }
            start += of_key.len();
        }
        if !items.is_empty() {
            let found = verify_many(self.settings.engine, self.base()?, &items);
            places.into_iter().zip(found).for_each(|(place, answer)| answers[place] = Some(answer));
        }
        Ok(answers)
    }

    /// Counts a signature of a key without a table that somebody else found good; at the number of the settings the
    /// table is built, where it has room.
    pub fn was_good(&self, key: &Arc<Key>) -> Result<(), Fault> {
        if self.stopped() {
            return Ok(());
        }
        let before = key.good.fetch_add(1, Relaxed);
        if before == 0 {
            key.counting_since.store(self.clock.fetch_add(1, Relaxed), Relaxed);
        }
        if before + 1 < self.settings.build_after {
            return Ok(());
        }
        key.good.store(0, Relaxed);
        self.build(key, key.counting_since.load(Relaxed))
    }

    /// Builds the key's table now, in the place of whatever was used longest ago; whether it has one then.
    pub fn prepare(&self, key: &Arc<Key>) -> Result<bool, Fault> {
        if !key.has_table() && !self.stopped() {
            self.build(key, u64::MAX)?;
        }
        Ok(key.has_table())
    }

    /// Builds a table, in the place of tables that were not used since `since` where the cap is reached.
    fn build(&self, key: &Arc<Key>, since: u64) -> Result<(), Fault> {
        let mut inner = lock(&self.inner);
        if key.has_table() {
            return Ok(());
        }
        let size = Table::bytes_of(self.settings.width);
        while (inner.with_table.len() + 1) * size > self.settings.most_bytes {
            let oldest = (0..inner.with_table.len()).min_by_key(|place| inner.with_table[*place].used.load(Relaxed));
            match oldest {
                Some(place) if inner.with_table[place].used.load(Relaxed) < since => {
                    let evicted = inner.with_table.swap_remove(place);
                    evicted.good.store(0, Relaxed);
                    evicted.put(None);
                }
                _ => return Ok(()),
            }
        }
        let Some(prepared) = PreparedKey::new(&key.raw, self.settings.width) else { return Err(self.fail()) };
        self.admit(&mut inner, key, prepared)
    }

    /// A table's first yes comes after its proof.
    fn admit(&self, inner: &mut Inner, key: &Arc<Key>, prepared: PreparedKey) -> Result<(), Fault> {
        if !prepared.proved() {
            return Err(self.fail());
        }
        key.used.store(self.clock.fetch_add(1, Relaxed), Relaxed);
        key.put(Some(Arc::new(prepared)));
        inner.with_table.push(Arc::clone(key));
        Ok(())
    }

    /// How many keys have tables, and the bytes these take.
    pub fn tables(&self) -> (usize, usize) {
        let count = lock(&self.inner).with_table.len();
        (count, count * Table::bytes_of(self.settings.width))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Random;

    fn keyring(most_tables: usize) -> Keyring {
        let mut settings = Settings::new(Engine::Scalar);
        settings.width = 4;
        settings.most_bytes = most_tables * Table::bytes_of(4);
        Keyring::new(settings)
    }

    fn key(ring: &Keyring, number: u64) -> Arc<Key> {
        let base = Table::new(&Point::base(), 4);
        let scalar = Random::new(number + 100).scalar();
        let point = base.add_multiple(Point::IDENTITY, &base.digits(&scalar));
        ring.key(&point.encode()).unwrap()
    }

    fn used(ring: &Keyring, key: &Arc<Key>) -> Option<bool> {
        let answer = ring.verify(key, &[0x11; 64], b"message").unwrap();
        assert_ne!(answer, Some(true));
        answer
    }

    #[test]
    fn a_table_is_built_at_the_eighth_good_signature_and_forgeries_build_nothing() {
        let ring = keyring(10);
        let key = key(&ring, 1);
        for _ in 0..100 {
            assert_eq!(used(&ring, &key), None);
        }
        for _ in 0..7 {
            ring.was_good(&key).unwrap();
            assert!(!key.has_table());
        }
        ring.was_good(&key).unwrap();
        assert!(key.has_table());
        assert_eq!(used(&ring, &key), Some(false));
        assert_eq!(ring.tables(), (1, Table::bytes_of(4)));
    }

    #[test]
    fn a_key_made_twice_has_one_table_also_after_nobody_held_it() {
        let ring = keyring(10);
        assert!(ring.prepare(&key(&ring, 1)).unwrap());
        assert!(key(&ring, 1).has_table());
        assert!(!key(&ring, 2).has_table());
        assert_eq!(ring.tables().0, 1);
    }

    #[test]
    fn the_cap_holds_and_what_was_used_longest_ago_makes_room() {
        let ring = keyring(2);
        let (a, b, c) = (key(&ring, 1), key(&ring, 2), key(&ring, 3));
        ring.prepare(&a).unwrap();
        ring.prepare(&b).unwrap();
        assert_eq!(used(&ring, &a), Some(false));
        // b was not used since c's first good signature; a was.
        for _ in 0..8 {
            ring.was_good(&c).unwrap();
            used(&ring, &a);
        }
        assert_eq!((a.has_table(), b.has_table(), c.has_table()), (true, false, true));
        assert_eq!(ring.tables().0, 2);
    }

    #[test]
    fn a_rotation_of_more_keys_than_the_cap_holds_keeps_its_tables() {
        let ring = keyring(3);
        let keys: Vec<_> = (0..12).map(|number| key(&ring, number)).collect();
        let mut with_table = vec![];
        for round in 0..60 {
            for key in &keys {
                if used(&ring, key).is_none() {
                    ring.was_good(key).unwrap();
                }
            }
            let now: Vec<bool> = keys.iter().map(|key| key.has_table()).collect();
            if round == 10 {
                with_table.clone_from(&now);
                assert_eq!(now.iter().filter(|has| **has).count(), 3);
            } else if round > 10 {
                assert_eq!(now, with_table, "round {round}");
            }
        }
    }

    #[test]
    fn a_cap_below_one_table_builds_none() {
        let ring = keyring(0);
        let key = key(&ring, 1);
        assert!(!ring.prepare(&key).unwrap());
        assert_eq!(used(&ring, &key), None);
    }

    #[test]
    fn a_damaged_table_is_refused_and_stops_the_keyring() {
        let ring = keyring(10);
        let (a, b) = (key(&ring, 1), key(&ring, 2));
        ring.prepare(&b).unwrap();
        let mut prepared = PreparedKey::new(&a.raw, 4).unwrap();
        prepared.table_mut().damage(77, 3, 20);
        assert_eq!(ring.admit(&mut lock(&ring.inner), &a, prepared), Err(Fault));
        assert!(!a.has_table());
        assert!(ring.stopped());
        assert_eq!(used(&ring, &b), None);
        assert_eq!(ring.verify_many(&[(&b, &[1; 64], b"")]).unwrap(), [None]);
        assert!(!ring.prepare(&a).unwrap());
    }

    #[test]
    fn keys_that_nobody_holds_are_forgotten() {
        let ring = keyring(10);
        for number in 0..300 {
            key(&ring, number);
        }
        assert!(lock(&ring.inner).known.len() < 100);
    }

    #[test]
    fn many_are_answered_in_order_with_and_without_tables() {
        let ring = keyring(10);
        let (a, b) = (key(&ring, 1), key(&ring, 2));
        ring.prepare(&a).unwrap();
        let answers = ring.verify_many(&[(&a, &[1; 64], b""), (&b, &[1; 64], b""), (&a, &[0; 64], b"x")]).unwrap();
        assert_eq!(answers, [Some(false), None, Some(false)]);
    }
}
