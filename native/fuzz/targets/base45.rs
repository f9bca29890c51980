//! Whatever is read as base45 (RFC 9285) is the one text of its bytes.

#![no_main]

use icard_core::fuzzing::base45;
use libfuzzer_sys::fuzz_target;

const ALPHABET: &[u8; 45] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";

fn encoded(data: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    for pair in data.chunks(2) {
        let mut number = pair.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte));
        for _ in 0..pair.len() + 1 {
            text.push(ALPHABET[number % 45]);
            number /= 45;
        }
    }
    text
}

fuzz_target!(|text: &[u8]| {
    if let Some(data) = base45(text) {
        assert_eq!(encoded(&data), text);
    }
    assert_eq!(base45(&encoded(text)).as_deref(), Some(text));
});
