//! Eight additions at a time with AVX-512 IFMA, in two layouts: one signature, whose table entries are dealt out to
//! eight lanes and the lanes added up at the end, or eight signatures, one a lane.
//!
//! A number is five limbs of radix 2^51 in five vectors. Bounds, for every limb:
//!
//! * *canonical*: below 2^51, what tables hold;
//! * *reduced*: below 2^51 + 2^17, what [`carry`] gives. `madd52` reads 52 bits of each factor, so that factors must be
//!   below 2^52: reduced ones are, and so is 2p minus a canonical one;
//! * *wide*: below 2^59.7, what [`mul`] gives: at each of ten places at most five low halves below 2^52 and five high
//!   halves below 2^51, doubled, together below 2^55.4, and 20 times that where the upper five places are folded in;
//! * what goes into [`carry`] is below 2^63: a sum of two wide numbers is below 2^60.7, a difference below 2^61.4.
//!
//! [`sub`] adds 512 p, whose limbs (2^60 - 512 * 19 at the least) are above every wide limb, so that nothing borrows.

use crate::check::{reduced, split, Item};
use crate::curve::{two_d, Entry, Point};
use crate::field::{Fe, Loose};
use crate::sha512x8;
use crate::table::{Digits, Table};
use std::arch::x86_64::*;

const LANES: usize = 8;

/// Windows of two tables together, at most: 64 each.
const MOST_ENTRIES: usize = 128;

/// Whether this processor, and the system's saving of registers, allow what is used here.
pub(crate) fn available() -> bool {
    is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512ifma")
        && is_x86_feature_detected!("bmi2")
        && is_x86_feature_detected!("adx")
}

/// Eight numbers modulo p.
#[derive(Clone, Copy)]
struct V([__m512i; 5]);

/// Eight points.
#[derive(Clone, Copy)]
struct Points {
    x: V,
    y: V,
    z: V,
    t: V,
}

/// Eight table entries: y + x, y - x, 2 d x y.
struct Entries {
    sum: V,
    difference: V,
    product: V,
}

const MASK: i64 = (1 << 51) - 1;
/// Limbs of 512 p: the first, and each other.
const P512: [i64; 2] = [((1 << 51) - 19) << 9, ((1 << 51) - 1) << 9];
/// Limbs of 2 p.
const P2: [i64; 2] = [2 * ((1 << 51) - 19), 2 * ((1 << 51) - 1)];

