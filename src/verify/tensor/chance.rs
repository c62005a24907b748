//! Cases by chance: shapes, types and operands in combinations that nobody thought of.

use super::{Beside, Elements, OwnedMasking, TensorCase};
use crate::verify::random::Random;
use crate::verify::special::VALUES;
use crate::{DType, EmptyRow, Op, OpKind, Shape, Window};

/// Types of f32 arithmetic.
const TYPES: [DType; 3] = [DType::F32, DType::F16, DType::BF16];

struct Chance(Random);

impl Chance {
    fn below(&mut self, limit: usize) -> usize {
        self.0.below(limit)
    }

    /// True once in so many times.
    fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }

    fn signed(&mut self) -> f32 {
        self.0.signed()
    }

    fn axes(&mut self, long: Option<usize>) -> Vec<usize> {
        let mut dims: Vec<usize> = (0..1 + self.below(5))
            .map(|_| match self.below(12) {
                0 | 1 => 1,
                2..=8 => 1 + self.below(9),
                9 => 1 + self.below(40),
                10 => 16 + self.below(4),
                _ if self.once_in(6) => 0,
                _ => 1 + self.below(70),
            })
            .collect();
        if let Some(long) = long {
            dims.iter_mut().for_each(|dim| *dim = (*dim).clamp(1, 3));
            let place = self.below(dims.len());
            dims[place] = long;
        }
        while dims.iter().product::<usize>() > 200_000 + 4 * long.unwrap_or(0) {
            let place = self.below(dims.len());
            if Some(dims[place]) != long {
                dims[place] = (dims[place] / 2).max(1);
            }
        }
        dims
    }

    /// Axes that broadcast to others.
    fn broadcast(&mut self, dims: &[usize]) -> Vec<usize> {
        let first = self.below(dims.len() + 1);
        dims[first..].iter().map(|&dim| if self.once_in(3) { 1 } else { dim }).collect()
    }

    /// An operand of such axes, once in so many times.
    fn beside<T>(
        &mut self,
        times: usize,
        dims: &[usize],
        mut element: impl FnMut(&mut Self) -> T,
    ) -> Option<Beside<Vec<T>>> {
        if !self.once_in(times) {
            return None;
        }
        let dims = self.broadcast(dims);
        Some(Beside { data: (0..dims.iter().product()).map(|_| element(self)).collect(), dims })
    }

    fn masking(&mut self, dims: &[usize], shape: Shape, odd: bool) -> OwnedMasking {
        let kept: Vec<usize> = shape.kept_dims().iter().map(|&dim| dim as usize).collect();
        let (hidden, cols) = (1 + self.below(4), shape.cols() as usize);
        let bias = self.beside(3, dims, |chance| match chance.below(6) {
            0 => f32::NEG_INFINITY,
            1 if odd && chance.once_in(9) => f32::NAN,
            _ => 3.0 * chance.signed(),
        });
        let dtype = self.of(&TYPES);
        let mut masking =
            OwnedMasking {
                mask: self.beside(3, dims, |chance| !chance.once_in(hidden)),
                in_bits: self.once_in(2),
                bias: bias.map(|bias| Beside { data: Elements::of(dtype, &bias.data), dims: bias.dims }),
                lengths: self.beside(3, &kept, |chance| {
                    if chance.once_in(4) { 0 } else { chance.below(cols + 1) as u32 }
                }),
                sinks: self.beside(3, &kept, |chance| {
                    if chance.once_in(5) { f32::NEG_INFINITY } else { 5.0 * chance.signed() }
                }),
                row_scale: self.beside(4, &kept, |chance| {
                    if odd && chance.once_in(9) { f32::NAN } else { 2.0 * chance.signed() }
                }),
                ..OwnedMasking::default()
            };
        let rank = dims.len();
        let only_last = (0..rank).all(|axis| shape.is_reduced(axis) == (axis + 1 == rank));
        if only_last && self.once_in(2) {
            masking.window = Some(self.window());
        }
        if only_last && self.once_in(3) {
            let heads = if rank >= 3 && self.once_in(2) { dims[rank - 3] } else { 1 };
            masking.alibi = Some((0..heads).map(|_| self.signed()).collect());
        }
        masking
    }

    fn window(&mut self) -> Window {
        let (before, after) = (self.below(300) as u64, self.below(500) as u64);
        let windows = [
            Window::causal(),
            Window::sliding(before + 1),
            Window::around(Some(before), Some(after)),
            Window::around(None, None),
        ];
        let offsets = [0, 0, self.below(2000) as i64 - 700, i64::MAX, i64::MIN];
        self.of(&windows).offset(self.of(&offsets))
    }

    fn elements(&mut self, count: usize, cols: usize, odd: bool) -> Vec<f32> {
        let (spread, middle) = (self.of(&[1.0, 8.0, 40.0, 0.01]), self.of(&[0.0, 0.0, 100.0, -40_000.0]));
        // In about half of the rows.
        let rate = 2 * cols + 1;
        (0..count)
            .map(|_| {
                let special = odd && self.once_in(rate);
                if special { f32::from_bits(self.of(&VALUES)) } else { middle + spread * self.signed() }
            })
            .collect()
    }
}

/// The case of a number: an array of any axes and types with anything beside it. One axis is `long`
/// elements where that is given.
///
/// # Panics
/// Never, whatever the number.
pub fn tensor_by_chance(number: u64, long: Option<usize>) -> TensorCase {
    let mut chance = Chance(Random::of("tensors by chance", number as usize, long.unwrap_or(0)));
    let dims = chance.axes(long);
    let mut axes: Vec<isize> = (0..dims.len() as isize).filter(|_| chance.once_in(2)).collect();
    if let Some(place) = dims.iter().position(|dim| Some(*dim) == long).filter(|_| chance.once_in(2)) {
        axes = vec![place as isize];
    } else if chance.once_in(3) {
        axes = vec![-1];
    }
    let shape = Shape::along(&dims, &axes).expect("the axes are there");
    let odd = chance.once_in(3);
    let numbers = chance.elements(dims.iter().product(), shape.cols() as usize, odd);
    let (input, other) = (chance.of(&TYPES), chance.of(&TYPES));
    let output = if chance.once_in(2) { input } else { other };
    let kinds = if output == DType::F32 { &OpKind::ALL[..] } else { &OpKind::ALL[..3] };
    let mut op = Op::new(chance.of(kinds));
    op.scale = chance.of(&[1.0, 1.0, 1.0, 0.5, -1.5, 0.0, 1e-30, 3.0]);
    op.empty_row = chance.of(&[EmptyRow::Usual, EmptyRow::Nan, EmptyRow::Zero]);
    let masking = chance.masking(&dims, shape, odd);
    let data = Elements::of(input, &numbers);
    TensorCase {
        name: format!("number {number}, {input} to {output}"),
        op,
        dims,
        axes,
        data,
        output,
        masking,
    }
}
