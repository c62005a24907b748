// Team `subgroup`: reductions without barriers.

override WORKGROUP: u32 = 64u;

fn team_max(key: i32) -> i32 { return subgroupMax(key); }

fn team_add(v: vec4<u32>) -> vec4<u32> { return subgroupAdd(v); }

fn team_add_float(v: f32) -> f32 { return subgroupAdd(v); }
