//! Profiles on the command line: the planner's thresholds from a file.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use wgpu_softmax::Context;
use wgpu_softmax::gpu::{Options, Profile};

use crate::failure::Failure;

/// A profile is a few lines; what is longer is none, and may have no end.
const MOST: u64 = 1 << 20;

/// Reads a profile.
pub fn read(path: &Path) -> Result<Profile, Failure> {
    const NAME: &str = "name a file that `softmax tune` wrote";
    let mut text = String::new();
    let read = File::open(path).and_then(|file| file.take(MOST + 1).read_to_string(&mut text));
    match read {
        Err(error) => return Err(Failure::of_file(path, format!("cannot be read: {error}; {NAME}"))),
        Ok(length) if length as u64 > MOST => {
            return Err(Failure::of_file(path, format!("a profile has at most {MOST} bytes; {NAME}")));
        }
        Ok(_) => {}
    }
    Profile::parse(&text).map_err(|error| Failure::of_file(path, error))
}

/// Plans by a profile from now on; the CPU has no thresholds, and goes on without.
pub fn apply(context: &mut Context, profile: &Profile) -> Result<(), Failure> {
    pollster::block_on(context.set_options(Options::default().profile(profile.clone())))?;
    match (context.ops(), context.adapter()) {
        (Some(ops), Some(entry)) if ops.profile() != profile => {
            let key = profile.key().to_string().lines().collect::<Vec<_>>().join(", ");
            Err(Failure::Cannot(format!(
                "the profile is for {key}, and {entry} is not that; write one with `softmax tune --device {}`",
                entry.index
            )))
        }
        _ => Ok(()),
    }
}
