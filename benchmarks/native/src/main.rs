//! Signatures over codes, one by one and many at once: for each line on standard input one round, as a line of JSON
//! with the processor's nanoseconds for one signature by each way. The file named as argument has lines of four words: algorithm,
//! and in hexadecimal public key, signature, message.

use aws_lc_rs::signature as aws;
use ed25519_dalek::{verify_batch, Signature, Verifier, VerifyingKey};
use icard_core::{Engine, Key, Keyring, Settings};
use ring::signature as ring_signature;
use std::hint::black_box;
use std::io::BufRead;
use std::sync::Arc;

const BATCHES: [usize; 5] = [4, 16, 64, 256, 1024];

/// A way to check signatures: its name, how many one call checks, and the call.
type Way = (String, usize, Box<dyn FnMut()>);

#[derive(Clone)]
struct Signed {
    public: Vec<u8>,
    signature: Vec<u8>,
    message: Vec<u8>,
}

fn bytes(hexadecimal: &str) -> Vec<u8> {
    (0..hexadecimal.len()).step_by(2).map(|at| u8::from_str_radix(&hexadecimal[at..at + 2], 16).unwrap()).collect()
}

fn read(path: &str, algorithm: &str) -> Vec<Signed> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines()
        .filter_map(|line| line.strip_prefix(algorithm)?.strip_prefix(' '))
        .map(|line| {
            let mut parts = line.split(' ').map(bytes);
            let mut next = || parts.next().unwrap();
            Signed { public: next(), signature: next(), message: next() }
        })
        .collect()
}

/// One by one, by a check of one signature. A way that takes what was changed is no way: each signature over another
/// message, which must be refused, comes first.
fn singly(name: impl Into<String>, signed: &[Signed], mut check: impl FnMut(usize, &[u8]) -> bool + 'static) -> Way {
    let name = name.into();
    assert!(!check(0, &signed[1].message), "{name} takes what was changed");
    let messages: Vec<Vec<u8>> = signed.iter().map(|each| each.message.clone()).collect();
    let count = messages.len();
    let work = move || messages.iter().enumerate().for_each(|(at, message)| assert!(check(at, black_box(message))));
    (name, count, Box::new(work))
}

fn dalek(signed: &[Signed]) -> Vec<Way> {
    let keys: Vec<_> =
        signed.iter().map(|each| VerifyingKey::from_bytes(each.public[..].try_into().unwrap()).unwrap()).collect();
    let signatures: Vec<_> = signed.iter().map(|each| Signature::from_slice(&each.signature).unwrap()).collect();
    let messages: Vec<Vec<u8>> = signed.iter().map(|each| each.message.clone()).collect();
    let (keys_1, signatures_1) = (keys.clone(), signatures.clone());
    let (keys_2, signatures_2) = (keys.clone(), signatures.clone());
    let mut ways = vec![
        singly("dalek", signed, move |at, message| keys_1[at].verify(message, &signatures_1[at]).is_ok()),
        singly("dalek, strict", signed, move |at, message| {
            keys_2[at].verify_strict(message, &signatures_2[at]).is_ok()
        }),
    ];
    let swapped = [&messages[1][..], &messages[1][..]];
    assert!(verify_batch(&swapped, &signatures[..2], &keys[..2]).is_err());
    for size in BATCHES {
        let (keys, signatures, messages) = (keys.clone(), signatures.clone(), messages.clone());
        let whole = messages.len() / size * size;
        let work = move || {
            let told: Vec<&[u8]> = messages.iter().map(Vec::as_slice).collect();
            for from in (0..whole).step_by(size) {
                let part = from..from + size;
                verify_batch(black_box(&told[part.clone()]), &signatures[part.clone()], &keys[part]).unwrap();
            }
        };
        ways.push((format!("dalek, {size} at once"), whole, Box::new(work)));
    }
    ways
}

fn aws_lc(name: &str, algorithm: &'static dyn aws::VerificationAlgorithm, signed: &[Signed]) -> Way {
    let parsed: Vec<_> = signed
        .iter()
        .map(|each| aws::ParsedPublicKey::new(algorithm, each.public.clone()).expect("a public key"))
        .collect();
    let signatures: Vec<Vec<u8>> = signed.iter().map(|each| each.signature.clone()).collect();
    singly(name, signed, move |at, message| parsed[at].verify_sig(message, &signatures[at]).is_ok())
}

fn ring(name: &str, algorithm: &'static dyn ring_signature::VerificationAlgorithm, signed: &[Signed]) -> Way {
    let kept = signed.to_vec();
    singly(name, signed, move |at, message| {
        let key = ring_signature::UnparsedPublicKey::new(algorithm, &kept[at].public);
        key.verify(message, &kept[at].signature).is_ok()
    })
}

fn icard(engine: Engine, signed: &[Signed]) -> Vec<Way> {
    let ring = Arc::new(Keyring::new(Settings { build_after: 0, ..Settings::new(engine) }));
    let made: Vec<(Arc<Key>, [u8; 64], Vec<u8>)> = signed
        .iter()
        .map(|each| {
            let key = ring.key(each.public[..].try_into().unwrap()).unwrap();
            (key, each.signature[..].try_into().unwrap(), each.message.clone())
        })
        .collect();
    let (ring_1, made_1) = (ring.clone(), made.clone());
    let one = singly(format!("icard {}", engine.name()), signed, move |at, message| {
        let (key, signature, _) = &made_1[at];
        ring_1.verify(key, signature, message).unwrap() == Some(true)
    });
    let work = move || {
        let asked: Vec<_> = made.iter().map(|(key, signature, message)| (key, signature, &message[..])).collect();
        assert!(ring.verify_many(black_box(&asked)).unwrap().iter().all(|answer| *answer == Some(true)));
    };
    vec![one, (format!("icard {}, in many", engine.name()), signed.len(), Box::new(work))]
}

/// Nanoseconds of the processor that this process has had: other work on the machine is not in them.
fn processor_time() -> i64 {
    let mut told = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the clock writes into the structure that is handed to it, and nothing else.
    assert_eq!(unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut told) }, 0);
    told.tv_sec * 1_000_000_000 + told.tv_nsec
}

fn main() {
    let path = std::env::args().nth(1).expect("a file of signatures");
    let (ed25519, es256, ml_dsa) = (read(&path, "Ed25519"), read(&path, "ES256"), read(&path, "ML-DSA-44"));
    let mut ways = dalek(&ed25519);
    ways.push(aws_lc("aws-lc-rs", &aws::ED25519, &ed25519));
    ways.push(ring("ring", &ring_signature::ED25519, &ed25519));
    for engine in Engine::available() {
        ways.extend(icard(*engine, &ed25519));
    }
    ways.push(aws_lc("ES256, aws-lc-rs", &aws::ECDSA_P256_SHA256_FIXED, &es256));
    ways.push(ring("ES256, ring", &ring_signature::ECDSA_P256_SHA256_FIXED, &es256));
    ways.push(aws_lc("ML-DSA-44, aws-lc-rs", &aws::ML_DSA_44, &ml_dsa));

    for line in std::io::stdin().lock().lines() {
        line.unwrap();
        let fields: Vec<String> = ways
            .iter_mut()
            .map(|(name, count, work)| {
                let start = processor_time();
                work();
                format!("\"{name}\": {:.1}", (processor_time() - start) as f64 / *count as f64)
            })
            .collect();
        println!("{{{}}}", fields.join(", "));
    }
}
