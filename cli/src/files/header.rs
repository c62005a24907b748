//! What stands before the data of a .npy file: type, order of the axes, shape.

use std::io::{self, Read};

use npyz::{Endianness, NpyHeader, TypeChar, TypeStr};
use wgpu_softmax::DType;

use super::{Kind, guard};

/// What every .npy file begins with.
pub const MAGIC: &[u8] = b"\x93NUMPY";

/// NumPy's own limit. It also bounds what is allocated for a header made to do harm.
const LONGEST: usize = 10_000;

/// The description of an array.
#[derive(Clone, Debug, PartialEq)]
pub struct Description {
    /// What its elements are.
    pub kind: Kind,
    /// The length of each axis.
    pub shape: Vec<usize>,
    /// Whether the first axis, not the last, is the one whose elements lie together.
    pub fortran: bool,
    /// Whether the bytes of each element are in the other order than this machine's.
    pub swapped: bool,
}

/// Reads a header and leaves the reader at the data; gives its bytes too. An error says what is wrong,
/// without the path.
pub fn read(reader: &mut impl Read) -> Result<(Description, Vec<u8>), String> {
    let mut bytes = vec![0; 8];
    let there = fill(reader, &mut bytes)?;
    if !bytes.starts_with(MAGIC) {
        return Err(foreign(&bytes[..there]));
    }
    if there < bytes.len() {
        return Err(cut_short());
    }
    // Version 1 has two bytes for the length, versions 2 and 3 have four.
    let wide = match bytes[6..] {
        [1, 0] => 2,
        [2 | 3, 0] => 4,
        [major, minor] => {
            return Err(format!("version {major}.{minor} of the format is not known; save it as 1.0"));
        }
        _ => 0,
    };
    let mut length = [0; 4];
    exactly(reader, &mut length[..wide])?;
    bytes.extend(&length[..wide]);
    let (start, length) = (bytes.len(), u32::from_le_bytes(length) as usize);
    if length > LONGEST {
        return Err(format!("its header of {length} bytes is longer than the {LONGEST} that NumPy allows"));
    }
    bytes.resize(start + length, 0);
    exactly(reader, &mut bytes[start..])?;
    let text = std::str::from_utf8(&bytes[start..])
        .map_err(|_| "its header is not text; save the array again".to_owned())?;
    Ok((describe(&parse(text)?)?, bytes))
}

/// Has the crate parse a text that was found harmless.
fn parse(text: &str) -> Result<NpyHeader, String> {
    let wrong = |why: &str| format!("its header is wrong: {why}; save the array again");
    let guarded = guard::pass(text).map_err(|why| wrong(&why))?;
    let product = guarded.numbers.iter().try_fold(1u64, |product, &axis| product.checked_mul(axis.max(1)));
    product.ok_or_else(|| too_many(&guarded.numbers))?;
    let length = (guarded.text.len() as u32).to_le_bytes();
    // Version 3, whose text is UTF-8 and of any length: the others are parts of it.
    let bytes = [b"\x93NUMPY\x03\x00", &length[..], guarded.text.as_bytes()].concat();
    // A syntax error quotes the whole text in its further lines.
    NpyHeader::from_reader(&bytes[..])
        .map_err(|e| wrong(short(&e.to_string(), 160).lines().next().unwrap_or("")))
}

fn exactly(reader: &mut impl Read, buffer: &mut [u8]) -> Result<(), String> {
    match fill(reader, buffer)? {
        n if n == buffer.len() => Ok(()),
        _ => Err(cut_short()),
    }
}

fn cut_short() -> String {
    "the file ends within its header; it was cut short, save it again".to_owned()
}

/// Reads until the buffer is full or the reader at its end; says how much there was.
fn fill(reader: &mut impl Read, mut buffer: &mut [u8]) -> Result<usize, String> {
    let whole = buffer.len();
    while !buffer.is_empty() {
        match reader.read(buffer) {
            Ok(0) => break,
            Ok(n) => buffer = &mut std::mem::take(&mut buffer)[n..],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.to_string()),
        }
    }
    Ok(whole - buffer.len())
}

fn foreign(start: &[u8]) -> String {
    match start {
        [] => "the file is empty; write one with numpy.save".to_owned(),
        _ => format!(
            "this is not a NumPy .npy file: it begins with \"{}\"; write one with numpy.save",
            start[..start.len().min(6)].escape_ascii()
        ),
    }
}

fn describe(header: &NpyHeader) -> Result<Description, String> {
    let element = match header.dtype() {
        npyz::DType::Plain(one) => one,
        records => return Err(not_handled(&records.descr())),
    };
    let kind = kind(&element).ok_or_else(|| not_handled(&element.to_string()))?;
    let shape: Result<_, _> = header.shape().iter().map(|&axis| usize::try_from(axis)).collect();
    Ok(Description {
        kind,
        shape: shape.map_err(|_| too_many(header.shape()))?,
        fortran: header.order() == npyz::Order::Fortran,
        swapped: kind.bytes() > 1 && element.endianness() != Endianness::of_machine(),
    })
}

