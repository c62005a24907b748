//! Medians over rounds.

use serde::{Deserialize, Serialize};

use super::Times;
use crate::protocol::Sample;

/// Times of one contestant over the rounds, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// The least.
    pub best: f64,
    /// The first quartile.
    pub low: f64,
    /// The median.
    pub median: f64,
    /// The third quartile.
    pub high: f64,
}

/// A contestant's time divided by one of ours in the same round, the median over rounds: above 1,
/// ours is faster.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Versus {
    /// Which of ours.
    pub ours: String,
    /// By the wall.
    pub wall: f64,
    /// By the time of all the process's threads.
    pub cpu: f64,
    /// By the devices' own clocks, where both have one.
    pub device: Option<f64>,
}

impl Times {
    /// The times of some rounds.
    pub fn of(samples: &[Sample]) -> Self {
        Self {
            wall: spread(samples.iter().map(|s| s.wall).collect()),
            cpu: spread(samples.iter().map(|s| s.cpu).collect()),
            device: samples.iter().map(|s| s.device).collect::<Option<_>>().map(spread),
        }
    }
}

impl Versus {
    /// A peer's rounds by ours.
    pub fn of(peer: &[Sample], name: &str, ours: &[Sample]) -> Self {
        let median = |of: fn(&Sample) -> Option<f64>| {
            let each = peer.iter().zip(ours).map(|(p, o)| Some(of(p)? / of(o)?));
            each.collect::<Option<Vec<f64>>>().map(|each| quartile(each, 2))
        };
        Self {
            ours: name.to_owned(),
            wall: median(|s| Some(s.wall)).expect("every round has it"),
            cpu: median(|s| Some(s.cpu)).expect("every round has it"),
            device: median(|s| s.device),
        }
    }
}

fn spread(nanoseconds: Vec<f64>) -> Spread {
    let at = |quarter| quartile(nanoseconds.clone(), quarter) / 1e6;
    Spread { best: at(0), low: at(1), median: at(2), high: at(3) }
}

/// The element that `quarter` quarters of the others lie below.
fn quartile(mut values: Vec<f64>, quarter: usize) -> f64 {
    values.sort_by(f64::total_cmp);
    values[(values.len() - 1) * quarter / 4]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(wall: f64, device: Option<f64>) -> Sample {
        Sample { wall, cpu: 2.0 * wall, device }
    }

    #[test]
    fn ratios_are_taken_within_a_round() {
        // Medians of 3 and 2 would give 1.5; the machine was slow in the last round for both.
        let peer = [3.0, 3.0, 40.0].map(|wall| sample(wall, None));
        let ours = [2.0, 1.0, 20.0].map(|wall| sample(wall, Some(1.0)));
        let versus = Versus::of(&peer, "fast", &ours);
        assert_eq!((versus.wall, versus.cpu, versus.device), (2.0, 2.0, None));
    }

    #[test]
    fn times_are_milliseconds_and_need_every_rounds_clock() {
        let times = Times::of(&[5e6, 1e6, 3e6, 2e6, 4e6].map(|wall| sample(wall, Some(1e6))));
        assert_eq!(times.wall, Spread { best: 1.0, low: 2.0, median: 3.0, high: 4.0 });
        assert_eq!(times.device.expect("every round had it").median, 1.0);
        assert_eq!(Times::of(&[sample(1.0, Some(1.0)), sample(1.0, None)]).device, None);
    }
}
