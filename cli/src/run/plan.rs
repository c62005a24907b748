//! What a run reads, computes and writes, settled before anything is done.

use std::path::Path;

use wgpu_softmax::{Context, DType, DeviceChoice, Op, OpKind, Shape};

use super::Args;
use crate::beside::Beside;
use crate::failure::Failure;
use crate::files::{Container, Name, Source, check_output, not_handled};
use crate::layout::{Layout, Orders};
use crate::output::Form;
use crate::parts::Parts;

/// What is made of what.
pub struct Plan {
    /// The operation, with what an empty row gives.
    pub op: Op,
    /// The type of the input's elements.
    pub input: DType,
    /// How they are gone through.
    pub layout: Layout,
    /// What stands beside them.
    pub beside: Beside,
    /// How many rows.
    pub rows: u64,
    /// Elements of the input.
    pub elements: u64,
    /// What is written.
    pub form: Form,
    /// Where.
    pub output: Name,
}

/// What `none` an array is called in a file that gives it a name: NumPy's name for the first one.
const UNNAMED: &str = "arr_0";

impl Plan {
    /// Of an input, by the command line.
    pub fn new(args: &Args, source: &Source) -> Result<Self, Failure> {
        let fail = |what: &dyn std::fmt::Display| Failure::of_file(&source.name().path, what);
        let kind = source.kind();
        let input = kind.float().ok_or_else(|| fail(&not_handled(&kind.to_string())))?;
        let beside = Beside::load(&args.beside, source.shape(), args.memory())?;
        let op = beside.settle(args.operation.op()?);
        check_output(&args.output).map_err(|what| Failure::of_file(&args.output, what))?;
        let output = Name::of(&args.output);
        let container = Container::of(&output.path).unwrap_or(source.container());
        let orders = Orders {
            fortran: source.is_fortran(),
            beside: !beside.is_empty(),
            may_be_fortran: container != Container::Safetensors,
        };
        let layout = Layout::new(source.shape(), args.axis.as_ref(), orders, &op).map_err(|e| fail(&e))?;
        let (rows, output_dims) =
            rows(&layout, &beside, op.kind, source.shape().len()).map_err(|e| fail(&e))?;
        let is_ragged = beside.offsets.is_some();
        let shape = if is_ragged { Shape::rows(rows as usize, 1) } else { layout.shape };
        if !beside.is_too_large {
            beside.check(shape, input).map_err(|e| fail(&e))?;
        }
        let dtype = args.dtype.map_or(input, DType::from);
        let name = output.array.clone().or(source.name().array.clone()).unwrap_or(UNNAMED.to_owned());
        let bytes = output_dims.iter().product::<usize>() as u64 * dtype.bytes();
        let fortran = layout.fortran_output;
        let form = Form { container, name, dims: output_dims, fortran, dtype, bytes };
        let elements = source.elements() as u64;
        Ok(Self { op, input, layout, beside, rows, elements, form, output })
    }

    /// Whether it is computed in parts. Else its rows are streamed: they lie one after the other, and f32
    /// holds them as they are.
    pub fn is_in_parts(&self) -> bool {
        let is_narrow = self.input != DType::F64 && self.form.dtype != DType::F64;
        !(self.layout.is_plain() && self.beside.is_empty() && is_narrow)
    }

    /// The parts it is computed in, if it is.
    pub fn parts(&self, args: &Args, contexts: &[Context]) -> Result<Option<Parts<'_>>, Failure> {
        if !self.is_in_parts() {
            return Ok(None);
        }
        let (beside, dtypes) = ((&self.layout, &self.beside), (self.input, self.form.dtype));
        let parts = Parts::new(self.op, beside, dtypes, (self.elements, self.results(), self.rows));
        let on_gpu = contexts.iter().any(|context| context.adapter().is_some());
        parts.fit(args.memory(), args.check, on_gpu).map(Some)
    }

    fn results(&self) -> u64 {
        self.form.bytes / self.form.dtype.bytes()
    }

    /// Bytes of a row's results.
    pub fn row_bytes(&self) -> u64 {
        let each = if self.op.kind.is_elementwise() { self.layout.shape.cols() } else { 1 };
        each * self.form.dtype.bytes()
    }

    /// Why only the CPU can compute it, if that is so.
    fn on_cpu_alone(&self) -> Option<&'static str> {
        (self.input == DType::F64).then_some("f64 is computed on the CPU")
    }

    /// The devices it is computed on, of those that were named.
    pub fn devices(
        &self,
        choices: &[DeviceChoice],
    ) -> Result<(Vec<DeviceChoice>, Option<&'static str>), Failure> {
        let named = choices.iter().filter(|choice| !matches!(choice, DeviceChoice::Auto | DeviceChoice::Cpu));
        match self.on_cpu_alone() {
            Some(reason) if named.count() > 0 => {
                return Err(Failure::Cannot(format!("{reason}; leave --device out, or give --device cpu")));
            }
            Some(reason) => return Ok((vec![DeviceChoice::Cpu], Some(reason))),
            None => {}
        }
        if self.is_in_parts() && choices.len() > 1 {
            let what = "several devices share rows that lie one after the other, with nothing beside them";
            return Err(Failure::Cannot(format!("{what}; give one --device, there are {}", choices.len())));
        }
        Ok((choices.to_vec(), None))
    }
}

/// How many rows there are, and the axes of the results: those of ragged rows are told by their offsets.
fn rows(layout: &Layout, beside: &Beside, kind: OpKind, axes: usize) -> Result<(u64, Vec<usize>), String> {
    let Some(offsets) = &beside.offsets else {
        return Ok((layout.shape.row_count(), layout.output_dims.clone()));
    };
    if axes != 1 {
        return Err(format!("--offsets are of an array of one axis, and this one has {axes}"));
    }
    // Whether they rise is told when rows are computed, before anything is written.
    let rows = offsets.len().saturating_sub(1);
    Ok((rows as u64, if kind.is_elementwise() { layout.output_dims.clone() } else { vec![rows] }))
}

/// What is said where an output cannot be gone on with.
pub fn cannot_resume(path: &Path, why: &str) -> Failure {
    Failure::of_file(path, format!("{why}; leave --resume out"))
}
