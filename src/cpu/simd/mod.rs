//! The SIMD twins of the stages, one file per stage, generic over the instruction set.
//!
//! Everything here is `#[inline(always)]`: a function that is not inlined into the dispatched one
//! loses its target features, and with them an order of magnitude.

pub(crate) mod exact;
pub(crate) mod exp;
pub(crate) mod fast;
pub(crate) mod half;
pub(crate) mod log;
pub(crate) mod masking;
pub(crate) mod reciprocal;
pub(crate) mod special;
pub(crate) mod sum;
pub(crate) mod transpose;

use bytemuck::Pod;
use fearless_simd::prelude::*;

use super::stream::prefetch;

/// The widest vector there is, in elements.
pub(crate) const MAX_LANES: usize = 16;

/// One value for each of up to [`MAX_LANES`] rows.
pub(crate) type PerRow<T> = [T; MAX_LANES];

/// A row's sum whatever the arithmetic.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum WideTotal {
    /// Exact, in units of 2^-66.
    Units(u128),
    /// Rounded.
    Float(f32),
}

impl WideTotal {
    /// The sum of both.
    #[inline(always)]
    pub(crate) fn merge(self, other: Self) -> Self {
        match (self, other) {
            (Self::Units(a), Self::Units(b)) => Self::Units(a.wrapping_add(b)),
            (Self::Float(a), Self::Float(b)) => Self::Float(a + b),
            _ => unreachable!("all parts of a row are summed alike"),
        }
    }

    /// The exact sum.
    #[inline(always)]
    pub(crate) fn units(self) -> u128 {
        match self {
            Self::Units(units) => units,
            Self::Float(_) => unreachable!("row statistics are always exact"),
        }
    }
}

/// The arithmetic of a row: exponential, sum and what follows from it.
pub(crate) trait Math<S: Simd>: 'static {
    /// The same arithmetic for near rows: no element is further than [`Math::NEAR`] below a maximum
    /// that is not beyond `ANCHOR_LIMIT`.
    type Near: Math<S, Row = Self::Row, Sum = Self::Sum, Total = Self::Total>;
    /// The same for rows that are near but for elements that are -inf.
    type Holes: Math<S, Row = Self::Row, Sum = Self::Sum, Total = Self::Total>;
    /// What the exponentials of a row share, splat or one row per lane.
    type Row: Copy;
    /// A sum in registers.
    type Sum: Copy;
    /// What the lanes of a sum hold, without what a row's lanes share.
    type Lanes: Copy;
    /// A row's sum.
    type Total: Copy + Send + Sync + 'static;

    /// The sum of no element.
    const ZERO: Self::Total;
    /// A sum that every later step can take, for rows whose result is filled in afterwards.
    const ONE: Self::Total;
    /// How many powers of two below the maximum's all 24 bits of an exponential lie on the sum's grid.
    const REACH: u32;
    /// The spread of near rows.
    const NEAR: f32;

    /// From the finite, settled maximum.
    fn row(simd: S, max: S::f32s) -> Self::Row;
    /// What the exponentials of the row in one lane share, in every lane; `rows` are from `max`.
    fn lane(simd: S, rows: &Self::Row, max: &PerRow<f32>, lane: usize) -> Self::Row;
    /// One over what a near row's exponentials are held times, a power of two; 1 in others, whatever it is.
    fn release(simd: S, row: &Self::Row) -> S::f32s;
    /// The exponential of elements that are no NaN and not above the maximum.
    fn exp(simd: S, x: S::f32s, row: &Self::Row) -> S::f32s;
    /// The exponentials of several vectors at once; each of the rows has as many of them, in its turn.
    #[inline(always)]
    fn exp_many<const U: usize, const R: usize>(
        simd: S,
        x: &[S::f32s; U],
        rows: &[Self::Row; R],
    ) -> [S::f32s; U] {
        let mut e = *x;
        for i in 0..U {
            e[i] = Self::exp(simd, x[i], &rows[i * R / U]);
        }
        e
    }
    /// The registers of an empty sum.
    fn empty(simd: S, row: &Self::Row) -> Self::Sum;
    /// Adds an exponential per lane.
    fn add(sum: &mut Self::Sum, e: S::f32s);
    /// The sum over all lanes, which took `count` exponentials each, at most `numerics::FLUSH`.
    fn total(sum: Self::Sum, count: u32) -> Self::Total;
    /// What the lanes of a sum hold.
    fn held(sum: Self::Sum) -> Self::Lanes;
    /// The sums of up to [`MAX_LANES`] rows that were in the lanes of one sum each, one row in each lane.
    fn across(simd: S, rows: &Self::Row, lanes: &PerRow<Self::Lanes>) -> Self::Sum;
    /// The sum of each lane.
    fn lanes(sum: Self::Sum, count: u32) -> PerRow<Self::Total>;
    /// The sum of both.
    fn merge(a: Self::Total, b: Self::Total) -> Self::Total;
    /// The sum in the form that parts of a row merge in.
    fn wide(total: Self::Total) -> WideTotal;
    /// What each row's exponentials are multiplied by, as a pair.
    fn reciprocals(simd: S, totals: &PerRow<Self::Total>) -> [S::f32s; 2];
    /// The same for the sum of each lane of some vectors, of at most `SHORT_COLS` exponentials; anything where it
    /// is not that of a row with a finite maximum.
    fn lane_reciprocals<const V: usize>(simd: S, sums: &[Self::Sum; V], count: u32) -> [[S::f32s; 2]; V];
    /// The logarithm of each row's sum relative to its maximum, as a pair.
    fn logs(simd: S, totals: &PerRow<Self::Total>, max: S::f32s) -> [S::f32s; 2];
    /// An exponential as a probability. In near rows `by` has the unit taken off.
    fn normalise(simd: S, e: S::f32s, by: &[S::f32s; 2]) -> S::f32s;
}

