//! Ed25519 verification for verifiers that know their keys beforehand.
//!
//! With a table of multiples for each key, as every library has one for the base point, a check is additions only. The
//! equation is RFC 8032's without the cofactor, which is OpenSSL's and libsodium's: no input gets another answer here.
//!
//! **This crate never signs.** It works on public data alone, in variable time, and has no type for a secret. Do not
//! use its arithmetic for anything but checks of signatures.
//!
//! Unsafe code is confined to the modules for vector instructions, each block with its reason.

#![deny(unsafe_code)]

mod check;
mod curve;
mod engine;
mod field;
mod frame;
#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code)]
mod ifma;
mod inversion;
mod keys;
mod precedents;
mod reading;
mod rules;
#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code)]
mod sha512x8;
mod table;
#[cfg(test)]
mod testing;

pub use check::{verify, verify_many, Item, PreparedKey};
pub use curve::{acceptable_point, Point};
pub use engine::Engine;
pub use keys::{Fault, Key, Keyring, Settings};
pub use precedents::{Precedents, Put};
pub use reading::{Book, Reading, Says};
pub use rules::{Fact, Forms, Kind, Role, Row, Rules, Span, Told};
pub use table::Table;

/// The readers by themselves, for `native/fuzz` alone.
#[cfg(fuzzing)]
pub mod fuzzing {
    pub use crate::frame::fuzzing::{base45, frame};
}
