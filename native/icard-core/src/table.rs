//! Tables of multiples of one point, by which a multiplication is additions only.
//!
//! A table of width w holds j 2^(w i) P for every window i and j = 1 .. 2^(w-1). A scalar is recoded into signed digits
//! of w bits, and each digit picks one entry.

use crate::curve::{Entry, Point};
use crate::field::{invert_all, Fe};
use curve25519_dalek::edwards::{CompressedEdwardsY, EdwardsPoint};
use sha2::{Digest, Sha512};

/// Scalars are below L, so below 2^253.
const SCALAR_BITS: usize = 253;

/// Digits of a scalar in any table: 64 windows of four bits are the most.
pub(crate) type Digits = [i32; 64];

/// The multiples of one point.
pub struct Table {
    width: usize,
    half: usize,
    windows: usize,
    entries: Vec<Entry>,
}

impl Table {
    /// The table of a point, of 4 to 8 bits' width. 0.4 ms for a width of 6, 1.2 ms for 8.
    pub fn new(point: &Point, width: usize) -> Table {
        assert!((4..=8).contains(&width), "a table's width is 4 to 8 bits");
        let windows = SCALAR_BITS.div_ceil(width);
        let half = 1 << (width - 1);
        let mut points = Vec::with_capacity(windows * half);
        let mut first = *point;
        for _ in 0..windows {
            let mut multiple = first;
            points.push(multiple);
            for _ in 1..half {
                multiple = multiple.add(&first);
                points.push(multiple);
            }
            first = multiple.add(&multiple);
        }
        let mut inverses: Vec<Fe> = points.iter().map(|point| point.z).collect();
        invert_all(&mut inverses);
        let entries = points.iter().zip(&inverses).map(|(point, inverse)| point.to_entry(inverse)).collect();
        Table { width, half, windows, entries }
    }

    /// The bytes that the entries take.
    pub fn bytes(&self) -> usize {
        self.entries.len() * std::mem::size_of::<Entry>()
    }

    /// The bytes that a table of this width would take.
    pub const fn bytes_of(width: usize) -> usize {
        SCALAR_BITS.div_ceil(width) * (1 << (width - 1)) * std::mem::size_of::<Entry>()
    }

    /// How many digits a scalar has here.
    #[inline(always)]
    pub(crate) fn windows(&self) -> usize {
        self.windows
    }

    /// Signed digits of a scalar below 2^253, each from 1 - 2^(w-1) to 2^(w-1).
    #[inline(always)]
    pub(crate) fn digits(&self, scalar: &[u8; 32]) -> Digits {
        debug_assert!(scalar[31] < 0x20);
        let mut words = [0u64; 5];
        for (word, part) in words.iter_mut().zip(scalar.chunks_exact(8)) {
            *word = u64::from_le_bytes(part.try_into().expect("eight bytes"));
        }
        let mut digits = [0i32; 64];
        let mut carry = 0;
        for (window, out) in digits[..self.windows].iter_mut().enumerate() {
            let at = window * self.width;
            let (word, bit) = (at / 64, at % 64);
            let mut bits = words[word] >> bit;
            if bit + self.width > 64 {
                bits |= words[word + 1] << (64 - bit);
            }
            let digit = (bits & ((1 << self.width) - 1)) as i32 + carry;
            carry = i32::from(digit > self.half as i32);
            *out = digit - (carry << self.width);
        }
        // The top window has at most three bits for widths of 4 to 8, so that nothing is carried out of it.
        debug_assert_eq!(carry, 0);
        digits
    }

    /// The entry that a digit picks, whatever its sign.
    #[inline(always)]
    pub(crate) fn entry(&self, window: usize, digit: i32) -> &Entry {
        if digit == 0 {
            &IDENTITY
        } else {
            &self.entries[window * self.half + digit.unsigned_abs() as usize - 1]
        }
    }

    /// Adds the multiple that the digits say.
    #[inline(always)]
    pub(crate) fn add_multiple(&self, mut sum: Point, digits: &Digits) -> Point {
        for (window, digit) in digits[..self.windows].iter().enumerate() {
            if *digit != 0 {
                sum = sum.add_entry(self.entry(window, *digit), *digit < 0);
            }
        }
        sum
    }

