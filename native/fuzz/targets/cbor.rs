//! Whatever the rules read is strict CBOR (RFC 8949): one item and nothing behind it, shortest heads, definite lengths,
//! UTF-8, no key twice. The reader here is written for this alone and shares no line with the other.

#![no_main]

use icard_core::{Fact, Forms, Kind, Role, Row, Rules, Told};
use libfuzzer_sys::fuzz_target;
use std::collections::HashSet;
use std::sync::LazyLock;

struct Capitals;

impl Forms for Capitals {
    fn has(&self, _: usize, text: &str) -> bool {
        text.bytes().all(|byte| byte.is_ascii_uppercase())
    }
}

/// The rows of every kind, with keys of one byte and of several.
static RULES: LazyLock<Rules> = LazyLock::new(|| {
    let row = |key: &[u8], required, kind, bounds, slot| Row { key: key.to_vec(), required, kind, bounds, slot };
    let whole = (0, u64::MAX);
    let rules = Rules {
        maps: vec![
            vec![
                row(&[0x01], true, Kind::Number, whole, 0),
                row(&[0x02], false, Kind::Text(None), (0, 40), 1),
                row(&[0x03], false, Kind::Text(Some(0)), (1, 30), 2),
                row(&[0x04], false, Kind::Bytes, (0, 300), 3),
                row(&[0x05], false, Kind::Numbers(0, 70_000), (0, 30), 4),
                row(&[0x3a, 0x00, 0x01, 0x00, 0x00], false, Kind::Map(1), whole, 5),
                row(&[0x06], false, Kind::Elsewhere, whole, 6),
            ],
            vec![row(&[0x18, 0x2a], true, Kind::Number, (1, 300), 7), row(&[0x01], false, Kind::Map(0), whole, 8)],
        ],
        told: (0..9).map(|slot| (slot, if slot == 4 { Told::List } else { Told::Presence }, Role::Same)).collect(),
        multiples: vec![],
        spans: vec![],
        visible: vec![('!', '~'), ('\u{4e00}', '\u{9fff}')],
    };
    assert!(rules.are_whole());
    rules
});

/// What is behind one item; None where the item is not strict.
fn item(data: &[u8]) -> Option<&[u8]> {
    let (first, mut rest) = (*data.first()?, &data[1..]);
    let size = match first & 31 {
        info @ 0..=23 => return content(first >> 5, u64::from(info), rest),
        info @ 24..=27 => 1usize << (info - 24),
        _ => return None,
    };
    let mut argument = 0u64;
    for _ in 0..size {
        argument = argument << 8 | u64::from(*rest.first()?);
        rest = &rest[1..];
    }
    let needed = [24u64, 0x100, 0x1_0000, 0x1_0000_0000][size.trailing_zeros() as usize];
    if argument < needed {
        return None;
    }
    content(first >> 5, argument, rest)
}

fn content(major: u8, argument: u64, mut rest: &[u8]) -> Option<&[u8]> {
    let length = usize::try_from(argument).ok();
    match major {
        0 | 1 => Some(rest),
        2 => rest.get(length?..),
        3 => {
            std::str::from_utf8(rest.get(..length?)?).ok()?;
            rest.get(length?..)
        }
        4 => (0..argument).try_fold(rest, |rest, _| item(rest)),
        5 => {
            let mut keys = HashSet::new();
            for _ in 0..argument {
                let behind = item(rest)?;
                if !keys.insert(&rest[..rest.len() - behind.len()]) {
                    return None;
                }
                rest = item(behind)?;
            }
            Some(rest)
        }
        _ => None,
    }
}

fuzz_target!(|payload: &[u8]| {
    let Some(facts) = RULES.facts(payload, &Capitals) else { return };
    assert_eq!(item(payload), Some(&[][..]));
    assert_eq!(facts.len(), RULES.told.len());
    assert_eq!(facts[0], Fact::Presence(true));
});
