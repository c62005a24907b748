//! Named tensors behind a header of JSON.

use std::collections::BTreeMap;
use std::fs::File;

use ::safetensors::Dtype;
use ::safetensors::tensor::{Metadata, TensorInfo};
use serde_json::Value;
use wgpu_softmax::DType;
use wgpu_softmax::stream::ReadAt;

use super::found::{Found, check_length, choose};
use super::header::{Description, elements, not_handled, shape_text, short, too_many};
use super::{Container, Kind};

/// The key under which a file holds notes on itself.
pub const METADATA: &str = "__metadata__";

/// Bytes of a header at most: the format's own limit.
const LONGEST: u64 = 100_000_000;

/// Finds a tensor in a file.
pub fn find(file: File, wanted: Option<&str>) -> Result<Found, String> {
    let length = file.metadata().map_err(|error| error.to_string())?.len();
    let (start, metadata) = metadata(&file, length)?;
    let names = metadata.offset_keys();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    // That tensors lie one after the other, each as long as its shape says, is looked at with the header.
    let (taken, there) = (metadata.data_len(), length - start);
    if taken as u64 != there {
        return Err(format!(
            "its tensors take {taken} bytes of data and the file has {there}; save it again"
        ));
    }
    let array = choose(&names, wanted)?;
    let info = metadata.info(array).ok_or("its header is wrong; save it again")?;
    let of_tensor = |what: String| format!("{}: {what}", short(array, 80));
    let kind = kind(info.dtype).ok_or_else(|| of_tensor(not_handled(&format!("{:?}", info.dtype))))?;
    let shape = info.shape.clone();
    // The format is little-endian, and in C order.
    let description = Description { kind, shape, fortran: false, swapped: cfg!(target_endian = "big") };
    elements(&description.shape, kind).ok_or_else(|| of_tensor(too_many(&description.shape)))?;
    let (first, end) = info.data_offsets;
    check_length(&description, (end - first) as u64).map_err(of_tensor)?;
    Ok(Found {
        container: Container::Safetensors,
        array: Some(array.to_owned()),
        description,
        file,
        offset: Some(start + first as u64),
        header: format!("{array} {info:?}").into_bytes(),
        checksum: None,
    })
}

/// What the tensors in a file are called.
pub fn names(file: &File) -> Result<Vec<String>, String> {
    let length = file.metadata().map_err(|error| error.to_string())?.len();
    Ok(metadata(file, length)?.1.offset_keys())
}

/// What the header says, and where the data begins.
fn metadata(file: &File, length: u64) -> Result<(u64, Metadata), String> {
    let wrong = |why: &str| format!("this is no complete .safetensors file: {why}; save it again");
    let mut bytes = [0; 8];
    file.read_exact_at(0, &mut bytes).map_err(|_| wrong(&format!("it has {length} bytes")))?;
    let header = u64::from_le_bytes(bytes);
    if header > LONGEST.min(length - 8) {
        return Err(wrong(&format!("its header should have {header} bytes, the file has {length}")));
    }
    let mut text = vec![0; header as usize];
    file.read_exact_at(8, &mut text).map_err(|error| wrong(&error.to_string()))?;
    match serde_json::from_slice(&text) {
        Ok(metadata) => Ok((8 + header, metadata)),
        Err(error) => Err(wrong(&fault(&text).unwrap_or_else(|| short(&error.to_string(), 160)))),
    }
}

/// The first tensor whose length is not that of its shape, which the crate that reads headers tells not.
fn fault(text: &[u8]) -> Option<String> {
    let all: BTreeMap<String, Value> = serde_json::from_slice(text).ok()?;
    all.into_iter().filter(|(name, _)| name != METADATA).find_map(|(name, info)| {
        let (name, text) = (short(&name, 80), short(&info.to_string(), 160));
        let Ok(info) = serde_json::from_value::<TensorInfo>(info) else {
            return Some(format!("{name} is described as {text}"));
        };
        let (first, end) = info.data_offsets;
        let (dtype, shape) = (info.dtype, shape_text(&info.shape));
        let elements = info.shape.iter().try_fold(1usize, |product, &axis| product.checked_mul(axis));
        match elements.and_then(|elements| elements.checked_mul(dtype.bitsize())) {
            Some(bits) if end.checked_sub(first) == Some(bits.div_ceil(8)) => None,
            Some(bits) => Some(format!(
                "{name} of {dtype:?} and shape {shape} takes {} bytes and lies from byte {first} to {end}",
                bits.div_ceil(8)
            )),
            None => Some(format!("{name} has the shape {shape}, which cannot be addressed")),
        }
    })
}

fn kind(dtype: Dtype) -> Option<Kind> {
    Some(match dtype {
        Dtype::BOOL => Kind::Bool,
        Dtype::I8 => Kind::Int(1),
        Dtype::I16 => Kind::Int(2),
        Dtype::I32 => Kind::Int(4),
        Dtype::I64 => Kind::Int(8),
        Dtype::U8 => Kind::Uint(1),
        Dtype::U16 => Kind::Uint(2),
        Dtype::U32 => Kind::Uint(4),
        Dtype::U64 => Kind::Uint(8),
        Dtype::F16 => Kind::Float(DType::F16),
        Dtype::BF16 => Kind::Float(DType::BF16),
        Dtype::F32 => Kind::Float(DType::F32),
        Dtype::F64 => Kind::Float(DType::F64),
        _ => return None,
    })
}
