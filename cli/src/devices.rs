//! `softmax devices`: what there is to compute on.

use serde::Serialize;
use wgpu_softmax::DeviceChoice;
use wgpu_softmax::gpu::Rounding;
use wgpu_softmax::gpu::adapter::{AdapterEntry, adapters};
use wgpu_softmax::wgpu::Features;

use crate::device::choose;
use crate::failure::Failure;
use crate::terminal::{bytes, table};
use crate::{cpu, terminal};

/// List what there is to compute on, and which of it `auto` takes
///
/// The number before each adapter is what --device takes; a part of its name and "cpu" do too.
#[derive(clap::Args)]
pub struct Args {
    /// Print one JSON object instead of the list
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Devices {
    adapters: Vec<Adapter>,
    cpu: Cpu,
    auto: Auto,
}

/// The library's own CPU implementation.
#[derive(Serialize)]
struct Cpu {
    simd: &'static str,
    threads: usize,
}

/// What `auto` takes: an adapter's number, or none for the CPU.
#[derive(Serialize)]
struct Auto {
    index: Option<usize>,
    reason: String,
}

/// An adapter, with the limits that decide what runs on it.
#[derive(Serialize)]
struct Adapter {
    index: usize,
    name: String,
    backend: String,
    kind: String,
    driver: String,
    max_storage_binding_bytes: u64,
    max_buffer_bytes: u64,
    workgroup_storage_bytes: u32,
    invocations_per_workgroup: u32,
    workgroups_per_dimension: u32,
    subgroups: bool,
    subgroup_sizes: [u32; 2],
    timestamps: bool,
    shader_f16: bool,
    rounding: &'static str,
}

impl Args {
    /// Lists them.
    pub fn run(self) -> Result<(), Failure> {
        let found = pollster::block_on(adapters());
        let devices = Devices {
            adapters: found.iter().map(Adapter::from).collect(),
            cpu: Cpu { simd: cpu::simd(), threads: cpu::threads() },
            auto: auto(&found)?,
        };
        if self.json { terminal::print_json(&devices) } else { terminal::print(devices.text().as_bytes()) }
    }
}

fn auto(found: &[AdapterEntry]) -> Result<Auto, Failure> {
    Ok(match choose(&DeviceChoice::Auto, found)? {
        Ok(entry) => {
            Auto { index: Some(entry.index), reason: "the first hardware GPU in this list, for what the CPU would not have done before it has started".to_owned() }
        }
        Err(reason) => Auto { index: None, reason },
    })
}

impl From<&AdapterEntry> for Adapter {
    fn from(entry: &AdapterEntry) -> Self {
        let (limits, features) = (entry.adapter.limits(), entry.adapter.features());
        Self {
            index: entry.index,
            name: entry.info.name.clone(),
            backend: entry.info.backend.to_string(),
            kind: if entry.is_hardware() { "GPU" } else { "software" }.to_owned(),
            driver: format!("{} {}", entry.info.driver, entry.info.driver_info).trim().to_owned(),
            max_storage_binding_bytes: limits.max_storage_buffer_binding_size,
            max_buffer_bytes: limits.max_buffer_size,
            workgroup_storage_bytes: limits.max_compute_workgroup_storage_size,
            invocations_per_workgroup: limits.max_compute_invocations_per_workgroup,
            workgroups_per_dimension: limits.max_compute_workgroups_per_dimension,
            subgroups: features.contains(Features::SUBGROUP),
            subgroup_sizes: [entry.info.subgroup_min_size, entry.info.subgroup_max_size],
            timestamps: features.contains(Features::TIMESTAMP_QUERY),
            shader_f16: features.contains(Features::SHADER_F16),
            rounding: Rounding::of(entry.info.backend, features).name(),
        }
    }
}

impl Devices {
    fn text(&self) -> String {
        let mut text: String = self.adapters.iter().map(Adapter::text).collect();
        text.push_str(&format!("cpu  {}\n\n", cpu::description()));
        let takes = self.auto.index.map_or_else(|| "the CPU".to_owned(), |index| format!("device {index}"));
        text.push_str(&format!("auto takes {takes}: {}\n", self.auto.reason));
        text
    }
}

impl Adapter {
    fn text(&self) -> String {
        let row = |name: &str, text: String| vec![format!("      {name}"), text];
        let rows = [
            row("driver", self.driver.clone()),
            row(
                "buffers",
                format!("{}, {} bound", bytes(self.max_buffer_bytes), bytes(self.max_storage_binding_bytes)),
            ),
            row("workgroups", self.workgroups()),
            row("subgroups", self.subgroups()),
            row("timestamps", yes(self.timestamps)),
            row("f16", yes(self.shader_f16)),
            row("roundings", self.rounding.to_owned()),
        ];
        format!("{:<3}  {} ({}, {})\n{}\n", self.index, self.name, self.backend, self.kind, table(&rows))
    }

    fn workgroups(&self) -> String {
        let (threads, shared) = (self.invocations_per_workgroup, self.workgroup_storage_bytes);
        format!("{threads} threads, {shared} bytes shared, {} per dimension", self.workgroups_per_dimension)
    }

    fn subgroups(&self) -> String {
        match self.subgroup_sizes {
            _ if !self.subgroups => yes(false),
            [min, max] if min == max => format!("of {min}"),
            [min, max] => format!("of {min} to {max}"),
        }
    }
}

fn yes(there: bool) -> String {
    if there { "yes" } else { "no" }.to_owned()
}
