//! A payload's fields by the rows of icard's `fields.json`, handed over as [`Rules`]: yes, or nothing.
//!
//! Whether a text has a field's form is asked of [`Forms`], which is icard's Python and its memory: no pattern is written
//! twice. What is read is told in two ways: as facts, one by one, or as the group of codes that are alike in all but some
//! numbers, and those numbers ([`Group`]).

use crate::frame::{content, head};
use std::ops::Range;

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

/// What a fact is to its code's group.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// The same in all codes of a group.
    Same,
    /// A number, absent in all codes of a group or in none, which stands between others ([`crate::Precedents`]).
    Between,
    /// The number, one for each code, that is told beside the group.
    Beside,
    /// Of no account.
    Aside,
}

/// Two numbers that are so far apart, where both are there.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    /// The slot of the lesser number.
    pub from: usize,
    /// The slot of the greater one.
    pub to: usize,
    /// The least and the greatest difference.
    pub bounds: (u64, u64),
}

/// All fields, and what is told of them. Map 0 is the whole payload.
#[derive(Clone, Debug)]
pub struct Rules {
    /// Rows by map; 64 a map at most.
    pub maps: Vec<Vec<Row>>,
    /// What is told, in this order, of the fields in these slots, and what it is to the group.
    pub told: Vec<(usize, Told, Role)>,
    /// Numbers in these slots are multiples of these, which are not 0.
    pub multiples: Vec<(usize, u64)>,
    /// Distances between numbers.
    pub spans: Vec<Span>,
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

/// The values of a payload, by slot.
pub(crate) struct Values<'a>([Value<'a>; SLOTS]);

/// Numbers of a code that are no part of its group, in their order.
pub(crate) type Numbers = [i64; MOST_BETWEEN];

/// What codes may have in common, as bytes that no other group has, and what one of them has for itself.
pub(crate) struct Group {
    pub(crate) name: Vec<u8>,
    pub(crate) numbers: Numbers,
    pub(crate) beside: i64,
}

impl Group {
    /// One to be filled by [`Rules::group_of`], again and again.
    pub(crate) fn new() -> Group {
        Group { name: Vec::with_capacity(256), numbers: [0; MOST_BETWEEN], beside: 0 }
    }
}

