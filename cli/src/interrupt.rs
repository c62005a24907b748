//! What Ctrl-C and a request to end leave behind: nothing, or what the run can be resumed from.

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

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

/// The unfinished files, which an interruption removes unless they are kept.
static UNFINISHED: Mutex<Vec<Unfinished>> = Mutex::new(Vec::new());

/// The unfinished files; while the guard is held no interruption is acted on.
pub fn unfinished() -> MutexGuard<'static, Vec<Unfinished>> {
    UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner)
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
    let mut guard = unfinished();
    let mut line = "error: interrupted; no output was written".to_owned();
    if guard.iter().any(|unfinished| unfinished.is_kept) {
        line.push_str(RESUME);
    }
    for unfinished in guard.drain(..).filter(|unfinished| !unfinished.is_kept) {
        let _ = std::fs::remove_file(unfinished.file);
    }
    terminal::clear_line();
    terminal::tell(&line);
    // The guard is still held: the file cannot get its final name any more.
    std::process::exit(STATUS);
}
