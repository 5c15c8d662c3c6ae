//! Many numbers as flat cells: a memory's state, an attention map. Drawn from the processor's numbers or straight from a
//! graphics card's buffer, and looked into by zooming.

mod gpu_view;
mod window;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

pub use gpu_view::{GpuView, GpuViewError, Strides};
pub(crate) use window::Window;

use crate::map::Map;

/// A table of `f32`, row 0 at the top, of up to millions of cells.
///
/// Unlike a [`Matrix`](crate::Matrix) it costs the window no work per cell and frame: make a heat map when its values
/// change, clone it freely, and the window notices by itself that nothing changed. Rows and columns are counted from 1
/// for people, and from 0 in files.
#[derive(Clone, Debug, PartialEq)]
pub struct Heat {
    rows: usize,
    cols: usize,
    values: Values,
    /// One label per row; empty: rows are numbered.
    pub row_labels: Vec<String>,
    /// One label per column; empty: columns are numbered.
    pub col_labels: Vec<String>,
    /// What a row is: "value dimension".
    pub row_title: String,
    /// What a column is: "key dimension".
    pub col_title: String,
    /// What the values are or are measured in, above the legend; may be empty.
    pub unit: String,
    /// Colour map.
    pub map: Map,
    /// Values at the map's ends; `None`: the data's, as [`Map::natural_range`] rounds them. Values beyond are drawn in the
    /// end colours.
    pub range: Option<(f64, f64)>,
    /// A line of explanation below; may be empty.
    pub note: String,
}

/// Where the numbers are.
#[derive(Clone, Debug)]
pub(crate) enum Values {
    /// In memory, row-major, with a number that no other values have; NaN: not known.
    Cells { cells: Arc<[f32]>, id: u64, extent: Option<(f32, f32)> },
    /// On a graphics card.
    Card(GpuView),
}

impl PartialEq for Values {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Cells { cells: a, id, .. }, Self::Cells { cells: b, id: other, .. }) => {
                id == other || a.iter().map(|value| value.to_bits()).eq(b.iter().map(|value| value.to_bits()))
            }
            (Self::Card(a), Self::Card(b)) => a == b,
            _ => false,
        }
    }
}

/// A number that was never given before.
pub(crate) fn fresh() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// Least and largest finite value.
fn extent(cells: &[f32]) -> Option<(f32, f32)> {
    let ends = cells
        .iter()
        .filter(|value| value.is_finite())
        .fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), value| (low.min(*value), high.max(*value)));
    (ends.0 <= ends.1).then_some(ends)
}

impl Heat {
    /// `rows * cols` values, row-major; one that is not finite is drawn as an empty cell. Missing ones count as not known,
    /// surplus ones are dropped.
    pub fn new(rows: usize, cols: usize, values: impl Into<Arc<[f32]>>) -> Self {
        let mut cells: Arc<[f32]> = values.into();
        if cells.len() != rows * cols {
            cells = cells.iter().copied().chain(std::iter::repeat(f32::NAN)).take(rows * cols).collect();
        }
        let extent = extent(&cells);
        Self::of(rows, cols, Values::Cells { cells, id: fresh(), extent })
    }

    /// The numbers of a buffer on a graphics card. A window on the same device draws straight from it; another one reads
    /// it back without waiting, and shows it a few frames later. Give it a [`Heat::range`]: what the buffer's own range
    /// is, is known only after it was read back.
    pub fn on_card(view: GpuView) -> Self {
        let Strides { rows, cols, .. } = view.strides();
        Self::of(rows, cols, Values::Card(view))
    }

    fn of(rows: usize, cols: usize, values: Values) -> Self {
        Self {
            rows,
            cols,
            values,
            row_labels: Vec::new(),
            col_labels: Vec::new(),
            row_title: String::new(),
            col_title: String::new(),
            unit: String::new(),
            map: Map::Diverging,
            range: None,
            note: String::new(),
        }
    }

    /// With these titles of rows and columns.
    pub fn titles(self, row: impl Into<String>, col: impl Into<String>) -> Self {
        Self { row_title: row.into(), col_title: col.into(), ..self }
    }

    /// With these labels of rows and columns; empty: they are numbered.
    pub fn labels(self, rows: Vec<String>, cols: Vec<String>) -> Self {
        Self { row_labels: rows, col_labels: cols, ..self }
    }

    /// With this map and these values at its ends.
    pub fn map(self, map: Map, range: Option<(f64, f64)>) -> Self {
        Self { map, range, ..self }
    }

