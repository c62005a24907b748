//! The CRC-32 of data that is read in pieces, in any order and by several threads.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::sync::{Mutex, PoisonError};

use crc32fast::Hasher;
use wgpu_softmax::stream::ReadAt;

/// What data must sum up to.
#[derive(Clone, Debug)]
pub struct Expected {
    /// Of what stands before it and counts too.
    pub before: Hasher,
    /// Of all.
    pub crc: u32,
    /// Bytes of data.
    pub bytes: u64,
}

/// What was read so far: where runs of bytes begin, and their checksums with their lengths.
#[derive(Debug)]
pub struct Checksum {
    expected: Expected,
    runs: Mutex<BTreeMap<u64, (Hasher, u64)>>,
}

/// Bytes that are read at a time where nobody else has read them.
const BUFFER: u64 = 1 << 20;

impl Checksum {
    /// Of data nothing of which was read yet.
    pub fn new(expected: Expected) -> Self {
        Self { expected, runs: Mutex::default() }
    }

    /// Takes bytes that were read `at` so many from the start. What was taken before is passed over.
    pub fn add(&self, mut at: u64, bytes: &[u8]) {
        let (mut piece, end) = ((Hasher::new(), bytes.len() as u64), at + bytes.len() as u64);
        let runs = || self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        if !is_new(&runs(), at, end) {
            return;
        }
        piece.0.update(bytes);
        let mut runs = runs();
        // Another thread may have read the same meanwhile.
        if !is_new(&runs, at, end) {
            return;
        }
        let before = runs.range(..at).next_back().map(|(&start, (_, length))| (start, start + length));
        if let Some((start, _)) = before.filter(|(_, end)| *end == at)
            && let Some(run) = runs.remove(&start)
        {
            (at, piece) = (start, joined(run, &piece));
        }
        if let Some(run) = runs.remove(&end) {
            piece = joined(piece, &run);
        }
        runs.insert(at, piece);
    }

    /// Whether all of the data, which begins at `offset`, sums up to what it must. What nobody has read,
    /// such as rows that an earlier run has done, is read for it.
    pub fn check(&self, file: &File, offset: u64) -> io::Result<Result<(), String>> {
        let mut sum = self.expected.before.clone();
        let (mut at, mut buffer) = (0, vec![0; BUFFER.min(self.expected.bytes) as usize]);
        let runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        while at < self.expected.bytes {
            if let Some((run, length)) = runs.get(&at) {
                sum.combine(run);
                at += length;
                continue;
            }
            let next = runs.range(at..).next().map_or(self.expected.bytes, |(&start, _)| start);
            let part = &mut buffer[..BUFFER.min(next - at) as usize];
            file.read_exact_at(offset + at, part)?;
            sum.update(part);
            at += part.len() as u64;
        }
        let (found, wanted) = (sum.finalize(), self.expected.crc);
        Ok(if found == wanted { Ok(()) } else { Err(wrong(found, wanted)) })
    }
}

/// Whether there are such bytes, and none of them was taken before.
fn is_new(runs: &BTreeMap<u64, (Hasher, u64)>, at: u64, end: u64) -> bool {
    let before = runs.range(..=at).next_back().is_some_and(|(&start, (_, length))| start + length > at);
    let next = runs.range(at..).next().is_some_and(|(&start, _)| start < end);
    at < end && !before && !next
}

fn joined((mut first, length): (Hasher, u64), (second, more): &(Hasher, u64)) -> (Hasher, u64) {
    first.combine(second);
    (first, length + more)
}

fn wrong(found: u32, wanted: u32) -> String {
    format!(
        "its data is damaged: the CRC-32 is {found:08x} and should be {wanted:08x}; save it again with numpy.savez"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn pieces_in_any_order_and_twice_sum_up_to_the_whole() {
        let data: Vec<u8> = (0..5000u32).map(|i| (i * i) as u8).collect();
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&[b"head", &data[..]].concat()).unwrap();
        let expected = |crc| {
            let mut before = Hasher::new();
            before.update(b"head");
            Expected { before, crc, bytes: 5000 }
        };
        let crc = crc32fast::hash(&[b"head", &data[..]].concat());
        for pieces in [
            &[][..],
            &[(0, 5000)],
            &[(4000, 5000), (0, 1000), (1000, 4000)],
            &[(1000, 2000), (1000, 2000), (500, 1500), (1500, 2500), (2000, 2001), (0, 0), (5000, 5000)],
        ] {
            for (wanted, is_good) in [(crc, true), (crc ^ 1, false)] {
                let sum = Checksum::new(expected(wanted));
                pieces.iter().for_each(|&(at, end)| sum.add(at as u64, &data[at..end]));
                assert_eq!(sum.check(&file, 4).unwrap().is_ok(), is_good, "{pieces:?}");
            }
        }
        // What was read counts, not what the file holds by now.
        let sum = Checksum::new(expected(crc));
        sum.add(0, &[1; 5000]);
        assert!(sum.check(&file, 4).unwrap().unwrap_err().contains("damaged"));
    }
}
