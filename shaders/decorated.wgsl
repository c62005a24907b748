// Roundings kept by the driver: in the SPIR-V of such a module every operation is decorated so that it is
// neither fused nor reassociated (`gpu/source/decorated.rs`). `fma` has no place in one, although it would
// save instructions where a product is exact: it takes no decoration, and Mesa distributes and reassociates it.

// There is nothing left to seal.
fn seal(v: F) -> F { return v; }

// The same for what a row shares.
fn seal1(v: RF) -> RF { return v; }
