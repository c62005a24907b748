// Team `thread`: one invocation per row; nothing to exchange.

override WORKGROUP: u32 = 64u;

fn team_max(key: RI) -> RI { return key; }

fn team_add(v: Wide) -> Wide { return v; }

fn team_add_float(v: RF) -> RF { return v; }
