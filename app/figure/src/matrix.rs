//! A table of numbers as coloured cells: the accuracy matrix, confusion, a memory's state.

use crate::chart::SeriesColor;
use crate::map::Map;

/// A table of numbers as coloured cells, row 0 at the top.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Matrix {
    /// Number of rows.
    pub rows: usize,
    /// Number of columns.
    pub cols: usize,
    /// `rows * cols` values, row-major; `None`: not known yet, drawn as an empty cell.
    pub values: Vec<Option<f64>>,
    /// Half widths of the values' intervals, same layout.
    pub half_widths: Option<Vec<Option<f64>>>,
    /// One label per row; empty: indices are not shown.
    pub row_labels: Vec<String>,
    /// One label per column; empty: indices are not shown.
    pub col_labels: Vec<String>,
    /// What a row is: "after task".
    pub row_title: String,
    /// What a column is: "tested on".
    pub col_title: String,
    /// Colours of the row labels; a missing one is dim.
    pub row_colors: Vec<SeriesColor>,
    /// Colours of the column labels; a missing one is dim.
    pub col_colors: Vec<SeriesColor>,
    /// Colour map.
    pub map: Map,
    /// Values at the map's ends; `None`: the data's (about 0 for a diverging map, 0..=1 for a fraction). Values beyond
    /// are drawn in the end colours.
    pub range: Option<(f64, f64)>,
    /// Write each value into its cell where it fits.
    pub show_values: bool,
    /// A line of explanation below; may be empty.
    pub note: String,
}

impl Matrix {
    /// A matrix of fractions in 0..=1 with readable values.
    ///
    /// `values` holds `rows * cols` entries, row-major; missing ones count as not known yet, surplus ones are dropped.
    pub fn new(rows: usize, cols: usize, mut values: Vec<Option<f64>>) -> Self {
        values.resize(rows * cols, None);
        Self { rows, cols, values, show_values: true, ..Self::default() }
    }

    /// Row and column `i` labelled "i + 1" in the colour of task `i`.
    pub fn task_labels(mut self) -> Self {
        let label = |count: usize| (1..=count).map(|number| number.to_string()).collect();
        let color = |count: usize| (0..count).map(SeriesColor::Task).collect();
        (self.row_labels, self.row_colors) = (label(self.rows), color(self.rows));
        (self.col_labels, self.col_colors) = (label(self.cols), color(self.cols));
        self
    }

    /// With these titles of rows and columns.
    pub fn titles(self, row: impl Into<String>, col: impl Into<String>) -> Self {
        Self { row_title: row.into(), col_title: col.into(), ..self }
    }

    /// With this map and these values at its ends.
    pub fn map(self, map: Map, range: Option<(f64, f64)>) -> Self {
        Self { map, range, ..self }
    }

    /// The value at row `row`, column `col`; `None` too where there is no such cell.
    pub fn value(&self, row: usize, col: usize) -> Option<f64> {
        (row < self.rows && col < self.cols)
            .then(|| self.values.get(row * self.cols + col).copied())
            .flatten()
            .flatten()
    }

    /// The half width at row `row`, column `col`.
    pub fn half_width(&self, row: usize, col: usize) -> Option<f64> {
        let widths = self.half_widths.as_ref()?;
        (row < self.rows && col < self.cols).then(|| widths.get(row * self.cols + col).copied()).flatten().flatten()
    }

    /// Values at the map's two ends.
    pub fn shown_range(&self) -> (f64, f64) {
        self.range.unwrap_or_else(|| self.map.natural_range(self.values.iter().copied().flatten()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_row_major_and_outside_is_none() {
        let matrix = Matrix::new(2, 3, vec![Some(1.0), Some(2.0), Some(3.0), Some(4.0)]);
        assert_eq!(matrix.value(1, 0), Some(4.0));
        assert_eq!(matrix.value(1, 1), None);
        assert_eq!(matrix.value(0, 3), None);
        assert_eq!(matrix.value(2, 0), None);
    }
}
