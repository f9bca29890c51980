//! Which instructions do the additions, found at run time, and a self-test of each before it is used.

use crate::check::{challenge, split, verify, verify_many, Item, PreparedKey};
use crate::curve::Point;
use crate::table::Table;

/// A way to compute [S]B - [k]A from two tables.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Engine {
    /// fiat-crypto's field arithmetic, on every processor.
    Scalar,
    /// Eight lanes of AVX-512 IFMA, on x86-64 processors that have it.
    Ifma,
}

impl Engine {
    /// The engines that this processor can run, best first.
    pub fn available() -> &'static [Engine] {
        #[cfg(target_arch = "x86_64")]
        if crate::ifma::available() {
            return &[Engine::Ifma, Engine::Scalar];
        }
        &[Engine::Scalar]
    }

    /// As settings and reports name it.
    pub fn name(self) -> &'static str {
        match self {
            Engine::Scalar => "scalar",
            Engine::Ifma => "ifma",
        }
    }

    /// [s]B + [k]P for the tables of B and P.
    #[inline]
    pub(crate) fn combine(self, base: &Table, key: &Table, s: &[u8; 32], k: &[u8; 32]) -> Point {
        #[cfg(target_arch = "x86_64")]
        if self == Engine::Ifma {
            return crate::ifma::combine(base, key, s, k);
        }
        key.add_multiple(base.add_multiple(Point::IDENTITY, &base.digits(s)), &key.digits(k))
    }

    /// The points of up to 64 items, None for each that is refused before any arithmetic.
    pub(crate) fn combine_many(self, base: &Table, items: &[Item<'_>], out: &mut [Option<Point>]) {
        #[cfg(target_arch = "x86_64")]
        if self == Engine::Ifma {
            return crate::ifma::combine_many(base, items, out);
        }
        for ((key, signature, message), out) in items.iter().zip(out) {
            *out = split(signature).map(|(r, s)| self.combine(base, &key.table, s, &challenge(r, &key.raw, message)));
        }
    }

    /// Whether this engine answers known questions rightly, one by one and in every place of a list.
    ///
    /// The questions are the signatures of RFC 8032 section 7.1, and each with something changed.
    pub fn passes_self_test(self, base: &Table) -> bool {
        passes_self_test(
            |key, signature, message| verify(self, base, key, signature, message),
            |items| verify_many(self, base, items),
        )
    }
}

/// A public key, a signature and a message of RFC 8032 section 7.1, in hexadecimal.
const KNOWN: [[&str; 3]; 3] = [
    [
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
        "",
    ],
    [
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
        "72",
    ],
    [
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
        "af82",
    ],
];

/// Signatures of RFC 8032's first key over messages of so many bytes, i * 7 + length modulo 256 for the i-th, made with
/// OpenSSL. Lengths are around the blocks of SHA-512; 19 good signatures in all leave a fault that shows in one bit of a
/// result, as one in x does, one chance in half a million.
const BY_LENGTH: [(usize, &str); 16] = [
    (47, "ce7758722af7cd0c3116fbd64a4d9c873d07f8a60b2921f006e03ac866f97c48cfa44cf710050f6386e20b1012fe2627e2f282bb4b535ff2a86d28c6a351bd0c"),
    (48, "16bf1af34b7c741e2cc398cd6927efb31459ea1e451628ea76ef6742210397b56f963b33491ffa1b462d503fee87d536a5d260b99159b23771172d7bd923490c"),
    (63, "c91e3cd017525df7c69c915454d5694fc251e91ab03ca4cb50ab5bb56ede933bc615b6ad4d455f7b99a0e2e7405f26bf0a0b28b9c78764ea4fc79e031ff59b0a"),
    (64, "af66fdbff4fecadc6c92785e7729ecf0607634f0ffd85a6f15e0ebcccc4ffad64b5960bfba74d7d95173205113b8e4d7e501077462f7bc5395831db60674aa01"),
    (111, "22129814facc1bb63d82978a51cc99ee25baaa0b57ef64dd078ab168028bdcb63ffd107221013c6777932eecd6c0abee3842e4db9791a9a58dca190c44f6d903"),
    (112, "cad7c9931e39242fc17b9322a9c1cb12fc4e2cf3eb8c39272afe00d13d1dc7cf072ae86a200f26d544a0f241483cb5fc7c10a6ad53e70714a2e83c60276f300f"),
    (175, "6cd356c941f08d4dabdc0afb480214223492c11a652b8c9fb66107ab73a193ba2f6d35efc672123c8f49082b5ab355f9a1cd963e767370c2566fa4349d2f4104"),
    (176, "32f09d85f6837ebb318ea47c9b2a6fa17c0e54397ef3e40891c008b0f306846356e39618b57e6d7c1a7e9ad691a8e14ea0e35ce31d3017387c58abc154d7a501"),
    (303, "d9ba29a62ed0915df8849fae94ffcacab1876f1c23a1dadff9b63afaab9fbdc3f4a0480ad29ff3bc72f548098a8a0422b4140cd1e0667ebb36f42c324ab65b05"),
    (304, "1af83123a9e7ea4b73dfdc471e4c7d552872e42e86e45c3a4c2544ddd405b8451f959e296c15dc198c71b34be430597b8564e6d0de51f693d36b68251d1d3b03"),
    (330, "2e0c6a3ed68849cef64e16013b979855fcda7a27c3790d10c87ea4e173485d3f8ab134c78654367a35010efb0ede01cfeb6ee7333968689970f8ae0312ac5009"),
    (400, "311229d6e41717762a6543b9739724b4c844f5f15693d049bad6c0224b5fec3ae6d67e76a7c81e19cad481be0d2fcae1d688446c7123935e8aa4aa395b874c05"),
    (511, "636aa3c8a8368bd9c2c55bacec9f824ae515cc249f77b078ee2193f4814631d7e951867f3a9cbb2ede198e4706d1b2a2ecc42577e10e2cfa175868743e78170d"),
    (512, "5ec5aae7f5087333fcc23e91e389245438a559d568373099324dfb5c876c94fc213c162bf6af7ce17639b73e722d304e12b643fa60fee7eeb36ac00d68ec8c03"),
    (1000, "8416f0d963f57bfc1e1b19edc5f62b1b260a997c836c41edd18a7478235e710e79ac6ffe0d748c5070dbc96fa3b48c4704a9cc36552ad3880ab898f72af14a0d"),
    (1023, "3e0dfb01c419c09c4195b0ad0194c01f29016bbbb433e067aa76ac31a080dbe0b454d5bb426847d70065200fe01688f07cd505c68d0a6e80128113d01bc95c01"),
];

