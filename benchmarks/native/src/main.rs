//! Signatures over codes, one by one and many at once: for each line on standard input one round, as a line of JSON
//! with the nanoseconds of one signature by each way. The file named as argument has hexadecimal lines: public key,
//! signature, message.

use ed25519_dalek::{verify_batch, Signature, Verifier, VerifyingKey};
use std::hint::black_box;
use std::io::BufRead;
use std::time::Instant;

const BATCHES: [usize; 5] = [4, 16, 64, 256, 1024];

fn bytes(hexadecimal: &str) -> Vec<u8> {
    (0..hexadecimal.len()).step_by(2).map(|at| u8::from_str_radix(&hexadecimal[at..at + 2], 16).unwrap()).collect()
}

fn main() {
    let path = std::env::args().nth(1).expect("a file of signatures");
    let mut keys = Vec::new();
    let mut signatures = Vec::new();
    let mut messages = Vec::new();
    for line in std::fs::read_to_string(path).unwrap().lines() {
        let parts: Vec<Vec<u8>> = line.split(' ').map(bytes).collect();
        keys.push(VerifyingKey::from_bytes(parts[0].as_slice().try_into().unwrap()).unwrap());
        signatures.push(Signature::from_slice(&parts[1]).unwrap());
        messages.push(parts[2].clone());
    }
    let told: Vec<&[u8]> = messages.iter().map(Vec::as_slice).collect();
    let count = keys.len();

    // A way that takes what was changed is no way: the first signature over the second message.
    let swapped = [told[1], told[1]];
    assert!(keys[0].verify(swapped[0], &signatures[0]).is_err());
    assert!(verify_batch(&swapped, &signatures[..2], &keys[..2]).is_err());

    for line in std::io::stdin().lock().lines() {
        line.unwrap();
        let start = Instant::now();
        for at in 0..count {
            keys[at].verify(black_box(told[at]), &signatures[at]).unwrap();
        }
        let mut ways = vec![("one by one".to_string(), start.elapsed().as_nanos() as f64 / count as f64)];
        let start = Instant::now();
        for at in 0..count {
            keys[at].verify_strict(black_box(told[at]), &signatures[at]).unwrap();
        }
        ways.push(("one by one, strict".to_string(), start.elapsed().as_nanos() as f64 / count as f64));
        for size in BATCHES {
            let start = Instant::now();
            let mut done = 0;
            while done + size <= count {
                let end = done + size;
                verify_batch(black_box(&told[done..end]), &signatures[done..end], &keys[done..end]).unwrap();
                done = end;
            }
            ways.push((format!("{size} at once"), start.elapsed().as_nanos() as f64 / done as f64));
        }
        let fields: Vec<String> = ways.iter().map(|(name, ns)| format!("\"{name}\": {ns:.1}")).collect();
        println!("{{{}}}", fields.join(", "));
    }
}
