//! What differs in a browser, where nothing may block and the system tells no time.

#[cfg(not(all(target_arch = "wasm32", target_os = "unknown")))]
pub(crate) use std::time::Instant;

#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
pub(crate) use web_time::Instant;

/// Whether the browser's own tasks answer what a device is asked, so that waiting for them would be
/// waiting for ever.
pub(crate) const IS_WEB: bool = cfg!(target_arch = "wasm32");
