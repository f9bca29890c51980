//! A card's text to the facts that a decision needs: yes, or nothing.
//!
//! What is read is the one way in which icard's signer writes a card: `IC1:`, base45, one COSE frame, strict CBOR with
//! known claims alone. On anything else, and on every doubt, the answer is None, and the reference in Python decides and
//! names the fault. So nothing here knows an error, a message or a rule about what to do with a card.
//!
//! Fields and their bounds are icard's `fields.json`, handed over as [`Rules`]. Whether a text has a field's form is
//! asked of [`Forms`], which is icard's Python and its memory: no pattern is written twice.

use crate::keys::{Fault, Key, Keyring};
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

/// Characters of a text, as in icard's limits.
const MOST_TEXT: usize = 8192;

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

/// The bytes of a base45 text (RFC 9285); None for anything that the reference refuses.
fn base45(text: &[u8]) -> Option<Vec<u8>> {
    let digit = |character: &u8| u32::from(DIGITS[usize::from(*character)]);
    let (groups, rest) = text.as_chunks::<3>();
    let mut out = vec![0u8; 2 * groups.len() + usize::from(rest.len() == 2)];
    // Above 0xffff in any group, or the top bit of a digit that is none.
    let mut wrong = 0u32;
    let (pairs, last) = out.as_chunks_mut::<2>();
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
fn head(data: &[u8]) -> Option<(u8, u64, &[u8])> {
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
fn content(data: &[u8], length: u64) -> Option<(&[u8], &[u8])> {
    data.split_at_checked(usize::try_from(length).ok()?)
}

/// A COSE_Sign1 as icard's signer writes it for a card by Ed25519.
struct Frame<'a> {
    kid: &'a [u8; 8],
    /// Protected headers and payload with their heads, as the signature covers them.
    protected: &'a [u8],
    payload_item: &'a [u8],
    payload: &'a [u8],
    signature: &'a [u8; 64],
}

/// Tag 18, or 61 around it; four elements; `{1: -8 or -19, 4: kid}` protected, nothing unprotected, 64 bytes at the end.
fn frame(data: &[u8]) -> Option<Frame<'_>> {
    let data = data.strip_prefix(&[0xd8, 0x3d]).unwrap_or(data);
    let data = data.strip_prefix(&[0xd2, 0x84])?;
    let (protected, rest) = data.split_first_chunk::<14>()?;
    let [0x4d, 0xa2, 0x01, 0x27 | 0x32, 0x04, 0x48, kid @ ..] = protected else { return None };
    let behind = rest.strip_prefix(&[0xa0])?;
    let (2, length, rest) = head(behind)? else { return None };
    let (payload, rest) = content(rest, length)?;
    let payload_item = &behind[..behind.len() - rest.len()];
    let signature = rest.strip_prefix(&[0x58, 0x40])?.try_into().ok()?;
    Some(Frame { kid, protected, payload_item, payload, signature })
}

/// The readers by themselves, for `native/fuzz` alone.
#[cfg(fuzzing)]
pub mod fuzzing {
    /// The bytes of a base45 text.
    pub fn base45(text: &[u8]) -> Option<Vec<u8>> {
        super::base45(text)
    }

    /// Of a frame: kid, protected headers, payload with its head, payload, signature.
    pub fn frame(data: &[u8]) -> Option<[&[u8]; 5]> {
        let found = super::frame(data)?;
        Some([found.kid, found.protected, found.payload_item, found.payload, found.signature])
    }
}

/// What one field takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// A number within the bounds.
    Number,
    /// Text of so many characters; of a form, or plain: visible characters and spaces, not spaces alone.
    Text(Option<usize>),
    /// So many bytes.
    Bytes,
    /// A map with the rows of this number.
    Map(usize),
    /// A list of so many numbers, each within these bounds.
    Numbers(u64, u64),
    /// Only the reference reads this one.
    Elsewhere,
}

/// One field: a row of `fields.json`.
#[derive(Clone, Debug)]
pub struct Row {
    /// The key as it is encoded.
    pub key: Vec<u8>,
    /// Whether the map must have it.
    pub required: bool,
    /// What it takes.
    pub kind: Kind,
    /// Least and greatest value or length.
    pub bounds: (u64, u64),
    /// Where its value is noted.
    pub slot: usize,
}

/// How a value is told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Told {
    /// As it is.
    Value,
    /// Whether it is there.
    Presence,
    /// A list of numbers, empty where it is not there.
    List,
    /// A number as so many times a unit, and something more.
    Scaled(i64, i64),
}

/// All fields, and what is told of them. Map 0 is the whole payload.
#[derive(Clone, Debug)]
pub struct Rules {
    /// Rows by map; 64 a map at most.
    pub maps: Vec<Vec<Row>>,
    /// What is told, in this order, of the fields in these slots.
    pub told: Vec<(usize, Told)>,
    /// Ranges of characters that plain text may have beside the space: some of those that the format calls visible.
    pub visible: Vec<(char, char)>,
}