    /// Whether every entry is what it should be for the point that is encoded here, or for its negative.
    ///
    /// All entries are added up, each in one of 2^(w-1) sums with a weight of its own, in an order drawn from a hash of
    /// the point; the total is compared with one multiplication by another library's arithmetic (curve25519-dalek).
    /// One wrong entry always shows: a weight is odd and below 2^8, so that it takes no difference between two points
    /// to the neutral point, neither one of order L nor one of order 2, 4 or 8. 0.2 ms for a width of 6.
    pub fn proved(&self, encoded: &[u8; 32], negative: bool) -> bool {
        let Some(theirs) = CompressedEdwardsY(*encoded).decompress() else { return false };
        let Some(point) = Point::decode(encoded) else { return false };
        // Sums begin with the point, not with the neutral one, to which any 2 d x y could be added unnoticed.
        let start = if negative { point.neg() } else { point };
        let drawn = Sha512::digest([b"icard table".as_slice(), encoded, &[self.width as u8]].concat());
        let drawn_byte = |at: usize| drawn[at % 64].rotate_left((at / 64) as u32);
        let mut total = Point::IDENTITY;
        let mut factor = Integer::default();
        for turn in 0..self.half {
            // Distinct for up to 128 turns: an odd factor permutes the numbers modulo 128.
            let weight = (drawn[0] | 1).wrapping_mul(turn as u8).wrapping_add(drawn[1]) << 1 | 1;
            let mut sum = start;
            factor.add(u64::from(weight), 0);
            for window in 0..self.windows {
                let digit = (turn + drawn_byte(window + 7) as usize) % self.half + 1;
                sum = sum.add_entry(self.entry(window, digit as i32), false);
                factor.add(u64::from(weight) * digit as u64, window * self.width);
            }
            total = total.add(&times(&sum, weight));
        }
        let expected = factor.times(&theirs);
        total.encode() == if negative { -expected } else { expected }.compress().to_bytes()
    }

    /// Changes an entry on purpose, for tests of what finds it.
    #[cfg(test)]
    pub(crate) fn damage(&mut self, entry: usize, word: usize, bit: u32) {
        self.entries[entry].words[word] ^= 1 << bit;
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }
}

static IDENTITY: Entry = Entry::IDENTITY;

fn times(point: &Point, factor: u8) -> Point {
    let mut out = Point::IDENTITY;
    for bit in (0..8).rev() {
        out = out.add(&out);
        if factor >> bit & 1 == 1 {
            out = out.add(point);
        }
    }
    out
}

/// A whole number of up to 384 bits. A point may have a part of small order, so that factors are never reduced modulo L.
#[derive(Default)]
struct Integer([u64; 6]);

impl Integer {
    /// Adds value * 2^shift.
    fn add(&mut self, value: u64, shift: usize) {
        let shifted = u128::from(value) << (shift % 64);
        let mut carry = 0u128;
        for (place, word) in self.0.iter_mut().enumerate().skip(shift / 64) {
            let part = match place - shift / 64 {
                0 => shifted as u64,
                1 => (shifted >> 64) as u64,
                _ => 0,
            };
            carry += u128::from(*word) + u128::from(part);
            *word = carry as u64;
            carry >>= 64;
        }
        assert_eq!(carry, 0, "384 bits are enough");
    }

