//! Texts to facts: [`icard_core::Rules`] filled from `fields.json`, and forms asked of icard's Python.

use crate::{guarded, shares, Ed25519Key, Keyring};
use icard_core::{Fact, Fault, Forms, Kind, Reading, Row, Rules, Told};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString, PyTuple};
use std::collections::HashSet;
use std::sync::{PoisonError, RwLock};

/// Texts of one form that are remembered: forms repeat from code to code (issuers, regions, addresses of lists).
const REMEMBERED: usize = 1024;

/// Key, whether required, kind, what the kind refers to, least and greatest, slot.
type GivenRow = (Vec<u8>, bool, String, (u64, u64), (u64, u64), usize);
type GivenTold = (usize, String, i64, i64);

/// Which key signed, and the facts.
type Found<'py> = (usize, Bound<'py, PyTuple>);

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
        let told = told
            .into_iter()
            .map(|(slot, how, unit, more)| match how.as_str() {
                "value" => Ok((slot, Told::Value)),
                "presence" => Ok((slot, Told::Presence)),
                "list" => Ok((slot, Told::List)),
                "scaled" => Ok((slot, Told::Scaled(unit, more))),
                _ => Err(PyValueError::new_err("a value that is told in an unknown way")),
            })
            .collect::<PyResult<Vec<_>>>()?;
        let rules = Rules { maps, told, visible };
        if !rules.are_whole() {
            return Err(PyValueError::new_err("rules that refer to what is not there"));
        }
        Ok(Reader { rules, checks: forms, known: (0..count).map(|_| RwLock::default()).collect() })
    }

    /// The facts of a payload alone; None where the reference is to be asked.
    fn facts<'py>(&self, py: Python<'py>, payload: &[u8]) -> PyResult<Option<Bound<'py, PyTuple>>> {
        let facts = guarded(|| Ok(self.rules.facts(payload, &Asking { reader: self, py: Some(py) })));
        facts.ok().flatten().map(|facts| tuple_of(py, &facts, payload)).transpose()
    }
}

/// Forms that are known, and, where Python may be asked, others too.
struct Asking<'a, 'py> {
    reader: &'a Reader,
    py: Option<Python<'py>>,
}

impl Forms for Asking<'_, '_> {
    fn has(&self, form: usize, text: &str) -> bool {
        let Some(known) = self.reader.known.get(form) else { return false };
        if known.read().unwrap_or_else(PoisonError::into_inner).contains(text) {
            return true;
        }
        let Some(py) = self.py else { return false };
        // Whatever Python raises is a no: the reference says what is wrong.
        let has = self.reader.checks[form].bind(py).call1((text,)).and_then(|answer| answer.is_truthy());
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

/// The forms known already, for threads without Python's lock.
struct Known<'a>(&'a Reader);

impl Forms for Known<'_> {
    fn has(&self, form: usize, text: &str) -> bool {
        Asking { reader: self.0, py: None }.has(form, text)
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
    fn told<'py>(&self, py: Python<'py>, reading: &Reading) -> PyResult<Option<Found<'py>>> {
        let key = self.keys[reading.key].get();
        if !self.ring.get().audited(py, key, true, &reading.signature, &reading.signed)? {
            return Ok(None);
        }
        Ok(Some((reading.key, tuple_of(py, &reading.facts, reading.payload())?)))
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
            book.put(kid, place, key.get().key.clone());
        }
        let keys = keys.into_iter().map(|(_, key)| key).collect();
        Ok(Book { reader, ring: keyring, keys, book })
    }

    fn read<'py>(&self, py: Python<'py>, text: &Bound<'py, PyString>) -> PyResult<Option<Found<'py>>> {
        // A text with lone surrogates is no UTF-8, and no code.
        let Ok(text) = text.to_str() else { return Ok(None) };
        let (ring, reader) = (self.ring.get(), self.reader.get());
        let forms = Asking { reader, py: Some(py) };
        match guarded(|| self.book.read(&ring.ring, &reader.rules, &forms, text.as_bytes())) {
            Ok(Some(reading)) => self.told(py, &reading),
            Ok(None) => Ok(None),
            Err(Fault) => ring.fault(py).map(|()| None),
        }
    }

    #[pyo3(signature = (texts, threads = 1))]
    fn read_many<'py>(
        &self,
        py: Python<'py>,
        texts: Vec<Bound<'py, PyAny>>,
        threads: usize,
    ) -> PyResult<Vec<Option<Found<'py>>>> {
        let (ring, reader) = (self.ring.get(), self.reader.get());
        let shown: Vec<&[u8]> = texts
            .iter()
            .map(|text| text.cast::<PyString>().ok().and_then(|text| text.to_str().ok()).unwrap_or("").as_bytes())
            .collect();
        let work = |share: &[&[u8]]| self.book.read_many(&ring.ring, &reader.rules, &Known(reader), share);
        let found = match py.detach(|| shares(&shown, threads, work)) {
            Ok(found) => found,
            Err(Fault) => {
                ring.fault(py)?;
                return Ok(texts.iter().map(|_| None).collect());
            }
        };
        found.iter().map(|reading| reading.as_ref().map_or(Ok(None), |reading| self.told(py, reading))).collect()
    }
}