/// Whether a text has a form. The answer may be no for one that has: the reference is asked then.
pub trait Forms {
    /// Whether the text is known to have the form of this number.
    fn has(&self, form: usize, text: &str) -> bool;
}

/// What is told of a field.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Fact {
    /// It is not there.
    Absent,
    /// Whether it is there.
    Presence(bool),
    /// A number.
    Number(i64),
    /// A text, as a place in the payload.
    Text(Range<usize>),
    /// Bytes, as a place in the payload.
    Bytes(Range<usize>),
    /// A list of numbers.
    Numbers(Vec<i64>),
}

#[derive(Clone, Copy)]
enum Value<'a> {
    Absent,
    There,
    Number(u64),
    Text(&'a str),
    Bytes(&'a [u8]),
    Numbers(u64, &'a [u8]),
}

/// Slots that rules may use.
const SLOTS: usize = 64;
/// A map's rows are marked as seen in one word.
const MOST_ROWS: usize = 64;

impl Rules {
    /// Whether the rules can be used: every number in them points at something.
    pub fn are_whole(&self) -> bool {
        let rows_are = |rows: &Vec<Row>| {
            rows.len() <= MOST_ROWS
                && rows.iter().all(|row| {
                    let below = if let Kind::Map(map) = row.kind { map } else { 0 };
                    row.slot < SLOTS && below < self.maps.len() && !row.key.is_empty()
                })
        };
        !self.maps.is_empty() && self.maps.iter().all(rows_are) && self.told.iter().all(|(slot, _)| *slot < SLOTS)
    }

    /// The facts of a payload that is strict CBOR with nothing but known fields within their bounds.
    pub fn facts(&self, payload: &[u8], forms: &impl Forms) -> Option<Vec<Fact>> {
        let mut values = [Value::Absent; SLOTS];
        let rest = self.map(0, payload, forms, &mut values, 0)?;
        if !rest.is_empty() {
            return None;
        }
        self.told.iter().map(|(slot, told)| fact(values[*slot], *told, payload)).collect()
    }

    /// Reads a map; gives what is behind it.
    fn map<'a>(
        &self,
        number: usize,
        data: &'a [u8],
        forms: &impl Forms,
        values: &mut [Value<'a>; SLOTS],
        depth: usize,
    ) -> Option<&'a [u8]> {
        let rows = &self.maps[number];
        let (5, count, mut data) = head(data)? else { return None };
        // Rows that point at each other end here: icard's CBOR has eight levels.
        if depth == 8 || count > rows.len() as u64 {
            return None;
        }
        let mut seen = 0u64;
        for _ in 0..count {
            let first = *data.first()?;
            let place = rows.iter().position(|row| row.key[0] == first && data.starts_with(&row.key))?;
            let row = &rows[place];
            if seen >> place & 1 == 1 {
                return None;
            }
            seen |= 1 << place;
            data = self.value(row, &data[row.key.len()..], forms, values, depth)?;
        }
        rows.iter().enumerate().all(|(place, row)| !row.required || seen >> place & 1 == 1).then_some(data)
    }

    #[inline]
    fn value<'a>(
        &self,
        row: &Row,
        data: &'a [u8],
        forms: &impl Forms,
        values: &mut [Value<'a>; SLOTS],
        depth: usize,
    ) -> Option<&'a [u8]> {
        let within = |number: u64| row.bounds.0 <= number && number <= row.bounds.1;
        if let Kind::Map(below) = row.kind {
            values[row.slot] = Value::There;
            return self.map(below, data, forms, values, depth + 1);
        }
        let (major, argument, data) = head(data)?;
        let (value, data) = match (row.kind, major) {
            (Kind::Number, 0) if within(argument) => (Value::Number(argument), data),
            (Kind::Bytes, 2) if within(argument) => {
                let (bytes, data) = content(data, argument)?;
                (Value::Bytes(bytes), data)
            }
            (Kind::Text(form), 3) => {
                let (bytes, data) = content(data, argument)?;
                let text = std::str::from_utf8(bytes).ok()?;
                let characters = if text.is_ascii() { bytes.len() } else { text.chars().count() };
                let fits = match form {
                    Some(form) => forms.has(form, text),
                    None => self.is_plain(text),
                };
                if !within(characters as u64) || !fits {
                    return None;
                }
                (Value::Text(text), data)
            }
            (Kind::Numbers(least, most), 4) if within(argument) => {
                let mut behind = data;
                for _ in 0..argument {
                    let (0, number, next) = head(behind)? else { return None };
                    if number < least || most < number {
                        return None;
                    }
                    behind = next;
                }
                (Value::Numbers(argument, data), behind)
            }
            _ => return None,
        };
        values[row.slot] = value;
        Some(data)
    }

    fn is_plain(&self, text: &str) -> bool {
        let is_visible =
            |character: char| self.visible.iter().any(|(first, last)| *first <= character && character <= *last);
        let mut shows = false;
        for character in text.chars() {
            if character != ' ' {
                if !is_visible(character) {
                    return false;
                }
                shows = true;
            }
        }
        shows
    }
}

