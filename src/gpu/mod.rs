//! Softmax on a caller's `wgpu` device: nothing here submits, waits or reads back.

pub mod adapter;
pub mod planner;
pub mod source;
