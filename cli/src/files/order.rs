//! From Fortran order, where the first axis lies together, to C order, where the last one does.

use crate::room::Room;

/// Rows that are written side by side, so that neighbours in the file are used while they are cached.
const BLOCK: usize = 16;

/// Reorders a whole array; both slices have as many elements as the shape says. With the axes mirrored,
/// it goes from C order to Fortran order.
pub fn to_c<T: Copy>(fortran: &[T], shape: &[usize], c: &mut [T]) {
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

/// [`to_c`] of elements of so many bytes.
pub fn to_c_bytes(width: usize, fortran: &Room, shape: &[usize], c: &mut Room) {
    match width {
        1 => to_c::<u8>(fortran.of(), shape, c.of_mut()),
        2 => to_c::<u16>(fortran.of(), shape, c.of_mut()),
        4 => to_c::<u32>(fortran.of(), shape, c.of_mut()),
        _ => to_c::<u64>(fortran.of(), shape, c.of_mut()),
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
        to_c(&fortran, &[a, b, c], &mut found);
        assert_eq!(found, expected);
    }

    #[test]
    fn blocks_do_not_show() {
        let (rows, cols) = (3 * BLOCK + 1, 7);
        let fortran: Vec<f32> = (0..rows * cols).map(|i| i as f32).collect();
        let mut found = vec![0.0; rows * cols];
        to_c(&fortran, &[rows, cols], &mut found);
        assert!((0..rows * cols).all(|i| found[i] == fortran[i / cols + i % cols * rows]));
    }
}
