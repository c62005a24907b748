//! What a piece of a tensor reaches of each operand, in elements and in bytes of its buffer.

use std::ops::Range;

use super::args::{Beside, TensorRef};
use super::levels::Piece;
use super::walk::Walk;
use crate::masking::levels::{self, INPUT, LENGTHS};
use crate::{Error, OpKind, RowStats};

/// A range of a buffer's bytes, of whole words.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bytes {
    pub start: u64,
    pub end: u64,
}

impl Bytes {
    /// Of elements of so many bits.
    fn of(tensor: TensorRef<'_>, elements: &Range<u64>, bits: u64) -> Self {
        let start = tensor.offset + elements.start * bits / 32 * 4;
        Self { start, end: tensor.offset + (elements.end * bits).div_ceil(32) * 4 }
    }

    /// From where the device can bind.
    fn aligned(self, alignment: u64) -> Self {
        Self { start: self.start / alignment * alignment, ..self }
    }

    pub fn size(self) -> u64 {
        self.end - self.start
    }

    fn with(self, other: Self) -> Self {
        Self { start: self.start.min(other.start), end: self.end.max(other.end) }
    }
}

impl Walk<'_> {
    /// Bytes of the largest binding.
    pub(super) fn largest(&self, piece: &Piece) -> u64 {
        let beside = (0..self.slots.buffers).map(|slot| self.slot(piece, slot).size());
        beside.chain([self.input(piece).size(), self.output(piece).size()]).max().unwrap_or(0)
    }

    fn alignment(&self) -> u64 {
        u64::from(self.shared.limits.min_storage_buffer_offset_alignment)
    }

    /// The elements that a piece reaches of an operand.
    pub(super) fn reach(&self, piece: &Piece, operand: usize) -> Range<u64> {
        let reach = piece.reach(&self.tensor.levels, operand);
        match operand {
            INPUT if self.tensor.ragged => 0..self.tensor.total(self.args),
            // A row's end is the next one's offset.
            LENGTHS if self.tensor.ragged => reach.start..reach.end + 1,
            _ => reach,
        }
    }

    pub(super) fn input(&self, piece: &Piece) -> Bytes {
        let bits = self.tensor.types.input.bytes() * 8;
        Bytes::of(self.args.input, &self.reach(piece, INPUT), bits).aligned(self.alignment())
    }

    pub(super) fn output(&self, piece: &Piece) -> Bytes {
        let bits = self.tensor.types.output.bytes() * 8;
        Bytes::of(self.args.output, &self.results(piece), bits).aligned(self.alignment())
    }

    /// The results that a piece writes.
    pub(super) fn results(&self, piece: &Piece) -> Range<u64> {
        let words = match self.prepared.op.kind {
            OpKind::Softmax | OpKind::LogSoftmax => return self.reach(piece, INPUT),
            OpKind::LogSumExp => 1,
            OpKind::RowStats => RowStats::WORDS,
        };
        let first = piece.first(&self.tensor.levels).0;
        first * words..(first + piece.row_count()) * words
    }

    /// The bytes of a buffer beside the input: those of all operands in it.
    pub(super) fn slot(&self, piece: &Piece, slot: u8) -> Bytes {
        let of_slot = self.beside().filter(|(what, ..)| self.slots.of[*what as usize] == slot);
        let bytes =
            of_slot.map(|(what, tensor, bits)| Bytes::of(tensor, &self.reach(piece, place(what)), bits));
        bytes.reduce(Bytes::with).expect("a slot has an operand").aligned(self.alignment())
    }

    /// The operands beside the input, with the bits of their elements.
    pub(super) fn beside(&self) -> impl Iterator<Item = (Beside, TensorRef<'_>, u64)> {
        let given = Beside::ALL.into_iter().filter_map(|what| Some((what, self.args.beside[what as usize]?)));
        given.filter_map(|(what, tensor)| Some((what, tensor, self.tensor.beside(what)?.1)))
    }

    /// Whether the shaders' indices reach all that stands beside a piece.
    ///
    /// # Errors
    /// [`Error::Limit`] where the bits of a mask lie too far behind another operand in its buffer.
    pub(super) fn check_indices(&self, piece: &Piece) -> Result<(), Error> {
        self.beside().try_for_each(|(what, _, bits)| {
            check_index(self.slot(piece, self.slots.of[what as usize]).size(), bits)
        })
    }

    /// Elements between where a binding starts and an element of an operand in it.
    pub(super) fn base(&self, tensor: TensorRef<'_>, first: u64, bits: u64, bound: Bytes) -> u32 {
        ((tensor.offset * 8 + first * bits - bound.start * 8) / bits) as u32
    }
}

/// Whether 32 bits count the elements of a binding. Those of bytes and more they do in all that
/// `MOST_BYTES` lets be bound.
fn check_index(bytes: u64, bits: u64) -> Result<(), Error> {
    let (needed, limit) = (bytes.saturating_mul(8) / bits, 1 << 32);
    if needed <= limit {
        return Ok(());
    }
    let hint = "let it begin within 512 MiB of what shares its buffer, or bind it from a buffer of its own";
    Err(Error::Limit { what: "bits from the start of a binding to the end of a mask", needed, limit, hint })
}

/// Where an operand's strides stand.
pub(super) fn place(what: Beside) -> usize {
    match what {
        Beside::Mask => levels::MASK,
        Beside::Bias => levels::BIAS,
        Beside::Lengths => levels::LENGTHS,
        Beside::Sinks => levels::SINKS,
        Beside::RowScale => levels::SCALES,
        Beside::Alibi => levels::SLOPES,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gpu::walk::MOST_BYTES;

    #[test]
    fn only_the_bits_of_a_mask_may_be_more_than_an_index_counts() {
        for bits in [8, 16, 32] {
            assert_eq!(check_index(MOST_BYTES, bits), Ok(()));
        }
        assert_eq!(check_index(512 << 20, 1), Ok(()));
        let far = check_index((512 << 20) + 4, 1).unwrap_err().to_string();
        assert!(far.contains("4294967328 needed") && far.contains("buffer of its own"), "{far}");
    }
}
