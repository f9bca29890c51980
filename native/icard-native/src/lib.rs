//! The border between Python and [`icard_core`]: key, signature and message for a check; a text for a reading, and facts
//! or nothing back.
//!
//! Every key knows the next backend, a function of Python's, which answers while the key has no table, and is asked
//! again for one of so many answers where an audit is wished. A wrong table, a difference in an audit and a panic all
//! end the same way: the keyring stops for good, says so once, and the next backend answers everything.

mod reading;

use icard_core::{acceptable_point, Engine, Fault, Key, Settings};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::Arc;

/// What icard and this module must agree on; raised with every change that the other side would notice.
const INTERFACE: u32 = 4;

/// Fewer signatures than this are not worth a thread.
const FEWEST: usize = 64;

/// Says once what went wrong.
struct Alarm {
    on_fault: Py<PyAny>,
}

/// All keys of a process and their tables.
#[pyclass(frozen)]
struct Keyring {
    ring: Arc<icard_core::Keyring>,
    audit: u64,
    answered: AtomicU64,
    alarm: Alarm,
}

/// A public key of a keyring.
#[pyclass(frozen)]
struct Ed25519Key {
    ring: Py<Keyring>,
    key: Arc<Key>,
    raw: [u8; 32],
    next: Py<PyAny>,
}

/// A panic is a fault like any other: nothing of it reaches Python, and nothing of its data is used again.
fn guarded<T>(work: impl FnOnce() -> Result<T, Fault>) -> Result<T, Fault> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or(Err(Fault))
}

impl Keyring {
    fn stop(&self, py: Python<'_>, what: &str) -> PyResult<()> {
        self.ring.stop();
        self.alarm.on_fault.call1(py, (what,)).map(drop)
    }

    fn fault(&self, py: Python<'_>) -> PyResult<()> {
        self.stop(py, "a table or an answer of the native core was wrong")
    }

    /// The answer, or False where the next backend was asked too and does not agree.
    fn audited(
        &self,
        py: Python<'_>,
        key: &Ed25519Key,
        answer: bool,
        signature: &[u8],
        message: &[u8],
    ) -> PyResult<bool> {
        if self.audit == 0 || !self.answered.fetch_add(1, Relaxed).is_multiple_of(self.audit) {
            return Ok(answer);
        }
        if key.ask_next(py, signature, message)? == answer {
            return Ok(answer);
        }
        self.stop(py, "the native core and the next backend differ on a signature, which is refused")?;
        Ok(false)
    }
}

impl Ed25519Key {
    fn ask_next(&self, py: Python<'_>, signature: &[u8], message: &[u8]) -> PyResult<bool> {
        self.next.bind(py).call1((signature, message))?.is_truthy()
    }

    /// The next backend's answer, which counts towards a table where it is yes.
    fn answer_of_next(&self, py: Python<'_>, signature: &[u8], message: &[u8]) -> PyResult<bool> {
        let answer = self.ask_next(py, signature, message)?;
        let ring = self.ring.get();
        if answer && guarded(|| ring.ring.was_good(&self.key)).is_err() {
            ring.fault(py)?;
        }
        Ok(answer)
    }
}

#[pymethods]
impl Ed25519Key {
    #[getter]
    fn raw(&self) -> &[u8] {
        &self.raw
    }

    #[getter]
    fn keyring(&self, py: Python<'_>) -> Py<Keyring> {
        self.ring.clone_ref(py)
    }

    #[getter]
    fn has_table(&self) -> bool {
        self.key.has_table()
    }

    fn verify(&self, py: Python<'_>, signature: &[u8], message: &[u8]) -> PyResult<bool> {
        let Ok(sized) = <&[u8; 64]>::try_from(signature) else { return Ok(false) };
        let ring = self.ring.get();
        match guarded(|| ring.ring.verify(&self.key, sized, message)) {
            Ok(Some(answer)) => ring.audited(py, self, answer, signature, message),
            Ok(None) => self.answer_of_next(py, signature, message),
            Err(Fault) => {
                ring.fault(py)?;
                self.ask_next(py, signature, message)
            }
        }
    }

    fn prepare(&self, py: Python<'_>) -> PyResult<bool> {
        let ring = self.ring.get();
        guarded(|| ring.ring.prepare(&self.key)).or_else(|Fault| ring.fault(py).map(|()| false))
    }
}

#[pymethods]
impl Keyring {
    #[new]
    #[pyo3(signature = (engine, *, width = 6, build_after = 8, most_bytes = 64 << 20, audit = 0, on_fault))]
    fn new(
        engine: &str,
        width: usize,
        build_after: u32,
        most_bytes: usize,
        audit: u64,
        on_fault: Py<PyAny>,
    ) -> PyResult<Keyring> {
        if !(4..=8).contains(&width) {
            return Err(PyValueError::new_err("a table's width is 4 to 8 bits"));
        }
        let Some(engine) = Engine::available().iter().find(|available| available.name() == engine) else {
            return Err(PyValueError::new_err(format!("this processor has no engine {engine}")));
        };
        let settings = Settings { engine: *engine, width, build_after, most_bytes };
        let ring = Arc::new(icard_core::Keyring::new(settings));
        Ok(Keyring { ring, audit, answered: AtomicU64::new(0), alarm: Alarm { on_fault } })
    }

