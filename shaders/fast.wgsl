// The stages `exp`, `sum`, `reciprocal` and `log` of `Precision::Fast`: the device's own functions,
// floating sums in the team's order. The special values are those of the reproducible stages.

struct RowRange {
    max: f32,
    low: f32,
}

struct Bins {
    sum: F,
}

struct Partial {
    sum: f32,
}

struct RowTotal {
    sum: f32,
}

struct Reciprocal {
    by: f32,
}

struct LogSum {
    high: f32,
}

fn row_range(max: f32) -> RowRange { return RowRange(max, max - RANGE); }

fn exponential(v: F, row: RowRange) -> F {
    return select(F(0.0), exp(v - F(row.max)), v >= F(row.low));
}

fn no_bins() -> Bins { return Bins(F(0.0)); }

fn no_partial() -> Partial { return Partial(0.0); }

fn add_to_bins(bins: Bins, e: F) -> Bins { return Bins(bins.sum + e); }

fn take_bins(to: Partial, bins: Bins, count: u32) -> Partial {
    return Partial(to.sum + fold_add_f(bins.sum));
}

// Every lane of the team gets the sum of the lanes' sums.
fn sum_over_team(p: Partial) -> RowTotal { return RowTotal(team_add_float(p.sum)); }

fn reciprocal(total: RowTotal) -> Reciprocal { return Reciprocal(1.0 / total.sum); }

fn normalise(e: F, by: Reciprocal, bound: u32, fill: u32) -> U {
    let y = bitcast<U>(e * F(by.by));
    // Results below the normal range may be flushed or not; a special row is filled.
    return select(y, U(fill), U(bound) == U(ALWAYS_FILL));
}

fn log_of_total(total: RowTotal, row: RowRange) -> LogSum { return LogSum(log(total.sum)); }

fn log_probability(v: F, max: f32, log_sum: f32) -> F {
    let below = v - F(max);
    let far = (bitcast<U>(below) & U(ABS_MASK)) >= U(INF_BITS);
    return bitcast<F>(select(bitcast<U>(below - F(log_sum)), U(NEG_INF_BITS), far));
}

fn log_sum_exp(max: f32, log_sum: LogSum) -> u32 { return bitcast<u32>(max + log_sum.high); }
