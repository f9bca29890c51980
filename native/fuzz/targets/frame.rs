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

fuzz_target!(|data: &[u8]| {
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
});
