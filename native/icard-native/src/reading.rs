//! Texts to facts: [`icard_core::Rules`] filled from `fields.json`, and forms asked of icard's Python.

use crate::{guarded, shares, Ed25519Key, Keyring};
use icard_core::{Fact, Fault, Forms, Kind, Put, Reading, Role, Row, Rules, Says, Span, Told};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyInt, PyList, PyString, PyTuple};
use std::collections::HashSet;
use std::sync::{Mutex, PoisonError, RwLock, RwLockReadGuard};

/// Texts of one form that are remembered: forms repeat from code to code (issuers, regions, addresses of lists). China
/// has some three thousand regions.
const REMEMBERED: usize = 8192;

/// Key, whether required, kind, what the kind refers to, least and greatest, slot.
type GivenRow = (Vec<u8>, bool, String, (u64, u64), (u64, u64), usize);
/// Slot, how it is told, unit and summand, role.
type GivenTold = (usize, String, i64, i64, String);
/// Slots of the lesser and the greater number, least and greatest difference.
type GivenSpan = (usize, usize, u64, u64);

/// What precedent a code is like, the number beside its group, and its payload; or None, the place of the key with the
/// facts and the name of the group, and its payload.
type Found<'py> = (Bound<'py, PyAny>, Bound<'py, PyAny>, Bound<'py, PyBytes>);

/// The same of many texts, one list for each of the three, and the words that were asked for, a text behind the other.
type FoundMany<'py> = (Bound<'py, PyList>, Bound<'py, PyList>, Bound<'py, PyList>, Vec<Bound<'py, PyBytes>>);

/// The fields of a card, and what is told of them.
#[pyclass(frozen)]
pub(crate) struct Reader {
    rules: Rules,
    checks: Vec<Py<PyAny>>,
    known: Vec<RwLock<HashSet<Box<str>>>>,
}

#[pymethods]
impl Reader {
    #[new]
    fn new(
        maps: Vec<Vec<GivenRow>>,
        told: Vec<GivenTold>,
        multiples: Vec<(usize, u64)>,
        spans: Vec<GivenSpan>,
        visible: Vec<(char, char)>,
        forms: Vec<Py<PyAny>>,
    ) -> PyResult<Reader> {
        let count = forms.len();
        let row = |(key, required, kind, refers, bounds, slot): GivenRow| {
            let kind = match (kind.as_str(), refers.0 as usize) {
                ("number", _) => Kind::Number,
                ("plain", _) => Kind::Text(None),
                ("form", form) if form < count => Kind::Text(Some(form)),
                ("bytes", _) => Kind::Bytes,
                ("map", map) => Kind::Map(map),
                ("numbers", _) => Kind::Numbers(refers.0, refers.1),
                ("elsewhere", _) => Kind::Elsewhere,
                _ => return Err(PyValueError::new_err("a row of an unknown kind")),
            };
            Ok(Row { key, required, kind, bounds, slot })
        };
        let maps = maps
            .into_iter()
            .map(|rows| rows.into_iter().map(row).collect::<PyResult<Vec<_>>>())
            .collect::<PyResult<Vec<_>>>()?;
        let told = told.into_iter().map(told_of).collect::<PyResult<Vec<_>>>()?;
        let spans = spans.into_iter().map(|(from, to, least, most)| Span { from, to, bounds: (least, most) }).collect();
        let rules = Rules { maps, told, multiples, spans, visible };
        if !rules.are_whole() {
            return Err(PyValueError::new_err("rules that refer to what is not there"));
        }
        Ok(Reader { rules, checks: forms, known: (0..count).map(|_| RwLock::default()).collect() })
    }

    /// The facts of a payload alone; None where the reference is to be asked.
    fn facts<'py>(&self, py: Python<'py>, payload: &[u8]) -> PyResult<Option<Bound<'py, PyTuple>>> {
        let facts = guarded(|| Ok(self.rules.facts(payload, &Asking { reader: self, py })));
        facts.ok().flatten().map(|facts| tuple_of(py, &facts, payload)).transpose()
    }
}

fn told_of((slot, how, unit, more, role): GivenTold) -> PyResult<(usize, Told, Role)> {
    let told = match how.as_str() {
        "value" => Told::Value,
        "presence" => Told::Presence,
        "list" => Told::List,
        "scaled" => Told::Scaled(unit, more),
        _ => return Err(PyValueError::new_err("a value that is told in an unknown way")),
    };
    let role = match role.as_str() {
        "same" => Role::Same,
        "between" => Role::Between,
        "beside" => Role::Beside,
        "aside" => Role::Aside,
        _ => return Err(PyValueError::new_err("a value of an unknown role")),
    };
    Ok((slot, told, role))
}

/// Forms that are known, and others, which Python is asked about.
struct Asking<'a, 'py> {
    reader: &'a Reader,
    py: Python<'py>,
}

