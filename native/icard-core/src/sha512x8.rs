//! SHA-512 (FIPS 180-4) of eight messages at a time, one a lane of AVX-512.

use crate::ifma::transpose;
use std::arch::x86_64::*;

const LANES: usize = 8;
const BLOCK: usize = 128;

/// Of the cube roots of the first 80 primes (section 4.2.3).
const K: [u64; 80] = [
    0x428a_2f98_d728_ae22,
    0x7137_4491_23ef_65cd,
    0xb5c0_fbcf_ec4d_3b2f,
    0xe9b5_dba5_8189_dbbc,
    0x3956_c25b_f348_b538,
    0x59f1_11f1_b605_d019,
    0x923f_82a4_af19_4f9b,
    0xab1c_5ed5_da6d_8118,
    0xd807_aa98_a303_0242,
    0x1283_5b01_4570_6fbe,
    0x2431_85be_4ee4_b28c,
    0x550c_7dc3_d5ff_b4e2,
    0x72be_5d74_f27b_896f,
    0x80de_b1fe_3b16_96b1,
    0x9bdc_06a7_25c7_1235,
    0xc19b_f174_cf69_2694,
    0xe49b_69c1_9ef1_4ad2,
    0xefbe_4786_384f_25e3,
    0x0fc1_9dc6_8b8c_d5b5,
    0x240c_a1cc_77ac_9c65,
    0x2de9_2c6f_592b_0275,
    0x4a74_84aa_6ea6_e483,
    0x5cb0_a9dc_bd41_fbd4,
    0x76f9_88da_8311_53b5,
    0x983e_5152_ee66_dfab,
    0xa831_c66d_2db4_3210,
    0xb003_27c8_98fb_213f,
    0xbf59_7fc7_beef_0ee4,
    0xc6e0_0bf3_3da8_8fc2,
    0xd5a7_9147_930a_a725,
    0x06ca_6351_e003_826f,
    0x1429_2967_0a0e_6e70,
    0x27b7_0a85_46d2_2ffc,
    0x2e1b_2138_5c26_c926,
    0x4d2c_6dfc_5ac4_2aed,
    0x5338_0d13_9d95_b3df,
    0x650a_7354_8baf_63de,
    0x766a_0abb_3c77_b2a8,
    0x81c2_c92e_47ed_aee6,
    0x9272_2c85_1482_353b,
    0xa2bf_e8a1_4cf1_0364,
    0xa81a_664b_bc42_3001,
    0xc24b_8b70_d0f8_9791,
    0xc76c_51a3_0654_be30,
    0xd192_e819_d6ef_5218,
    0xd699_0624_5565_a910,
    0xf40e_3585_5771_202a,
    0x106a_a070_32bb_d1b8,
    0x19a4_c116_b8d2_d0c8,
    0x1e37_6c08_5141_ab53,
    0x2748_774c_df8e_eb99,
    0x34b0_bcb5_e19b_48a8,
    0x391c_0cb3_c5c9_5a63,
    0x4ed8_aa4a_e341_8acb,
    0x5b9c_ca4f_7763_e373,
    0x682e_6ff3_d6b2_b8a3,
    0x748f_82ee_5def_b2fc,
    0x78a5_636f_4317_2f60,
    0x84c8_7814_a1f0_ab72,
    0x8cc7_0208_1a64_39ec,
    0x90be_fffa_2363_1e28,
    0xa450_6ceb_de82_bde9,
    0xbef9_a3f7_b2c6_7915,
    0xc671_78f2_e372_532b,
    0xca27_3ece_ea26_619c,
    0xd186_b8c7_21c0_c207,
    0xeada_7dd6_cde0_eb1e,
    0xf57d_4f7f_ee6e_d178,
    0x06f0_67aa_7217_6fba,
    0x0a63_7dc5_a2c8_98a6,
    0x113f_9804_bef9_0dae,
    0x1b71_0b35_131c_471b,
    0x28db_77f5_2304_7d84,
    0x32ca_ab7b_40c7_2493,
    0x3c9e_be0a_15c9_bebc,
    0x431d_67c4_9c10_0d4c,
    0x4cc5_d4be_cb3e_42b6,
    0x597f_299c_fc65_7e2a,
    0x5fcb_6fab_3ad6_faec,
    0x6c44_198c_4a47_5817,
];
/// Of the square roots of the first eight primes (section 5.3.5).
const H: [u64; 8] = [
    0x6a09_e667_f3bc_c908,
    0xbb67_ae85_84ca_a73b,
    0x3c6e_f372_fe94_f82b,
    0xa54f_f53a_5f1d_36f1,
    0x510e_527f_ade6_82d1,
    0x9b05_688c_2b3e_6c1f,
    0x1f83_d9ab_fb41_bd6b,
    0x5be0_cd19_137e_2179,
];

