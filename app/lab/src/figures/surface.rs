//! A classifier's answers over the plane.

use mnemoscope_figure::{Body, Figure, Surface, SurfacePoint};
use mnemoscope_stream::Shape;

use super::View;
use crate::snapshot::Snapshot;

const ID: &str = "decision-surface";
const TITLE: &str = "Decision surface";

/// Probability of class 1 over the plane for the first replica, with training points of every task that was met: those
/// of the present task in full, those of other tasks faint.
pub fn surface(snapshot: &Snapshot, _view: &View) -> Figure {
    let Some(surface) = snapshot.surface.as_deref() else {
        let message = if snapshot.layout.dataset.shape != Shape::Points || snapshot.layout.classes > 2 {
            "Only streams of 2-D points have a surface to draw. Choose moons, rings, spirals, blobs or XOR as data set."
        } else {
            "What the network answers at every point of the plane appears here once it trains."
        };
        return Figure::empty(ID, TITLE, message);
    };
    let layout = &snapshot.layout;
    let now = layout.blocks.get(layout.block_at(snapshot.step)).map_or(0, |block| block.group);
    let met: Vec<usize> =
        layout.blocks.iter().filter(|b| b.start <= snapshot.step).flat_map(|b| b.groups.clone()).collect();
    let range = (f64::from(surface.range.0), f64::from(surface.range.1));
    let mut points: Vec<SurfacePoint> = surface
        .points
        .iter()
        .filter(|(.., group)| met.contains(group))
        .map(|&(x, y, class, group)| SurfacePoint {
            x: f64::from(x),
            y: f64::from(y),
            class: usize::from(class),
            faded: group != now,
        })
        .collect();
    // The present task's points lie on top.
    points.sort_by_key(|point| !point.faded);
    let body = Surface {
        x_range: range,
        y_range: range,
        width: surface.side,
        height: surface.side,
        values: surface.values.clone(),
        points,
        legend: vec!["class 0".to_owned(), "class 1".to_owned()],
    };
    let caption = format!("probability of class 1, first seed · training points of {}", layout.group_name(0, now));
    Figure::new(ID, TITLE, Body::Surface(body)).caption(caption).badge("train")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::figures::sample;
    use crate::snapshot::SurfaceView;

    #[test]
    fn points_of_the_present_task_are_full_and_of_tasks_to_come_absent() {
        let mut snapshot = sample::finished();
        snapshot.step = 150;
        let points = vec![(0.1, 0.2, 1, 1), (0.3, 0.4, 0, 0), (0.5, 0.6, 1, 2)];
        let view = SurfaceView { side: 2, range: (-1.0, 1.0), values: vec![0.0, 0.5, 0.5, 1.0], points };
        snapshot.surface = Some(Arc::new(view));
        let Body::Surface(surface) = surface(&snapshot, &View::default()).body else { panic!("not a surface") };
        let drawn: Vec<(usize, bool)> = surface.points.iter().map(|point| (point.class, point.faded)).collect();
        assert_eq!(drawn, [(0, true), (1, false)]);
        assert_eq!(surface.at(1.0, 1.0), Some(1.0));
    }

    #[test]
    fn other_data_say_why_there_is_none() {
        let Body::Empty { message } = surface(&sample::finished(), &View::default()).body else { panic!() };
        assert!(message.contains("2-D points"), "{message}");
    }
}
