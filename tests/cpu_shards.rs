//! A row cut anywhere: the statistics of its parts merge to those of the whole row, whatever integers
//! carry them, and each part is finished to the bits that it has in the whole row's result.
//!
//! Each length has one spread by default; `SOFTMAX_FULL=1` takes every one.

use wgpu_softmax::cpu::{self, Options, reference};
use wgpu_softmax::{
    EmptyRow, Error, LogSoftmax, LogSumExp, Op, Precision, RowMax, RowStats, RowSum, Shape, Softmax, Softmin,
};

#[path = "cpu_rows/mod.rs"]
mod cpu_rows;
use cpu_rows::{Random, full, specials, spread_row, ways};

/// The columns of each part.
struct Cut {
    cols: usize,
    places: Vec<usize>,
}

impl Cut {
    /// In parts of all sizes: none, one element, less than a vector, the rest.
    fn of(cols: usize) -> Self {
        let mut places = vec![0, 0, 1, 8, cols / 3, cols / 3 + 5, cols];
        places.iter_mut().for_each(|place| *place = (*place).min(cols));
        places.sort_unstable();
        Self { cols, places }
    }

    fn parts(&self) -> impl Iterator<Item = (usize, usize)> {
        self.places.windows(2).map(|ends| (ends[0], ends[1]))
    }

    /// The same columns of each row.
    fn part(&self, x: &[f32], (from, to): (usize, usize)) -> (Vec<f32>, Shape) {
        let rows = x.len() / self.cols;
        let part = x.chunks(self.cols).flat_map(|row| row[from..to].to_vec()).collect();
        (part, Shape::rows(rows, to - from))
    }

    /// The statistics of the rows, from those of the parts, merged as a stock integer maximum and a
    /// stock integer sum do it.
    fn statistics(&self, options: &Options, scale: f32, x: &[f32]) -> Vec<RowStats> {
        let rows = x.len() / self.cols;
        let (mut keys, mut lanes) = (vec![i32::MIN; rows], vec![[0u64; RowSum::LANES]; rows]);
        for part in self.parts() {
            let ((x, shape), mut here) = (self.part(x, part), vec![RowMax::EMPTY; rows]);
            cpu::row_max_with(options, scale, &x, shape, &mut here).unwrap();
            keys.iter_mut().zip(here).for_each(|(key, here)| *key = here.to_lane().max(*key));
        }
        let max: Vec<_> = keys.into_iter().map(RowMax::from_lane).collect();
        for part in self.parts() {
            let ((x, shape), mut here) = (self.part(x, part), vec![RowSum::default(); rows]);
            cpu::row_sum_with(options, scale, &x, shape, &max, self.cols as u64, &mut here).unwrap();
            for (lanes, here) in lanes.iter_mut().zip(here) {
                lanes.iter_mut().zip(here.to_lanes()).for_each(|(sum, lane)| *sum += lane);
            }
        }
        max.into_iter().zip(lanes).map(|(max, sum)| RowStats::new(max, RowSum::from_lanes(sum))).collect()
    }
}

fn bits(x: &[f32]) -> Vec<u32> {
    x.iter().map(|x| x.to_bits()).collect()
}

/// Rows of one length: random ones, and one with each special value.
fn rows_of(cols: usize, spread: f32) -> Vec<f32> {
    let mut random = Random::new(cols as u64);
    let mut x = spread_row(&mut random, 3 * cols, spread);
    for special in specials().into_iter().filter(|_| cols < 100_000) {
        x.extend(spread_row(&mut random, cols, spread));
        let last = x.len() - 1;
        x[last - cols / 2] = special;
    }
    x.extend(vec![f32::NEG_INFINITY; cols]);
    x
}

fn check_parts(op: Op, x: &[f32], cut: &Cut, stats: &[RowStats], options: &Options) {
    let mut whole = vec![0.0; x.len()];
    cpu::run(op, x, Shape::rows(stats.len(), cut.cols), &mut whole).unwrap();
    for part in cut.parts() {
        let (x, shape) = cut.part(x, part);
        let expected = bits(&cut.part(&whole, part).0);
        let what = || format!("{op:?} {options:?} columns {part:?} of {}", cut.cols);
        let mut y = vec![f32::from_bits(0xdead_beef); x.len()];
        cpu::finish_with(options, op, &x, shape, stats, cut.cols as u64, &mut y).unwrap();
        assert!(bits(&y) == expected, "{}", what());
        let mut data = x;
        cpu::finish_in_place_with(options, op, &mut data, shape, stats, cut.cols as u64).unwrap();
        assert!(bits(&data) == expected, "in place: {}", what());
    }
}