impl Forms for Asking<'_, '_> {
    fn has(&self, form: usize, text: &str) -> bool {
        let Some(known) = self.reader.known.get(form) else { return false };
        if known.read().unwrap_or_else(PoisonError::into_inner).contains(text) {
            return true;
        }
        // Whatever Python raises is a no: the reference says what is wrong.
        let has = self.reader.checks[form].bind(self.py).call1((text,)).and_then(|answer| answer.is_truthy());
        if !has.unwrap_or(false) {
            return false;
        }
        let mut known = known.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= REMEMBERED {
            known.clear();
        }
        known.insert(text.into());
        true
    }
}

/// The forms known already, for a thread without Python's lock. It holds them for all of its share: asking for a lock
/// with every text, threads would spend their time on handing it to each other.
struct Known<'a>(Vec<RwLockReadGuard<'a, HashSet<Box<str>>>>);

impl<'a> Known<'a> {
    fn of(reader: &'a Reader) -> Known<'a> {
        Known(reader.known.iter().map(|known| known.read().unwrap_or_else(PoisonError::into_inner)).collect())
    }
}

impl Forms for Known<'_> {
    fn has(&self, form: usize, text: &str) -> bool {
        self.0.get(form).is_some_and(|known| known.contains(text))
    }
}

fn tuple_of<'py>(py: Python<'py>, facts: &[Fact], payload: &[u8]) -> PyResult<Bound<'py, PyTuple>> {
    let mut told = Vec::with_capacity(facts.len());
    for fact in facts {
        told.push(match fact {
            Fact::Absent => py.None().into_bound(py),
            Fact::Presence(there) => there.into_pyobject(py)?.to_owned().into_any(),
            Fact::Number(number) => number.into_pyobject(py)?.into_any(),
            Fact::Text(place) => PyString::from_bytes(py, &payload[place.clone()])?.into_any(),
            Fact::Bytes(place) => PyBytes::new(py, &payload[place.clone()]).into_any(),
            Fact::Numbers(numbers) => PyTuple::new(py, numbers)?.into_any(),
        });
    }
    PyTuple::new(py, told)
}

/// Precedents by group, each with an object of Python's that says what was decided. A key is a place in one book.
#[pyclass(frozen)]
pub(crate) struct Precedents {
    book: Py<Book>,
    precedents: icard_core::Precedents,
    decided: Mutex<Decided>,
}

/// The objects by their places, from the first that has not been forgotten.
#[derive(Default)]
struct Decided {
    first: usize,
    objects: Vec<Py<PyAny>>,
}

#[pymethods]
impl Precedents {
    #[new]
    fn new(book: Py<Book>) -> Precedents {
        Precedents { book, precedents: icard_core::Precedents::default(), decided: Mutex::default() }
    }

    fn put(&self, group: &[u8], facts: &Bound<'_, PyTuple>, decided: Py<PyAny>) -> PyResult<()> {
        let rules = &self.book.get().reader.get().rules;
        if facts.len() != rules.told.len() {
            return Err(PyValueError::new_err("not the facts of a code"));
        }
        let mut numbers = Vec::new();
        for ((_, _, role), fact) in rules.told.iter().zip(facts) {
            if *role == Role::Between && !fact.is_none() {
                numbers.push(fact.extract::<i64>()?);
            }
        }
        // Dropped behind the lock: what Python does then is its own affair.
        let mut forgotten = Vec::new();
        {
            let mut inner = self.decided.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(Put::New(place, all_others)) = self.precedents.put(group, &numbers) {
                if all_others {
                    forgotten = std::mem::take(&mut inner.objects);
                    inner.first = place;
                }
                inner.objects.push(decided);
            }
        }
        drop(forgotten);
        Ok(())
    }
}

impl Precedents {
    /// The precedents, where they are this book's.
    fn of<'a>(given: &'a Bound<'_, Precedents>, book: &Bound<'_, Book>) -> PyResult<&'a Precedents> {
        let own = given.get();
        own.book.is(book).then_some(own).ok_or_else(|| PyValueError::new_err("precedents of another book"))
    }

    /// What was decided of the group of a place, where it has not been forgotten since.
    fn at(&self, py: Python<'_>, place: usize) -> Option<Py<PyAny>> {
        let inner = self.decided.lock().unwrap_or_else(PoisonError::into_inner);
        Some(inner.objects.get(place.checked_sub(inner.first)?)?.clone_ref(py))
    }
}

/// The keys of a verifier that alone have their kids.
#[pyclass(frozen)]
pub(crate) struct Book {
    reader: Py<Reader>,
    ring: Py<Keyring>,
    keys: Vec<Py<Ed25519Key>>,
    book: icard_core::Book,
}

