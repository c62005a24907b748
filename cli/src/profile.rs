//! Profiles on the command line: the planner's thresholds from a file.

use std::path::Path;

use wgpu_softmax::Context;
use wgpu_softmax::gpu::{Options, Profile};

use crate::failure::Failure;

/// Reads a profile.
pub fn read(path: &Path) -> Result<Profile, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        Failure::of_file(path, format!("cannot be read: {error}; name a file that `softmax tune` wrote"))
    })?;
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