#[test]
fn parts_of_rows_are_finished_to_the_bits_of_whole_rows() {
    let shapes = [(7, 1.0), (90, 1.0), (5000, 0.3), (50_257, -1.0), (262_144, 1.0), (300_001, 1.0)];
    let spreads = [1.0, 40.0, 1e4];
    for (i, (cols, scale)) in shapes.into_iter().enumerate() {
        for spread in spreads.into_iter().filter(|s| full() || *s == spreads[i % 3]) {
            let (x, cut) = (rows_of(cols, spread), Cut::of(cols));
            let expected: Vec<_> = x.chunks(cols).map(|row| reference::row_stats(row, scale)).collect();
            for options in ways() {
                let stats = cut.statistics(&options, scale, &x);
                assert_eq!(stats, expected, "{options:?} {cols}");
                for empty_row in [EmptyRow::Nan, EmptyRow::Zero] {
                    for op in [Op::from(Softmax::new()), Softmin::new().into(), LogSoftmax::new().into()] {
                        let op = op.scale(scale).empty_row(empty_row);
                        check_parts(op, &x, &cut, &stats, &options);
                    }
                }
            }
        }
    }
}

#[test]
fn log_sum_exp_follows_from_the_statistics() {
    for cols in [7, 1000, 300_001] {
        let (x, cut) = (rows_of(cols, 20.0), Cut::of(cols));
        let stats = cut.statistics(&Options::new(), 0.5, &x);
        let found: Vec<f32> = stats.iter().map(|row| row.logsumexp(cols as u64)).collect();
        let mut expected = vec![0.0; stats.len()];
        let op = LogSumExp::new().scale(0.5);
        cpu::run(op, &x, Shape::rows(stats.len(), cols), &mut expected).unwrap();
        assert_eq!(bits(&found), bits(&expected));
    }
    assert_eq!(RowStats::new(RowMax::EMPTY, RowSum::default()).logsumexp(0), f32::NEG_INFINITY);
}

#[test]
fn the_exact_statistics_make_a_fast_result_reproducible() {
    let x = spread_row(&mut Random::new(3), 5000, 9.0);
    let (shape, stats) = (Shape::rows(1, 5000), [reference::row_stats(&x, 1.0)]);
    let [mut fast, mut exact] = [vec![0.0; 5000], vec![0.0; 5000]];
    cpu::finish(Softmax::new().precision(Precision::Fast), &x, shape, &stats, 5000, &mut fast).unwrap();
    cpu::softmax(&x, shape, &mut exact).unwrap();
    assert_eq!(bits(&fast), bits(&exact));
}

#[test]
fn what_does_not_fit_is_an_error_and_nothing_is_written() {
    let x = [1.0, 2.0, 3.0, 4.0];
    let stats = [reference::row_stats(&x[..2], 1.0), reference::row_stats(&x[2..], 1.0)];
    let shape = Shape::rows(2, 2);
    let fails = |op: Op, x: &[f32], stats: &[RowStats], len: usize| {
        let mut y = [7.0; 5];
        let error = cpu::finish(op, x, shape, stats, 2, &mut y[..len]).unwrap_err();
        assert_eq!(y, [7.0; 5], "{error}");
        error
    };
    let op: Op = Softmax::new().into();
    for (x, stats, len, name) in
        [(&x[..3], &stats[..], 4, "input"), (&x, &stats, 5, "output"), (&x, &stats[..1], 4, "statistics")]
    {
        let error = fails(op, x, stats, len);
        assert!(matches!(error, Error::Length { operand, .. } if operand == name), "{error}");
    }
    assert!(matches!(fails(op.scale(f32::NAN), &x, &stats, 4), Error::NotFinite { .. }));
    assert!(matches!(fails(LogSumExp::new().into(), &x, &stats, 4), Error::NotInPlace { .. }));
    let unmerged = [stats[0], RowStats::new(stats[1].max, RowSum::default())];
    let error = fails(op, &x, &unmerged, 4);
    assert!(matches!(error, Error::Statistics { row: 1, .. }));
    assert!(error.to_string().contains("row 1") && error.to_string().contains("merge"), "{error}");
}

#[test]
fn parts_without_elements_and_no_rows_are_fine() {
    let stats = [reference::row_stats(&[1.0], 1.0)];
    cpu::finish(Softmax::new(), &[], Shape::rows(1, 0), &stats, 1, &mut []).unwrap();
    cpu::finish(Softmax::new(), &[], Shape::rows(0, 3), &[], 1, &mut []).unwrap();
}