/// Functions compiled for the instructions that [`available`] has asked for; all are safe to call from each other.
macro_rules! vectored {
    ($($item:item)*) => { $( #[inline] #[target_feature(enable = "avx512f,avx512bw,avx512ifma,bmi2,adx")] $item )* };
}

vectored! {

fn every(value: i64) -> __m512i {
    _mm512_set1_epi64(value)
}

fn add(a: &V, b: &V) -> V {
    let sum = |i: usize| _mm512_add_epi64(a.0[i], b.0[i]);
    V([sum(0), sum(1), sum(2), sum(3), sum(4)])
}

/// a - b + 512 p, for a wide b at the most.
fn sub(a: &V, b: &V) -> V {
    let (first, other) = (every(P512[0]), every(P512[1]));
    let difference = |i: usize, p: __m512i| _mm512_sub_epi64(_mm512_add_epi64(a.0[i], p), b.0[i]);
    V([difference(0, first), difference(1, other), difference(2, other), difference(3, other), difference(4, other)])
}

/// The same number, reduced, for limbs below 2^63: what is carried is below 2^12, 19 times it below 2^17.
fn carry(a: &V) -> V {
    let mask = every(MASK);
    let high = |i: usize| _mm512_srli_epi64::<51>(a.0[i]);
    let low = |i: usize| _mm512_and_si512(a.0[i], mask);
    V([
        _mm512_madd52lo_epu64(low(0), high(4), every(19)),
        _mm512_add_epi64(low(1), high(0)),
        _mm512_add_epi64(low(2), high(1)),
        _mm512_add_epi64(low(3), high(2)),
        _mm512_add_epi64(low(4), high(3)),
    ])
}

/// x + 19 y
fn plus_19(x: __m512i, y: __m512i) -> __m512i {
    let y2 = _mm512_add_epi64(y, y);
    let y16 = _mm512_slli_epi64::<4>(y);
    _mm512_add_epi64(_mm512_add_epi64(x, y), _mm512_add_epi64(y2, y16))
}

/// Factors below 2^52 in, wide out. A high half counts 2^52, which is twice the next place's 2^51: the low halves are
/// added to the doubled high ones.
fn mul(a: &V, b: &V) -> V {
    let zero = _mm512_setzero_si512();
    let (a, b) = (&a.0, &b.0);
    macro_rules! row {
        ($sums:ident, $half:ident, $i:expr; $($j:expr),*) => { $(
            $sums[$i + $j] = $half($sums[$i + $j], a[$i], b[$j]);
        )* };
    }
    macro_rules! rows {
        ($sums:ident, $half:ident; $($i:expr),*) => { $( row!($sums, $half, $i; 0, 1, 2, 3, 4); )* };
    }
    let mut high = [zero; 9];
    rows!(high, _mm512_madd52hi_epu64; 0, 1, 2, 3, 4);
    let twice = |i: usize| _mm512_add_epi64(high[i], high[i]);
    let mut sums = [zero, twice(0), twice(1), twice(2), twice(3), twice(4), twice(5), twice(6), twice(7), twice(8)];
    rows!(sums, _mm512_madd52lo_epu64; 0, 1, 2, 3, 4);
    V([
        plus_19(sums[0], sums[5]),
        plus_19(sums[1], sums[6]),
        plus_19(sums[2], sums[7]),
        plus_19(sums[3], sums[8]),
        plus_19(sums[4], sums[9]),
    ])
}

/// Rows to columns.
pub(crate) fn transpose(rows: [__m512i; 8]) -> [__m512i; 8] {
    // Pairs of rows: 128-bit blocks with columns 0, 2, 4, 6 (even) and 1, 3, 5, 7 (odd).
    let even = |i: usize| _mm512_unpacklo_epi64(rows[i], rows[i + 1]);
    let odd = |i: usize| _mm512_unpackhi_epi64(rows[i], rows[i + 1]);
    // Blocks 0 and 2, or 1 and 3, of two pairs.
    let (e01, e23, e45, e67) = (even(0), even(2), even(4), even(6));
    let (o01, o23, o45, o67) = (odd(0), odd(2), odd(4), odd(6));
    let (e_low_a, e_low_b) = (_mm512_shuffle_i64x2::<0x88>(e01, e23), _mm512_shuffle_i64x2::<0x88>(e45, e67));
    let (e_high_a, e_high_b) = (_mm512_shuffle_i64x2::<0xdd>(e01, e23), _mm512_shuffle_i64x2::<0xdd>(e45, e67));
    let (o_low_a, o_low_b) = (_mm512_shuffle_i64x2::<0x88>(o01, o23), _mm512_shuffle_i64x2::<0x88>(o45, o67));
    let (o_high_a, o_high_b) = (_mm512_shuffle_i64x2::<0xdd>(o01, o23), _mm512_shuffle_i64x2::<0xdd>(o45, o67));
    [
        _mm512_shuffle_i64x2::<0x88>(e_low_a, e_low_b),
        _mm512_shuffle_i64x2::<0x88>(o_low_a, o_low_b),
        _mm512_shuffle_i64x2::<0x88>(e_high_a, e_high_b),
        _mm512_shuffle_i64x2::<0x88>(o_high_a, o_high_b),
        _mm512_shuffle_i64x2::<0xdd>(e_low_a, e_low_b),
        _mm512_shuffle_i64x2::<0xdd>(o_low_a, o_low_b),
        _mm512_shuffle_i64x2::<0xdd>(e_high_a, e_high_b),
        _mm512_shuffle_i64x2::<0xdd>(o_high_a, o_high_b),
    ]
}

/// Eight entries, one a lane, each negated where its bit is set.
fn load(entries: &[&Entry; LANES], negative: u8) -> Entries {
    let half = |lane: usize, at: usize| {
        let words = &entries[lane].words[at..at + 8];
        // SAFETY: the slice is eight words long, and entries are aligned to 128 bytes, so that either half is to 64.
        unsafe { _mm512_load_si512(words.as_ptr().cast()) }
    };
    // Written out, here and below: what std::array::from_fn calls is not compiled for these instructions.
    macro_rules! eight {
        ($at:expr) => {
            [half(0, $at), half(1, $at), half(2, $at), half(3, $at), half(4, $at), half(5, $at), half(6, $at), half(7, $at)]
        };
    }
    let low = transpose(eight!(0));
    let high = transpose(eight!(8));
    let plus = [low[0], low[1], low[2], low[3], low[4]];
    let minus = [low[5], low[6], low[7], high[0], high[1]];
    let product = [high[2], high[3], high[4], high[5], high[6]];
    let sum = |i: usize| _mm512_mask_blend_epi64(negative, plus[i], minus[i]);
    let difference = |i: usize| _mm512_mask_blend_epi64(negative, minus[i], plus[i]);
    let negated = |i: usize, p: i64| _mm512_mask_sub_epi64(product[i], negative, every(p), product[i]);
    Entries {
        sum: V([sum(0), sum(1), sum(2), sum(3), sum(4)]),
        difference: V([difference(0), difference(1), difference(2), difference(3), difference(4)]),
        product: V([
            negated(0, P2[0]),
            negated(1, P2[1]),
            negated(2, P2[1]),
            negated(3, P2[1]),
            negated(4, P2[1]),
        ]),
    }
}

/// Entries as points: (4x : 4y : 4 : 4xy), from 2x and 2y.
fn points_of(entries: &Entries) -> Points {
    let x2 = carry(&sub(&entries.sum, &entries.difference));
    let y2 = carry(&add(&entries.sum, &entries.difference));
    let zero = _mm512_setzero_si512();
    Points { x: add(&x2, &x2), y: add(&y2, &y2), z: V([every(4), zero, zero, zero, zero]), t: mul(&x2, &y2) }
}

/// The end of every addition: see `curve::Point::add`. All four may be sums of two wide numbers.
fn combined(a: &V, b: &V, c: &V, d: &V) -> Points {
    let e = carry(&sub(b, a));
    let h = carry(&add(b, a));
    let f = carry(&sub(d, c));
    let g = carry(&add(d, c));
    Points { x: mul(&e, &f), y: mul(&g, &h), z: mul(&f, &g), t: mul(&e, &h) }
}

fn add_entries(sum: &Points, entries: &Entries) -> Points {
    let a = mul(&carry(&sub(&sum.y, &sum.x)), &entries.difference);
    let b = mul(&carry(&add(&sum.y, &sum.x)), &entries.sum);
    let c = mul(&carry(&sum.t), &entries.product);
    combined(&a, &b, &c, &add(&sum.z, &sum.z))
}

fn permuted(v: &V, by: __m512i) -> V {
    let limb = |i: usize| _mm512_permutexvar_epi64(by, v.0[i]);
    V([limb(0), limb(1), limb(2), limb(3), limb(4)])
}

/// Each lane plus the lane that `by` names for it.
fn folded(sum: &Points, by: __m512i, two_d: &V) -> Points {
    let minus = carry(&sub(&sum.y, &sum.x));
    let plus = carry(&add(&sum.y, &sum.x));
    let t = carry(&sum.t);
    let z = carry(&sum.z);
    let a = mul(&minus, &permuted(&minus, by));
    let b = mul(&plus, &permuted(&plus, by));
    let c = mul(&carry(&mul(&t, &permuted(&t, by))), two_d);
    let zz = mul(&z, &permuted(&z, by));
    combined(&a, &b, &c, &add(&zz, &zz))
}

fn lanes(v: &V) -> [[u64; LANES]; 5] {
    let v = carry(v);
    let mut out = [[0u64; LANES]; 5];
    for (words, limb) in out.iter_mut().zip(v.0) {
        // SAFETY: 64 bytes are there; the store asks for no alignment.
        unsafe { _mm512_storeu_si512(words.as_mut_ptr().cast(), limb) };
    }
    out
}

fn combine_inner(base: &Table, key: &Table, s: &[u8; 32], k: &[u8; 32]) -> Point {
    let (base_digits, key_digits) = (base.digits(s), key.digits(k));
    let mut entries = [&Entry::IDENTITY; MOST_ENTRIES];
    let mut negative = [0u8; MOST_ENTRIES / LANES];
    let mut count = 0;
    for (table, digits) in [(base, &base_digits), (key, &key_digits)] {
        for (window, digit) in digits[..table.windows()].iter().enumerate() {
            entries[count] = table.entry(window, *digit);
            prefetch(entries[count]);
            negative[count / LANES] |= u8::from(*digit < 0) << (count % LANES);
            count += 1;
        }
    }
    let (groups, _) = entries.as_chunks::<LANES>();
    let groups = &groups[..count.div_ceil(LANES)];
    let mut sum = points_of(&load(&groups[0], negative[0]));
    for (group, negative) in groups.iter().zip(&negative).skip(1) {
        sum = add_entries(&sum, &load(group, *negative));
    }
    let limbs = two_d().canonical_limbs();
    let limb = |i: usize| every(limbs[i] as i64);
    let two_d = V([limb(0), limb(1), limb(2), limb(3), limb(4)]);
    sum = folded(&sum, _mm512_set_epi64(3, 2, 1, 0, 7, 6, 5, 4), &two_d);
    sum = folded(&sum, _mm512_set_epi64(5, 4, 7, 6, 1, 0, 3, 2), &two_d);
    sum = folded(&sum, _mm512_set_epi64(6, 7, 4, 5, 2, 3, 0, 1), &two_d);
    point_in(0, &lanes(&sum.x), &lanes(&sum.y), &lanes(&sum.z))
}

fn combine_eight(base: &Table, keys: &[&Table; LANES], s: &[[u8; 32]; LANES], k: &[[u8; 32]; LANES]) -> [Point; LANES] {
    let base_digits: [Digits; LANES] = std::array::from_fn(|lane| base.digits(&s[lane]));
    let key_digits: [Digits; LANES] = std::array::from_fn(|lane| keys[lane].digits(&k[lane]));
    let mut entries = [[&Entry::IDENTITY; LANES]; MOST_ENTRIES];
    let mut negative = [0u8; MOST_ENTRIES];
    let count = base.windows() + keys[0].windows();
    for lane in 0..LANES {
        // One loop runs over all lanes, so that their tables have one width.
        assert_eq!(base.windows() + keys[lane].windows(), count);
        let mut place = 0;
        for (table, digits) in [(base, &base_digits[lane]), (keys[lane], &key_digits[lane])] {
            for (window, digit) in digits[..table.windows()].iter().enumerate() {
                entries[place][lane] = table.entry(window, *digit);
                negative[place] |= u8::from(*digit < 0) << lane;
                place += 1;
            }
        }
    }
    const AHEAD: usize = 2;
    let fetch = |place: usize| entries[place].iter().for_each(|entry| prefetch(entry));
    (0..=AHEAD).for_each(fetch);
    let mut sum = points_of(&load(&entries[0], negative[0]));
    for place in 1..count {
        if place + AHEAD < count {
            fetch(place + AHEAD);
        }
        sum = add_entries(&sum, &load(&entries[place], negative[place]));
    }
    let (x, y, z) = (lanes(&sum.x), lanes(&sum.y), lanes(&sum.z));
    std::array::from_fn(|lane| point_in(lane, &x, &y, &z))
}

}

/// A lane as a point without t, which nobody asks for any more. Reduced limbs are within fiat-crypto's loose bounds.
fn point_in(lane: usize, x: &[[u64; LANES]; 5], y: &[[u64; LANES]; 5], z: &[[u64; LANES]; 5]) -> Point {
    let number = |v: &[[u64; LANES]; 5]| Loose::from_limbs(std::array::from_fn(|i| v[i][lane])).carry();
    Point { x: number(x), y: number(y), z: number(z), t: Fe::ZERO }
}

#[inline(always)]
fn prefetch(entry: &Entry) {
    let at = std::ptr::from_ref(entry).cast::<i8>();
    // SAFETY: prefetching reads nothing and never faults; both addresses are within the entry's 128 bytes.
    unsafe {
        _mm_prefetch::<_MM_HINT_T0>(at);
        _mm_prefetch::<_MM_HINT_T0>(at.add(64));
    }
}

/// [s]B + [k]P for the tables of B and P.
pub(crate) fn combine(base: &Table, key: &Table, s: &[u8; 32], k: &[u8; 32]) -> Point {
    debug_assert!(available());
    // SAFETY: `Engine::Ifma` is had from `Engine::available` alone, which has asked for the instructions.
    unsafe { combine_inner(base, key, s, k) }
}

/// The points of up to 64 items, eight at a time, None for each that is refused before any arithmetic.
pub(crate) fn combine_many(base: &Table, items: &[Item<'_>], out: &mut [Option<Point>]) {
    debug_assert!(available());
    let mut blocks = sha512x8::Blocks::default();
    for (items, out) in items.chunks(LANES).zip(out.chunks_mut(LANES)) {
        // A lane without an item, and one whose item is refused already, computes with zeros and is not looked at.
        let mut keys = [&items[0].0.table; LANES];
        let mut s = [[0u8; 32]; LANES];
        let mut taken = [false; LANES];
        for lane in 0..LANES {
            let parts = items.get(lane).and_then(|(key, signature, message)| {
                let (r, s) = split(signature)?;
                Some((key, r, s, message))
            });
            match parts {
                Some((key, r, scalar, message)) => {
                    blocks.set(lane, &[r, &key.raw, message]);
                    (keys[lane], s[lane], taken[lane]) = (&key.table, *scalar, true);
                }
                None => blocks.set(lane, &[]),
            }
        }
        let k = blocks.digests().map(|hash| reduced(&hash));
        // SAFETY: as in `combine`.
        let found = unsafe { combine_eight(base, &keys, &s, &k) };
        for (lane, out) in out.iter_mut().enumerate() {
            *out = taken[lane].then_some(found[lane]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{verify, PreparedKey};
    use crate::engine::{passes_self_test, Engine};
    use crate::testing::Random;

    vectored! {
        fn product(a: &[[u64; LANES]; 5], b: &[[u64; LANES]; 5]) -> [[u64; LANES]; 5] {
            let vector = |v: &[[u64; LANES]; 5]| V(std::array::from_fn(|i| {
                // SAFETY: 64 bytes are there; the load asks for no alignment.
                unsafe { _mm512_loadu_si512(v[i].as_ptr().cast()) }
            }));
            lanes(&mul(&vector(a), &vector(b)))
        }

        fn difference_of_wide(a: &[[u64; LANES]; 5], b: &[[u64; LANES]; 5]) -> [[u64; LANES]; 5] {
            let vector = |v: &[[u64; LANES]; 5]| V(std::array::from_fn(|i| {
                // SAFETY: as above.
                unsafe { _mm512_loadu_si512(v[i].as_ptr().cast()) }
            }));
            lanes(&sub(&vector(a), &vector(b)))
        }

        fn columns(rows: &[[u64; 8]; 8]) -> [[u64; 8]; 8] {
            // SAFETY: 64 bytes are there, in either direction.
            let found = transpose(std::array::from_fn(|i| unsafe { _mm512_loadu_si512(rows[i].as_ptr().cast()) }));
            found.map(|v| {
                let mut out = [0u64; 8];
                // SAFETY: as above.
                unsafe { _mm512_storeu_si512(out.as_mut_ptr().cast(), v) };
                out
            })
        }
    }

    /// A number of any limbs modulo p.
    fn value(limbs: &[[u64; LANES]; 5], lane: usize) -> Fe {
        let shift = Fe::small(1 << 17).mul(&Fe::small(1 << 17)).mul(&Fe::small(1 << 17));
        (0..5).rev().fold(Fe::ZERO, |sum, i| {
            let (low, high) = (limbs[i][lane] as u32, (limbs[i][lane] >> 32) as u32);
            let limb = Fe::small(high).mul(&Fe::small(1 << 16).square()).add(&Fe::small(low)).carry();
            sum.mul(&shift).add(&limb).carry()
        })
    }

    #[test]
    fn products_are_right_up_to_the_bounds() {
        if !available() {
            return;
        }
        let mut source = Random::new(11);
        let most = [(1u64 << 51) + (1 << 17) - 1, (1 << 52) - 38, (1 << 51) - 1, (1 << 51) - 19, 0, 1];
        for turn in 0..3000 {
            let mut number = || -> [[u64; LANES]; 5] {
                std::array::from_fn(|_| {
                    std::array::from_fn(|_| match source.next() % 3 {
                        0 => source.next() & MASK as u64,
                        _ => most[source.next() as usize % most.len()],
                    })
                })
            };
            // The second factor may be 2p minus a canonical one; the first is reduced.
            let b = number();
            let a = number().map(|limb| limb.map(|x| x.min(most[0])));
            let (a, b) = if turn == 0 { ([[most[0]; LANES]; 5], [[most[1]; LANES]; 5]) } else { (a, b) };
            // SAFETY: available() has been asked.
            let found = unsafe { product(&a, &b) };
            for lane in 0..LANES {
                assert!(found.iter().all(|limb| limb[lane] < (1 << 51) + (1 << 17)));
                assert!(value(&found, lane).equals(&value(&a, lane).mul(&value(&b, lane))));
            }
        }
    }

    #[test]
    fn differences_of_wide_numbers_do_not_borrow() {
        if !available() {
            return;
        }
        // 2^59.7, rounded up.
        let wide = 936_500_000_000_000_000u64;
        for (a, b) in [(0, wide), (2 * wide, 0), (2 * wide, wide), (wide, wide)] {
            let (a, b) = ([[a; LANES]; 5], [[b; LANES]; 5]);
            // SAFETY: available() has been asked.
            let found = unsafe { difference_of_wide(&a, &b) };
            assert!(value(&found, 3).equals(&value(&a, 3).sub(&value(&b, 3)).carry()));
        }
    }

    #[test]
    fn rows_become_columns() {
        if !available() {
            return;
        }
        let rows: [[u64; 8]; 8] = std::array::from_fn(|i| std::array::from_fn(|j| 8 * i as u64 + j as u64));
        // SAFETY: available() has been asked.
        let found = unsafe { columns(&rows) };
        assert!((0..8).all(|i| (0..8).all(|j| found[i][j] == rows[j][i])));
    }

    #[test]
    fn both_layouts_agree_with_the_scalar_engine_for_every_width() {
        if !available() {
            return;
        }
        let mut source = Random::new(12);
        let base = Table::new(&Point::base(), 8);
        for width in 4..=8 {
            let keys: Vec<PreparedKey> = (0..LANES)
                .map(|_| {
                    let table = Table::new(&Point::base(), 4);
                    let point = table.add_multiple(Point::IDENTITY, &table.digits(&source.scalar()));
                    PreparedKey::new(&point.encode(), width).unwrap()
                })
                .collect();
            for turn in 0..60 {
                let scalar = |source: &mut Random| match turn {
                    0 => [0u8; 32],
                    1 => std::array::from_fn(|i| u8::from(i == 0)),
                    2 => std::array::from_fn(|i| if i == 31 { 0x0f } else { 0xff }),
                    3 => std::array::from_fn(|i| if i == 31 { 0x10 } else { 0x20 }),
                    _ => source.scalar(),
                };
                let s: [[u8; 32]; LANES] = std::array::from_fn(|_| scalar(&mut source));
                let k: [[u8; 32]; LANES] = std::array::from_fn(|_| scalar(&mut source));
                let tables: [&Table; LANES] = std::array::from_fn(|lane| &keys[lane].table);
                // SAFETY: available() has been asked.
                let eight = unsafe { combine_eight(&base, &tables, &s, &k) };
                for lane in 0..LANES {
                    let expected = Engine::Scalar.combine(&base, tables[lane], &s[lane], &k[lane]).encode();
                    assert_eq!(eight[lane].encode(), expected);
                    assert_eq!(combine(&base, tables[lane], &s[lane], &k[lane]).encode(), expected);
                }
            }
        }
    }

    #[test]
    fn a_fault_in_one_limb_of_one_coordinate_fails_the_self_test() {
        if !available() {
            return;
        }
        let base = Table::new(&Point::base(), 8);
        let flipped = |number: &mut Fe, limb: usize| {
            let mut limbs = number.canonical_limbs();
            limbs[limb] ^= 1;
            *number = Fe::from_canonical_limbs(limbs);
        };
        for limb in 0..5 {
            for coordinate in 0..3 {
                let passes = passes_self_test(
                    |key, signature, message| {
                        let Some((r, s)) = split(signature) else { return false };
                        let k = crate::check::challenge(r, &key.raw, message);
                        let mut point = combine(&base, &key.table, s, &k);
                        flipped([&mut point.x, &mut point.y, &mut point.z][coordinate], limb);
                        point.encode() == *r
                    },
                    |items| items.iter().map(|(key, s, m)| verify(Engine::Ifma, &base, key, s, m)).collect(),
                );
                assert!(!passes, "limb {limb} of coordinate {coordinate}");
            }
        }
    }
}
