//! Numbers modulo p = 2^255 - 19.
//!
//! All arithmetic is fiat-crypto's, which is generated from a machine-checked proof; here are names for it, an
//! exponentiation, and an inversion whose result is checked by one multiplication. fiat-crypto's two bounds are two
//! types: [`Fe`] is *tight*, [`Loose`] is what one addition makes of two tight ones, and only tight ones can be added.

use fiat_crypto::curve25519_64::{
    fiat_25519_add, fiat_25519_carry, fiat_25519_carry_mul, fiat_25519_carry_square, fiat_25519_from_bytes,
    fiat_25519_loose_field_element as LooseLimbs, fiat_25519_opp, fiat_25519_relax, fiat_25519_sub,
    fiat_25519_tight_field_element as TightLimbs, fiat_25519_to_bytes,
};

/// A number modulo p within fiat-crypto's tight bounds.
#[derive(Clone, Copy)]
pub struct Fe(TightLimbs);

/// A number modulo p within fiat-crypto's loose bounds: a factor, never a summand.
#[derive(Clone, Copy)]
pub struct Loose(LooseLimbs);

const TIGHT_ZERO: TightLimbs = TightLimbs([0; 5]);
const LOOSE_ZERO: LooseLimbs = LooseLimbs([0; 5]);

impl Fe {
    /// 0
    pub const ZERO: Fe = Fe(TIGHT_ZERO);
    /// 1
    pub const ONE: Fe = Fe(TightLimbs([1, 0, 0, 0, 0]));

    /// A small number.
    pub const fn small(number: u32) -> Fe {
        Fe(TightLimbs([number as u64, 0, 0, 0, 0]))
    }

    /// Five limbs of 51 bits each, as [`Fe::canonical_limbs`] gives them.
    #[inline(always)]
    pub(crate) fn from_canonical_limbs(limbs: [u64; 5]) -> Fe {
        Fe(TightLimbs(limbs))
    }

    /// The limbs of the number below p: five of 51 bits.
    pub(crate) fn canonical_limbs(&self) -> [u64; 5] {
        Fe::from_bytes(&self.to_bytes()).0 .0
    }

    #[inline(always)]
    fn relax(&self) -> Loose {
        let mut out = LOOSE_ZERO;
        fiat_25519_relax(&mut out, &self.0);
        Loose(out)
    }

    /// self + other
    #[inline(always)]
    pub fn add(&self, other: &Fe) -> Loose {
        let mut out = LOOSE_ZERO;
        fiat_25519_add(&mut out, &self.0, &other.0);
        Loose(out)
    }

    /// self - other
    #[inline(always)]
    pub fn sub(&self, other: &Fe) -> Loose {
        let mut out = LOOSE_ZERO;
        fiat_25519_sub(&mut out, &self.0, &other.0);
        Loose(out)
    }

    /// -self
    #[inline(always)]
    pub fn neg(&self) -> Fe {
        let mut out = LOOSE_ZERO;
        fiat_25519_opp(&mut out, &self.0);
        Loose(out).carry()
    }

    /// self * other
    #[inline(always)]
    pub fn mul(&self, other: &Fe) -> Fe {
        self.relax().mul(&other.relax())
    }

    /// self * other, where the other has not been carried.
    #[inline(always)]
    pub fn mul_loose(&self, other: &Loose) -> Fe {
        self.relax().mul(other)
    }

    /// self^2
    #[inline(always)]
    pub fn square(&self) -> Fe {
        let mut out = TIGHT_ZERO;
        fiat_25519_carry_square(&mut out, &self.relax().0);
        Fe(out)
    }

    fn square_times(&self, times: u32) -> Fe {
        (0..times).fold(*self, |x, _| x.square())
    }

    /// The number below p, little-endian.
    pub fn to_bytes(self) -> [u8; 32] {
        let mut out = [0u8; 32];
        fiat_25519_to_bytes(&mut out, &self.0);
        out
    }

    /// From 255 bits, little-endian. The top bit must be clear: fiat-crypto's bounds ask for it.
    pub fn from_bytes(bytes: &[u8; 32]) -> Fe {
        assert!(bytes[31] < 0x80, "a field element has 255 bits");
        let mut out = TIGHT_ZERO;
        fiat_25519_from_bytes(&mut out, bytes);
        Fe(out)
    }

    /// Whether this is 0 modulo p.
    pub fn is_zero(&self) -> bool {
        self.to_bytes() == [0; 32]
    }

    /// Whether both are the same modulo p.
    pub fn equals(&self, other: &Fe) -> bool {
        self.to_bytes() == other.to_bytes()
    }

