//! Row statistics travel through `serde` with every bit.

use wgpu_softmax::cpu::reference::row_stats;
use wgpu_softmax::{RowMax, RowStats, RowSum};

fn through_json<T: serde::Serialize + serde::de::DeserializeOwned>(value: &T) -> T {
    serde_json::from_str(&serde_json::to_string(value).unwrap()).unwrap()
}

#[test]
fn statistics_come_back_as_they_were() {
    for row in [&[1.5, -2.0, 1.5][..], &[f32::NEG_INFINITY], &[f32::NAN, 1.0], &[1e30; 1000], &[]] {
        let stats = row_stats(row, 1.0);
        assert_eq!(through_json(&stats), stats);
        assert_eq!(through_json(&stats.max), stats.max);
        assert_eq!(through_json(&stats.sum), stats.sum);
    }
}

#[test]
fn what_no_row_has_is_refused_or_made_whole() {
    assert_eq!(serde_json::from_str::<RowMax>("2147483647").unwrap(), RowMax::of(f32::NAN));
    for text in ["1.5", "-3000000000", "null"] {
        assert!(serde_json::from_str::<RowMax>(text).is_err(), "{text}");
    }
    for text in ["[1,2,3]", "[1,2,3,4294967296]", "[0,0,0,-1]"] {
        assert!(serde_json::from_str::<RowSum>(text).is_err(), "{text}");
    }
    assert!(serde_json::from_str::<RowStats>("[0]").is_err());
}
