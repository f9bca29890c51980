//! The check of RFC 8032 section 5.1.7 without the cofactor: encode([S]B - [k]A) == R, byte by byte.
//!
//! That is the equation of OpenSSL and libsodium. R is never decoded, so that a non-canonical R is refused as they do,
//! and one signature and many get the same answer on every input.

use crate::curve::{acceptable_point, has_small_order, Point};
use crate::engine::Engine;
use crate::field::{invert_all, Fe};
use crate::table::Table;
use curve25519_dalek::scalar::Scalar;
use sha2::{Digest, Sha512};

/// Signatures that share one inversion.
pub(crate) const SHARED: usize = 64;

/// A signature with the key's table and the message.
pub type Item<'a> = (&'a PreparedKey, &'a [u8; 64], &'a [u8]);

/// A public key with the table of its negative.
pub struct PreparedKey {
    pub(crate) raw: [u8; 32],
    pub(crate) table: Table,
}

impl PreparedKey {
    /// The key with its table; None for a key that icard refuses.
    pub fn new(raw: &[u8; 32], width: usize) -> Option<PreparedKey> {
        Some(PreparedKey { raw: *raw, table: Table::new(&acceptable_point(raw)?.neg(), width) })
    }

    /// Whether every entry of the table is right: see [`Table::proved`].
    pub fn proved(&self) -> bool {
        self.table.proved(&self.raw, true)
    }

    /// The table, to be damaged by a test.
    #[cfg(test)]
    pub(crate) fn table_mut(&mut self) -> &mut Table {
        &mut self.table
    }
}

/// L, little-endian words (RFC 8032 section 5.1).
const L: [u64; 4] = [0x5812_631a_5cf5_d3ed, 0x14de_f9de_a2f7_9cd6, 0, 0x1000_0000_0000_0000];

fn is_below_l(scalar: &[u8; 32]) -> bool {
    for (place, limit) in L.iter().enumerate().rev() {
        let word = u64::from_le_bytes(std::array::from_fn(|i| scalar[8 * place + i]));
        if word != *limit {
            return word < *limit;
        }
    }
    false
}

/// R and S, where nothing is to be said against them before any arithmetic: S below L, R not of small order.
#[inline]
pub(crate) fn split(signature: &[u8; 64]) -> Option<(&[u8; 32], &[u8; 32])> {
    let (r, s) = signature.split_first_chunk::<32>()?;
    let s = s.first_chunk::<32>()?;
    (is_below_l(s) && !has_small_order(r)).then_some((r, s))
}

/// k = SHA-512(R || A || M) modulo L.
#[inline]
pub(crate) fn challenge(r: &[u8; 32], raw: &[u8; 32], message: &[u8]) -> [u8; 32] {
    let mut hash = Sha512::new();
    hash.update(r);
    hash.update(raw);
    hash.update(message);
    reduced(&hash.finalize().into())
}

/// A hash modulo L.
#[inline]
pub(crate) fn reduced(hash: &[u8; 64]) -> [u8; 32] {
    Scalar::from_bytes_mod_order_wide(hash).to_bytes()
}

/// Whether the signature is the key's over the message.
pub fn verify(engine: Engine, base: &Table, key: &PreparedKey, signature: &[u8; 64], message: &[u8]) -> bool {
    let Some((r, s)) = split(signature) else { return false };
    let k = challenge(r, &key.raw, message);
    engine.combine(base, &key.table, s, &k).encode() == *r
}

/// The answers of [`verify`] for many, in order: additions, hashes and inversions are shared, never the equation.
pub fn verify_many(engine: Engine, base: &Table, items: &[Item<'_>]) -> Vec<bool> {
    let mut answers = Vec::with_capacity(items.len());
    for shared in items.chunks(SHARED) {
        let mut points = [None; SHARED];
        engine.combine_many(base, shared, &mut points);
        let mut inverses: Vec<Fe> = points.iter().flatten().map(|point: &Point| point.z).collect();
        invert_all(&mut inverses);
        let mut inverses = inverses.iter();
        for ((_, signature, _), point) in shared.iter().zip(&points) {
            answers.push(match point {
                Some(point) => inverses.next().is_some_and(|z| point.encode_with(z)[..] == signature[..32]),
                None => false,
            });
        }
    }
    answers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_are_compared_with_the_order() {
        let l = {
            let mut bytes = (Scalar::ZERO - Scalar::ONE).to_bytes();
            assert!(is_below_l(&bytes));
            bytes[0] += 1;
            bytes
        };
        assert!(!is_below_l(&l));
        assert!(is_below_l(&[0; 32]));
        for byte in 0..32 {
            let (mut more, mut less) = (l, l);
            more[byte] = more[byte].saturating_add(1);
            assert!(!is_below_l(&more));
            if less[byte] > 0 {
                less[byte] -= 1;
                assert!(is_below_l(&less));
            }
        }
        assert!(!is_below_l(&[0xff; 32]));
    }

    #[test]
    fn a_key_of_small_order_or_off_the_curve_has_no_table() {
        assert!(PreparedKey::new(&[0; 32], 6).is_none());
        let mut two = [0u8; 32];
        two[0] = 2;
        assert!(PreparedKey::new(&two, 6).is_none());
        let key = PreparedKey::new(&Point::base().encode(), 6).unwrap();
        assert!(key.proved());
    }
}
