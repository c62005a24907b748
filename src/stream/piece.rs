//! Pieces of rows on a device: what a stage is told by its scratch, and what it tells.

use super::walk::{Found, Task, Work};
use crate::cpu::pieces::Part;
use crate::cpu::simd::WideTotal;
use crate::cpu::special::KEY_EMPTY;
use crate::gpu::plan::{Piece, Stage};
use crate::gpu::transfer::{DeviceWork, SCRATCH_WORDS};
use crate::{Op, OpKind, Precision, Shape};

/// The scratch's words: the key, then the sum in digits of 16 bits or as one float.
type Scratch = [u32; SCRATCH_WORDS];

/// A task as a device takes it; `cols` is the length of whole rows.
pub(crate) fn work_of(cols: u64, task: &Task) -> (DeviceWork, Option<Scratch>) {
    let piece = |stage| DeviceWork::Piece(Piece { stage, cols, len: task.len as u64 });
    match task.work {
        Work::Rows(rows) => (DeviceWork::Rows(Shape::rows(rows, cols as usize)), None),
        Work::First => (piece(Stage::Max), Some(scratch(KEY_EMPTY, None))),
        Work::Sum(key) => (piece(Stage::Sum), Some(scratch(key, None))),
        Work::Write(key, total) => (piece(Stage::Write), Some(scratch(key, total))),
    }
}

/// What a device told of a piece.
pub(crate) fn found(op: Op, task: &Task, words: &[f32]) -> Option<Found> {
    let digits = |words: &[f32]| {
        let sum =
            |sum: u128, (i, digit): (usize, &f32)| sum.wrapping_add(u128::from(digit.to_bits()) << (16 * i));
        words.iter().enumerate().fold(0, sum)
    };
    match task.work {
        Work::Rows(_) | Work::Write(..) => None,
        Work::First => Some(Found::Part(Part::of_key(words[0].to_bits() as i32))),
        Work::Sum(_) if is_fast(op) => Some(Found::Sum(WideTotal::Float(words[1]))),
        Work::Sum(_) => Some(Found::Sum(WideTotal::Units(digits(&words[1..])))),
    }
}

fn is_fast(op: Op) -> bool {
    op.precision == Precision::Fast && op.kind != OpKind::RowStats
}

fn scratch(key: i32, total: Option<WideTotal>) -> Scratch {
    let mut words = [0; SCRATCH_WORDS];
    words[0] = key as u32;
    match total {
        Some(WideTotal::Units(units)) => {
            for (i, word) in words[1..].iter_mut().enumerate() {
                *word = (units >> (16 * i)) as u32 & 0xffff;
            }
        }
        Some(WideTotal::Float(sum)) => words[1] = sum.to_bits(),
        None => {}
    }
    words
}
