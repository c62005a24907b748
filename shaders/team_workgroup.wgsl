// Team `workgroup`, for devices without subgroups: trees in workgroup memory.

override WORKGROUP: u32 = 256u;

var<private> lane: u32;
var<workgroup> tree: array<vec4<u32>, WORKGROUP>;

// Every invocation gets the greatest key. Starts and ends on a barrier.
fn team_max(key: i32) -> i32 {
    tree[lane].x = bitcast<u32>(key);
    for (var half = WORKGROUP / 2u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if (lane < half) {
            let greater = max(bitcast<i32>(tree[lane].x), bitcast<i32>(tree[lane + half].x));
            tree[lane].x = bitcast<u32>(greater);
        }
    }
    workgroupBarrier();
    let all = bitcast<i32>(tree[0].x);
    workgroupBarrier();
    return all;
}

// Every invocation gets the sum. Starts and ends on a barrier.
fn team_add(v: vec4<u32>) -> vec4<u32> {
    tree[lane] = v;
    for (var half = WORKGROUP / 2u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if (lane < half) { tree[lane] += tree[lane + half]; }
    }
    workgroupBarrier();
    let all = tree[0];
    workgroupBarrier();
    return all;
}

// Every invocation gets the sum. Starts and ends on a barrier.
fn team_add_float(v: f32) -> f32 {
    tree[lane].x = bitcast<u32>(v);
    for (var half = WORKGROUP / 2u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if (lane < half) {
            let sum = bitcast<f32>(tree[lane].x) + bitcast<f32>(tree[lane + half].x);
            tree[lane].x = bitcast<u32>(sum);
        }
    }
    workgroupBarrier();
    let all = bitcast<f32>(tree[0].x);
    workgroupBarrier();
    return all;
}
