//! A card's text to the facts that a decision needs: yes, or nothing.
//!
//! What is read is the one way in which icard's signer writes a card: `IC1:`, base45, one COSE frame, strict CBOR with
//! known claims alone. On anything else, and on every doubt, the answer is None, and the reference in Python decides and
//! names the fault. So nothing here knows an error, a message or a rule about what to do with a card.

use crate::frame::{base45, frame};
use crate::keys::{Fault, Key, Keyring};
use crate::precedents::Precedents;
use crate::rules::{Fact, Forms, Group, Numbers, Rules};
use std::collections::HashMap;
use std::sync::Arc;

/// Characters of a text, as in icard's limits.
const MOST_TEXT: usize = 8192;

/// What stands before the protected headers in a Sig_structure (RFC 9052 section 4.4).
const CONTEXT: &[u8; 12] = b"\x84\x6aSignature1";

/// The keys by which a text may be signed: each kid has one.
#[derive(Default)]
pub struct Book {
    keys: HashMap<[u8; 8], (u32, Arc<Key>)>,
}

/// What a text says.
#[derive(PartialEq, Eq, Debug)]
pub enum Says {
    /// It is like the precedents of this place; and the number that is told beside the group.
    Like(usize, i64),
    /// These facts; and the name of its group.
    Facts(Vec<Fact>, Vec<u8>),
}

/// A text that was read, and whose signature holds.
#[derive(Debug)]
pub struct Reading {
    /// The place that the key was given.
    pub key: usize,
    /// What it says.
    pub says: Says,
    /// What was asked for of every text, eight bytes each ([`Rules::words_of`]).
    pub words: Vec<[u8; 8]>,
    /// The Sig_structure behind some zeros, for an audit.
    buffer: Vec<u8>,
    signed_at: usize,
    payload_at: usize,
    payload_end: usize,
    /// See [`Reading::signed`].
    pub signature: [u8; 64],
}

impl Book {
    /// Puts a key under its kid, which no other key of the verifier may have: the reference tries such keys in turn.
    pub fn put(&mut self, kid: [u8; 8], place: u32, key: Arc<Key>) {
        self.keys.insert(kid, (place, key));
    }

    /// What each text says, None where the reference is to be asked; and of each what is told at the `wanted` places.
    pub fn read_many<F: Forms>(
        &self,
        ring: &Keyring,
        rules: &Rules,
        forms: &F,
        precedents: &Precedents,
        texts: &[&[u8]],
        wanted: &[usize],
    ) -> Result<Vec<Option<Reading>>, Fault> {
        let read: Vec<Option<Read<'_>>> = texts.iter().map(|text| self.read_signed(text)).collect();
        let asked: Vec<_> = read.iter().flatten().map(|read| (read.key, &read.signature, read.signed())).collect();
        let mut answers = ring.verify_many(&asked)?.into_iter();
        let (mut group, precedents) = (Group::new(), precedents.held());
        let find = |name: &[u8], numbers: &Numbers| precedents.find(name, numbers);
        Ok(read
            .into_iter()
            .map(|read| {
                let read = read?;
                // Decoded only now that the signature holds.
                (answers.next() == Some(Some(true))).then(|| read.decoded(rules, forms, find, wanted, &mut group))?
            })
            .collect())
    }

    /// As [`Book::read_many`], for one text.
    pub fn read<F: Forms>(
        &self,
        ring: &Keyring,
        rules: &Rules,
        forms: &F,
        precedents: &Precedents,
        text: &[u8],
    ) -> Result<Option<Reading>, Fault> {
        let Some(read) = self.read_signed(text) else { return Ok(None) };
        if ring.verify(read.key, &read.signature, read.signed())? != Some(true) {
            return Ok(None);
        }
        // Held for the look-up alone: forms may be asked of Python, where another thread may be putting a precedent.
        let find = |name: &[u8], numbers: &Numbers| precedents.held().find(name, numbers);
        Ok(read.decoded(rules, forms, find, &[], &mut Group::new()))
    }

    /// A text's signature and what it covers, where its kid is in this book.
    fn read_signed(&self, text: &[u8]) -> Option<Read<'_>> {
        // A space is a digit of base45, and one at the end is white space that people paste: the reference strips it.
        if text.len() > MOST_TEXT || text.last() == Some(&b' ') {
            return None;
        }
        let mut buffer = base45(text.strip_prefix(b"IC1:")?, CONTEXT.len())?;
        let frame = frame(&buffer[CONTEXT.len()..])?;
        let (place, key) = self.keys.get(frame.kid)?;
        let signature = *frame.signature;
        let at = |part: &[u8]| part.as_ptr().addr() - buffer.as_ptr().addr();
        let (protected_at, payload_at) = (at(frame.protected), at(frame.payload));
        let (payload_end, empty_at) = (payload_at + frame.payload.len(), protected_at + frame.protected.len());
        // What is signed stands in the frame already, but for what is before it, and for the empty map of unprotected
        // headers, in whose place are the empty bytes of external data.
        let signed_at = protected_at - CONTEXT.len();
        buffer[signed_at..protected_at].copy_from_slice(CONTEXT);
        buffer[empty_at] = 0x40;
        Some(Read { place: *place, key, buffer, signed_at, payload_at, payload_end, signature })
    }
}

struct Read<'a> {
    place: u32,
    key: &'a Arc<Key>,
    buffer: Vec<u8>,
    signed_at: usize,
    payload_at: usize,
    payload_end: usize,
    signature: [u8; 64],
}

impl Read<'_> {
    fn signed(&self) -> &[u8] {
        &self.buffer[self.signed_at..self.payload_end]
    }

    fn decoded(
        self,
        rules: &Rules,
        forms: &impl Forms,
        find: impl Fn(&[u8], &Numbers) -> Option<usize>,
        wanted: &[usize],
        group: &mut Group,
    ) -> Option<Reading> {
        let payload = &self.buffer[self.payload_at..self.payload_end];
        let values = rules.values(payload, forms)?;
        if !rules.group_of(self.place, &values, group) {
            return None;
        }
        let words = rules.words_of(&values, wanted)?;
        let says = match find(&group.name, &group.numbers) {
            Some(place) => Says::Like(place, group.beside),
            None => Says::Facts(rules.told_of(&values, payload)?, group.name.clone()),
        };
        let Read { place, buffer, signed_at, payload_at, payload_end, signature, .. } = self;
        Some(Reading { key: place as usize, says, words, buffer, signed_at, payload_at, payload_end, signature })
    }
}

impl Reading {
    /// What the signature covers.
    pub fn signed(&self) -> &[u8] {
        &self.buffer[self.signed_at..self.payload_end]
    }

    /// The payload that was read.
    pub fn payload(&self) -> &[u8] {
        &self.buffer[self.payload_at..self.payload_end]
    }
}