/// Where a part of the payload stands in it.
fn place(part: &[u8], payload: &[u8]) -> Range<usize> {
    let at = part.as_ptr().addr() - payload.as_ptr().addr();
    at..at + part.len()
}

fn fact(value: Value<'_>, told: Told, payload: &[u8]) -> Option<Fact> {
    Some(match (value, told) {
        (value, Told::Presence) => Fact::Presence(!matches!(value, Value::Absent)),
        (Value::Absent, Told::List) => Fact::Numbers(Vec::new()),
        (Value::Absent, _) => Fact::Absent,
        (Value::Number(number), Told::Value) => Fact::Number(i64::try_from(number).ok()?),
        (Value::Number(number), Told::Scaled(unit, more)) => {
            Fact::Number(i64::try_from(number).ok()?.checked_mul(unit)?.checked_add(more)?)
        }
        (Value::Text(text), Told::Value) => Fact::Text(place(text.as_bytes(), payload)),
        (Value::Bytes(bytes), Told::Value) => Fact::Bytes(place(bytes, payload)),
        (Value::Numbers(count, mut data), Told::List) => {
            let mut numbers = Vec::new();
            for _ in 0..count {
                let (_, number, next) = head(data)?;
                numbers.push(i64::try_from(number).ok()?);
                data = next;
            }
            Fact::Numbers(numbers)
        }
        _ => return None,
    })
}

/// The keys by which a text may be signed: each kid has one.
#[derive(Default)]
pub struct Book {
    keys: HashMap<[u8; 8], (usize, Arc<Key>)>,
}

/// A text that was read, and whose signature holds.
#[derive(Debug)]
pub struct Reading {
    /// The place that the key was given.
    pub key: usize,
    /// What the rules tell.
    pub facts: Vec<Fact>,
    /// What was signed, and the signature, for an audit.
    pub signed: Vec<u8>,
    /// Where the payload begins in `signed`.
    pub payload_at: usize,
    /// See `signed`.
    pub signature: [u8; 64],
}

impl Book {
    /// Puts a key under its kid, which no other key of the verifier may have: the reference tries such keys in turn.
    pub fn put(&mut self, kid: [u8; 8], place: usize, key: Arc<Key>) {
        self.keys.insert(kid, (place, key));
    }

    /// The facts of each text, None where the reference is to be asked.
    pub fn read_many<F: Forms>(
        &self,
        ring: &Keyring,
        rules: &Rules,
        forms: &F,
        texts: &[&[u8]],
    ) -> Result<Vec<Option<Reading>>, Fault> {
        let read: Vec<Option<Read<'_>>> = texts.iter().map(|text| self.read_signed(text)).collect();
        let asked: Vec<_> = read.iter().flatten().map(|read| (read.key, &read.signature, &read.signed[..])).collect();
        let mut answers = ring.verify_many(&asked)?.into_iter();
        Ok(read
            .into_iter()
            .map(|read| {
                let read = read?;
                if answers.next() != Some(Some(true)) {
                    return None;
                }
                // Decoded only now that the signature holds.
                let facts = rules.facts(&read.signed[read.payload_at..], forms)?;
                Some(read.with(facts))
            })
            .collect())
    }

    /// As [`Book::read_many`], for one text.
    pub fn read<F: Forms>(
        &self,
        ring: &Keyring,
        rules: &Rules,
        forms: &F,
        text: &[u8],
    ) -> Result<Option<Reading>, Fault> {
        let Some(read) = self.read_signed(text) else { return Ok(None) };
        if ring.verify(read.key, &read.signature, &read.signed)? != Some(true) {
            return Ok(None);
        }
        let facts = rules.facts(&read.signed[read.payload_at..], forms);
        Ok(facts.map(|facts| read.with(facts)))
    }

    /// A text's signature and what it covers, where its kid is in this book.
    fn read_signed(&self, text: &[u8]) -> Option<Read<'_>> {
        // A space is a digit of base45, and one at the end is white space that people paste: the reference strips it.
        if text.len() > MOST_TEXT || text.last() == Some(&b' ') {
            return None;
        }
        let data = base45(text.strip_prefix(b"IC1:")?)?;
        let frame = frame(&data)?;
        let (place, key) = self.keys.get(frame.kid)?;
        // Sig_structure of RFC 9052 section 4.4, without external data.
        let signed = [b"\x84\x6aSignature1", frame.protected, b"\x40", frame.payload_item].concat();
        let payload_at = signed.len() - frame.payload.len();
        Some(Read { place: *place, key, signed, payload_at, signature: *frame.signature })
    }
}