    fn times(&self, point: &EdwardsPoint) -> EdwardsPoint {
        let mut out = EdwardsPoint::default();
        for bit in (0..384).rev() {
            out += out;
            if self.0[bit / 64] >> (bit % 64) & 1 == 1 {
                out += point;
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Random;
    use curve25519_dalek::constants::{ED25519_BASEPOINT_POINT, EIGHT_TORSION};
    use curve25519_dalek::scalar::Scalar;

    fn value_of(table: &Table, digits: &Digits) -> Vec<u8> {
        // As a sum of signed digits, from the top, in two's complement over 40 bytes.
        let mut bytes = vec![0i64; 40];
        for (window, digit) in digits[..table.windows()].iter().enumerate() {
            let at = window * table.width;
            bytes[at / 8] += i64::from(*digit) << (at % 8);
        }
        let mut carry = 0;
        for byte in bytes.iter_mut() {
            let sum = *byte + carry;
            *byte = sum & 0xff;
            carry = sum >> 8;
        }
        assert_eq!(carry, 0);
        bytes.iter().map(|byte| *byte as u8).collect()
    }

    fn edges() -> Vec<[u8; 32]> {
        let mut out = vec![[0u8; 32]];
        let l = Scalar::ZERO - Scalar::ONE;
        out.push(l.to_bytes());
        for byte in [0x01u8, 0x1f, 0x20, 0x21, 0x3f, 0x55, 0x7f, 0x80, 0x81, 0xaa, 0xff] {
            for top in [0x00u8, 0x01, 0x07, 0x0f, 0x10, 0x1f] {
                let mut scalar = [byte; 32];
                scalar[31] = top;
                out.push(scalar);
            }
        }
        for bit in 0..253 {
            let mut scalar = [0u8; 32];
            scalar[bit / 8] = 1 << (bit % 8);
            out.push(scalar);
            // 2^bit - 1
            let mut below = [0u8; 32];
            (0..bit).for_each(|lower| below[lower / 8] |= 1 << (lower % 8));
            out.push(below);
        }
        out
    }

    #[test]
    fn digits_add_up_to_the_scalar_for_every_width_and_edge() {
        let mut source = Random::new(5);
        let mut scalars = edges();
        scalars.extend((0..500).map(|_| source.scalar()));
        for width in 4..=8 {
            let table = Table::new(&Point::base(), width);
            for scalar in &scalars {
                let digits = table.digits(scalar);
                let half = 1 << (width - 1);
                assert!(digits.iter().all(|digit| -half < *digit && *digit <= half));
                let mut expected = scalar.to_vec();
                expected.resize(40, 0);
                assert_eq!(value_of(&table, &digits), expected, "width {width}, {scalar:02x?}");
            }
        }
    }

    #[test]
    fn multiples_agree_with_dalek_for_every_width_and_for_mixed_order() {
        let mut source = Random::new(6);
        for width in 4..=8 {
            for torsion in [EIGHT_TORSION[0], EIGHT_TORSION[1], EIGHT_TORSION[4]] {
                let theirs = ED25519_BASEPOINT_POINT * Scalar::from(77u8) + torsion;
                let encoded = theirs.compress().to_bytes();
                let point = Point::decode(&encoded).unwrap();
                let table = Table::new(&point, width);
                assert!(table.proved(&encoded, false));
                assert!(Table::new(&point.neg(), width).proved(&encoded, true));
                assert!(!table.proved(&encoded, true));
                let mut scalars = edges();
                scalars.truncate(80);
                scalars.extend((0..40).map(|_| source.scalar()));
                for scalar in &scalars {
                    let mut factor = Integer::default();
                    for (place, word) in scalar.chunks_exact(8).enumerate() {
                        factor.add(u64::from_le_bytes(word.try_into().unwrap()), 64 * place);
                    }
                    let found = table.add_multiple(Point::IDENTITY, &table.digits(scalar));
                    assert_eq!(found.encode(), factor.times(&theirs).compress().to_bytes());
                }
            }
        }
    }

    #[test]
    fn one_flipped_bit_in_any_entry_is_found() {
        let mut source = Random::new(7);
        let base = Point::base();
        let encoded = base.encode();
        for width in [4, 6] {
            let mut table = Table::new(&base, width);
            for entry in 0..table.len() {
                let (word, bit) = (source.next() as usize % 15, source.next() as u32 % 51);
                table.damage(entry, word, bit);
                assert!(!table.proved(&encoded, false), "width {width}, entry {entry}, word {word}, bit {bit}");
                table.damage(entry, word, bit);
            }
            assert!(table.proved(&encoded, false));
        }
    }

    #[test]
    fn two_entries_that_were_exchanged_are_found() {
        let base = Point::base();
        let mut table = Table::new(&base, 6);
        table.entries.swap(40, 41);
        assert!(!table.proved(&base.encode(), false));
    }

    #[test]
    fn sizes_are_those_of_the_documentation() {
        assert_eq!(Table::bytes_of(6), 172 * 1024);
        assert_eq!(Table::bytes_of(8), 512 * 1024);
        assert_eq!(Table::new(&Point::base(), 6).bytes(), Table::bytes_of(6));
    }
}
