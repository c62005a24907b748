// The same without seals: a compiler may fuse every product with the sum it goes to.
struct Params { zero: u32, count: u32, cols: u32, loops: u32 }
@group(0) @binding(0) var<storage, read> input: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> output: array<vec4<f32>>;
@group(0) @binding(2) var<uniform> params: Params;
fn seal(v: vec4<f32>) -> vec4<f32> { return v; }
fn poly(t: vec4<f32>) -> vec4<f32> {
  let k = seal(seal(t * 1.44269502) + 12582912.0) - 12582912.0;
  let r = seal(seal(seal(t - k * 0.69140625) - k * 0.001739501953125) - seal(k * 1.428606765330187e-06));
  var q = vec4(0.001388);
  q = 0.00837 + seal(q * r);
  q = 0.0417 + seal(q * r);
  q = 0.1667 + seal(q * r);
  return 1.0 + seal(r + seal(q * seal(r * r)));
}
override group: u32 = 1u;
@compute @workgroup_size(group) fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  var sum = vec4(0.0);
  for (var i = id.x; i < params.count; i += params.loops) {
    let e = poly(input[i]);
    sum = seal(sum + e);
    output[i] = e;
  }
  output[id.x + params.cols] = sum;
}
