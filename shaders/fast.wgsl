// The stages `exp`, `sum`, `reciprocal` and `log` of `Precision::Fast`: the device's own functions,
// floating sums in the team's order. The special values are those of the reproducible stages.

struct RowRange {
    max: RF,
    low: RF,
}

struct Bins {
    sum: F,
}

struct Partial {
    sum: RF,
}

struct RowTotal {
    sum: RF,
}

struct Reciprocal {
    by: RF,
}

struct LogSum {
    high: RF,
}

fn row_range(max: RF) -> RowRange { return RowRange(max, max - RANGE); }

fn exponential(v: F, row: RowRange) -> F {
    return select(F(0.0), exp(v - F(row.max)), v >= F(row.low));
}

fn no_bins() -> Bins { return Bins(F(0.0)); }

fn no_partial() -> Partial { return Partial(RF(0.0)); }

fn add_to_bins(bins: Bins, e: F) -> Bins { return Bins(bins.sum + e); }

fn take_bins(to: Partial, bins: Bins, count: u32) -> Partial {
    return Partial(to.sum + fold_add_f(bins.sum));
}

// Every lane of the team gets the sum of the lanes' sums.
fn sum_over_team(p: Partial) -> RowTotal { return RowTotal(team_add_float(p.sum)); }

fn reciprocal(total: RowTotal) -> Reciprocal { return Reciprocal(1.0 / total.sum); }

fn normalise(e: F, by: Reciprocal, bound: RU, fill: RU) -> U {
    let y = bitcast<U>(e * F(by.by));
    // Results below the normal range may be flushed or not; a special row is filled.
    return select(y, U(fill), U(bound) == U(ALWAYS_FILL));
}

fn log_of_total(total: RowTotal, row: RowRange) -> LogSum { return LogSum(log(total.sum)); }

fn log_probability(v: F, max: RF, log_sum: RF) -> F {
    let below = v - F(max);
    let far = (bitcast<U>(below) & U(ABS_MASK)) >= U(INF_BITS);
    return bitcast<F>(select(bitcast<U>(below - F(log_sum)), U(NEG_INF_BITS), far));
}

fn log_sum_exp(max: RF, log_sum: LogSum) -> RU { return bitcast<RU>(max + log_sum.high); }
