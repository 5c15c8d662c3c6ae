//! The numbers behind a figure, exactly as plotted.

use crate::figure::{Body, Figure};

impl Figure {
    /// The plotted numbers as CSV, written so that they read back to the same `f64`.
    ///
    /// A chart is in long form, one row per point: `series,x,y,lo,hi`. A matrix has one row per cell:
    /// `row,col,value,half_width`. A surface has its grid and its samples: `kind,x,y,value`. The header names the axes'
    /// labels and units in brackets; what is not known is an empty field. A heat map has one row per cell too:
    /// `row,col,value`, without labels counted from 0.
    pub fn csv(&self) -> String {
        let number = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
        let titled = |column: &str, title: &str| {
            if title.is_empty() { column.to_owned() } else { format!("{column} [{title}]") }
        };
        let label = |labels: &[String], index: usize| labels.get(index).cloned().unwrap_or_else(|| index.to_string());
        let mut rows: Vec<Vec<String>> = Vec::new();
        match &self.body {
            Body::Chart(chart) => {
                rows.push(vec![
                    "series".to_owned(),
                    titled("x", &chart.x.title()),
                    titled("y", &chart.y.title()),
                    "lo".to_owned(),
                    "hi".to_owned(),
                ]);
                for series in &chart.series {
                    for (index, point) in series.points.iter().enumerate() {
                        let band = series.band.as_ref().and_then(|band| band.get(index));
                        rows.push(vec![
                            series.name.clone(),
                            number(Some(point[0])),
                            number(Some(point[1])),
                            number(band.map(|band| band[0])),
                            number(band.map(|band| band[1])),
                        ]);
                    }
                }
            }
            Body::Heat(heat) => {
                let value = if heat.unit.is_empty() { "value".to_owned() } else { format!("value [{}]", heat.unit) };
                rows.push(vec![titled("row", &heat.row_title), titled("col", &heat.col_title), value]);
                for row in 0..heat.rows() {
                    for col in 0..heat.cols() {
                        let value = number(heat.value(row, col));
                        rows.push(vec![label(&heat.row_labels, row), label(&heat.col_labels, col), value]);
                    }
                }
            }
            Body::Matrix(matrix) => {
                rows.push(vec![
                    titled("row", &matrix.row_title),
                    titled("col", &matrix.col_title),
                    "value".to_owned(),
                    "half_width".to_owned(),
                ]);
                for row in 0..matrix.rows {
                    for col in 0..matrix.cols {
                        rows.push(vec![
                            label(&matrix.row_labels, row),
                            label(&matrix.col_labels, col),
                            number(matrix.value(row, col)),
                            number(matrix.half_width(row, col)),
                        ]);
                    }
                }
            }
            Body::Surface(surface) => {
                rows.push(["kind", "x", "y", "value"].map(str::to_owned).to_vec());
                for (index, value) in surface.values.iter().take(surface.width * surface.height).enumerate() {
                    let (x, y) = surface.grid_point(index / surface.width, index % surface.width);
                    rows.push(vec![
                        "probability of class 1".to_owned(),
                        x.to_string(),
                        y.to_string(),
                        value.to_string(),
                    ]);
                }
                for point in &surface.points {
                    let kind = if point.faded { "earlier sample" } else { "sample" };
                    rows.push(vec![kind.to_owned(), point.x.to_string(), point.y.to_string(), point.class.to_string()]);
                }
            }
            Body::Empty { message } => rows.push(vec![message.clone()]),
        }
        rows.iter().map(|row| line(row)).collect()
    }
}

/// One CSV line: a field with a comma, a quote or a line break is quoted (RFC 4180).
fn line(fields: &[String]) -> String {
    let quoted = |field: &String| {
        if field.contains([',', '"', '\n', '\r']) {
            format!("\"{}\"", field.replace('"', "\"\""))
        } else {
            field.clone()
        }
    };
    let mut text = fields.iter().map(quoted).collect::<Vec<_>>().join(",");
    text.push('\n');
    text
}