/// Eight messages with their padding.
#[derive(Default)]
pub(crate) struct Blocks {
    lanes: [Lane; LANES],
}

#[derive(Default)]
struct Lane {
    padded: Vec<u8>,
}

impl Blocks {
    /// Sets a lane's message to these parts in a row.
    pub(crate) fn set(&mut self, lane: usize, parts: &[&[u8]]) {
        let padded = &mut self.lanes[lane].padded;
        padded.clear();
        parts.iter().for_each(|part| padded.extend_from_slice(part));
        // Lengths in bits fit in 64 of the 128 bits: no message here has 2^61 bytes.
        let bits = 8 * padded.len() as u64;
        padded.push(0x80);
        padded.resize((padded.len() + 16).div_ceil(BLOCK) * BLOCK, 0);
        let end = padded.len();
        padded[end - 8..].copy_from_slice(&bits.to_be_bytes());
    }

    /// The hashes. Only where `ifma::available`.
    pub(crate) fn digests(&self) -> [[u8; 64]; LANES] {
        debug_assert!(crate::ifma::available());
        // SAFETY: the callers are this crate's IFMA functions, which run where `available` has asked for the features.
        unsafe { digests(&self.lanes) }
    }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn xor3(a: __m512i, b: __m512i, c: __m512i) -> __m512i {
    _mm512_ternarylogic_epi64::<0x96>(a, b, c)
}

#[inline]
#[target_feature(enable = "avx512f")]
fn add(a: __m512i, b: __m512i) -> __m512i {
    _mm512_add_epi64(a, b)
}

#[target_feature(enable = "avx512f,avx512bw,avx512ifma,bmi2,adx")]
fn digests(lanes: &[Lane; LANES]) -> [[u8; 64]; LANES] {
    let big_endian = _mm512_broadcast_i32x4(_mm_set_epi8(8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7));
    let blocks = lanes.iter().map(|lane| lane.padded.len() / BLOCK).max().unwrap_or(0);
    let mut state = [_mm512_setzero_si512(); 8];
    for (state, word) in state.iter_mut().zip(H) {
        *state = _mm512_set1_epi64(word as i64);
    }
    for block in 0..blocks {
        // A lane whose message has ended keeps its state.
        let mut alive = 0u8;
        let mut halves = [[_mm512_setzero_si512(); LANES]; 2];
        for (lane, Lane { padded }) in lanes.iter().enumerate() {
            let Some(bytes) = padded.get(block * BLOCK..(block + 1) * BLOCK) else { continue };
            alive |= 1 << lane;
            for (half, rows) in halves.iter_mut().enumerate() {
                let words = &bytes[64 * half..64 * half + 64];
                // SAFETY: the slice is 64 bytes long; the load asks for no alignment.
                rows[lane] = _mm512_shuffle_epi8(unsafe { _mm512_loadu_si512(words.as_ptr().cast()) }, big_endian);
            }
        }
        let mut w = [_mm512_setzero_si512(); 16];
        w[..8].copy_from_slice(&transpose(halves[0]));
        w[8..].copy_from_slice(&transpose(halves[1]));
        let next = compressed(&state, &mut w);
        for (state, next) in state.iter_mut().zip(next) {
            *state = _mm512_mask_add_epi64(*state, alive, *state, next);
        }
    }
    let mut out = [[0u8; 64]; LANES];
    for (out, row) in out.iter_mut().zip(transpose(state)) {
        // SAFETY: 64 bytes are there; the store asks for no alignment.
        unsafe { _mm512_storeu_si512(out.as_mut_ptr().cast(), _mm512_shuffle_epi8(row, big_endian)) };
    }
    out
}

/// The 80 rounds on one block of each lane (section 6.4.2), before the state is added.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512ifma,bmi2,adx")]
fn compressed(state: &[__m512i; 8], w: &mut [__m512i; 16]) -> [__m512i; 8] {
    let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = *state;
    macro_rules! round {
        ($t:expr, $k:expr, $a:ident, $b:ident, $c:ident, $d:ident, $e:ident, $f:ident, $g:ident, $h:ident) => {{
            let s1 = xor3(_mm512_ror_epi64::<14>($e), _mm512_ror_epi64::<18>($e), _mm512_ror_epi64::<41>($e));
            let choice = _mm512_ternarylogic_epi64::<0xca>($e, $f, $g);
            let t1 = add(add($h, s1), add(choice, add(_mm512_set1_epi64($k as i64), w[$t])));
            let s0 = xor3(_mm512_ror_epi64::<28>($a), _mm512_ror_epi64::<34>($a), _mm512_ror_epi64::<39>($a));
            let majority = _mm512_ternarylogic_epi64::<0xe8>($a, $b, $c);
            $d = add($d, t1);
            $h = add(t1, add(s0, majority));
        }};
    }
    for sixteen in 0..5 {
        if sixteen > 0 {
            for t in 0..16 {
                let (x, y) = (w[(t + 1) % 16], w[(t + 14) % 16]);
                let s0 = xor3(_mm512_ror_epi64::<1>(x), _mm512_ror_epi64::<8>(x), _mm512_srli_epi64::<7>(x));
                let s1 = xor3(_mm512_ror_epi64::<19>(y), _mm512_ror_epi64::<61>(y), _mm512_srli_epi64::<6>(y));
                w[t] = add(add(w[t], s0), add(w[(t + 9) % 16], s1));
            }
        }
        let k: &[u64; 16] = K[16 * sixteen..16 * sixteen + 16].try_into().expect("sixteen words");
        round!(0, k[0], a, b, c, d, e, f, g, h);
        round!(1, k[1], h, a, b, c, d, e, f, g);
        round!(2, k[2], g, h, a, b, c, d, e, f);
        round!(3, k[3], f, g, h, a, b, c, d, e);
        round!(4, k[4], e, f, g, h, a, b, c, d);
        round!(5, k[5], d, e, f, g, h, a, b, c);
        round!(6, k[6], c, d, e, f, g, h, a, b);
        round!(7, k[7], b, c, d, e, f, g, h, a);
        round!(8, k[8], a, b, c, d, e, f, g, h);
        round!(9, k[9], h, a, b, c, d, e, f, g);
        round!(10, k[10], g, h, a, b, c, d, e, f);
        round!(11, k[11], f, g, h, a, b, c, d, e);
        round!(12, k[12], e, f, g, h, a, b, c, d);
        round!(13, k[13], d, e, f, g, h, a, b, c);
        round!(14, k[14], c, d, e, f, g, h, a, b);
        round!(15, k[15], b, c, d, e, f, g, h, a);
    }
    [a, b, c, d, e, f, g, h]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Random;
    use sha2::{Digest, Sha512};

    #[test]
    fn eight_messages_of_any_lengths_have_the_hashes_of_sha2() {
        if !crate::ifma::available() {
            return;
        }
        let mut source = Random::new(21);
        let mut blocks = Blocks::default();
        for turn in 0..400usize {
            let messages: Vec<Vec<u8>> = (0..LANES)
                .map(|lane| {
                    let length = if turn < 40 { turn * LANES + lane } else { source.next() as usize % 700 };
                    (0..length).map(|_| source.next() as u8).collect()
                })
                .collect();
            for (lane, message) in messages.iter().enumerate() {
                let middle = message.len() / 3;
                blocks.set(lane, &[&message[..middle], &[], &message[middle..]]);
            }
            for (found, message) in blocks.digests().iter().zip(&messages) {
                assert_eq!(found[..], Sha512::digest(message)[..], "{} bytes", message.len());
            }
        }
    }
}
