//! What stands before the data: type, order of the axes, shape.

use std::io::{self, Read};

use npyz::{DType, Endianness, NpyHeader, TypeChar, WriteOptions, WriterBuilder};

use super::guard;

/// NumPy's own limit. It also bounds what is allocated for a header made to do harm.
const LONGEST: usize = 10_000;

/// The description of an f32 array.
#[derive(Clone, Debug, PartialEq)]
pub struct Description {
    /// The length of each axis.
    pub shape: Vec<usize>,
    /// Whether the first axis, not the last, is the one whose elements lie together.
    pub fortran: bool,
    /// Whether the bytes of each element are in the other order than this machine's.
    pub swapped: bool,
}

/// Reads a header and leaves the reader at the data. An error says what is wrong, without the path.
pub fn read(reader: &mut impl Read) -> Result<Description, String> {
    let mut start = [0; 8];
    let there = fill(reader, &mut start)?;
    if !start.starts_with(b"\x93NUMPY") {
        return Err(foreign(&start[..there]));
    }
    if there < start.len() {
        return Err(cut_short());
    }
    let mut length = [0; 4];
    // Version 1 has two bytes for the length, versions 2 and 3 have four.
    let bytes = match start[6..] {
        [1, 0] => 2,
        [2 | 3, 0] => 4,
        [major, minor] => {
            return Err(format!("version {major}.{minor} of the format is not known; save it as 1.0"));
        }
        _ => 0,
    };
    exactly(reader, &mut length[..bytes])?;
    let length = u32::from_le_bytes(length) as usize;
    if length > LONGEST {
        return Err(format!("its header of {length} bytes is longer than the {LONGEST} that NumPy allows"));
    }
    let mut text = vec![0; length];
    exactly(reader, &mut text)?;
    let text =
        std::str::from_utf8(&text).map_err(|_| "its header is not text; save the array again".to_owned())?;
    describe(&parse(text)?)
}

/// Has the crate parse a text that was found harmless.
fn parse(text: &str) -> Result<NpyHeader, String> {
    let wrong = |why: &str| format!("its header is wrong: {why}; save the array again as float32");
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
        [b'P', b'K', ..] => {
            "this is a .npz archive of several arrays; save the one you want with numpy.save".to_owned()
        }
        _ => format!(
            "this is not a NumPy .npy file: it begins with \"{}\"; write one with numpy.save",
            start[..start.len().min(6)].escape_ascii()
        ),
    }
}

fn describe(header: &NpyHeader) -> Result<Description, String> {
    let order = match header.dtype() {
        DType::Plain(one) if one.type_char() == TypeChar::Float && one.size_field() == 4 => one.endianness(),
        DType::Plain(other) => return Err(not_handled(&other.to_string())),
        records => return Err(not_handled(&records.descr())),
    };
    let shape: Result<_, _> = header.shape().iter().map(|&axis| usize::try_from(axis)).collect();
    Ok(Description {
        shape: shape.map_err(|_| too_many(header.shape()))?,
        fortran: header.order() == npyz::Order::Fortran,
        swapped: order != Endianness::of_machine(),
    })
}

fn not_handled(dtype: &str) -> String {
    let dtype = short(dtype, 60);
    format!("dtype {dtype} is not handled yet; convert it with numpy: np.save(..., a.astype('float32'))")
}

/// What is said of a shape with more elements than there are addresses.
pub fn too_many(shape: &[impl ToString]) -> String {
    let shape = short(&shape_text(shape), 200);
    format!("a shape of {shape} f32 elements cannot be addressed; the header is wrong, save the array again")
}

/// Text from a file, cut to what fits into a line.
pub fn short(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

/// How many elements an array has, where its bytes can be addressed.
pub fn elements(shape: &[usize]) -> Option<usize> {
    // An axis of length 0 empties the array, however long the others are.
    if shape.contains(&0) {
        return Some(0);
    }
    let elements = shape.iter().try_fold(1usize, |product, &axis| product.checked_mul(axis))?;
    elements.checked_mul(size_of::<f32>()).filter(|&bytes| isize::try_from(bytes).is_ok()).map(|_| elements)
}

/// The header of an array of this machine's f32 in C order.
pub fn header_bytes(shape: &[usize]) -> io::Result<Vec<u8>> {
    let shape: Vec<u64> = shape.iter().map(|&axis| axis as u64).collect();
    let options = WriteOptions::<f32>::new().default_dtype().shape(&shape);
    options.writer(Vec::new()).write_header_only()
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
        assert_eq!(elements(&[]), Some(1));
        assert_eq!(elements(&[2, 3]), Some(6));
        assert_eq!(elements(&[usize::MAX, 0]), Some(0));
        assert_eq!(elements(&[usize::MAX, 2]), None);
        assert_eq!(elements(&[usize::MAX / 4]), None);
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
            let bytes = header_bytes(shape).unwrap();
            assert_eq!(bytes.len() % 64, 0);
            let read = read(&mut &bytes[..]).unwrap();
            assert_eq!(read, Description { shape: shape.to_vec(), fortran: false, swapped: false });
        }
    }
}
