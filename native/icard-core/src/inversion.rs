//! The inverse modulo p = 2^255 - 19 by division steps (Bernstein and Yang, "Fast constant-time gcd computation and
//! modular inversion", 2019), in variable time, laid out as libsecp256k1's `modinv64`: five signed limbs of 62 bits.
//!
//! Nobody relies on this alone: [`crate::field::Fe::invert`] multiplies the result back.

const MASK: u64 = u64::MAX >> 2;

/// p as 2^255 - 19: limbs -19 and 128 * 2^248.
const P: [i64; 5] = [-19, 0, 0, 0, 128];

/// 1/p modulo 2^62, by Newton's iteration.
const P_INVERSE: u64 = {
    let p = -19i64 as u64;
    let mut x = 1u64;
    let mut turn = 0;
    while turn < 6 {
        x = x.wrapping_mul(2u64.wrapping_sub(p.wrapping_mul(x)));
        turn += 1;
    }
    x & MASK
};

/// More than the 590 division steps that 255 bits can need, 62 a round: a loop that does not end here has a fault, and
/// the caller's check finds it.
const MOST_ROUNDS: usize = 14;

/// 62 division steps on the low words of f and g: the new eta, and the matrix (u v; q r) times 2^62 that they make.
#[inline(always)]
fn division_steps(mut eta: i64, f: u64, g: u64) -> (i64, [i64; 4]) {
    let (mut u, mut v, mut q, mut r) = (1u64, 0u64, 0u64, 1u64);
    let (mut f, mut g) = (f, g);
    let mut left: i64 = 62;
    loop {
        // The bits above `left` are set so that no more zeros are counted than steps are left.
        let zeros = i64::from((g | (u64::MAX << left)).trailing_zeros());
        g >>= zeros;
        u <<= zeros;
        v <<= zeros;
        eta -= zeros;
        left -= zeros;
        if left == 0 {
            break;
        }
        let factor;
        if eta < 0 {
            eta = -eta;
            (f, g) = (g, f.wrapping_neg());
            (u, q) = (q, u.wrapping_neg());
            (v, r) = (r, v.wrapping_neg());
            // Up to six bits of g are cleared at once.
            let most = (eta + 1).min(left);
            let mask = (u64::MAX >> (64 - most)) & 63;
            factor = f.wrapping_mul(g).wrapping_mul(f.wrapping_mul(f).wrapping_sub(2)) & mask;
        } else {
            let most = (eta + 1).min(left);
            let mask = (u64::MAX >> (64 - most)) & 15;
            let near = f.wrapping_add((f.wrapping_add(1) & 4) << 1);
            factor = near.wrapping_neg().wrapping_mul(g) & mask;
        }
        g = g.wrapping_add(f.wrapping_mul(factor));
        q = q.wrapping_add(u.wrapping_mul(factor));
        r = r.wrapping_add(v.wrapping_mul(factor));
    }
    (eta, [u as i64, v as i64, q as i64, r as i64])
}

/// (d, e) times the matrix, divided by 2^62 modulo p; both stay in (-2p, p).
#[inline(always)]
fn update_modular(d: &mut [i64; 5], e: &mut [i64; 5], [u, v, q, r]: [i64; 4]) {
    let (sign_d, sign_e) = (d[4] >> 63, e[4] >> 63);
    let mut add_d = (u & sign_d) + (v & sign_e);
    let mut add_e = (q & sign_d) + (r & sign_e);
    let wide = |x: i64, y: i64| i128::from(x) * i128::from(y);
    let mut carry_d = wide(u, d[0]) + wide(v, e[0]);
    let mut carry_e = wide(q, d[0]) + wide(r, e[0]);
    // The multiple of p that clears the lowest 62 bits.
    add_d -= (P_INVERSE.wrapping_mul(carry_d as u64).wrapping_add(add_d as u64) & MASK) as i64;
    add_e -= (P_INVERSE.wrapping_mul(carry_e as u64).wrapping_add(add_e as u64) & MASK) as i64;
    carry_d = (carry_d + wide(P[0], add_d)) >> 62;
    carry_e = (carry_e + wide(P[0], add_e)) >> 62;
    for i in 1..5 {
        carry_d += wide(u, d[i]) + wide(v, e[i]) + wide(P[i], add_d);
        carry_e += wide(q, d[i]) + wide(r, e[i]) + wide(P[i], add_e);
        d[i - 1] = (carry_d as u64 & MASK) as i64;
        e[i - 1] = (carry_e as u64 & MASK) as i64;
        carry_d >>= 62;
        carry_e >>= 62;
    }
    d[4] = carry_d as i64;
    e[4] = carry_e as i64;
}

