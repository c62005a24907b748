//! Every module of the catalogue is valid and translates to what each graphics API takes: SPIR-V
//! (checked by spirv-val), MSL, HLSL and GLSL.

use std::io::Write;
use std::process::{Command, Stdio};

use naga::ShaderStage::Compute;
use naga::back::pipeline_constants::process_overrides;
use naga::back::{PipelineConstants, glsl, hlsl, msl, spv};
use naga::proc::BoundsCheckPolicies;
use naga::valid::{Capabilities, ModuleInfo, ValidationFlags, Validator};
use wgpu_softmax::gpu::Rounding;
use wgpu_softmax::gpu::source::{Source, catalogue};

/// Calls `f` with each entry point's module of those roundings, its overrides given their values.
fn for_each_entry(
    taken: fn(Rounding) -> bool,
    mut f: impl FnMut(&Source, &'static str, &naga::Module, &ModuleInfo),
) {
    let sources: Vec<_> = catalogue().into_iter().filter(|source| taken(source.rounding)).collect();
    assert!(sources.len() > 100, "the catalogue has {} modules", sources.len());
    for source in sources {
        let fail = |e: String| -> ! { panic!("{}: {e}", source.name) };
        let module = naga::front::wgsl::parse_str(&source.wgsl)
            .unwrap_or_else(|e| fail(e.emit_to_string(&source.wgsl)));
        let info = Validator::new(ValidationFlags::all(), Capabilities::all())
            .validate(&module)
            .unwrap_or_else(|e| fail(e.emit_to_string(&source.wgsl)));
        let mut constants = PipelineConstants::default();
        constants.extend(source.constants.iter().map(|(name, value)| (name.to_string(), *value)));
        for entry in source.entry_points {
            let (module, info) = process_overrides(&module, &info, Some((Compute, entry)), &constants)
                .unwrap_or_else(|e| fail(e.to_string()));
            f(&source, entry, &module, &info);
        }
    }
}

/// Only SPIR-V has decorations.
fn is_sealed(rounding: Rounding) -> bool {
    rounding == Rounding::Sealed
}

#[test]
fn spirv_passes_its_validator() {
    for version in ["vulkan1.1", "vulkan1.3"] {
        for_each_entry(is_sealed, |source, entry, module, info| {
            let lang_version = if version == "vulkan1.1" { (1, 3) } else { (1, 6) };
            let options = spv::Options { lang_version, fake_missing_bindings: true, ..Default::default() };
            let pipeline = spv::PipelineOptions { shader_stage: Compute, entry_point: entry.to_string() };
            let words = spv::write_vec(module, info, &options, Some(&pipeline))
                .unwrap_or_else(|e| panic!("{} {entry}: {e}", source.name));
            validate(bytemuck::cast_slice(&words), version, &source.name);
        });
    }
}

/// What drivers are given as it is, for the least version that takes it and for the newest.
#[test]
fn decorated_spirv_passes_its_validator() {
    let decorated = catalogue().into_iter().filter(|source| !is_sealed(source.rounding));
    let mut checked = 0;
    for source in decorated {
        let least = if source.subgroups { ((1, 3), "vulkan1.1") } else { ((1, 0), "vulkan1.0") };
        for (version, target) in [least, ((1, 6), "vulkan1.3")] {
            for words in source.spirv(version).unwrap_or_else(|e| panic!("{}: {e}", source.name)) {
                validate(bytemuck::cast_slice(&words), target, &source.name);
                checked += 1;
            }
        }
    }
    assert!(checked > 200, "{checked} entry points");
}

fn validate(bytes: &[u8], version: &str, name: &str) {
    let mut child = Command::new("spirv-val")
        .args(["--target-env", version, "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("spirv-val: install spirv-tools, or run `cargo xtask test`, which does on Debian");
    child.stdin.take().expect("it is piped").write_all(bytes).expect("spirv-val reads");
    let output = child.wait_with_output().expect("spirv-val ends");
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn msl_is_written() {
    for lang_version in [(2, 1), (3, 0)] {
        for_each_entry(is_sealed, |source, entry, module, info| {
            let options = msl::Options { lang_version, fake_missing_bindings: true, ..Default::default() };
            let pipeline = msl::PipelineOptions {
                entry_point: Some((Compute, entry.to_string())),
                ..Default::default()
            };
            let (text, _) = msl::write_string(module, info, &options, &pipeline)
                .unwrap_or_else(|e| panic!("{} {entry}: {e}", source.name));
            assert!(text.contains("kernel void"), "{}", source.name);
        });
    }
}

#[test]
fn hlsl_is_written() {
    for_each_entry(is_sealed, |source, entry, module, info| {
        let shader_model = if source.subgroups { hlsl::ShaderModel::V6_0 } else { hlsl::ShaderModel::V5_1 };
        let options = hlsl::Options { shader_model, fake_missing_bindings: true, ..Default::default() };
        let pipeline = hlsl::PipelineOptions { entry_point: Some((Compute, entry.to_string())) };
        let mut text = String::new();
        hlsl::Writer::new(&mut text, &options, &pipeline)
            .write(module, info, None)
            .unwrap_or_else(|e| panic!("{} {entry}: {e}", source.name));
        assert!(text.contains("numthreads"), "{}", source.name);
    });
}

#[test]
fn glsl_is_written() {
    for_each_entry(is_sealed, |source, entry, module, info| {
        let version =
            if source.subgroups { glsl::Version::Desktop(460) } else { glsl::Version::new_gles(310) };
        let options = glsl::Options { version, ..Default::default() };
        let pipeline =
            glsl::PipelineOptions { shader_stage: Compute, entry_point: entry.to_string(), multiview: None };
        let mut text = String::new();
        glsl::Writer::new(&mut text, module, info, &options, &pipeline, BoundsCheckPolicies::default())
            .and_then(|mut writer| writer.write())
            .unwrap_or_else(|e| panic!("{} {entry}: {e}", source.name));
        assert!(text.contains("local_size_x"), "{}", source.name);
    });
}
