//! From points to what is visible of them: cut to the window, broken at gaps, and where points are dense only the lowest
//! and the highest of each column of pixels, which is what a line through all of them would cover.

use std::ops::Range;

use egui::Pos2;

use super::plane::Plane;

/// Width of a column in points: less than a line's own width.
const COLUMN: f32 = 1.5;

/// The column of a position.
fn column(x: f32) -> i64 {
    (x / COLUMN).floor() as i64
}

/// Indices of the points in view, with one neighbour on each side; x does not decrease.
fn in_view(points: &[[f64; 2]], plane: &Plane) -> Range<usize> {
    let (left, right) = (plane.x.value(plane.area.left()), plane.x.value(plane.area.right()));
    let first = points.partition_point(|point| point[0] < left).saturating_sub(1);
    let last = points.partition_point(|point| point[0] <= right);
    first..(last + 1).min(points.len()).max(first)
}

/// The unbroken stretches of a line that are in view.
pub(crate) fn lines(points: &[[f64; 2]], plane: &Plane) -> Vec<Vec<Pos2>> {
    let range = in_view(points, plane);
    let thin = range.len() as f32 > 2.0 * plane.area.width();
    let mut runs: Vec<Vec<Pos2>> = Vec::new();
    let mut run: Vec<Pos2> = Vec::with_capacity(range.len().min(4096));
    let mut column = Column::default();
    for &point in &points[range] {
        match plane.position(point) {
            Some(at) if thin => column.push(at, &mut run),
            Some(at) => run.push(at),
            None => {
                column.flush(&mut run);
                close(&mut run, &mut runs);
            }
        }
    }
    column.flush(&mut run);
    close(&mut run, &mut runs);
    runs
}

fn close(run: &mut Vec<Pos2>, runs: &mut Vec<Vec<Pos2>>) {
    if !run.is_empty() {
        runs.push(std::mem::take(run));
    }
}

/// The points of one column.
#[derive(Default)]
struct Column {
    points: Vec<Pos2>,
}

impl Column {
    fn push(&mut self, at: Pos2, run: &mut Vec<Pos2>) {
        if self.points.first().is_some_and(|first| column(first.x) != column(at.x)) {
            self.flush(run);
        }
        self.points.push(at);
    }

    fn flush(&mut self, run: &mut Vec<Pos2>) {
        let by_height = |a: &(usize, &Pos2), b: &(usize, &Pos2)| a.1.y.total_cmp(&b.1.y);
        let low = self.points.iter().enumerate().min_by(by_height).map(|(index, _)| index);
        let high = self.points.iter().enumerate().max_by(by_height).map(|(index, _)| index);
        if let (Some(low), Some(high)) = (low, high) {
            run.push(self.points[low.min(high)]);
            if low != high {
                run.push(self.points[low.max(high)]);
            }
        }
        self.points.clear();
    }
}

/// Upper and lower edge of an unbroken stretch of a band.
pub(crate) type Edges = (Vec<Pos2>, Vec<Pos2>);

/// The unbroken stretches of a band that are in view. In a thinned one each column spans all bands in it.
pub(crate) fn bands(points: &[[f64; 2]], band: &[[f64; 2]], plane: &Plane) -> Vec<Edges> {
    let range = in_view(points, plane);
    let range = range.start.min(band.len())..range.end.min(band.len());
    let thin = range.len() as f32 > plane.area.width();
    let mut runs: Vec<Edges> = Vec::new();
    let mut open = false;
    for (point, edges) in points[range.clone()].iter().zip(&band[range]) {
        let ends = plane.position([point[0], edges[1]]).zip(plane.position([point[0], edges[0]]));
        let Some((upper, lower)) = ends else {
            open = false;
            continue;
        };
        if !open {
            runs.push(Edges::default());
            open = true;
        }
        let Some((above, below)) = runs.last_mut() else { continue };
        match (above.last_mut(), below.last_mut()) {
            (Some(high), Some(low)) if thin && column(high.x) == column(upper.x) => {
                high.y = high.y.min(upper.y);
                low.y = low.y.max(lower.y);
            }
            _ => {
                above.push(upper);
                below.push(lower);
            }
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;
    use egui::{Rect, pos2};
    use proptest::prelude::*;

    fn plane(x: (f64, f64)) -> Plane {
        Plane::new(Rect::from_min_max(pos2(0.0, 0.0), pos2(100.0, 100.0)), x, (0.0, 1.0), (false, false))
    }

    #[test]
    fn a_gap_breaks_line_and_band() {
        let points = [[0.0, 0.1], [1.0, f64::NAN], [2.0, 0.3], [3.0, 0.4]];
        let runs = lines(&points, &plane((0.0, 3.0)));
        assert_eq!(runs.iter().map(Vec::len).collect::<Vec<_>>(), [1, 2]);
        let band = [[0.0, 0.2], [0.0, 0.2], [0.0, f64::NAN]];
        let runs = bands(&points, &band, &plane((0.0, 3.0)));
        assert_eq!(runs.iter().map(|run| run.0.len()).collect::<Vec<_>>(), [2], "the band is shorter than the line");
    }

    #[test]
    fn zooming_keeps_one_neighbour_on_each_side() {
        let points: Vec<[f64; 2]> = (0..100).map(|x| [f64::from(x), 0.5]).collect();
        assert_eq!(in_view(&points, &plane((10.5, 12.5))), 10..14);
        assert_eq!(in_view(&points, &plane((200.0, 300.0))), 99..100);
        assert_eq!(in_view(&[], &plane((0.0, 1.0))), 0..0);
    }

    proptest! {
        #[test]
        fn thinning_keeps_extremes_and_ends(values in prop::collection::vec(0.0..1.0f64, 500..3000)) {
            let points: Vec<[f64; 2]> = values.iter().enumerate().map(|(x, y)| [x as f64, *y]).collect();
            let plane = plane((0.0, (values.len() - 1) as f64));
            let runs = lines(&points, &plane);
            prop_assert_eq!(runs.len(), 1);
            let run = &runs[0];
            prop_assert!(run.len() <= 2 * 68);
            prop_assert!(run.windows(2).all(|pair| pair[0].x <= pair[1].x));
            // Both ends are reached to within their column.
            prop_assert!(run[0].x < COLUMN && run[run.len() - 1].x > 100.0 - 2.0 * COLUMN);
            let extreme = |pick: fn(f32, f32) -> f32, all: &[Pos2]| all.iter().map(|at| at.y).reduce(pick);
            let all: Vec<Pos2> = points.iter().filter_map(|point| plane.position(*point)).collect();
            prop_assert_eq!(extreme(f32::max, run), extreme(f32::max, &all));
            prop_assert_eq!(extreme(f32::min, run), extreme(f32::min, &all));
        }
    }
}
