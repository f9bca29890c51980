//! Points of edwards25519: -x^2 + y^2 = 1 + d x^2 y^2 (RFC 8032 section 5.1), in extended coordinates.
//!
//! The addition formulas are complete on this curve: they hold for every pair of points, doubling and points of small
//! order included, so that there is no special case to forget.

use crate::field::Fe;
use std::sync::OnceLock;

/// A point (x/z, y/z) with t = x y / z.
#[derive(Clone, Copy)]
pub struct Point {
    pub(crate) x: Fe,
    pub(crate) y: Fe,
    pub(crate) z: Fe,
    pub(crate) t: Fe,
}

/// An entry of a table: an affine point as y + x, y - x and 2 d x y, each five canonical limbs of 51 bits, and one
/// word of padding. Aligned so that an entry is two cache lines and two loads of 64 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C, align(128))]
pub struct Entry {
    pub(crate) words: [u64; 16],
}

impl Entry {
    /// The neutral point.
    pub const IDENTITY: Entry = Entry { words: [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0] };

    #[inline(always)]
    fn part(&self, at: usize) -> Fe {
        Fe::from_canonical_limbs([
            self.words[at],
            self.words[at + 1],
            self.words[at + 2],
            self.words[at + 3],
            self.words[at + 4],
        ])
    }
}

/// The curve's constants d and 2d, and a square root of -1.
struct Constants {
    d: Fe,
    two_d: Fe,
    root: Fe,
}

fn constants() -> &'static Constants {
    static MADE: OnceLock<Constants> = OnceLock::new();
    MADE.get_or_init(|| {
        let d = Fe::small(121_665).neg().mul(&Fe::small(121_666).invert_by_fermat());
        // 2^((p - 1) / 4), from (2^((p - 5) / 8))^2 = 2^((p - 5) / 4).
        let two = Fe::small(2);
        Constants { d, two_d: d.add(&d).carry(), root: two.power_for_root().square().mul(&two) }
    })
}

/// 2 d.
pub(crate) fn two_d() -> Fe {
    constants().two_d
}

impl Point {
    /// The neutral point.
    pub const IDENTITY: Point = Point { x: Fe::ZERO, y: Fe::ONE, z: Fe::ONE, t: Fe::ZERO };

    /// The base point B: y = 4/5 and an even x.
    pub fn base() -> Point {
        let mut encoded = [0x66u8; 32];
        encoded[0] = 0x58;
        Point::decode(&encoded).expect("the base point is on the curve")
    }

    /// This plus an entry, or minus it: seven multiplications.
    #[inline(always)]
    pub(crate) fn add_entry(&self, entry: &Entry, negative: bool) -> Point {
        let (sum, difference) = if negative { (5, 0) } else { (0, 5) };
        let a = entry.part(difference).mul_loose(&self.y.sub(&self.x));
        let b = entry.part(sum).mul_loose(&self.y.add(&self.x));
        let c = self.t.mul(&entry.part(10));
        let d = self.z.add(&self.z).carry();
        let (f, g) = if negative { (d.add(&c), d.sub(&c)) } else { (d.sub(&c), d.add(&c)) };
        let (e, h) = (b.sub(&a), b.add(&a));
        Point { x: e.mul(&f), y: g.mul(&h), z: f.mul(&g), t: e.mul(&h) }
    }

    /// This plus another point.
    pub fn add(&self, other: &Point) -> Point {
        let a = self.y.sub(&self.x).mul(&other.y.sub(&other.x));
        let b = self.y.add(&self.x).mul(&other.y.add(&other.x));
        let c = self.t.mul(&other.t).mul(&constants().two_d);
        let zz = self.z.mul(&other.z);
        let d = zz.add(&zz).carry();
        let (e, h, f, g) = (b.sub(&a), b.add(&a), d.sub(&c), d.add(&c));
        Point { x: e.mul(&f), y: g.mul(&h), z: f.mul(&g), t: e.mul(&h) }
    }

    /// The point's negative.
    pub fn neg(&self) -> Point {
        Point { x: self.x.neg(), y: self.y, z: self.z, t: self.t.neg() }
    }

    /// The point that 32 canonical bytes encode (RFC 8032 section 5.1.3), of whatever order; None where there is none,
    /// where y is p or more, and where x is 0 and the sign bit is set.
    pub fn decode(encoded: &[u8; 32]) -> Option<Point> {
        let sign = encoded[31] >> 7;
        let mut y_bytes = *encoded;
        y_bytes[31] &= 0x7f;
        let y = Fe::from_bytes(&y_bytes);
        if y.to_bytes() != y_bytes {
            return None;
        }
        // x^2 = u / v; the candidate root is u v^3 (u v^7)^((p - 5) / 8).
        let square = y.square();
        let u = square.sub(&Fe::ONE).carry();
        let v = square.mul(&constants().d).add(&Fe::ONE).carry();
        let v3 = v.square().mul(&v);
        let v7 = v3.square().mul(&v);
        let mut x = u.mul(&v3).mul(&u.mul(&v7).power_for_root());
        let found = v.mul(&x.square());
        if !found.equals(&u) {
            if !found.equals(&u.neg()) {
                return None;
            }
            x = x.mul(&constants().root);
        }
        let parity = x.to_bytes()[0] & 1;
        if x.is_zero() && sign == 1 {
            return None;
        }
        if parity != sign {
            x = x.neg();
        }
        Some(Point { x, y, z: Fe::ONE, t: x.mul(&y) })
    }