/// Self-test of any way to answer, so that a faulty one can be put in its place.
pub(crate) fn passes_self_test(
    one: impl Fn(&PreparedKey, &[u8; 64], &[u8]) -> bool,
    many: impl Fn(&[Item<'_>]) -> Vec<bool>,
) -> bool {
    let Some(questions) = questions() else { return false };
    // Each good signature, and copies with one bit of R, of S and of the message changed.
    let mut asked: Vec<(&PreparedKey, [u8; 64], Vec<u8>, bool)> = Vec::new();
    for (key, signature, message) in &questions {
        let key: &PreparedKey = key;
        asked.push((key, *signature, message.clone(), true));
        for at in [3, 37] {
            let mut changed = *signature;
            changed[at] ^= 0x10;
            asked.push((key, changed, message.clone(), false));
        }
        let mut longer = message.clone();
        longer.push(0);
        asked.push((key, *signature, longer, false));
    }
    if asked.iter().any(|(key, signature, message, answer)| one(key, signature, message) != *answer) {
        return false;
    }
    let in_turn = order(asked.len()).map(|place| &asked[place]);
    let expected: Vec<bool> = in_turn.clone().map(|(_, _, _, answer)| *answer).collect();
    let items: Vec<Item<'_>> = in_turn.map(|(key, signature, message, _)| (*key, signature, &message[..])).collect();
    many(&items) == expected
}

/// Which question comes next in the list: each once, mixed (multiples of a number modulo a prime), so that every lane has
/// good and bad ones.
fn order(count: usize) -> impl Iterator<Item = usize> + Clone {
    (1..1009).map(|place| place * 11 % 1009 - 1).filter(move |place| *place < count)
}

type Question = (std::rc::Rc<PreparedKey>, [u8; 64], Vec<u8>);

fn questions() -> Option<Vec<Question>> {
    let mut out = KNOWN.iter().map(question).collect::<Option<Vec<_>>>()?;
    let first = out[0].0.clone();
    for (length, signature) in BY_LENGTH {
        let message = (0..length).map(|i| ((i * 7 + length) % 256) as u8).collect();
        out.push((first.clone(), bytes_of(signature)?.try_into().ok()?, message));
    }
    Some(out)
}

fn question([raw, signature, message]: &[&str; 3]) -> Option<Question> {
    let raw: [u8; 32] = bytes_of(raw)?.try_into().ok()?;
    let key = std::rc::Rc::new(PreparedKey::new(&raw, 4)?);
    Some((key, bytes_of(signature)?.try_into().ok()?, bytes_of(message)?))
}

fn bytes_of(hex: &str) -> Option<Vec<u8>> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::Table;

    fn base() -> Table {
        Table::new(&Point::base(), 8)
    }

    #[test]
    fn every_engine_of_this_processor_passes() {
        let base = base();
        for engine in Engine::available() {
            assert!(engine.passes_self_test(&base), "{engine:?}");
        }
    }

    #[test]
    fn an_engine_on_a_damaged_base_table_fails() {
        for engine in Engine::available() {
            let mut base = base();
            // Every bit of one word of each entry in a window: whatever digit the questions have there, it is wrong.
            (0..128).for_each(|entry| base.damage(128 * 9 + entry, 2, 7));
            assert!(!engine.passes_self_test(&base), "{engine:?}");
        }
    }

    #[test]
    fn an_engine_with_one_faulty_lane_fails() {
        let base = base();
        for engine in Engine::available() {
            for lane in 0..8 {
                for stuck in [true, false] {
                    let passes = passes_self_test(
                        |key, signature, message| verify(*engine, &base, key, signature, message),
                        |items| {
                            let mut answers = verify_many(*engine, &base, items);
                            answers.iter_mut().skip(lane).step_by(8).for_each(|answer| *answer = stuck);
                            answers
                        },
                    );
                    assert!(!passes, "{engine:?}, lane {lane}, stuck at {stuck}");
                }
            }
        }
    }

    #[test]
    fn an_engine_that_takes_or_refuses_everything_fails() {
        for answer in [true, false] {
            assert!(!passes_self_test(|_, _, _| answer, |items| vec![answer; items.len()]));
        }
    }

    #[test]
    fn every_question_is_asked_once_and_every_lane_has_good_and_bad_ones() {
        // Questions come in fours, a good one and three bad ones.
        let count = 4 * (KNOWN.len() + BY_LENGTH.len());
        let order: Vec<usize> = order(count).collect();
        assert_eq!(order.iter().collect::<std::collections::HashSet<_>>().len(), count);
        for lane in 0..8 {
            let good = order.iter().skip(lane).step_by(8).filter(|place| *place % 4 == 0).count();
            assert!(0 < good && good < count / 8, "lane {lane}: {good}");
        }
    }
}
