// Dekker's product: the products of halves are exact and may be fused; those of whole floats may not.
struct Params { zero: u32, whole: f32 }
@group(0) @binding(0) var<storage, read_write> data: array<vec2<f32>>;
@group(0) @binding(1) var<uniform> params: Params;
fn upper(x: f32) -> f32 { return bitcast<f32>(bitcast<u32>(x) & 0xfffff000u); }
fn seal(x: f32) -> f32 { return bitcast<f32>(bitcast<u32>(x) ^ params.zero); }
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let a = data[id.x].x;
  let b = data[id.x].y;
  let ah = upper(a);
  let bh = upper(b);
  let al = a - ah;
  let bl = b - bh;
  let p = seal(a * b);
  data[id.x] = vec2(p, seal(seal(seal(ah * bh - p) + ah * bl) + al * bh) + al * bl);
}