/// Slots that rules may use.
const SLOTS: usize = 64;
/// Facts that may stand between others.
pub(crate) const MOST_BETWEEN: usize = 8;
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
        let count = |role: Role| self.told.iter().filter(|(_, _, own)| *own == role).count();
        let told_is = |(slot, told, role): &(usize, Told, Role)| {
            let is_number = matches!(told, Told::Value | Told::Scaled(..));
            *slot < SLOTS && (is_number || !matches!(role, Role::Between | Role::Beside))
        };
        !self.maps.is_empty()
            && self.maps.iter().all(rows_are)
            && self.told.iter().all(told_is)
            && count(Role::Between) <= MOST_BETWEEN
            && count(Role::Beside) <= 1
            && self.multiples.iter().all(|(slot, unit)| *slot < SLOTS && *unit > 0)
            && self.spans.iter().all(|span| span.from < SLOTS && span.to < SLOTS)
    }

    /// The facts of a payload that is strict CBOR with nothing but known fields within their bounds.
    pub fn facts(&self, payload: &[u8], forms: &impl Forms) -> Option<Vec<Fact>> {
        self.told_of(&self.values(payload, forms)?, payload)
    }

    /// The values of such a payload.
    pub(crate) fn values<'a>(&self, payload: &'a [u8], forms: &impl Forms) -> Option<Values<'a>> {
        let mut values = [Value::Absent; SLOTS];
        let rest = self.map(0, payload, forms, &mut values, 0)?;
        (rest.is_empty() && self.fit_together(&values)).then_some(Values(values))
    }

    /// Whether numbers are what they must be to each other.
    fn fit_together(&self, values: &[Value<'_>; SLOTS]) -> bool {
        let number = |slot: usize| if let Value::Number(number) = values[slot] { Some(number) } else { None };
        let is_multiple = |(slot, unit): &(usize, u64)| number(*slot).is_none_or(|number| number.is_multiple_of(*unit));
        let is_span = |span: &Span| {
            let (Some(from), Some(to)) = (number(span.from), number(span.to)) else { return true };
            to.checked_sub(from).is_some_and(|apart| span.bounds.0 <= apart && apart <= span.bounds.1)
        };
        self.multiples.iter().all(is_multiple) && self.spans.iter().all(is_span)
    }

    /// The facts, in the order of [`Rules::told`].
    pub(crate) fn told_of(&self, values: &Values<'_>, payload: &[u8]) -> Option<Vec<Fact>> {
        self.told.iter().map(|(slot, told, _)| fact(values.0[*slot], *told, payload)).collect()
    }

    /// What is told at these places, each as eight bytes: a number in the machine's own order, or bytes of that length.
    pub(crate) fn words_of(&self, values: &Values<'_>, places: &[usize]) -> Option<Vec<[u8; 8]>> {
        let word = |place: &usize| {
            let (slot, told, _) = self.told.get(*place)?;
            match values.0[*slot] {
                Value::Bytes(bytes) => bytes.try_into().ok(),
                value => number(value, *told).map(i64::to_ne_bytes),
            }
        };
        places.iter().map(word).collect()
    }

    /// The group of a code under a key's number; false where a number is not told as one.
    pub(crate) fn group_of(&self, key: u32, values: &Values<'_>, group: &mut Group) -> bool {
        let Group { name, numbers, beside } = group;
        name.clear();
        name.extend(key.to_le_bytes());
        let mut between = 0;
        for (slot, told, role) in &self.told {
            let value = values.0[*slot];
            match role {
                Role::Aside => {}
                // Every part of the name says its own length, so that no two groups have one name.
                Role::Same => match (value, told) {
                    (value, Told::Presence) => name.push(u8::from(!matches!(value, Value::Absent))),
                    (Value::Absent, _) => name.push(0),
                    (Value::There, _) => name.push(1),
                    (Value::Number(number), _) => {
                        name.push(2);
                        name.extend(number.to_le_bytes());
                    }
                    (Value::Text(text), _) => add_part(name, 3, text.as_bytes()),
                    (Value::Bytes(bytes), _) => add_part(name, 4, bytes),
                    (Value::Numbers(count, mut data), _) => {
                        name.push(5);
                        name.extend(count.to_le_bytes());
                        for _ in 0..count {
                            let Some((_, number, behind)) = head(data) else { return false };
                            name.extend(number.to_le_bytes());
                            data = behind;
                        }
                    }
                },
                Role::Between => {
                    let number = number(value, *told);
                    name.push(u8::from(number.is_some()));
                    if number.is_none() && !matches!(value, Value::Absent) {
                        return false;
                    }
                    if let Some(number) = number {
                        numbers[between] = number;
                        between += 1;
                    }
                }
                Role::Beside => {
                    let Some(number) = number(value, *told) else { return false };
                    *beside = number;
                }
            }
        }
        numbers[between..].fill(0);
        true
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

fn add_part(name: &mut Vec<u8>, tag: u8, part: &[u8]) {
    name.push(tag);
    name.extend((part.len() as u64).to_le_bytes());
    name.extend(part);
}

/// A value that is told as a number.
fn number(value: Value<'_>, told: Told) -> Option<i64> {
    let Value::Number(number) = value else { return None };
    let number = i64::try_from(number).ok()?;
    match told {
        Told::Value => Some(number),
        Told::Scaled(unit, more) => number.checked_mul(unit)?.checked_add(more),
        Told::Presence | Told::List => None,
    }
}

fn fact(value: Value<'_>, told: Told, payload: &[u8]) -> Option<Fact> {
    Some(match (value, told) {
        (value, Told::Presence) => Fact::Presence(!matches!(value, Value::Absent)),
        (Value::Absent, Told::List) => Fact::Numbers(Vec::new()),
        (Value::Absent, _) => Fact::Absent,
        (Value::Number(_), Told::Value | Told::Scaled(..)) => Fact::Number(number(value, told)?),
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
                row(8, Kind::Number, (0, 9), 7),
                row(9, Kind::Number, (0, 5000), 8),
            ]],
            told: vec![
                (0, Told::Scaled(10, -1), Role::Between),
                (1, Told::Value, Role::Same),
                (2, Told::List, Role::Same),
                (4, Told::Presence, Role::Same),
                (4, Told::Value, Role::Aside),
                (7, Told::Value, Role::Beside),
                (8, Told::Value, Role::Between),
            ],
            multiples: vec![(0, 2)],
            spans: vec![Span { from: 0, to: 8, bounds: (1, 400) }],
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
                Fact::Bytes(17..19),
                Fact::Absent,
                Fact::Absent,
            ]
        );
        let absent = [Fact::Absent, Fact::Numbers(vec![]), Fact::Presence(false), Fact::Absent];
        assert_eq!(read(b"\xa1\x01\x00").unwrap()[1..5], absent);
    }

    #[test]
    fn everything_else_is_nothing() {
        let refused: [&[u8]; 20] = [
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
            b"\xa1\x01\x01",                         // no multiple of two
            b"\xa2\x01\x0a\x09\x0a",                 // not far enough apart
            b"\xa2\x01\x0a\x09\x19\x01\x9b",         // too far apart
            b"\xbb\xff\xff\xff\xff\xff\xff\xff\xff", // a map that claims to be huge
        ];
        for payload in refused {
            assert_eq!(read(payload), None, "{payload:02x?}");
        }
        // Rows that point at each other: depth ends it.
        let deep: Vec<u8> = b"\xa2\x01\x00\x04".repeat(9).into_iter().chain(*b"\xa1\x01\x00").collect();
        assert_eq!(read(&deep), None);
    }

    fn group(payload: &[u8]) -> Option<(Vec<u8>, Numbers, i64)> {
        let (rules, mut group) = (rules(), Group { name: b"of the one before".to_vec(), numbers: [9; 8], beside: 9 });
        let values = rules.values(payload, &Any)?;
        rules.group_of(3, &values, &mut group).then_some((group.name, group.numbers, group.beside))
    }

    #[test]
    fn codes_that_differ_in_numbers_between_are_of_one_group() {
        let (name, numbers, beside) = group(b"\xa3\x01\x0a\x08\x05\x09\x14").unwrap();
        assert_eq!((numbers, beside), ([99, 20, 0, 0, 0, 0, 0, 0], 5));
        // Other numbers, another one beside, and bytes that are told but are of no account.
        let other = group(b"\xa3\x01\x0c\x08\x06\x09\x15").unwrap();
        assert_eq!((other.0, other.1[..2].to_vec(), other.2), (name.clone(), vec![119, 21], 6));
        let names: Vec<_> = [
            &b"\xa3\x01\x0a\x08\x05\x09\x14"[..],
            b"\xa2\x01\x0a\x08\x05", // a number less
            b"\xa4\x01\x0a\x08\x05\x09\x14\x02\x62ab",
            b"\xa4\x01\x0a\x08\x05\x09\x14\x02\x62ac",
            b"\xa4\x01\x0a\x08\x05\x09\x14\x03\x81\x01",
            b"\xa4\x01\x0a\x08\x05\x09\x14\x03\x82\x01\x01",
            b"\xa4\x01\x0a\x08\x05\x09\x14\x05\x42ab",
        ]
        .iter()
        .map(|payload| group(payload).unwrap().0)
        .collect();
        assert_eq!(names[0], name);
        for (place, one) in names.iter().enumerate() {
            assert!(!names[..place].contains(one), "{place}");
        }
        // Without the number that is told beside the group there is none.
        assert_eq!(group(b"\xa2\x01\x0a\x09\x14"), None);
    }

    #[test]
    fn numbers_and_bytes_are_told_as_words() {
        let mut rules = rules();
        rules.maps[0][4].bounds = (2, 8);
        let words = |payload: &[u8], places: &[usize]| rules.words_of(&rules.values(payload, &Any).unwrap(), places);
        let payload = b"\xa3\x01\x0a\x05\x48abcdefgh\x08\x05";
        assert_eq!(words(payload, &[4, 0, 5]).unwrap(), [*b"abcdefgh", 99i64.to_ne_bytes(), 5i64.to_ne_bytes()]);
        assert_eq!(words(payload, &[]), Some(vec![]));
        // Absent, of another length, a text, and a place that is none.
        assert_eq!(words(payload, &[6]), None);
        assert_eq!(words(b"\xa2\x01\x0a\x05\x42ab", &[4]), None);
        assert_eq!(words(b"\xa2\x01\x0a\x02\x61a", &[1]), None);
        assert_eq!(words(payload, &[7]), None);
    }

    #[test]
    fn rules_that_refer_to_nothing_are_not_whole() {
        let change = |change: fn(&mut Rules)| {
            let mut rules = rules();
            change(&mut rules);
            rules.are_whole()
        };
        assert!(change(|_| {}));
        assert!(!change(|rules| rules.told.push((64, Told::Value, Role::Same))));
        assert!(!change(|rules| rules.told.push((0, Told::Presence, Role::Between))));
        assert!(!change(|rules| rules.told.push((0, Told::Value, Role::Beside))));
        assert!(!change(|rules| rules.told.extend([(0, Told::Value, Role::Between); 7])));
        assert!(!change(|rules| rules.multiples.push((0, 0))));
        assert!(!change(|rules| rules.spans.push(Span { from: 0, to: 64, bounds: (0, 0) })));
        assert!(!change(|rules| rules.maps.clear()));
    }
}