    /// The canonical 32 bytes of the point, given 1/z.
    pub(crate) fn encode_with(&self, z_inverse: &Fe) -> [u8; 32] {
        let mut out = self.y.mul(z_inverse).to_bytes();
        out[31] |= self.x.mul(z_inverse).to_bytes()[0] << 7;
        out
    }

    /// The canonical 32 bytes of the point.
    pub fn encode(&self) -> [u8; 32] {
        self.encode_with(&self.z.invert())
    }

    /// The point as an entry, given 1/z.
    pub(crate) fn to_entry(self, z_inverse: &Fe) -> Entry {
        let (x, y) = (self.x.mul(z_inverse), self.y.mul(z_inverse));
        let mut words = [0u64; 16];
        words[..5].copy_from_slice(&y.add(&x).carry().canonical_limbs());
        words[5..10].copy_from_slice(&y.sub(&x).carry().canonical_limbs());
        words[10..15].copy_from_slice(&x.mul(&y).mul(&constants().two_d).canonical_limbs());
        Entry { words }
    }
}

/// y of the points of order 4, 1, 2, 8 and 8, little-endian: the list that icard's Python has too.
const SMALL_ORDER_Y: [[u8; 32]; 5] = {
    let mut one = [0u8; 32];
    one[0] = 1;
    let mut minus_one = [0xffu8; 32];
    minus_one[0] = 0xec;
    minus_one[31] = 0x7f;
    let order_8 = [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf,
        0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
    ];
    let other_8 = [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20,
        0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a,
    ];
    [[0u8; 32], one, minus_one, order_8, other_8]
};

/// Whether this is a canonical encoding of a point of small order, with either sign bit.
pub fn has_small_order(encoded: &[u8; 32]) -> bool {
    let mut y = *encoded;
    y[31] &= 0x7f;
    SMALL_ORDER_Y.contains(&y)
}

/// The point of a key that icard takes: canonical, on the curve, not of small order.
pub fn acceptable_point(encoded: &[u8; 32]) -> Option<Point> {
    if has_small_order(encoded) {
        return None;
    }
    Point::decode(encoded)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Random;
    use curve25519_dalek::constants::EIGHT_TORSION;
    use curve25519_dalek::edwards::CompressedEdwardsY;

    #[test]
    fn decoding_agrees_with_dalek_where_the_encoding_is_canonical() {
        let mut source = Random::new(3);
        let mut points = 0;
        for turn in 0..4000u32 {
            let mut bytes = source.bytes32();
            if turn % 4 == 0 {
                // Near p, where canonical and not meet, and near 0.
                bytes = [if turn % 8 == 0 { 0xff } else { 0 }; 32];
                bytes[0] = (turn / 8) as u8;
                bytes[31] = (bytes[31] & 0x7f) | ((turn as u8 / 4) & 1) << 7;
            }
            let expected = CompressedEdwardsY(bytes).decompress().filter(|point| point.compress().to_bytes() == bytes);
            let found = Point::decode(&bytes);
            assert_eq!(found.is_some(), expected.is_some(), "{bytes:02x?}");
            if let Some(point) = found {
                assert_eq!(point.encode(), bytes);
                points += 1;
            }
        }
        assert!(points > 1000);
    }

    #[test]
    fn additions_agree_with_dalek() {
        let mut source = Random::new(4);
        let mut ours = Point::base();
        let mut theirs = curve25519_dalek::constants::ED25519_BASEPOINT_POINT;
        for turn in 0..300 {
            let torsion = EIGHT_TORSION[source.next() as usize % 8];
            let small = Point::decode(&torsion.compress().to_bytes()).unwrap();
            (ours, theirs) = match turn % 3 {
                0 => (ours.add(&ours), theirs + theirs),
                1 => (ours.add(&small), theirs + torsion),
                _ => (ours.add(&Point::base().neg()), theirs - curve25519_dalek::constants::ED25519_BASEPOINT_POINT),
            };
            assert_eq!(ours.encode(), theirs.compress().to_bytes());
            let entry = small.to_entry(&small.z.invert());
            assert_eq!(ours.add_entry(&entry, false).encode(), (theirs + torsion).compress().to_bytes());
            assert_eq!(ours.add_entry(&entry, true).encode(), (theirs - torsion).compress().to_bytes());
        }
        assert_eq!(ours.add_entry(&Entry::IDENTITY, true).encode(), ours.encode());
    }

    #[test]
    fn the_eight_points_of_small_order_are_refused_with_either_sign() {
        for point in EIGHT_TORSION {
            let mut encoded = point.compress().to_bytes();
            assert!(has_small_order(&encoded));
            assert!(acceptable_point(&encoded).is_none());
            encoded[31] ^= 0x80;
            assert!(has_small_order(&encoded));
        }
        assert!(acceptable_point(&Point::base().encode()).is_some());
    }
}
