// Team `lanes`: TEAM lanes of a subgroup that follow each other, a power of two up to 64. Each step doubles
// what a lane knows of; they are written out, since compilers do not unroll such a loop.

override WORKGROUP: u32 = 64u;
override TEAM: u32 = 8u;

// Every lane gets the greatest key.
fn team_max(key: i32) -> i32 {
    var all = key;
    if (TEAM > 1u) { all = max(all, subgroupShuffleXor(all, 1u)); }
    if (TEAM > 2u) { all = max(all, subgroupShuffleXor(all, 2u)); }
    if (TEAM > 4u) { all = max(all, subgroupShuffleXor(all, 4u)); }
    if (TEAM > 8u) { all = max(all, subgroupShuffleXor(all, 8u)); }
    if (TEAM > 16u) { all = max(all, subgroupShuffleXor(all, 16u)); }
    if (TEAM > 32u) { all = max(all, subgroupShuffleXor(all, 32u)); }
    return all;
}

// Every lane gets the sums of two words.
fn team_add_two(v: vec2<u32>) -> vec2<u32> {
    var all = v;
    if (TEAM > 1u) { all += subgroupShuffleXor(all, 1u); }
    if (TEAM > 2u) { all += subgroupShuffleXor(all, 2u); }
    if (TEAM > 4u) { all += subgroupShuffleXor(all, 4u); }
    if (TEAM > 8u) { all += subgroupShuffleXor(all, 8u); }
    if (TEAM > 16u) { all += subgroupShuffleXor(all, 16u); }
    if (TEAM > 32u) { all += subgroupShuffleXor(all, 32u); }
    return all;
}

// Every lane gets the sums. The bins of a short row are in two of the words.
fn team_add(v: vec4<u32>) -> vec4<u32> {
    let first = team_add_two(v.xz);
    if (SHORT_ROW) { return vec4<u32>(first.x, 0u, first.y, 0u); }
    let second = team_add_two(v.yw);
    return vec4<u32>(first.x, second.x, first.y, second.y);
}

// Every lane gets the sum.
fn team_add_float(v: f32) -> f32 {
    var all = v;
    if (TEAM > 1u) { all += subgroupShuffleXor(all, 1u); }
    if (TEAM > 2u) { all += subgroupShuffleXor(all, 2u); }
    if (TEAM > 4u) { all += subgroupShuffleXor(all, 4u); }
    if (TEAM > 8u) { all += subgroupShuffleXor(all, 8u); }
    if (TEAM > 16u) { all += subgroupShuffleXor(all, 16u); }
    if (TEAM > 32u) { all += subgroupShuffleXor(all, 32u); }
    return all;
}
