//! Times of repeated runs, and how many are taken.

use std::time::{Duration, Instant};

/// How long and how often something is measured.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// No new run begins after this time, once there are [`Effort::LEAST`].
    pub time: Duration,
    /// The most runs.
    pub samples: usize,
}

impl Effort {
    /// Fewer runs have no spread worth telling, and on a busy machine no median worth comparing with.
    pub const LEAST: usize = 5;

    /// Runs `once` with the number of the run, as often as there is time for.
    pub fn repeat<E>(&self, mut once: impl FnMut(usize) -> Result<Duration, E>) -> Result<Samples, E> {
        let begin = Instant::now();
        let mut seconds = Vec::new();
        while seconds.len() < self.samples.max(1)
            && (seconds.len() < Self::LEAST || begin.elapsed() < self.time)
        {
            seconds.push(once(seconds.len())?.as_secs_f64());
        }
        seconds.sort_by(f64::total_cmp);
        Ok(Samples { seconds })
    }
}

/// Times in seconds, in order. There is at least one.
#[derive(Clone, Debug)]
pub struct Samples {
    seconds: Vec<f64>,
}

impl Samples {
    /// The middle one.
    pub fn median(&self) -> f64 {
        self.at(0.5)
    }

    /// The quarter of the runs below and above which are not looked at: half of all lie between.
    pub fn quartiles(&self) -> (f64, f64) {
        (self.at(0.25), self.at(0.75))
    }

    /// The quickest.
    pub fn least(&self) -> f64 {
        self.at(0.0)
    }

    /// How many.
    pub fn count(&self) -> usize {
        self.seconds.len()
    }

    /// The time below which such a part of the runs lies, between two of them where it must.
    fn at(&self, part: f64) -> f64 {
        let place = part * (self.seconds.len() - 1) as f64;
        let (low, high) = (self.seconds[place.floor() as usize], self.seconds[place.ceil() as usize]);
        low + (high - low) * place.fract()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn effort(time: Duration, samples: usize) -> Effort {
        Effort { time, samples }
    }

    #[test]
    fn the_median_and_quartiles_are_in_the_middle() {
        let times = [5u64, 1, 4, 2, 3];
        let taken = effort(Duration::from_secs(9), 5);
        let samples = taken.repeat::<()>(|i| Ok(Duration::from_secs(times[i]))).unwrap();
        assert_eq!((samples.median(), samples.quartiles(), samples.least()), (3.0, (2.0, 4.0), 1.0));
        let even = effort(Duration::from_secs(9), 4).repeat::<()>(|i| Ok(Duration::from_secs(times[i])));
        assert_eq!(even.unwrap().median(), 3.0);
    }

    #[test]
    fn without_time_there_are_still_a_few_runs() {
        let samples = effort(Duration::ZERO, 100).repeat::<()>(|_| Ok(Duration::ZERO)).unwrap();
        assert_eq!(samples.count(), Effort::LEAST);
        let samples = effort(Duration::ZERO, 1).repeat::<()>(|_| Ok(Duration::ZERO)).unwrap();
        assert_eq!(samples.count(), 1);
    }
}
