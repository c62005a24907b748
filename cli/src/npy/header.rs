//! What stands before the data: type, order of the axes, shape.

use std::io::{self, Read};

use super::literal::{self, Dictionary};

/// NumPy's own limit. It also bounds what is allocated for a header made to do harm.
const LONGEST: usize = 10_000;

/// What a header's end and thereby the data's begin is aligned to.
const ALIGNMENT: usize = 64;

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
    describe(literal::parse(text).map_err(|e| format!("its header is wrong: {e}; save the array again"))?)
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

fn describe(header: Dictionary) -> Result<Description, String> {
    let little = cfg!(target_endian = "little");
    let swapped = match header.descr.as_str() {
        "<f4" => !little,
        ">f4" => little,
        other => {
            let other = short(other, 60);
            return Err(format!(
                "dtype {other} is not handled yet; convert it with numpy: np.save(..., a.astype('float32'))"
            ));
        }
    };
    Ok(Description { shape: header.shape, fortran: header.fortran_order, swapped })
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
pub fn header_bytes(shape: &[usize]) -> Vec<u8> {
    let order = if cfg!(target_endian = "little") { '<' } else { '>' };
    let shape = shape_text(shape);
    let mut text = format!("{{'descr': '{order}f4', 'fortran_order': False, 'shape': {shape}, }}");
    // Version 2 only where version 1 cannot hold the length: every reader knows version 1.
    let (version, field) = if text.len() < 65_000 { (1, 2) } else { (2, 4) };
    let before = 8 + field;
    let whole = (before + text.len() + 1).next_multiple_of(ALIGNMENT);
    text.extend(std::iter::repeat_n(' ', whole - before - text.len() - 1).chain(['\n']));
    let mut bytes = b"\x93NUMPY".to_vec();
    bytes.extend([version, 0]);
    bytes.extend(&(text.len() as u32).to_le_bytes()[..field]);
    bytes.extend(text.bytes());
    bytes
}

/// A shape as Python writes it.
pub fn shape_text(shape: &[usize]) -> String {
    match shape {
        [one] => format!("({one},)"),
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
        assert_eq!(shape_text(&[]), "()");
        assert_eq!(shape_text(&[3]), "(3,)");
        assert_eq!(shape_text(&[2, 3]), "(2, 3)");
    }

    #[test]
    fn a_written_header_reads_back() {
        for shape in [&[][..], &[0], &[5], &[2, 3, 4], &[1; 3000]] {
            let bytes = header_bytes(shape);
            assert_eq!(bytes.len() % 64, 0);
            let read = read(&mut &bytes[..]).unwrap();
            assert_eq!(read, Description { shape: shape.to_vec(), fortran: false, swapped: false });
        }
    }
}