/// The same number in every lane.
#[inline(always)]
pub(crate) fn splat<S: Simd>(simd: S, value: f32) -> S::f32s {
    S::f32s::splat(simd, value)
}

/// The same integer in every lane.
#[inline(always)]
pub(crate) fn splat_u<S: Simd>(simd: S, value: u32) -> S::u32s {
    S::u32s::splat(simd, value)
}

/// The first elements of a slice; lanes beyond its first `LEN` elements are not looked at.
#[inline(always)]
pub(crate) fn load<S: Simd>(simd: S, x: &[f32]) -> S::f32s {
    S::f32s::from_slice(simd, &x[..S::f32s::LEN])
}

/// Writes the first elements of a slice.
#[inline(always)]
pub(crate) fn store<S: Simd>(v: S::f32s, y: &mut [f32]) {
    v.store_slice(&mut y[..S::f32s::LEN]);
}

/// The lanes at and beyond `from`.
#[inline(always)]
pub(crate) fn lanes_from<S: Simd>(simd: S, from: usize) -> S::mask32s {
    S::u32s::from_fn(
        simd,
        #[inline(always)]
        |i| i as u32,
    )
    .simd_ge(splat_u(simd, from as u32))
}

/// Applies a function to each element of at least one vector, from one slice to another. The last
/// vector overlaps the one before, which is harmless where the function is one of the element. What
/// lies `ahead` floats further in the input is asked for meanwhile; 0 asks for nothing.
#[inline(always)]
pub(crate) fn map<S: Simd>(simd: S, x: &[f32], y: &mut [f32], ahead: usize, f: impl Fn(S::f32s) -> S::f32s) {
    let (n, len) = (S::f32s::LEN, x.len());
    assert!(len >= n && y.len() == len);
    if len % n != 0 {
        store::<S>(f(load(simd, &x[len - n..])), &mut y[len - n..]);
    }
    let mut at = 0;
    // No `zip`: its constructor is not always inlined.
    while len - at >= 4 * n {
        let (x, y) = (&x[at..at + 4 * n], &mut y[at..at + 4 * n]);
        for i in 0..4 {
            if ahead != 0 {
                prefetch(&x[i * n..], ahead);
            }
            store::<S>(f(load(simd, &x[i * n..])), &mut y[i * n..]);
        }
        at += 4 * n;
    }
    while len - at >= n {
        if ahead != 0 {
            prefetch(&x[at..], ahead);
        }
        store::<S>(f(load(simd, &x[at..at + n])), &mut y[at..at + n]);
        at += n;
    }
}

