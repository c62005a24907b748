//! Arrays of any type in any kind of file, written and read by other means than the command's, and what
//! the library makes of them.
#![allow(dead_code, reason = "each test file uses its part")]

use std::io::{Cursor, Read, Write};
use std::path::Path;

use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use wgpu_softmax::{DType, Element, Masking, Op, Shape, bf16, cpu, f16};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use crate::common::npy_of;

/// An array as it lies in a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// As NumPy names it; "bf16" for that.
    pub descr: String,
    pub dims: Vec<usize>,
    pub fortran: bool,
    pub data: Vec<u8>,
}

/// A number as a file has it.
pub fn encoded(descr: &str, x: f32) -> Vec<u8> {
    let mut bytes = match &descr[1..] {
        "f2" => f16::from_f32(x).to_le_bytes().to_vec(),
        "f8" => f64::from(x).to_le_bytes().to_vec(),
        "f16" => bf16::from_f32(x).to_le_bytes().to_vec(),
        "i8" | "u8" => (x as i64).to_le_bytes().to_vec(),
        "i4" => (x as i32).to_le_bytes().to_vec(),
        "i2" => (x as i16).to_le_bytes().to_vec(),
        "i1" | "u1" | "b1" => vec![x as i8 as u8],
        _ => x.to_le_bytes().to_vec(),
    };
    if descr.starts_with('>') {
        bytes.reverse();
    }
    bytes
}

impl Array {
    /// Of numbers in C order.
    pub fn new(descr: &str, dims: &[usize], values: &[f32]) -> Self {
        let data = values.iter().flat_map(|&x| encoded(descr, x)).collect();
        Self { descr: descr.to_owned(), dims: dims.to_vec(), fortran: false, data }
    }

    fn width(&self) -> usize {
        match &self.descr[1..] {
            "f2" | "f16" | "i2" => 2,
            "f8" | "i8" | "u8" => 8,
            "i1" | "u1" | "b1" => 1,
            _ => 4,
        }
    }

    /// The same with the first axis lying together, or the last.
    pub fn ordered(&self, fortran: bool) -> Self {
        if fortran == self.fortran {
            return self.clone();
        }
        let (count, width) = (self.dims.iter().product::<usize>(), self.width());
        let mut data = vec![0; self.data.len()];
        for number in 0..count {
            // The index of element `number` in C order, and its place in Fortran order.
            let (mut rest, mut index) = (number, vec![0; self.dims.len()]);
            for (index, dim) in index.iter_mut().zip(&self.dims).rev() {
                (*index, rest) = (rest % dim, rest / dim);
            }
            let place = self.dims.iter().zip(&index).rev().fold(0, |place, (dim, i)| place * dim + i);
            let (from, to) = if fortran { (number, place) } else { (place, number) };
            data[to * width..][..width].copy_from_slice(&self.data[from * width..][..width]);
        }
        Self { fortran, data, ..self.clone() }
    }

    pub fn shape(&self) -> String {
        let axes: Vec<String> = self.dims.iter().map(|axis| format!("{axis},")).collect();
        format!("({})", axes.join(" "))
    }

    pub fn npy(&self) -> Vec<u8> {
        let order = if self.fortran { "True" } else { "False" };
        let (descr, shape) = (&self.descr, self.shape());
        npy_of(&format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}, }}"), &self.data)
    }
}

