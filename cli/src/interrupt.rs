//! What Ctrl-C and a request to end leave behind: nothing, or what the run can be resumed from. An output
//! that has its name stays, and the run with it: it ends as if nobody had asked.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::terminal;

/// The exit status after an interruption, as shells have it for Ctrl-C.
const STATUS: i32 = 130;

/// What is said where a run was ended from which another one can go on.
pub const RESUME: &str = "; what is done is kept, go on with --resume";

/// A file that has not got its name yet.
#[derive(Debug)]
pub struct Unfinished {
    /// Where it is.
    pub file: PathBuf,
    /// Whether another run could go on with it.
    pub is_kept: bool,
}

/// How much of an output there is for others to see.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum There {
    /// Nothing under its name.
    Nothing,
    /// The first bytes, in a device or a pipe, or the first of several files.
    Beginning,
    /// All of it.
    All,
}

/// What an interruption has to look at.
#[derive(Debug)]
pub struct Outputs {
    /// The unfinished files, which it removes unless they are kept.
    pub unfinished: Vec<Unfinished>,
    /// Whether it comes too late.
    pub there: There,
}

impl Outputs {
    /// Notes that one of them is complete: with the last one all is there.
    pub fn finished(&mut self) {
        self.there = if self.unfinished.is_empty() { There::All } else { There::Beginning };
    }
}

static OUTPUTS: Mutex<Outputs> = Mutex::new(Outputs { unfinished: Vec::new(), there: There::Nothing });

/// Whether the command is over, and holds the outputs for good.
static OVER: AtomicBool = AtomicBool::new(false);

/// How long a run whose output is written may take to report it, once it is interrupted.
const REPORT: Duration = Duration::from_secs(2);

/// The outputs; while the guard is held no interruption is acted on.
pub fn outputs() -> MutexGuard<'static, Outputs> {
    OUTPUTS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The command is over: no interruption is acted on any more, or one was and this never returns.
pub fn over() {
    let outputs = outputs();
    OVER.store(true, Ordering::Release);
    std::mem::forget(outputs);
}

/// From now on Ctrl-C, SIGTERM and SIGHUP remove the unfinished files and end the process.
///
/// A write beyond the allowed size of a file becomes an error that can be told.
///
/// Each of them that the parent has ignored, as `nohup` does with SIGHUP, stays ignored.
#[cfg(unix)]
pub fn catch() {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    use signal_hook::iterator::Signals;

    let heeded = [SIGINT, SIGTERM, SIGHUP].into_iter().filter(|&signal| !is_ignored(signal));
    // SAFETY: ignoring a signal runs no code of ours; for this one the system call fails instead.
    unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) };
    // Where this fails, a signal ends the process as it would without it.
    if let Ok(mut signals) = Signals::new(heeded) {
        let wait = move || {
            if signals.forever().next().is_some() {
                end()
            }
        };
        let _ = std::thread::Builder::new().name("signals".to_owned()).spawn(wait);
    }
}

/// From now on Ctrl-C and the like remove the unfinished files and end the process.
#[cfg(not(unix))]
pub fn catch() {
    let _ = ctrlc::try_set_handler(end);
}

#[cfg(unix)]
fn is_ignored(signal: libc::c_int) -> bool {
    let mut action = std::mem::MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: without a new action the call changes nothing and fills in the old one, for which all
    // zeros is a value as well. No crate we use asks without setting, and between setting and
    // setting back a signal would be lost.
    unsafe {
        libc::sigaction(signal, std::ptr::null(), action.as_mut_ptr()) == 0
            && action.assume_init().sa_sigaction == libc::SIG_IGN
    }
}

fn end() {
    let mut outputs = outputs();
    if outputs.there == There::All {
        drop(outputs);
        end_late();
    }
    let what = match outputs.there {
        There::Beginning => "the output is not complete",
        _ => "no output was written",
    };
    let mut line = format!("error: interrupted; {what}");
    if outputs.unfinished.iter().any(|unfinished| unfinished.is_kept) {
        line.push_str(RESUME);
    }
    remove(&mut outputs);
    terminal::clear_line();
    terminal::tell(&line);
    // The guard is still held: the file cannot get its final name any more.
    std::process::exit(STATUS);
}

/// Lets the run come to its own end, unless nobody takes its report.
fn end_late() -> ! {
    std::thread::sleep(REPORT);
    while OVER.load(Ordering::Acquire) {
        // The process ends with the command's own status.
        std::thread::park();
    }
    // What is being written beside the output, as measurements that are kept, gets its name first.
    remove(&mut outputs());
    terminal::tell("interrupted; the output was written, the report of it was not");
    std::process::exit(0);
}

fn remove(outputs: &mut Outputs) {
    for unfinished in outputs.unfinished.drain(..).filter(|unfinished| !unfinished.is_kept) {
        let _ = std::fs::remove_file(unfinished.file);
    }
}
