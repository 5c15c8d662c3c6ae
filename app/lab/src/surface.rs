//! The decision surface of a network on the plane.

use mnemoscope_learner::Learner;
use mnemoscope_stream::{Part, Shape, Stream};

use crate::snapshot::SurfaceView;

/// Cells along one side: fine enough for a border to look smooth, cheap enough to draw five times a second.
const SIDE: usize = 48;

/// The point sets lie in about [-1, 1]; a margin shows what happens outside.
const RANGE: (f32, f32) = (-1.4, 1.4);

/// Points shown of each group.
const POINTS: u32 = 80;

/// The first replica's probability of class 1 over the plane, with some training points; nothing for other data.
pub(crate) fn draw(stream: &Stream, learner: &Learner) -> Option<SurfaceView> {
    if stream.dataset().shape != Shape::Points {
        return None;
    }
    let cell = (RANGE.1 - RANGE.0) / SIDE as f32;
    let x: Vec<f32> = (0..SIDE * SIDE)
        .flat_map(|i| [i % SIDE, i / SIDE].map(|position| RANGE.0 + (position as f32 + 0.5) * cell))
        .collect();
    let logits = learner.logits(&learner.evaluator(x, SIDE * SIDE, true));
    let classes = stream.classes();
    let values = logits.chunks(classes).take(SIDE * SIDE).map(second_class).collect();
    let mut points = Vec::new();
    for group in 0..stream.groups() {
        let count = POINTS.min(stream.part_len(0, group, Part::Train) as u32);
        let (mut x, mut y) = (Vec::new(), Vec::new());
        stream.gather(0, group, Part::Train, &(0..count).collect::<Vec<_>>(), &mut x, &mut y);
        points.extend(x.chunks(2).zip(y).map(|(point, label)| (point[0], point[1], label as u16, group)));
    }
    Some(SurfaceView { side: SIDE, range: RANGE, values, points })
}

/// Softmax probability of class 1.
fn second_class(logits: &[f32]) -> f32 {
    let most = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f32 = logits.iter().map(|logit| (logit - most).exp()).sum();
    logits.get(1).map_or(0.0, |logit| (logit - most).exp() / sum)
}
