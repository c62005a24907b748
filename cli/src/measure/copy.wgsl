// What a kernel with one result per element is measured against: as many bytes, 16 at a time.

@group(0) @binding(0) var<storage, read> source: array<vec4<u32>>;
@group(0) @binding(1) var<storage, read_write> target_: array<vec4<u32>>;

// Each invocation copies one unit; the grid has two dimensions, so that 65535 workgroups are no limit.
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let unit = id.y * groups.x * 64u + id.x;
    if unit < arrayLength(&source) {
        target_[unit] = source[unit];
    }
}
