//! A classifier's decision surface over the plane, with the samples it learned from.

/// One sample in the plane.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SurfacePoint {
    /// Horizontal coordinate.
    pub x: f64,
    /// Vertical coordinate.
    pub y: f64,
    /// Class, from 0.
    pub class: usize,
    /// Drawn faint: a sample of an earlier task.
    pub faded: bool,
}

/// The probability of class 1 on a grid over the plane.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Surface {
    /// Horizontal range, left to right.
    pub x_range: (f64, f64),
    /// Vertical range, bottom to top.
    pub y_range: (f64, f64),
    /// Grid columns.
    pub width: usize,
    /// Grid rows.
    pub height: usize,
    /// `width * height` probabilities of class 1, row-major, row 0 at the bottom. The first column stands at the left
    /// end of the range, the last one at the right end; rows likewise.
    pub values: Vec<f32>,
    /// Samples.
    pub points: Vec<SurfacePoint>,
    /// Names of the classes for a legend; empty: no legend.
    pub legend: Vec<String>,
}

impl Surface {
    /// Where the grid point in row `row` (0 at the bottom) and column `col` stands.
    pub fn grid_point(&self, row: usize, col: usize) -> (f64, f64) {
        let place = |index: usize, (low, high): (f64, f64), count: usize| {
            low + (high - low) * index as f64 / (count.max(2) - 1) as f64
        };
        (place(col, self.x_range, self.width), place(row, self.y_range, self.height))
    }

    /// The probability of class 1 at `(x, y)`, bilinear between grid points; `None` outside or without a grid.
    pub fn at(&self, x: f64, y: f64) -> Option<f64> {
        if self.width < 2 || self.height < 2 || self.values.len() != self.width * self.height {
            return None;
        }
        let place = |value: f64, (low, high): (f64, f64), count: usize| {
            let t = (value - low) / (high - low);
            (0.0..=1.0).contains(&t).then(|| {
                let at = t * (count - 1) as f64;
                let cell = (at as usize).min(count - 2);
                (cell, at - cell as f64)
            })
        };
        let (col, u) = place(x, self.x_range, self.width)?;
        let (row, v) = place(y, self.y_range, self.height)?;
        let value = |row: usize, col: usize| f64::from(self.values[row * self.width + col]);
        let low = value(row, col) * (1.0 - u) + value(row, col + 1) * u;
        let high = value(row + 1, col) * (1.0 - u) + value(row + 1, col + 1) * u;
        Some(low * (1.0 - v) + high * v)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bilinear_between_grid_points() {
        let surface = Surface {
            x_range: (0.0, 2.0),
            y_range: (-1.0, 1.0),
            width: 3,
            height: 2,
            values: vec![0.0, 0.5, 1.0, 0.2, 0.4, 0.6],
            ..Surface::default()
        };
        let near = |x, y, expected: f64| assert!((surface.at(x, y).unwrap() - expected).abs() < 1e-6);
        near(0.0, -1.0, 0.0);
        near(2.0, 1.0, 0.6);
        near(0.5, -1.0, 0.25);
        near(1.0, 0.0, 0.45);
        assert_eq!(surface.at(2.1, 0.0), None);
        assert_eq!(Surface::default().at(0.0, 0.0), None);
    }
}
