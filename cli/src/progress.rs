//! A bar on the terminal for work that takes long.

use std::cell::Cell;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Work that ends sooner is over before anyone could read the bar.
const LONG: Duration = Duration::from_millis(500);

/// One bar for one part of the work. It appears when the work turns out to be long, if standard error
/// is a terminal, and is gone when the part is over.
#[derive(Debug)]
pub struct Progress {
    bar: ProgressBar,
    since: Instant,
    shown: Cell<bool>,
}

impl Progress {
    /// A bar for so many bytes. `since` is when the whole work began.
    pub fn new(what: &'static str, bytes: usize, since: Instant) -> Self {
        let template = "{msg:9} {wide_bar} {decimal_bytes:>9}/{decimal_total_bytes} {decimal_bytes_per_sec:>11} {eta:>4} left";
        Self::with(what, Some(bytes as u64), template, since)
    }

    /// A count of things of which nobody knows how many there are.
    pub fn counting(what: &'static str, since: Instant) -> Self {
        Self::with(what, None, "{spinner} {pos} {msg} {elapsed}", since)
    }

    /// A bar for so many measurements; [`Progress::say`] tells which one is under way.
    pub fn cells(count: usize, since: Instant) -> Self {
        Self::with("", Some(count as u64), "{wide_bar} {pos}/{len} {eta:>4} left  {msg:40!}", since)
    }

    /// What is under way.
    pub fn say(&self, what: String) {
        self.bar.set_message(what);
    }

    fn with(what: &'static str, length: Option<u64>, template: &str, since: Instant) -> Self {
        let bar = ProgressBar::with_draw_target(length, ProgressDrawTarget::hidden());
        bar.set_style(
            ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()),
        );
        bar.set_message(what);
        Self { bar, since, shown: Cell::new(false) }
    }

    /// So many bytes of so many are done.
    pub fn of(&self, done: u64, all: u64) {
        self.bar.set_length(all);
        self.advance_to(done as usize);
    }

    /// So many are done.
    pub fn advance_to(&self, done: usize) {
        if !self.shown.get() && self.since.elapsed() > LONG {
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
            self.shown.set(true);
        }
        self.bar.set_position(done as u64);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