struct Read<'a> {
    place: usize,
    key: &'a Arc<Key>,
    signed: Vec<u8>,
    payload_at: usize,
    signature: [u8; 64],
}

impl Read<'_> {
    fn with(self, facts: Vec<Fact>) -> Reading {
        let Read { place, signed, payload_at, signature, .. } = self;
        Reading { key: place, facts, signed, payload_at, signature }
    }
}

impl Reading {
    /// The payload that the facts are of.
    pub fn payload(&self) -> &[u8] {
        &self.signed[self.payload_at..]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Any;

    impl Forms for Any {
        fn has(&self, _: usize, _: &str) -> bool {
            true
        }
    }

    fn row(key: u8, kind: Kind, bounds: (u64, u64), slot: usize) -> Row {
        Row { key: vec![key], required: key == 1, kind, bounds, slot }
    }

    fn rules() -> Rules {
        Rules {
            maps: vec![vec![
                row(1, Kind::Number, (0, 1000), 0),
                row(2, Kind::Text(None), (1, 3), 1),
                row(3, Kind::Numbers(1, 30), (0, 2), 2),
                row(4, Kind::Map(0), (0, 64), 3),
                row(5, Kind::Bytes, (2, 2), 4),
                row(6, Kind::Elsewhere, (0, 64), 5),
            ]],
            told: vec![
                (0, Told::Scaled(10, -1)),
                (1, Told::Value),
                (2, Told::List),
                (4, Told::Presence),
                (4, Told::Value),
            ],
            visible: vec![('!', '~'), ('\u{4e00}', '\u{9fff}')],
        }
    }

    fn read(payload: &[u8]) -> Option<Vec<Fact>> {
        rules().facts(payload, &Any)
    }

    #[test]
    fn known_fields_within_their_bounds_are_read() {
        assert!(rules().are_whole());
        let payload = b"\xa4\x01\x19\x01\x00\x02\x63\xe6\xb1\x89\x03\x82\x01\x18\x1e\x05\x42ab";
        assert_eq!(
            read(payload).unwrap(),
            [
                Fact::Number(2559),
                Fact::Text(7..10),
                Fact::Numbers(vec![1, 30]),
                Fact::Presence(true),
                Fact::Bytes(17..19)
            ]
        );
        let absent = [Fact::Absent, Fact::Numbers(vec![]), Fact::Presence(false), Fact::Absent];
        assert_eq!(read(b"\xa1\x01\x00").unwrap()[1..], absent);
    }

    #[test]
    fn everything_else_is_nothing() {
        let refused: [&[u8]; 17] = [
            b"",
            b"\xa0",                                 // a required field is missing
            b"\xa1\x01\x18\x17",                     // not the shortest form
            b"\xa1\x01\x00\x00",                     // something behind
            b"\xa1\x01\x19\x03\xe9",                 // beyond its bound
            b"\xa2\x01\x00\x01\x00",                 // twice
            b"\xa2\x01\x00\x07\x00",                 // unknown
            b"\xa2\x01\x00\x02\x60",                 // too short
            b"\xa2\x01\x00\x02\x64abcd",             // too long
            b"\xa2\x01\x00\x02\x61\x0a",             // not plain
            b"\xa2\x01\x00\x02\x62  ",               // spaces alone
            b"\xa2\x01\x00\x02\x61\xff",             // no UTF-8
            b"\xa2\x01\x00\x03\x81\x18\x1f",         // a number of a list beyond its bound
            b"\xa2\x01\x00\x06\x00",                 // for the reference alone
            b"\xbf\x01\x00\xff",                     // indefinite
            b"\xa2\x01\x00\x05\x43abc",              // too long
            b"\xbb\xff\xff\xff\xff\xff\xff\xff\xff", // a map that claims to be huge
        ];
        for payload in refused {
            assert_eq!(read(payload), None, "{payload:02x?}");
        }
        // Rows that point at each other: depth ends it.
        let deep: Vec<u8> = b"\xa2\x01\x00\x04".repeat(9).into_iter().chain(*b"\xa1\x01\x00").collect();
        assert_eq!(read(&deep), None);
    }

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
            for byte in 0..=255 {
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
        assert_eq!(base45(b"QED8WEX0").unwrap(), b"ietf!");
        assert_eq!(base45(b"FGW").unwrap(), [0xff, 0xff]);
        for refused in [&b"QED8WEX"[..], b"qed", b":::", b"::", b"Q\xffD", b"FGX"] {
            assert!(base45(refused).is_none(), "{refused:?}");
        }
    }
}