impl Book {
    /// What Python is given for a reading, after the audit where one is due.
    fn told<'py>(&self, py: Python<'py>, precedents: &Precedents, reading: &Reading) -> PyResult<Option<Found<'py>>> {
        let key = self.keys[reading.key].get();
        if !self.ring.get().audited(py, key, true, &reading.signature, reading.signed())? {
            return Ok(None);
        }
        let payload = PyBytes::new(py, reading.payload());
        Ok(match &reading.says {
            Says::Like(place, beside) => precedents
                .at(py, *place)
                .map(|decided| (decided.into_bound(py), PyInt::new(py, *beside).into_any(), payload)),
            Says::Facts(facts, group) => {
                let told = (reading.key, tuple_of(py, facts, reading.payload())?, PyBytes::new(py, group));
                Some((py.None().into_bound(py), told.into_pyobject(py)?.into_any(), payload))
            }
        })
    }
}

#[pymethods]
impl Book {
    #[new]
    fn new(reader: Py<Reader>, keyring: Py<Keyring>, keys: Vec<(Vec<u8>, Py<Ed25519Key>)>) -> PyResult<Book> {
        let mut book = icard_core::Book::default();
        for (place, (kid, key)) in keys.iter().enumerate() {
            let kid = kid.as_slice().try_into().map_err(|_| PyValueError::new_err("a kid has 8 bytes"))?;
            if !key.get().ring.is(&keyring) {
                return Err(PyValueError::new_err("a key of another keyring"));
            }
            let place = u32::try_from(place).map_err(|_| PyValueError::new_err("too many keys"))?;
            book.put(kid, place, key.get().key.clone());
        }
        let keys = keys.into_iter().map(|(_, key)| key).collect();
        Ok(Book { reader, ring: keyring, keys, book })
    }

    fn read<'py>(
        slf: &Bound<'py, Self>,
        text: &Bound<'py, PyString>,
        precedents: &Bound<'py, Precedents>,
    ) -> PyResult<Option<Found<'py>>> {
        let (py, own, precedents) = (slf.py(), slf.get(), Precedents::of(precedents, slf)?);
        // A text with lone surrogates is no UTF-8, and no code.
        let Ok(text) = text.to_str() else { return Ok(None) };
        let (ring, reader) = (own.ring.get(), own.reader.get());
        let forms = Asking { reader, py };
        let before = &precedents.precedents;
        match guarded(|| own.book.read(&ring.ring, &reader.rules, &forms, before, text.as_bytes())) {
            Ok(Some(reading)) => own.told(py, precedents, &reading),
            Ok(None) => Ok(None),
            Err(Fault) => ring.fault(py).map(|()| None),
        }
    }

    #[pyo3(signature = (texts, threads, precedents, wanted = Vec::new()))]
    fn read_many<'py>(
        slf: &Bound<'py, Self>,
        texts: Vec<Bound<'py, PyAny>>,
        threads: usize,
        precedents: &Bound<'py, Precedents>,
        wanted: Vec<usize>,
    ) -> PyResult<FoundMany<'py>> {
        let (py, own, precedents) = (slf.py(), slf.get(), Precedents::of(precedents, slf)?);
        let (ring, reader) = (own.ring.get(), own.reader.get());
        let shown: Vec<&[u8]> = texts
            .iter()
            .map(|text| text.cast::<PyString>().ok().and_then(|text| text.to_str().ok()).unwrap_or("").as_bytes())
            .collect();
        let before = &precedents.precedents;
        let work =
            |share: &[&[u8]]| own.book.read_many(&ring.ring, &reader.rules, &Known::of(reader), before, share, &wanted);
        let found = match py.detach(|| shares(&shown, threads, work)) {
            Ok(found) => found,
            Err(Fault) => {
                ring.fault(py)?;
                Vec::new()
            }
        };
        let count = texts.len();
        let mut lists = [Vec::with_capacity(count), Vec::with_capacity(count), Vec::with_capacity(count)];
        let mut words = vec![vec![0; 8 * count]; wanted.len()];
        for place in 0..count {
            let reading = found.get(place).and_then(Option::as_ref);
            let told = reading.map(|reading| own.told(py, precedents, reading)).transpose()?.flatten();
            let row = match (told, reading) {
                (Some((decided, told, payload)), Some(reading)) => {
                    for (column, word) in words.iter_mut().zip(&reading.words) {
                        column[8 * place..][..8].copy_from_slice(word);
                    }
                    [decided, told, payload.into_any()]
                }
                _ => [(); 3].map(|()| py.None().into_bound(py)),
            };
            for (list, value) in lists.iter_mut().zip(row) {
                list.push(value);
            }
        }
        let [decided, told, payloads] = lists.map(|list| PyList::new(py, list));
        let words = words.iter().map(|column| PyBytes::new(py, column)).collect();
        Ok((decided?, told?, payloads?, words))
    }
}
