//! Where rows come from and where results go: two slices, or one for both.

/// Input and output of consecutive rows.
pub(crate) enum Io<'a> {
    /// Input and output.
    Apart(&'a [f32], &'a mut [f32]),
    /// Input that nobody needs any more, so that exponentials may wait there, and output.
    Through(&'a mut [f32], &'a mut [f32]),
    /// The result takes the input's place.
    Same(&'a mut [f32]),
}

impl<'a> Io<'a> {
    #[inline(always)]
    pub(crate) fn x(&self) -> &[f32] {
        match self {
            Io::Apart(x, _) => x,
            Io::Through(x, _) | Io::Same(x) => x,
        }
    }

    #[inline(always)]
    pub(crate) fn y(&mut self) -> &mut [f32] {
        match self {
            Io::Apart(_, y) | Io::Through(_, y) | Io::Same(y) => y,
        }
    }

    /// The parts before and after a place, given in elements of the input and of the output.
    pub(crate) fn split_at(self, x_mid: usize, y_mid: usize) -> (Io<'a>, Io<'a>) {
        match self {
            Io::Apart(x, y) => {
                let ((x0, x1), (y0, y1)) = (x.split_at(x_mid), y.split_at_mut(y_mid));
                (Io::Apart(x0, y0), Io::Apart(x1, y1))
            }
            Io::Through(x, y) => {
                let ((x0, x1), (y0, y1)) = (x.split_at_mut(x_mid), y.split_at_mut(y_mid));
                (Io::Through(x0, y0), Io::Through(x1, y1))
            }
            Io::Same(y) => {
                let (y0, y1) = y.split_at_mut(y_mid);
                (Io::Same(y0), Io::Same(y1))
            }
        }
    }

    /// The same memory for a shorter time.
    pub(crate) fn reborrow(&mut self) -> Io<'_> {
        match self {
            Io::Apart(x, y) => Io::Apart(x, y),
            Io::Through(x, y) => Io::Through(x, y),
            Io::Same(y) => Io::Same(y),
        }
    }
}
