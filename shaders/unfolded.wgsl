// A row has one element of a unit, so there is nothing to fold.

// The first of the row's elements.
fn first_f(v: F) -> RF { return v; }
fn first_u(v: U) -> RU { return v; }

// The extremes of the elements' integers, and the sums of their integers and floats.
fn fold_max(v: I) -> RI { return v; }
fn fold_max_u(v: U) -> RU { return v; }
fn fold_min_u(v: U) -> RU { return v; }
fn fold_add(v: U) -> RU { return v; }
fn fold_add_f(v: F) -> RF { return v; }