    /// With values that are, or are measured in, this.
    pub fn unit(self, unit: impl Into<String>) -> Self {
        Self { unit: unit.into(), ..self }
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of columns.
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// The value at row `row`, column `col`, from 0; `None` where there is no such cell, it is not finite, or a graphics
    /// card has it and it was not read back yet.
    pub fn value(&self, row: usize, col: usize) -> Option<f64> {
        if row >= self.rows || col >= self.cols {
            return None;
        }
        let index = row * self.cols + col;
        let value = match &self.values {
            Values::Cells { cells, .. } => cells.get(index).copied(),
            Values::Card(view) => view.known().and_then(|cells| cells.get(index).copied()),
        };
        value.filter(|value| value.is_finite()).map(f64::from)
    }

    /// Values at the map's two ends.
    pub fn shown_range(&self) -> (f64, f64) {
        self.range.unwrap_or_else(|| {
            let extent = match &self.values {
                Values::Cells { extent, .. } => *extent,
                Values::Card(view) => view.known().and_then(|cells| extent(&cells)),
            };
            let ends = extent.map(|(low, high)| [f64::from(low), f64::from(high)]);
            self.map.natural_range(ends.into_iter().flatten())
        })
    }

    /// All values, row-major `[rows, cols]`; a graphics card's are read back, which waits for it.
    pub fn cells(&self) -> Result<Arc<[f32]>, GpuViewError> {
        match &self.values {
            Values::Cells { cells, .. } => Ok(Arc::clone(cells)),
            Values::Card(view) => view.read(),
        }
    }

    /// The same with its values in memory, for a file.
    pub(crate) fn fetched(&self) -> Result<Self, GpuViewError> {
        match &self.values {
            Values::Cells { .. } => Ok(self.clone()),
            Values::Card(_) => {
                let cells = self.cells()?;
                let values = Values::Cells { extent: extent(&cells), cells, id: fresh() };
                Ok(Self { values, ..self.clone() })
            }
        }
    }

    pub(crate) fn values(&self) -> &Values {
        &self.values
    }

    /// The cell's name for a reader: "query 3, stored value 5"; labels in place of numbers where there are some.
    pub(crate) fn cell_name(&self, row: usize, col: usize) -> String {
        let name = |labels: &[String], title: &str, plain: &str, index: usize| {
            let title = if title.is_empty() { plain } else { title };
            match labels.get(index) {
                Some(label) => format!("{title} {label}"),
                None => format!("{title} {}", index + 1),
            }
        };
        let row = name(&self.row_labels, &self.row_title, "row", row);
        format!("{row}, {}", name(&self.col_labels, &self.col_title, "column", col))
    }
}

/// A row, a column, or the cell where both cross, marked in one heat map because a pointer is on its like in another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Highlight {
    /// Row, from 0.
    pub row: Option<usize>,
    /// Column, from 0.
    pub col: Option<usize>,
}

impl Highlight {
    /// Row and column of a cell, such as [`Response::hovered`](crate::Response::hovered); `None` marks nothing.
    pub fn cell(cell: Option<(usize, usize)>) -> Self {
        Self { row: cell.map(|cell| cell.0), col: cell.map(|cell| cell.1) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_row_major_and_what_is_not_finite_is_not_known() {
        let heat = Heat::new(2, 3, vec![1.0, -2.0, 3.0, f32::NAN, f32::INFINITY]);
        assert_eq!((heat.value(0, 1), heat.value(0, 2)), (Some(-2.0), Some(3.0)));
        for (row, col) in [(1, 0), (1, 1), (1, 2), (2, 0), (0, 3)] {
            assert_eq!(heat.value(row, col), None);
        }
        assert_eq!(heat.shown_range(), (-3.0, 3.0));
        assert_eq!(heat.clone().map(Map::Sequential, None).shown_range(), (-2.0, 3.0));
        assert_eq!(heat.map(Map::Sequential, Some((0.0, 9.0))).shown_range(), (0.0, 9.0));
    }

    #[test]
    fn heat_maps_are_equal_when_their_values_are() {
        let heat = Heat::new(1, 2, vec![1.0, f32::NAN]);
        assert_eq!(heat, Heat::new(1, 2, vec![1.0, f32::NAN]));
        assert_ne!(heat, Heat::new(1, 2, vec![1.0, 2.0]));
        assert_ne!(heat, Heat::new(2, 1, vec![1.0, f32::NAN]));
    }

    #[test]
    fn cells_have_names() {
        let heat = Heat::new(2, 2, vec![0.0; 4]);
        assert_eq!(heat.cell_name(1, 0), "row 2, column 1");
        let heat = heat.titles("query", "key").labels(vec!["a".to_owned(), "b".to_owned()], Vec::new());
        assert_eq!(heat.cell_name(1, 1), "query b, key 2");
    }
}
