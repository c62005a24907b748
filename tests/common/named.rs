//! The adapters that tests run on. The parent says where adapters come from, so that unit tests of the
//! library can use it too.

use super::{AdapterEntry, adapters};

/// Every adapter there is, or those named in `SOFTMAX_ADAPTERS` (parts of names or backends,
/// separated by commas), with what that left out printed.
pub fn test_adapters() -> Vec<AdapterEntry> {
    let found = pollster::block_on(adapters());
    assert!(
        !found.is_empty(),
        "no adapter: run `cargo xtask test`, which installs Mesa's software Vulkan on Debian and Ubuntu; \
         elsewhere install a Vulkan driver"
    );
    let Ok(wanted) = std::env::var("SOFTMAX_ADAPTERS") else { return found };
    let (kept, left): (Vec<_>, Vec<_>) = found.into_iter().partition(|entry| {
        let name = entry.to_string().to_lowercase();
        wanted.split(',').any(|part| name.contains(&part.trim().to_lowercase()))
    });
    for entry in &left {
        println!("left out by SOFTMAX_ADAPTERS={wanted}: {entry}");
    }
    assert!(!kept.is_empty(), "SOFTMAX_ADAPTERS={wanted} fits none of: {left:?}");
    kept
}