fn kind(element: &TypeStr) -> Option<Kind> {
    let bytes = u8::try_from(element.size_field()).ok()?;
    match (element.type_char(), bytes) {
        (TypeChar::Bool, 1) => Some(Kind::Bool),
        (TypeChar::Int, 1 | 2 | 4 | 8) => Some(Kind::Int(bytes)),
        (TypeChar::Uint, 1 | 2 | 4 | 8) => Some(Kind::Uint(bytes)),
        (TypeChar::Float, 2) => Some(Kind::Float(DType::F16)),
        (TypeChar::Float, 4) => Some(Kind::Float(DType::F32)),
        (TypeChar::Float, 8) => Some(Kind::Float(DType::F64)),
        _ => None,
    }
}

/// What is said of a type that is not computed with.
pub fn not_handled(dtype: &str) -> String {
    let dtype = short(dtype, 60);
    format!(
        "dtype {dtype} is not handled: take f2, f4 or f8 of either byte order (in .safetensors F16, BF16, F32 or F64); convert it with numpy: np.save(..., a.astype('float32'))"
    )
}

/// What is said of a shape with more elements than there are addresses.
pub fn too_many(shape: &[impl ToString]) -> String {
    let shape = short(&shape_text(shape), 200);
    format!("a shape of {shape} elements cannot be addressed; the header is wrong, save the array again")
}

/// Text from a file, cut to what fits into a line.
pub fn short(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

/// How many elements an array has, where its bytes can be addressed.
pub fn elements(shape: &[usize], kind: Kind) -> Option<usize> {
    // An axis of length 0 empties the array, however long the others are.
    if shape.contains(&0) {
        return Some(0);
    }
    let elements = shape.iter().try_fold(1usize, |product, &axis| product.checked_mul(axis))?;
    elements.checked_mul(kind.bytes()).filter(|&bytes| isize::try_from(bytes).is_ok()).map(|_| elements)
}

/// The header of a .npy file of little-endian floats; `None` for those that such files have no name for.
pub fn header_bytes(shape: &[usize], fortran: bool, dtype: DType) -> Option<Vec<u8>> {
    let descr = match dtype {
        DType::F16 => "<f2",
        DType::F32 => "<f4",
        DType::F64 => "<f8",
        _ => return None,
    };
    let (order, shape) = (if fortran { "True" } else { "False" }, shape_text(shape));
    let mut text = format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}, }}");
    // NumPy has the data begin at a multiple of 64.
    let length = (10 + text.len() + 1).next_multiple_of(64) - 10;
    text.extend(std::iter::repeat_n(' ', length - 1 - text.len()));
    text.push('\n');
    let length = u16::try_from(length).ok()?.to_le_bytes();
    Some([b"\x93NUMPY\x01\x00", &length[..], text.as_bytes()].concat())
}

/// A shape as Python writes it.
pub fn shape_text(shape: &[impl ToString]) -> String {
    match shape {
        [one] => format!("({},)", one.to_string()),
        axes => format!("({})", axes.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_counted_without_overflow() {
        let count = |shape: &[usize]| elements(shape, Kind::Float(DType::F32));
        assert_eq!(count(&[]), Some(1));
        assert_eq!(count(&[2, 3]), Some(6));
        assert_eq!(count(&[usize::MAX, 0]), Some(0));
        assert_eq!(count(&[usize::MAX, 2]), None);
        assert_eq!(count(&[usize::MAX / 4]), None);
        assert_eq!(elements(&[usize::MAX / 4], Kind::Bool), Some(usize::MAX / 4));
    }

    #[test]
    fn shapes_read_as_in_python() {
        assert_eq!(shape_text(&[0; 0]), "()");
        assert_eq!(shape_text(&[3]), "(3,)");
        assert_eq!(shape_text(&[2, 3]), "(2, 3)");
    }

    #[test]
    fn a_written_header_reads_back() {
        for shape in [&[][..], &[0], &[5], &[2, 3, 4], &[1; 3000]] {
            for (dtype, fortran) in [(DType::F16, true), (DType::F32, false), (DType::F64, true)] {
                let bytes = header_bytes(shape, fortran, dtype).unwrap();
                assert_eq!(bytes.len() % 64, 0);
                let (read, of) = read(&mut &bytes[..]).unwrap();
                assert_eq!(of, bytes);
                let kind = Kind::Float(dtype);
                assert_eq!(read, Description { kind, shape: shape.to_vec(), fortran, swapped: false });
            }
        }
        assert_eq!(header_bytes(&[1], false, DType::BF16), None);
    }
}
