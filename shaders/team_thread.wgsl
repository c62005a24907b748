// Team `thread`: one invocation per row; nothing to exchange.

override WORKGROUP: u32 = 64u;

fn team_max(key: i32) -> i32 { return key; }

fn team_add(v: vec4<u32>) -> vec4<u32> { return v; }

fn team_add_float(v: f32) -> f32 { return v; }