/// (f, g) times the matrix, divided by 2^62, which is exact.
#[inline(always)]
fn update_exact(f: &mut [i64], g: &mut [i64], [u, v, q, r]: [i64; 4]) {
    let wide = |x: i64, y: i64| i128::from(x) * i128::from(y);
    let mut carry_f = (wide(u, f[0]) + wide(v, g[0])) >> 62;
    let mut carry_g = (wide(q, f[0]) + wide(r, g[0])) >> 62;
    let length = f.len();
    for i in 1..length {
        carry_f += wide(u, f[i]) + wide(v, g[i]);
        carry_g += wide(q, f[i]) + wide(r, g[i]);
        f[i - 1] = (carry_f as u64 & MASK) as i64;
        g[i - 1] = (carry_g as u64 & MASK) as i64;
        carry_f >>= 62;
        carry_g >>= 62;
    }
    f[length - 1] = carry_f as i64;
    g[length - 1] = carry_g as i64;
}

/// The inverse of a number below p, little-endian. What it gives for 0 means nothing.
pub(crate) fn invert(bytes: &[u8; 32]) -> [u8; 32] {
    let word = |i: usize| u64::from_le_bytes(std::array::from_fn(|j| bytes[8 * i + j]));
    let (w0, w1, w2, w3) = (word(0), word(1), word(2), word(3));
    let mut f = P;
    let mut g = [
        (w0 & MASK) as i64,
        ((w0 >> 62 | w1 << 2) & MASK) as i64,
        ((w1 >> 60 | w2 << 4) & MASK) as i64,
        ((w2 >> 58 | w3 << 6) & MASK) as i64,
        (w3 >> 56) as i64,
    ];
    let (mut d, mut e) = ([0i64; 5], [1i64, 0, 0, 0, 0]);
    let mut eta = -1i64;
    let mut length = 5;
    for _ in 0..MOST_ROUNDS {
        let (next, matrix) = division_steps(eta, f[0] as u64, g[0] as u64);
        eta = next;
        update_modular(&mut d, &mut e, matrix);
        update_exact(&mut f[..length], &mut g[..length], matrix);
        if g[..length].iter().all(|limb| *limb == 0) {
            break;
        }
        // A top limb that is only a sign moves into the one below.
        let (top_f, top_g) = (f[length - 1], g[length - 1]);
        if length > 1 && top_f ^ (top_f >> 63) == 0 && top_g ^ (top_g >> 63) == 0 {
            f[length - 2] |= ((top_f as u64) << 62) as i64;
            g[length - 2] |= ((top_g as u64) << 62) as i64;
            length -= 1;
        }
    }
    to_bytes(normalized(d, f[length - 1] < 0))
}

/// d in (-2p, p), negated where f ended as -1, brought into [0, p) or, where it is not canonical, into 255 bits.
fn normalized(mut d: [i64; 5], negate: bool) -> [i64; 5] {
    let add_p = |x: &mut [i64; 5]| x.iter_mut().zip(P).for_each(|(limb, part)| *limb += part);
    let carry = |x: &mut [i64; 5]| {
        for i in 0..4 {
            x[i + 1] += x[i] >> 62;
            x[i] &= MASK as i64;
        }
    };
    if d[4] < 0 {
        add_p(&mut d);
    }
    if negate {
        d.iter_mut().for_each(|limb| *limb = -*limb);
    }
    carry(&mut d);
    for _ in 0..3 {
        if d[4] < 0 {
            add_p(&mut d);
            carry(&mut d);
        }
    }
    d
}

fn to_bytes(d: [i64; 5]) -> [u8; 32] {
    let m = d.map(|limb| limb as u64);
    let words = [m[0] | m[1] << 62, m[1] >> 2 | m[2] << 60, m[2] >> 4 | m[3] << 58, m[3] >> 6 | m[4] << 56];
    let mut out = [0u8; 32];
    out.chunks_exact_mut(8).zip(words).for_each(|(part, word)| part.copy_from_slice(&word.to_le_bytes()));
    out[31] &= 0x7f;
    out
}
