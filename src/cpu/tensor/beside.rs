//! What stands beside rows: applied to their elements as these are brought together.

use super::Task;
use super::stage::{Block, SHORT};
use super::walk::{Offsets, Run};
use crate::DType;
use crate::cpu::masking::{MASKED, row_scale};
use crate::cpu::simd::masking::{add_bias, alibi_all, hide, hide_from, scale_all};
use crate::dtype::Element;
use crate::masking::MaskData;
use crate::masking::levels::{BIAS, INPUT, MASK, OPERANDS, SCALES, SINKS};

/// Elements that a mask which is the same for short rows is repeated for.
const TILE: usize = 4096;

/// What a row's elements are scaled by, what is added to them by place, and what hides them.
struct Terms<'a> {
    scale: f32,
    /// The slope, and how far the first element stands behind its query.
    alibi: Option<(f32, i64)>,
    mask: Option<MaskData<'a>>,
}

impl Terms<'_> {
    /// So many elements further.
    fn behind(&mut self, by: u64) {
        self.alibi = self.alibi.map(|(slope, behind)| (slope, behind.saturating_sub(by as i64)));
    }
}

impl<X: Element, Y: Element> Task<'_, X, Y> {
    /// Whether what stands beside these rows lies as they do, so that all of them are one long row; a mask
    /// may also be the same for all of them.
    pub(super) fn lie_alike(&self, run: &Run, width: usize) -> bool {
        let beside = self.masking;
        let per_row = beside.window.is_some() || beside.lengths.is_some() || beside.row_scale.is_some();
        let alike = |operand: usize, repeats: bool| {
            let next = run.step[operand] == width as u64 || run.len == 1;
            let again = repeats && run.step[operand] == 0 && width <= SHORT;
            (next || again) && self.layout.cols.innermost().strides[operand] == 1
        };
        !per_row
            && beside.alibi.is_none()
            && (beside.mask.is_none() || alike(MASK, true))
            && (beside.bias.is_none() || alike(BIAS, false))
    }

    /// Rows that [`Self::lie_alike`], as one.
    pub(super) fn stage_alike(&self, run: &Run, width: usize, z: &mut [f32]) {
        let (step, mask) = ([1; OPERANDS], self.masking.mask.map(|mask| mask.data));
        let terms = Terms { scale: self.scale, alibi: None, mask };
        let Some(mask) = mask.filter(|_| run.step[MASK] == 0 && run.len > 1) else {
            return self.stage_run(&run.at, &step, &terms, false, z);
        };
        let mut tile = [0; TILE];
        let rows = (TILE / width).min(run.len);
        let tile = &mut tile[..rows * width];
        for (col, byte) in tile[..width].iter_mut().enumerate() {
            *byte = mask.takes_part(run.at[MASK] as usize + col).into();
        }
        let mut done = width;
        while done < tile.len() {
            let more = done.min(tile.len() - done);
            tile.copy_within(..more, done);
            done += more;
        }
        let terms = Terms { mask: Some(MaskData::Bytes(tile)), ..terms };
        let mut at = run.at;
        at[MASK] = 0;
        for z in z.chunks_mut(rows * width) {
            self.stage_run(&at, &step, &terms, false, z);
            [INPUT, BIAS].iter().for_each(|operand| at[*operand] += z.len() as u64);
        }
    }

    /// The elements of a row that take part by place, unless they were brought already; what stands beside
    /// them; and what follows.
    #[inline(always)]
    pub(super) fn stage_row(&self, block: &Block, row: u64, at: &Offsets, is_brought: bool, z: &mut [f32]) {
        let (width, masking) = (block.width(), self.masking);
        let visible = self.layout.visible(masking, row, at);
        let clamp = |col: u64| (col.clamp(block.cols.start, block.cols.end) - block.cols.start) as usize;
        let (from, to) = (clamp(visible.start), clamp(visible.end));
        if !block.open {
            z[..from].fill(MASKED);
            z[to..width + usize::from(block.fill)].fill(MASKED);
        }
        if let Some(sinks) = masking.sinks.filter(|_| block.sink) {
            z[block.pitch() - 1] = sinks.data[at[SINKS] as usize];
        }
        let of_row = masking.row_scale.map(|of_row| of_row.data[at[SCALES] as usize]);
        let mut terms = Terms {
            scale: of_row.map_or(self.scale, |of_row| row_scale(self.scale, of_row)),
            alibi: self.layout.slope(masking, at),
            mask: masking.mask.map(|mask| mask.data),
        };
        let is_by_column = masking.mask.is_some() || masking.bias.is_some() || terms.alibi.is_some();
        if is_brought && !is_by_column {
            return self.scale(terms.scale, &mut z[from..to]);
        }
        let (start, mut done) = (block.cols.start + from as u64, from);
        terms.behind(start);
        for run in self.layout.cols.runs(start, block.cols.start + to as u64) {
            let at = std::array::from_fn(|o| at[o] + run.at[o]);
            self.stage_run(&at, &run.step, &terms, is_brought, &mut z[done..][..run.len]);
            terms.behind(run.len as u64);
            done += run.len;
        }
    }

    fn scale(&self, scale: f32, z: &mut [f32]) {
        if scale != 1.0 {
            scale_all(self.job.token, z, scale);
        }
    }

    /// Elements of one row, or of several that lie as what stands beside them does, with all of that. The
    /// mask comes last: whatever became of a hidden element is overwritten.
    fn stage_run(&self, at: &Offsets, step: &Offsets, terms: &Terms, is_brought: bool, z: &mut [f32]) {
        let (token, masking) = (self.job.token, self.masking);
        let is_bare = terms.scale == 1.0 && masking.bias.is_none() && terms.alibi.is_none();
        if X::DTYPE == DType::F32
            && let Some(mask) = terms.mask.filter(|_| is_bare && !is_brought && step[MASK] == 1)
        {
            // SAFETY: the slice ends with this call, in which nothing is written but scratch.
            let x = bytemuck::cast_slice(unsafe { self.elements(at[INPUT], z.len()) });
            return hide_from(token, x, z, mask, at[MASK] as usize);
        }
        if !is_brought {
            debug_assert!(step[INPUT] == 1 || z.len() == 1, "what lies apart is its rows' neighbours");
            self.widen(at[INPUT], z);
        }
        self.scale(terms.scale, z);
        if let Some(bias) = &masking.bias {
            add_bias(token, z, bias.data, at[BIAS] as usize, step[BIAS] as usize);
        }
        if let Some((slope, behind)) = terms.alibi {
            alibi_all(token, z, slope, behind);
        }
        if let Some(mask) = terms.mask {
            hide(token, z, mask, at[MASK] as usize, step[MASK] as usize);
        }
    }
}
