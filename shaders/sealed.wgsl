// Roundings kept by seals, which every compiler of shaders respects.

// Keeps the rounding of v: compilers may neither fuse nor reassociate across an integer operation
// with an operand they do not know.
fn seal(v: F) -> F { return bitcast<F>(bitcast<U>(v) ^ U(zero)); }

// The same for what a row shares.
fn seal1(v: RF) -> RF { return bitcast<RF>(bitcast<RU>(v) ^ RU(zero)); }
