use mnemoscope_figure::{Axis, Body, Chart, Figure, Matrix, Series, SeriesColor, Surface};
use proptest::prelude::*;

use crate::samples;

/// All records, the header first.
fn read(text: &str) -> Vec<Vec<String>> {
    let mut reader = ::csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
    reader.records().map(|record| record.unwrap().iter().map(str::to_owned).collect()).collect()
}

fn number(text: &str) -> Option<f64> {
    (!text.is_empty()).then(|| text.parse().unwrap())
}

#[test]
fn headers_name_axes_and_units() {
    let header = |figure: Figure| read(&figure.csv()).swap_remove(0);
    assert_eq!(header(samples::objective()), ["series", "x [optimiser step]", "y [loss (nats)]", "lo", "hi"]);
    assert_eq!(header(samples::matrix()), ["row [after task]", "col [tested on task]", "value", "half_width"]);
    assert_eq!(header(samples::surface()), ["kind", "x", "y", "value"]);
}

#[test]
fn a_surface_has_its_grid_and_its_samples() {
    let surface = Surface {
        x_range: (0.0, 2.0),
        y_range: (-1.0, 1.0),
        width: 3,
        height: 2,
        values: vec![0.1; 6],
        ..Surface::default()
    };
    let rows = read(&Figure::new("s", "S", Body::Surface(surface)).csv());
    assert_eq!(rows.len(), 7);
    assert_eq!(rows[3], ["probability of class 1", "2", "-1", "0.1"]);
    assert_eq!(read(&samples::surface().csv()).len(), 1 + 40 * 32 + 160);
}

proptest! {
    #[test]
    fn a_chart_reads_back_exactly(
        series in prop::collection::vec(
            (".{0,12}", prop::collection::vec((any::<f64>(), any::<f64>(), any::<f64>(), any::<f64>()), 1..20), any::<bool>()),
            1..5,
        )
    ) {
        let mut chart = Chart::new(Axis::new("step"), Axis::accuracy());
        for (name, points, banded) in &series {
            let mut line = Series::new(name.clone(), SeriesColor::Accent, points.iter().map(|p| [p.0, p.1]).collect());
            if *banded {
                line = line.band(points.iter().map(|p| [p.2, p.3]).collect());
            }
            chart.series.push(line);
        }
        let rows = read(&Figure::new("f", "F", Body::Chart(chart.clone())).csv());
        let mut rows = rows[1..].iter();
        for series in &chart.series {
            for (index, point) in series.points.iter().enumerate() {
                let row = rows.next().unwrap();
                prop_assert_eq!(&row[0], &series.name);
                let band = series.band.as_ref().map(|band| band[index]);
                let expected = [Some(point[0]), Some(point[1]), band.map(|b| b[0]), band.map(|b| b[1])];
                for (text, expected) in row[1..].iter().zip(expected) {
                    let found = number(text);
                    // NaN reads back as NaN, everything else to the bit.
                    prop_assert!(found.map(f64::to_bits) == expected.map(f64::to_bits)
                        || (found.is_some_and(f64::is_nan) && expected.is_some_and(f64::is_nan)));
                }
            }
        }
        prop_assert!(rows.next().is_none());
    }

    #[test]
    fn a_matrix_reads_back_exactly(rows in 1usize..6, cols in 1usize..6, seed in prop::collection::vec(prop::option::of(-1e9..1e9f64), 36)) {
        let values: Vec<Option<f64>> = seed[..rows * cols].to_vec();
        let mut matrix = Matrix::new(rows, cols, values.clone()).task_labels();
        matrix.half_widths = Some(values.iter().map(|value| value.map(f64::abs)).collect());
        let read = read(&Figure::new("m", "M", Body::Matrix(matrix)).csv());
        prop_assert_eq!(read.len(), 1 + rows * cols);
        for (index, row) in read[1..].iter().enumerate() {
            prop_assert_eq!(&row[0], &(index / cols + 1).to_string());
            prop_assert_eq!(&row[1], &(index % cols + 1).to_string());
            prop_assert_eq!(number(&row[2]), values[index]);
            prop_assert_eq!(number(&row[3]), values[index].map(f64::abs));
        }
    }
}
