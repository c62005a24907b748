//! From Fortran order, where the first axis lies together, to C order, where the last one does.

use crate::room::Room;

/// Rows that are written side by side, so that neighbours in the file are used while they are cached.
const BLOCK: usize = 16;

/// Reorders a whole array of elements of so many bytes. With the axes mirrored, it goes from C order to
/// Fortran order. An error says that there is no memory for the second copy that this takes.
pub fn to_c(array: &mut Room, width: usize, shape: &[usize]) -> Result<(), String> {
    let mut c = Room::new(array.bytes().len() as u64)?;
    match width {
        1 => copy_to_c::<u8>(array.of(), shape, c.of_mut()),
        2 => copy_to_c::<u16>(array.of(), shape, c.of_mut()),
        4 => copy_to_c::<u32>(array.of(), shape, c.of_mut()),
        _ => copy_to_c::<u64>(array.of(), shape, c.of_mut()),
    }
    *array = c;
    Ok(())
}

/// Both slices have as many elements as the shape says.
fn copy_to_c<T: Copy>(fortran: &[T], shape: &[usize], c: &mut [T]) {
    let Some((&cols, leading)) = shape.split_last() else {
        return c.copy_from_slice(fortran);
    };
    if c.is_empty() {
        return;
    }
    let rows = fortran.len() / cols;
    let mut places = Places { shape: leading.to_vec(), index: vec![0; leading.len()] };
    for block in c.chunks_mut(BLOCK * cols) {
        let starts: Vec<usize> = (0..block.len() / cols).map(|_| places.next()).collect();
        for col in 0..cols {
            for (row, start) in starts.iter().enumerate() {
                block[row * cols + col] = fortran[start + col * rows];
            }
        }
    }
}

/// Where the rows of a C-ordered array begin in the Fortran-ordered one, one after the other.
struct Places {
    shape: Vec<usize>,
    index: Vec<usize>,
}

impl Places {
    fn next(&mut self) -> usize {
        let axes = || self.shape.iter().zip(&self.index).rev();
        let place = axes().fold(0, |place, (&length, &index)| place * length + index);
        for (index, &length) in self.index.iter_mut().zip(&self.shape).rev() {
            *index += 1;
            if *index < length {
                break;
            }
            *index = 0;
        }
        place
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_element_finds_its_place() {
        // Element (i, j, k) is 100 i + 10 j + k.
        let (a, b, c) = (3, 4, 5);
        let mut fortran = vec![0.0; a * b * c];
        let mut expected = vec![0.0; a * b * c];
        for (i, j, k) in (0..a).flat_map(|i| (0..b).flat_map(move |j| (0..c).map(move |k| (i, j, k)))) {
            let value = (100 * i + 10 * j + k) as f32;
            fortran[i + a * (j + b * k)] = value;
            expected[(i * b + j) * c + k] = value;
        }
        let mut found = vec![-1.0; a * b * c];
        copy_to_c(&fortran, &[a, b, c], &mut found);
        assert_eq!(found, expected);
    }

    #[test]
    fn blocks_do_not_show() {
        let (rows, cols) = (3 * BLOCK + 1, 7);
        let fortran: Vec<f32> = (0..rows * cols).map(|i| i as f32).collect();
        let mut found = vec![0.0; rows * cols];
        copy_to_c(&fortran, &[rows, cols], &mut found);
        assert!((0..rows * cols).all(|i| found[i] == fortran[i / cols + i % cols * rows]));
    }

    #[test]
    fn elements_of_any_size_are_reordered_and_back() {
        let (rows, cols) = (3, 5);
        for width in [1, 2, 4, 8] {
            let element = |i: usize| (0..width).map(move |byte| (width * i + byte) as u8);
            let fortran: Vec<u8> = (0..rows * cols).flat_map(element).collect();
            let c: Vec<u8> = (0..rows * cols).flat_map(|i| element(i / cols + i % cols * rows)).collect();
            let mut array = Room::new(fortran.len() as u64).unwrap();
            array.bytes_mut().copy_from_slice(&fortran);
            to_c(&mut array, width, &[rows, cols]).unwrap();
            assert_eq!(array.bytes(), c);
            to_c(&mut array, width, &[cols, rows]).unwrap();
            assert_eq!(array.bytes(), fortran);
        }
    }
}
