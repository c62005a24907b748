//! Rows that no cache near a core holds: in pieces, whose maxima and sums are merged, on all threads. Rows
//! that lie side by side go together, so that each line of memory is used for all of them.

use std::ops::Range;

use super::Task;
use super::stage::{Block, TURNED_ROWS};
use crate::cpu::parallel;
use crate::cpu::reference::RowFinish;
use crate::cpu::rows::long::{self, LongResult};
use crate::cpu::rows::part::Part;
use crate::cpu::rows::{Io, Job};
use crate::cpu::scratch;
use crate::cpu::simd::WideTotal;
use crate::cpu::special::{from_key, settle_max};
use crate::dtype::Element;
use crate::masking::levels::SINKS;

/// Floats of a piece of a block.
const PIECE: usize = 1 << 14;

impl<X: Element, Y: Element> Task<'_, X, Y> {
    /// Computes a long row, or several that lie side by side, and says which is the next.
    pub(super) fn compute_long(&self, row: u64, end: u64) -> u64 {
        let together = if self.layout.is_turned() {
            let neighbours = self.layout.neighbours();
            (neighbours - row % neighbours).min(TURNED_ROWS as u64).min(end - row)
        } else {
            1
        };
        let rows = (row..row + together).map(|row| self.block_of(row));
        let block = rows.reduce(|block, row| self.join(&block, &row)).expect("at least one row");
        let block = Block { fill: false, sink: false, ..block };
        let job = Job {
            cols: (self.layout.len(row) + u64::from(self.masking.sinks.is_some())) as usize,
            ..self.job
        };
        let finishes = self.reduce(&job, &block);
        if job.op.kind.is_elementwise() {
            let whole = Block { cols: 0..self.layout.len(row), ..block.clone() };
            self.each_piece(&whole, &|piece, z| self.write_piece(&job, piece, z, &finishes));
        }
        row + together
    }

    /// Maximum and sum of each row, and what they make of it. Results of one per row are stored.
    fn reduce(&self, job: &Job, block: &Block) -> Vec<Option<RowFinish>> {
        let parts = self.map_pieces(block, &|z| parallel::part(job, z, Some(1)));
        let mut parts = merged(block, parts, Part::merge);
        self.add_sinks(block, |row, sink| {
            let sink = parallel::part(job, &[sink], Some(1));
            parts[row] = parts[row].map(|part| part.merge(sink)).or(Some(sink));
        });
        let keys: Vec<i32> =
            parts.iter().map(|part| part.map_or(crate::cpu::special::KEY_EMPTY, |part| part.key)).collect();
        let mut totals: Vec<Option<WideTotal>> =
            parts.iter().map(|part| part.and_then(|part| part.total)).collect();
        if keys.iter().zip(&totals).any(|(key, total)| total.is_none() && from_key(*key).is_finite()) {
            totals = self.sum_again(job, block, &keys);
        }
        (0..block.count())
            .map(|row| self.result(job, block.rows.start + row as u64, keys[row], totals[row]))
            .collect()
    }

    /// The sums against the rows' maxima, where one pass did not tell them.
    fn sum_again(&self, job: &Job, block: &Block, keys: &[i32]) -> Vec<Option<WideTotal>> {
        let cols = job.cols as u64;
        let sum = |z: &[f32], key: i32| parallel::sum(job, z, settle_max(key), cols, Some(1));
        let sums = self.map_rows(block, &|row, z| from_key(keys[row]).is_finite().then(|| sum(z, keys[row])));
        let both = |a: Option<WideTotal>, b: Option<WideTotal>| a.zip(b).map(|(a, b)| a.merge(b));
        let mut totals: Vec<_> = merged(block, sums, both).into_iter().map(Option::flatten).collect();
        self.add_sinks(block, |row, sink| {
            if from_key(keys[row]).is_finite() {
                let sink = sum(&[sink], keys[row]);
                totals[row] = Some(totals[row].map_or(sink, |total| total.merge(sink)));
            }
        });
        totals
    }

    fn add_sinks(&self, block: &Block, mut add: impl FnMut(usize, f32)) {
        let Some(sinks) = self.masking.sinks else { return };
        let mut row = 0;
        for run in self.layout.runs(block.rows.clone()) {
            for i in 0..run.len as u64 {
                let at = run.at[SINKS] + i * run.step[SINKS];
                add(row, sinks.data[at as usize]);
                row += 1;
            }
        }
    }

    fn result(&self, job: &Job, row: u64, key: i32, total: Option<WideTotal>) -> Option<RowFinish> {
        match long::result(job, key, total) {
            LongResult::Stats(stats) => {
                self.store_per_row(row * job.words as u64, bytemuck::cast_slice(&[stats]));
                None
            }
            LongResult::Elements(RowFinish::Fill(value)) if !job.op.kind.is_elementwise() => {
                self.store_per_row(row, &[value]);
                None
            }
            LongResult::Elements(finish) => Some(finish),
        }
    }

    fn write_piece(&self, job: &Job, piece: &Block, z: &mut [f32], finishes: &[Option<RowFinish>]) {
        for (z, finish) in z.chunks_exact_mut(piece.width()).zip(finishes.iter().flatten()) {
            parallel::write_row(job, Io::Same(z), finish, Some(1));
        }
        self.store(piece, z);
        self.fence();
    }

    /// Something of each row's piece, for each piece in order.
    fn map_pieces<T: Send>(&self, block: &Block, f: &(impl Fn(&[f32]) -> T + Sync)) -> Vec<Vec<T>> {
        self.map_rows(block, &|_, z| f(z))
    }

    fn map_rows<T: Send>(&self, block: &Block, f: &(impl Fn(usize, &[f32]) -> T + Sync)) -> Vec<Vec<T>> {
        let pieces: Vec<Block> = self.pieces(block).collect();
        let mut found: Vec<Vec<T>> = pieces.iter().map(|_| Vec::new()).collect();
        let work = |(piece, found): (Block, &mut Vec<T>)| {
            self.staged(&piece, |piece, z| {
                found.extend(z.chunks_exact(piece.width()).enumerate().map(|(row, z)| f(row, z)));
            });
        };
        parallel::share_all(self.threads, pieces.into_iter().zip(&mut found).collect(), &work);
        found
    }

    fn each_piece(&self, block: &Block, f: &(impl Fn(&Block, &mut [f32]) + Sync)) {
        parallel::share_all(self.threads, self.pieces(block).collect(), &|piece| self.staged(&piece, f));
    }

    fn staged(&self, piece: &Block, f: impl FnOnce(&Block, &mut [f32])) {
        let floats = piece.width() * piece.count();
        scratch::with_blocks(floats, |z| {
            self.stage(piece, &mut z[..floats]);
            f(piece, &mut z[..floats]);
        });
    }

    fn pieces(&self, block: &Block) -> impl Iterator<Item = Block> + use<X, Y> {
        let width = (PIECE / block.count()).max(16) as u64;
        let Range { start, end } = block.cols.clone();
        let block = block.clone();
        (start..end)
            .step_by(width as usize)
            .map(move |start| Block { cols: start..end.min(start + width), ..block.clone() })
    }
}

/// What the pieces say of each row, put together in order.
fn merged<T: Copy>(block: &Block, pieces: Vec<Vec<T>>, merge: impl Fn(T, T) -> T) -> Vec<Option<T>> {
    let mut all = vec![None; block.count()];
    for piece in pieces {
        for (all, part) in all.iter_mut().zip(piece) {
            *all = Some(all.map_or(part, |all| merge(all, part)));
        }
    }
    all
}
