//! Whatever is read as a frame is the frame of its parts, byte for byte.

#![no_main]

use icard_core::fuzzing::frame;
use libfuzzer_sys::fuzz_target;

/// The head of a byte string in its shortest form (RFC 8949 section 3).
fn bytes_head(length: usize) -> Vec<u8> {
    match length {
        0..=23 => vec![0x40 | length as u8],
        24..=0xff => vec![0x58, length as u8],
        0x100..=0xffff => [&[0x59], &(length as u16).to_be_bytes()[..]].concat(),
        _ => [&[0x5a], &(length as u32).to_be_bytes()[..]].concat(),
    }
}

/// A frame by the input's choices: tags, algorithm, the width of the payload's head, which may be longer than it needs
/// to be, and what stands behind. Changing a frame's bytes at random hardly ever gives another whose lengths agree.
fn written(data: &[u8]) -> Option<Vec<u8>> {
    let ([tags, algorithm, width, behind], payload) = data.split_first_chunk::<4>()?;
    let tags: &[u8] = if tags & 1 == 1 { &[0xd8, 0x3d, 0xd2, 0x84] } else { &[0xd2, 0x84] };
    let length = payload.len() as u64;
    let head = match width % 5 {
        0 => vec![0x40 | (length as u8 & 31)],
        width => {
            let bytes = 1 << (width - 1);
            [&[0x57 + width], &length.to_be_bytes()[8 - bytes..]].concat()
        }
    };
    let headers = [0x4d, 0xa2, 0x01, *algorithm, 0x04, 0x48, 1, 2, 3, 4, 5, 6, 7, 8, 0xa0];
    let signature = [7; 64];
    Some([tags, &headers, &head, payload, &[0x58, 0x40], &signature, &vec![0; usize::from(behind % 4 / 3)]].concat())
}

fn look(data: &[u8]) {
    let Some([kid, protected, payload, signature]) = frame(data) else { return };
    let tags: &[u8] = if data[0] == 0xd8 { &[0xd8, 0x3d, 0xd2, 0x84] } else { &[0xd2, 0x84] };
    assert_eq!((kid.len(), signature.len()), (8, 64));
    let item = [&bytes_head(payload.len()), payload].concat();
    for algorithm in [0x27, 0x32] {
        let headers = [&[0x4d, 0xa2, 0x01, algorithm, 0x04, 0x48], kid].concat();
        if headers == protected {
            assert_eq!([tags, &headers, &[0xa0], &item, &[0x58, 0x40], signature].concat(), data);
            return;
        }
    }
    panic!("headers that no signer of cards writes");
}

fuzz_target!(|data: &[u8]| {
    look(data);
    if let Some(data) = written(data) {
        look(&data);
    }
});