    #[getter]
    fn engine(&self) -> &'static str {
        self.ring.settings().engine.name()
    }

    #[getter]
    fn stopped(&self) -> bool {
        self.ring.stopped()
    }

    fn passes_self_test(&self) -> bool {
        guarded(|| Ok(self.ring.passes_self_test())).unwrap_or(false)
    }

    fn key(slf: &Bound<'_, Self>, raw: &[u8], next: Py<PyAny>) -> PyResult<Ed25519Key> {
        let refused = || PyValueError::new_err("not an acceptable point");
        let raw: [u8; 32] = raw.try_into().map_err(|_| refused())?;
        let key = slf.get().ring.key(&raw).ok_or_else(refused)?;
        Ok(Ed25519Key { ring: slf.clone().unbind(), key, raw, next })
    }

    #[pyo3(signature = (items, threads = 1))]
    fn verify_many(slf: &Bound<'_, Self>, items: Vec<Bound<'_, PyTuple>>, threads: usize) -> PyResult<Vec<bool>> {
        let (py, ring) = (slf.py(), slf.get());
        let items = items.iter().map(parts).collect::<PyResult<Vec<_>>>()?;
        let asked: Vec<Asked<'_>> = items
            .iter()
            .filter_map(|(key, signature, message)| {
                // A key of another keyring has its table there.
                key.ring.is(slf).then_some(())?;
                Some((&key.key, <&[u8; 64]>::try_from(*signature).ok()?, *message))
            })
            .collect();
        let found = match py.detach(|| shares(&asked, threads, |share| ring.ring.verify_many(share))) {
            Ok(found) => found,
            Err(Fault) => {
                ring.fault(py)?;
                vec![None; asked.len()]
            }
        };
        let mut found = found.into_iter();
        let mut answers = Vec::with_capacity(items.len());
        for (key, signature, message) in &items {
            answers.push(if !key.ring.is(slf) {
                key.verify(py, signature, message)?
            } else if signature.len() != 64 {
                false
            } else {
                match found.next().flatten() {
                    Some(answer) => ring.audited(py, key, answer, signature, message)?,
                    None => key.answer_of_next(py, signature, message)?,
                }
            });
        }
        Ok(answers)
    }

    fn tables(&self) -> (usize, usize) {
        self.ring.tables()
    }
}

/// Key, signature and message of an item, which live as long as its tuple.
fn parts<'a>(item: &'a Bound<'_, PyTuple>) -> PyResult<(&'a Ed25519Key, &'a [u8], &'a [u8])> {
    let [key, signature, message] = [0, 1, 2].map(|place| item.get_borrowed_item(place));
    Ok((key?.cast::<Ed25519Key>()?.get(), signature?.extract()?, message?.extract()?))
}

type Asked<'a> = (&'a Arc<Key>, &'a [u8; 64], &'a [u8]);

/// The answers for all that was asked, from shares of equal size, each in a thread.
fn shares<Q: Sync, A: Send>(
    asked: &[Q],
    threads: usize,
    work: impl Fn(&[Q]) -> Result<Vec<A>, Fault> + Sync,
) -> Result<Vec<A>, Fault> {
    let work = |share: &[Q]| guarded(|| work(share));
    let threads = threads.clamp(1, asked.len().div_ceil(FEWEST).max(1));
    if threads == 1 {
        return work(asked);
    }
    // Multiples of what shares an inversion.
    let size = asked.len().div_ceil(threads).next_multiple_of(FEWEST);
    std::thread::scope(|scope| {
        let work = &work;
        let mut shares = asked.chunks(size);
        let own = shares.next().unwrap_or_default();
        // A thread that the system does not grant is no fault: its share is worked off here.
        let others: Vec<_> = shares
            .map(|share| (share, std::thread::Builder::new().spawn_scoped(scope, move || work(share)).ok()))
            .collect();
        let mut answers = work(own)?;
        for (share, thread) in others {
            answers.extend(match thread {
                Some(thread) => thread.join().unwrap_or(Err(Fault))?,
                None => work(share)?,
            });
        }
        Ok(answers)
    })
}

/// What this processor can run, best first.
#[pyfunction]
fn engines() -> Vec<&'static str> {
    Engine::available().iter().map(|engine| engine.name()).collect()
}

#[pyfunction(name = "is_acceptable_point")]
fn is_acceptable(raw: &[u8]) -> bool {
    <&[u8; 32]>::try_from(raw).is_ok_and(|raw| acceptable_point(raw).is_some())
}

#[pymodule]
fn icard_native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add("INTERFACE", INTERFACE)?;
    module.add_class::<Keyring>()?;
    module.add_class::<Ed25519Key>()?;
    module.add_class::<reading::Reader>()?;
    module.add_class::<reading::Book>()?;
    module.add_class::<reading::Precedents>()?;
    module.add_function(wrap_pyfunction!(engines, module)?)?;
    module.add_function(wrap_pyfunction!(is_acceptable, module)?)
}