/// An archive as `numpy.savez` writes it, or `numpy.savez_compressed`.
pub fn npz(arrays: &[(&str, &Array)], method: CompressionMethod) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, array) in arrays {
        let options = SimpleFileOptions::default().compression_method(method);
        archive.start_file(format!("{name}.npy"), options).unwrap();
        archive.write_all(&array.npy()).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

pub fn safetensors(arrays: &[(&str, &Array)]) -> Vec<u8> {
    let dtype = |array: &Array| match &array.descr[1..] {
        "f2" => Dtype::F16,
        "f16" => Dtype::BF16,
        "f8" => Dtype::F64,
        "i4" => Dtype::I32,
        "b1" => Dtype::BOOL,
        _ => Dtype::F32,
    };
    let views = arrays.iter().map(|(name, array)| {
        (*name, TensorView::new(dtype(array), array.dims.clone(), &array.data).unwrap())
    });
    safetensors::serialize(views, None).unwrap()
}

/// Reads a .npy file.
pub fn read(file: &[u8]) -> Array {
    let reader = npyz::NpyFile::new(file).unwrap();
    let descr = reader.dtype().descr().trim_matches('\'').to_owned();
    let dims: Vec<usize> = reader.shape().iter().map(|&axis| axis as usize).collect();
    let fortran = reader.order() == npyz::Order::Fortran;
    let mut array = Array { descr, dims, fortran, data: Vec::new() };
    let bytes = array.width() * array.dims.iter().product::<usize>();
    array.data = file[file.len() - bytes..].to_vec();
    array
}

/// Reads the only array of a file, and its name in it.
pub fn read_file(path: &Path) -> (String, Array) {
    let file = std::fs::read(path).unwrap();
    match path.extension().unwrap().to_str().unwrap() {
        "npz" => {
            let mut archive = ZipArchive::new(Cursor::new(&file)).unwrap();
            assert_eq!(archive.len(), 1);
            let mut member = archive.by_index(0).unwrap();
            let name = member.name().unwrap().strip_suffix(".npy").unwrap().to_owned();
            let mut bytes = Vec::new();
            // The checksum is compared at the end.
            member.read_to_end(&mut bytes).unwrap();
            (name, read(&bytes))
        }
        "safetensors" => {
            let tensors = SafeTensors::deserialize(&file).unwrap();
            let [name] = tensors.names()[..] else { panic!("{:?}", tensors.names()) };
            let view = tensors.tensor(name).unwrap();
            let descr = match view.dtype() {
                Dtype::F16 => "<f2",
                Dtype::BF16 => "bf16",
                Dtype::F64 => "<f8",
                _ => "<f4",
            };
            let (dims, data) = (view.shape().to_vec(), view.data().to_vec());
            (name.to_owned(), Array { descr: descr.to_owned(), dims, fortran: false, data })
        }
        _ => (String::new(), read(&file)),
    }
}

/// The type behind a description.
pub fn dtype(descr: &str) -> DType {
    match &descr[1..] {
        "f2" => DType::F16,
        "f16" => DType::BF16,
        "f8" => DType::F64,
        _ => DType::F32,
    }
}

/// The elements of an array in C order and in this machine's byte order, for the library.
pub fn native(array: &Array) -> Vec<u8> {
    let mut data = array.ordered(false).data;
    if array.descr.starts_with('>') {
        data.chunks_exact_mut(array.width()).for_each(<[u8]>::reverse);
    }
    data
}

/// Numbers that every type holds.
pub fn values(count: usize) -> Vec<f32> {
    (0..count).map(|i| ((i * 37 + i * i) % 129) as f32 / 8.0 - 7.0).collect()
}

pub fn op(name: &str) -> Op {
    match name {
        "logsumexp" => wgpu_softmax::LogSumExp::new().into(),
        "log-softmax" => wgpu_softmax::LogSoftmax::new().into(),
        _ => wgpu_softmax::Softmax::new().into(),
    }
}

fn typed<X: Element, Y: Element>(op: Op, x: &[u8], shape: Shape, masking: &Masking) -> Vec<u8> {
    let x: Vec<X> = x.chunks_exact(size_of::<X>()).map(bytemuck::pod_read_unaligned).collect();
    let results = if op.kind.is_elementwise() { x.len() } else { shape.row_count() as usize };
    let mut y = vec![Y::zeroed(); results];
    cpu::run_tensor(op, &x, shape, masking, &mut y).unwrap();
    bytemuck::cast_slice(&y).to_vec()
}

/// The bytes of the results in C order.
pub fn expected(op: Op, x: &Array, axes: &[isize], masking: &Masking, output: DType) -> Vec<u8> {
    let (shape, data) = (Shape::along(&x.dims, axes).unwrap(), native(x));
    match (dtype(&x.descr), output) {
        (DType::F16, DType::F16) => typed::<f16, f16>(op, &data, shape, masking),
        (DType::F16, DType::F32) => typed::<f16, f32>(op, &data, shape, masking),
        (DType::BF16, DType::BF16) => typed::<bf16, bf16>(op, &data, shape, masking),
        (DType::F32, DType::F16) => typed::<f32, f16>(op, &data, shape, masking),
        (DType::F32, DType::BF16) => typed::<f32, bf16>(op, &data, shape, masking),
        (DType::F32, DType::F64) => typed::<f32, f64>(op, &data, shape, masking),
        (DType::F64, DType::F32) => typed::<f64, f32>(op, &data, shape, masking),
        (DType::F64, DType::F64) => typed::<f64, f64>(op, &data, shape, masking),
        (DType::F32, DType::F32) => typed::<f32, f32>(op, &data, shape, masking),
        other => panic!("{other:?}"),
    }
}