/// The same within one slice.
#[inline(always)]
pub(crate) fn map_in_place<S: Simd>(simd: S, y: &mut [f32], f: impl Fn(S::f32s) -> S::f32s) {
    let (n, len) = (S::f32s::LEN, y.len());
    assert!(len >= n);
    // What lies in two vectors is computed before either is written.
    let mut last = splat(simd, 0.0);
    if len % n != 0 {
        last = f(load(simd, &y[len - n..]));
    }
    let mut at = 0;
    while len - at >= 4 * n {
        let y = &mut y[at..at + 4 * n];
        for i in 0..4 {
            let y = &mut y[i * n..][..n];
            store::<S>(f(load(simd, y)), y);
        }
        at += 4 * n;
    }
    while len - at >= n {
        let y = &mut y[at..at + n];
        store::<S>(f(load(simd, y)), y);
        at += n;
    }
    if len % n != 0 {
        store::<S>(last, &mut y[len - n..]);
    }
}

/// What an operation makes of all lanes of each of up to [`MAX_LANES`] vectors: that of the first in the first
/// lane, and so on.
#[inline(always)]
pub(crate) fn across<S: Simd, V: SimdBase<S>>(v: &mut PerRow<V>, f: impl Fn(V, V) -> V) -> V {
    let mut vectors = S::f32s::LEN;
    while vectors > 1 {
        vectors /= 2;
        for i in 0..vectors {
            let (a, b) = (v[2 * i], v[2 * i + 1]);
            v[i] = f(a.unzip_low(b), a.unzip_high(b));
        }
    }
    v[0]
}

/// Elements that [`by_groups`] takes at a time: so many that a compiler makes a loop over vectors of them.
const BY: usize = 64;

/// What a function makes of elements of two slices of one length goes into the second one. In groups of a
/// fixed number, the last one filled up: a compiler that does not know the number would take what is left
/// over after some vectors one by one.
#[inline(always)]
pub(crate) fn by_groups<A: Pod, B: Pod>(x: &[A], z: &mut [B], f: impl Fn(A, B) -> B) {
    assert_eq!(x.len(), z.len());
    let (groups, rest) = x.as_chunks::<BY>();
    let (z_groups, z_rest) = z.as_chunks_mut::<BY>();
    for i in 0..groups.len() {
        let (x, z) = (&groups[i], &mut z_groups[i]);
        for k in 0..BY {
            z[k] = f(x[k], z[k]);
        }
    }
    if rest.len() < 8 {
        for k in 0..rest.len() {
            z_rest[k] = f(rest[k], z_rest[k]);
        }
        return;
    }
    let (mut x, mut z) = ([A::zeroed(); BY], [B::zeroed(); BY]);
    x[..rest.len()].copy_from_slice(rest);
    z[..rest.len()].copy_from_slice(z_rest);
    for k in 0..BY {
        z[k] = f(x[k], z[k]);
    }
    z_rest.copy_from_slice(&z[..rest.len()]);
}

/// The first lanes of an array with room for the widest vector.
#[inline(always)]
pub(crate) fn from_rows<S: Simd>(simd: S, rows: &PerRow<f32>) -> S::f32s {
    load(simd, rows)
}

/// A vector as an array with room for the widest; what lies beyond its lanes is 0.
#[inline(always)]
pub(crate) fn to_rows<S: Simd>(v: S::f32s) -> PerRow<f32> {
    let mut rows = [0.0; MAX_LANES];
    store::<S>(v, &mut rows);
    rows
}

/// Integers as a vector.
#[inline(always)]
pub(crate) fn from_rows_u<S: Simd>(simd: S, rows: &PerRow<u32>) -> S::u32s {
    S::u32s::from_slice(simd, &rows[..S::u32s::LEN])
}
