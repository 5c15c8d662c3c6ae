//! A growing table whose copies share what is full, so that the window can read while training writes.

use std::sync::Arc;

/// Rows in one shared chunk.
const CHUNK: usize = 1024;

/// Rows of `width` values. Cloning copies one chunk at most.
#[derive(Debug, Clone)]
pub struct Chunked<T> {
    width: usize,
    full: Vec<Arc<[T]>>,
    tail: Vec<T>,
}

impl<T: Copy> Chunked<T> {
    /// An empty table of rows of `width` values.
    pub fn new(width: usize) -> Self {
        Self { width: width.max(1), full: Vec::new(), tail: Vec::new() }
    }

    /// Rows held.
    pub fn len(&self) -> usize {
        self.full.len() * CHUNK + self.tail.len() / self.width
    }

    /// Whether no row is held.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Appends a row.
    ///
    /// # Panics
    /// When the row's width is not the table's.
    pub fn push(&mut self, row: &[T]) {
        assert_eq!(row.len(), self.width, "row width");
        self.tail.extend_from_slice(row);
        if self.tail.len() == CHUNK * self.width {
            self.full.push(std::mem::take(&mut self.tail).into());
        }
    }

    /// Row `index`.
    ///
    /// # Panics
    /// When there is no such row.
    pub fn row(&self, index: usize) -> &[T] {
        let start = index % CHUNK * self.width;
        let chunk = self.full.get(index / CHUNK).map_or(self.tail.as_slice(), |chunk| chunk);
        &chunk[start..start + self.width]
    }

    /// The last row.
    pub fn last(&self) -> Option<&[T]> {
        self.len().checked_sub(1).map(|index| self.row(index))
    }

    /// Bytes held.
    pub fn bytes(&self) -> usize {
        (self.full.len() * CHUNK * self.width + self.tail.capacity()) * size_of::<T>()
    }

    /// Every value in order, for a checkpoint.
    pub fn to_vec(&self) -> Vec<T> {
        let mut out = Vec::with_capacity(self.len() * self.width);
        for chunk in &self.full {
            out.extend_from_slice(chunk);
        }
        out.extend_from_slice(&self.tail);
        out
    }
}

impl Chunked<u64> {
    /// First row whose first value is at least `value`, in a table sorted by it.
    pub fn lower_bound(&self, value: u64) -> usize {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = usize::midpoint(low, high);
            if self.row(middle)[0] < value {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_back_across_chunks() {
        let mut table = Chunked::new(3);
        for i in 0..2500u64 {
            table.push(&[i, 2 * i, 3 * i]);
        }
        assert_eq!(table.len(), 2500);
        for i in [0, 1023, 1024, 2048, 2499] {
            assert_eq!(table.row(i), [i as u64, 2 * i as u64, 3 * i as u64]);
        }
        assert_eq!(table.lower_bound(1024), 1024);
        assert_eq!(table.lower_bound(9999), 2500);
        assert_eq!(table.to_vec().len(), 7500);
    }
}
