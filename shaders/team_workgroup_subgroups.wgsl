// Team `workgroup` of subgroups: each reduces without barriers, then one word per subgroup goes
// through workgroup memory. A workgroup has at most 64 subgroups where one has 4 lanes or more.

override WORKGROUP: u32 = 256u;

var<private> lane: u32;
var<private> team: u32;
var<private> teams: u32;
var<workgroup> words: array<vec4<u32>, 64>;

// One value per subgroup for every invocation to read. Starts and ends on a barrier.
fn share(v: vec4<u32>, leader: bool) {
    workgroupBarrier();
    if (leader) { words[team] = v; }
    workgroupBarrier();
}

// Every invocation gets the greatest key.
fn team_max(key: i32) -> i32 {
    share(vec4<u32>(bitcast<u32>(subgroupMax(key))), lane == 0u);
    var all = bitcast<i32>(words[0].x);
    for (var i = 1u; i < teams; i++) { all = max(all, bitcast<i32>(words[i].x)); }
    return all;
}

// Every invocation gets the sum.
fn team_add(v: vec4<u32>) -> vec4<u32> {
    share(subgroupAdd(v), lane == 0u);
    var all = words[0];
    for (var i = 1u; i < teams; i++) { all += words[i]; }
    return all;
}

// Every invocation gets the sum.
fn team_add_float(v: f32) -> f32 {
    share(vec4<u32>(bitcast<u32>(subgroupAdd(v))), lane == 0u);
    var all = bitcast<f32>(words[0].x);
    for (var i = 1u; i < teams; i++) { all += bitcast<f32>(words[i].x); }
    return all;
}
