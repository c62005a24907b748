//! The battery itself: what it must contain, and that `cpu::run` gives the specification's bits.

use std::collections::HashSet;

use wgpu_softmax::verify::{Case, Thoroughness, cases, expected, first_difference};
use wgpu_softmax::{OpKind, Shape, cpu};

fn quick() -> impl Iterator<Item = Case> {
    cases(Thoroughness::Quick, &[777])
}

#[test]
fn it_is_the_same_each_time_and_small_enough_for_a_software_adapter() {
    for kind in OpKind::ALL {
        let elements: usize = quick().filter(|c| c.op.kind == kind).map(|c| c.data.len()).sum();
        assert!((1_000_000..2_000_000).contains(&elements), "{elements} for {}", kind.name());
    }
    for (a, b) in quick().zip(quick()) {
        assert_eq!((&a.name, a.rows, a.cols), (&b.name, b.rows, b.cols));
        assert_eq!(a.data.len(), a.rows * a.cols, "{}", a.name);
        assert!(a.data.iter().zip(&b.data).all(|(x, y)| x.to_bits() == y.to_bits()), "{}", a.name);
    }
}

#[test]
fn it_has_the_lengths_values_and_results_it_is_for() {
    let (mut lengths, mut inputs, mut results) = (HashSet::new(), HashSet::new(), HashSet::new());
    for case in quick().filter(|c| c.op.kind == OpKind::Softmax) {
        lengths.insert(case.cols);
        inputs.extend(case.data.iter().map(|x| x.to_bits()));
        results.extend(expected(&case));
    }
    for cols in [0, 1, 2, 3, 31, 32, 33, 777, 1023, 1024, 1025, 16_385, 1 << 18, (1 << 18) + 1] {
        assert!(lengths.contains(&cols), "no row of {cols}");
    }
    for bits in [0x7f80_0001, 0xffff_ffff, 0x7f80_0000, 0xff80_0000, 0x8000_0000, 1, 0x0080_0000, 0xff7f_ffff]
    {
        assert!(inputs.contains(&bits), "no {bits:#x}");
    }
    // Results: NaN, 0, 1, and some in each of the last binades above 2^-126.
    assert!(results.contains(&0x7fc0_0000) && results.contains(&0) && results.contains(&0x3f80_0000));
    for exponent in 1..127 {
        assert!(results.iter().any(|y| y >> 23 == exponent), "no result of 2^{}", exponent as i32 - 127);
    }
}

#[test]
fn the_cpu_gives_the_specifications_bits() {
    for case in quick().filter(|c| c.op.kind != OpKind::RowStats) {
        let shape = Shape::rows(case.rows, case.cols);
        let expected = expected(&case);
        let mut got = vec![f32::from_bits(0xdead_beef); expected.len()];
        cpu::run(case.op, &case.data, shape, &mut got).unwrap();
        let got: Vec<u32> = got.iter().map(|y| y.to_bits()).collect();
        if let Some(difference) = first_difference(&case, &expected, &got) {
            panic!("{difference}");
        }
    }
}

#[test]
fn one_wrong_bit_in_any_word_is_found_and_named() {
    for case in quick().filter(|c| c.rows == 14 && c.cols == 33) {
        let expected = expected(&case);
        for index in 0..expected.len() {
            let mut got = expected.clone();
            got[index] ^= 1;
            let found = first_difference(&case, &expected, &got).unwrap();
            let words = case.words_per_row();
            assert_eq!((found.row, found.column), (index / words, index % words));
            assert_eq!((found.expected, found.got), (Some(expected[index]), Some(got[index])));
            assert!(!found.to_string().contains('\n') && found.to_string().contains(&case.name));
        }
        assert!(first_difference(&case, &expected, &expected[1..]).is_some());
    }
}
