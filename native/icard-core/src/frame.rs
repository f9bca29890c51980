//! The outer forms of a card's text: base45, heads of CBOR, and the one COSE frame that icard's signer writes.
//!
//! None stands for everything else: the reference in Python decides then, and names the fault.

const NO_DIGIT: u8 = 0xff;

const DIGITS: [u8; 256] = {
    let alphabet = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";
    let mut digits = [NO_DIGIT; 256];
    let mut i = 0;
    while i < alphabet.len() {
        digits[alphabet[i] as usize] = i as u8;
        i += 1;
    }
    digits
};

/// The bytes of a base45 text (RFC 9285), behind so many zeros; None for anything that the reference refuses.
pub(crate) fn base45(text: &[u8], before: usize) -> Option<Vec<u8>> {
    let digit = |character: &u8| u32::from(DIGITS[usize::from(*character)]);
    let (groups, rest) = text.as_chunks::<3>();
    let mut out = vec![0u8; before + 2 * groups.len() + usize::from(rest.len() == 2)];
    // Above 0xffff in any group, or the top bit of a digit that is none.
    let mut wrong = 0u32;
    let (pairs, last) = out[before..].as_chunks_mut::<2>();
    for ([a, b, c], pair) in groups.iter().zip(pairs) {
        let (a, b, c) = (digit(a), digit(b), digit(c));
        let number = a + 45 * b + 2025 * c;
        wrong |= ((a | b | c) & 0x80) | number >> 16;
        *pair = (number as u16).to_be_bytes();
    }
    match rest {
        [] => {}
        [a, b] => {
            let (a, b) = (digit(a), digit(b));
            let number = a + 45 * b;
            wrong |= ((a | b) & 0x80) | number >> 8;
            last[0] = number as u8;
        }
        _ => return None,
    }
    (wrong == 0).then_some(out)
}

/// One head of CBOR in its shortest form (RFC 8949 section 3): major type, argument, and what is behind it.
#[inline]
pub(crate) fn head(data: &[u8]) -> Option<(u8, u64, &[u8])> {
    let (first, rest) = data.split_first()?;
    let (major, info) = (first >> 5, first & 31);
    let (argument, least, rest) = match info {
        0..=23 => (u64::from(info), 0, rest),
        24 => {
            let (bytes, rest) = rest.split_first_chunk::<1>()?;
            (u64::from(bytes[0]), 24, rest)
        }
        25 => {
            let (bytes, rest) = rest.split_first_chunk::<2>()?;
            (u64::from(u16::from_be_bytes(*bytes)), 1 << 8, rest)
        }
        26 => {
            let (bytes, rest) = rest.split_first_chunk::<4>()?;
            (u64::from(u32::from_be_bytes(*bytes)), 1 << 16, rest)
        }
        27 => {
            let (bytes, rest) = rest.split_first_chunk::<8>()?;
            (u64::from_be_bytes(*bytes), 1 << 32, rest)
        }
        _ => return None,
    };
    (argument >= least).then_some((major, argument, rest))
}

/// Bytes or text of a length, and what is behind it.
#[inline]
pub(crate) fn content(data: &[u8], length: u64) -> Option<(&[u8], &[u8])> {
    data.split_at_checked(usize::try_from(length).ok()?)
}

/// A COSE_Sign1 as icard's signer writes it for a card by Ed25519.
pub(crate) struct Frame<'a> {
    pub(crate) kid: &'a [u8; 8],
    /// Protected headers with their head. One byte for no unprotected ones, and the payload's head, stand between them
    /// and the payload.
    pub(crate) protected: &'a [u8],
    pub(crate) payload: &'a [u8],
    pub(crate) signature: &'a [u8; 64],
}

/// Tag 18, or 61 around it; four elements; `{1: -8 or -19, 4: kid}` protected, nothing unprotected, 64 bytes at the end.
pub(crate) fn frame(data: &[u8]) -> Option<Frame<'_>> {
    let data = data.strip_prefix(&[0xd8, 0x3d]).unwrap_or(data);
    let data = data.strip_prefix(&[0xd2, 0x84])?;
    let (protected, rest) = data.split_first_chunk::<14>()?;
    let [0x4d, 0xa2, 0x01, 0x27 | 0x32, 0x04, 0x48, kid @ ..] = protected else { return None };
    let (2, length, rest) = head(rest.strip_prefix(&[0xa0])?)? else { return None };
    let (payload, rest) = content(rest, length)?;
    let signature = rest.strip_prefix(&[0x58, 0x40])?.try_into().ok()?;
    Some(Frame { kid, protected, payload, signature })
}

/// The readers by themselves, for `native/fuzz` alone.
#[cfg(fuzzing)]
pub mod fuzzing {
    /// The bytes of a base45 text.
    pub fn base45(text: &[u8]) -> Option<Vec<u8>> {
        super::base45(text, 0)
    }

    /// Of a frame: kid, protected headers, payload, signature.
    pub fn frame(data: &[u8]) -> Option<[&[u8]; 4]> {
        let found = super::frame(data)?;
        Some([found.kid, found.protected, found.payload, found.signature])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_prefix_and_every_changed_byte_of_a_frame_is_handled() {
        let mut data = b"\xd8\x3d\xd2\x84\x4d\xa2\x01\x27\x04\x48kidkidki\xa0\x42\xa1\x01\x58\x40".to_vec();
        data.extend([7; 64]);
        let found = frame(&data).unwrap();
        assert_eq!((found.kid, found.payload, found.signature), (b"kidkidki", &b"\xa1\x01"[..], &[7; 64]));
        assert!(frame(&data[2..]).is_some());
        for end in 0..data.len() {
            assert!(frame(&data[..end]).is_none());
        }
        for place in 0..data.len() {
            for byte in (0..=255).step_by(if cfg!(miri) { 51 } else { 1 }) {
                let mut changed = data.clone();
                changed[place] = byte;
                let _ = frame(&changed);
            }
        }
        data.push(0);
        assert!(frame(&data).is_none());
    }

    #[test]
    fn base45_is_that_of_the_rfc() {
        assert_eq!(base45(b"QED8WEX0", 0).unwrap(), b"ietf!");
        assert_eq!(base45(b"QED8WEX0", 3).unwrap(), b"\0\0\0ietf!");
        assert_eq!(base45(b"FGW", 0).unwrap(), [0xff, 0xff]);
        for refused in [&b"QED8WEX"[..], b"qed", b":::", b"::", b"Q\xffD", b"FGX"] {
            assert!(base45(refused, 0).is_none(), "{refused:?}");
        }
    }
}
