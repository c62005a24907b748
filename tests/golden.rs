//! A hash of every result of the quick battery, checked in: no change to the numerics goes
//! unnoticed, on any machine.

use std::collections::BTreeMap;

use wgpu_softmax::verify::{Thoroughness, cases, expected};
use wgpu_softmax::{NUMERICS_VERSION, OpKind};

/// FNV-1a over the bytes of 32-bit words.
fn hash(state: u64, words: &[u32]) -> u64 {
    let bytes = words.iter().flat_map(|word| word.to_le_bytes());
    bytes.fold(state, |state, byte| (state ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

#[test]
fn the_battery_has_the_bits_of_this_numerics_version() {
    // The inputs too, so that a change to the battery is told from a change to the numerics.
    let start = 0xcbf2_9ce4_8422_2325;
    let mut hashes: BTreeMap<&str, u64> = BTreeMap::new();
    for case in cases(Thoroughness::Quick, &[]) {
        let results = hashes.entry(case.op.kind.name()).or_insert(start);
        *results = hash(*results, &expected(&case));
        if case.op.kind == OpKind::Softmax {
            let words: Vec<u32> = case.data.iter().map(|x| x.to_bits()).collect();
            let inputs = hashes.entry("(inputs)").or_insert(start);
            *inputs = hash(*inputs, &words);
        }
    }
    let mut found = format!("numerics version {NUMERICS_VERSION}\n");
    for (name, hash) in &hashes {
        found += &format!("{name} {hash:016x}\n");
    }
    let golden = include_str!("golden.txt");
    assert!(
        found.lines().eq(golden.lines()),
        "tests/golden.txt has\n{golden}but the battery gives\n{found}\
         Where (inputs) differs, the battery has changed: write the new hashes. Where it does not, \
         users' bits have changed: that needs a new NUMERICS_VERSION, and a line in docs/numerics.md."
    );
}