    /// x^(2^250 - 1) and x^11: the common part of both exponentiations (the usual addition chain).
    fn chain(&self) -> (Fe, Fe) {
        let x2 = self.square();
        let x9 = x2.square_times(2).mul(self);
        let x11 = x2.mul(&x9);
        let e5 = x11.square().mul(&x9); // 2^5 - 1
        let e10 = e5.square_times(5).mul(&e5);
        let e20 = e10.square_times(10).mul(&e10);
        let e40 = e20.square_times(20).mul(&e20);
        let e50 = e40.square_times(10).mul(&e10);
        let e100 = e50.square_times(50).mul(&e50);
        let e200 = e100.square_times(100).mul(&e100);
        (e200.square_times(50).mul(&e50), x11)
    }

    /// x^(p - 2), the inverse by Fermat; 0 gives 0.
    pub fn invert_by_fermat(&self) -> Fe {
        let (e250, x11) = self.chain();
        e250.square_times(5).mul(&x11)
    }

    /// x^((p - 5) / 8), for square roots.
    pub(crate) fn power_for_root(&self) -> Fe {
        self.chain().0.square_times(2).mul(self)
    }

    /// The inverse, by division steps in variable time (the values are public). One multiplication checks the result,
    /// and Fermat answers where the check fails; 0 gives 0.
    pub fn invert(&self) -> Fe {
        let found = Fe::from_bytes(&crate::inversion::invert(&self.to_bytes()));
        if self.mul(&found).equals(&Fe::ONE) {
            found
        } else {
            self.invert_by_fermat()
        }
    }
}

impl Loose {
    /// Five limbs within the loose bounds: each below 3 * (2^51 + 2^13), which `fiat_crypto` states.
    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    pub(crate) fn from_limbs(limbs: [u64; 5]) -> Loose {
        debug_assert!(limbs.iter().all(|limb| *limb < 3 << 51));
        Loose(LooseLimbs(limbs))
    }

    /// self * other
    #[inline(always)]
    pub fn mul(&self, other: &Loose) -> Fe {
        let mut out = TIGHT_ZERO;
        fiat_25519_carry_mul(&mut out, &self.0, &other.0);
        Fe(out)
    }

    /// The same number, tight.
    #[inline(always)]
    pub fn carry(&self) -> Fe {
        let mut out = TIGHT_ZERO;
        fiat_25519_carry(&mut out, &self.0);
        Fe(out)
    }
}

/// Inverts all in place with one inversion. A zero would make every result zero; the caller's are z coordinates.
pub fn invert_all(values: &mut [Fe]) {
    let mut before = Vec::with_capacity(values.len());
    let mut product = Fe::ONE;
    for value in values.iter() {
        before.push(product);
        product = product.mul(value);
    }
    let mut inverse = product.invert();
    for (value, earlier) in values.iter_mut().zip(before).rev() {
        let this = inverse.mul(&earlier);
        inverse = inverse.mul(value);
        *value = this;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Random;

    fn random(source: &mut Random) -> Fe {
        let mut bytes = source.bytes32();
        bytes[31] &= 0x7f;
        Fe::from_bytes(&bytes)
    }

    #[test]
    fn division_steps_agree_with_fermat() {
        let mut source = Random::new(1);
        for _ in 0..if cfg!(miri) { 3 } else { 2000 } {
            let x = random(&mut source);
            let inverse = Fe::from_bytes(&crate::inversion::invert(&x.to_bytes()));
            assert!(inverse.equals(&x.invert_by_fermat()));
            assert!(inverse.mul(&x).equals(&Fe::ONE));
        }
    }

    #[test]
    fn edges_are_inverted_too() {
        for number in [1u32, 2, 18, 19, 20, u32::MAX] {
            for x in [Fe::small(number), Fe::small(number).neg(), Fe::small(number).invert_by_fermat()] {
                assert!(x.invert().mul(&x).equals(&Fe::ONE));
                assert!(Fe::from_bytes(&crate::inversion::invert(&x.to_bytes())).mul(&x).equals(&Fe::ONE));
            }
        }
        assert!(Fe::ZERO.invert().is_zero());
    }

    #[test]
    fn a_number_of_p_or_more_is_reduced() {
        let mut p = [0xffu8; 32];
        (p[0], p[31]) = (0xed, 0x7f);
        assert!(Fe::from_bytes(&p).is_zero());
        p[0] = 0xee;
        assert!(Fe::from_bytes(&p).equals(&Fe::ONE));
    }

    #[test]
    #[should_panic(expected = "255 bits")]
    fn a_256_bit_number_is_a_programming_error() {
        Fe::from_bytes(&[0xff; 32]);
    }

    #[test]
    fn one_inversion_serves_many() {
        let mut source = Random::new(2);
        let values: Vec<Fe> = (0..65).map(|_| random(&mut source)).collect();
        let mut inverted = values.clone();
        invert_all(&mut inverted);
        assert!(values.iter().zip(&inverted).all(|(x, y)| x.mul(y).equals(&Fe::ONE)));
        invert_all(&mut []);
    }
}
