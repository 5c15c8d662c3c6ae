//! What several plots say about a run: switches, changed knobs, seeds, and which replicas pair with a pinned run's.

use mnemoscope_figure::{Mark, MarkKind, SeriesColor};
use mnemoscope_measure::Estimate;

use super::View;
use crate::path;
use crate::snapshot::{Snapshot, Status};

/// "task 2", with its classes where all replicas have the same.
pub(super) fn task_name(snapshot: &Snapshot, group: usize) -> String {
    if snapshot.layout.shared_order { snapshot.layout.group_name(0, group) } else { format!("task {}", group + 1) }
}

/// Most switches that are drawn: more of them would be a curtain before the curves.
const MOST_SWITCHES: usize = 100;

/// Switches with the task's number, changed knobs, and where the run is while it trains.
pub(super) fn marks(snapshot: &Snapshot) -> Vec<Mark> {
    let blocks = &snapshot.layout.blocks;
    let drawn = if blocks.len() <= MOST_SWITCHES { blocks.as_slice() } else { &[] };
    let switches = drawn.iter().map(|block| Mark {
        x: block.start as f64,
        label: format!("task {}", block.group + 1),
        color: SeriesColor::Task(block.group),
        kind: MarkKind::Switch,
    });
    let mut marks: Vec<Mark> = switches.chain(event_marks(snapshot)).collect();
    if matches!(snapshot.status, Status::Running | Status::Paused) && snapshot.step > 0 {
        marks.push(Mark {
            x: snapshot.step as f64,
            label: String::new(),
            color: SeriesColor::Text,
            kind: MarkKind::Playhead,
        });
    }
    marks
}

/// Changed knobs. A slider that is dragged changes at many steps in a row; only the value that it came to rest on is
/// labelled, where its name differs from the next one's or that one is more than a few steps away.
fn event_marks(snapshot: &Snapshot) -> Vec<Mark> {
    let apart = (snapshot.layout.total_steps() / 100).max(2);
    let events = &snapshot.events;
    let last_of_drag = |index: usize| {
        events
            .get(index + 1)
            .is_none_or(|next| next.path != events[index].path || next.step > events[index].step + apart)
    };
    let knobs = if events.is_empty() { Vec::new() } else { path::all(&snapshot.experiment) };
    (0..events.len())
        .filter(|&index| last_of_drag(index))
        .map(|index| {
            let event = &events[index];
            let symbol = knobs.iter().find(|(path, ..)| *path == event.path).map_or("", |(_, knob, _)| knob.symbol);
            let name = if symbol.is_empty() { event.path.rsplit('.').next().unwrap_or("") } else { symbol };
            Mark {
                x: event.step as f64,
                label: format!("{name} = {}", short(event.new)),
                color: SeriesColor::Warning,
                kind: MarkKind::Event,
            }
        })
        .collect()
}

/// "mean and 95 % band over 5 seeds", with the variant of a sweep and what diverged.
pub(super) fn over_seeds(snapshot: &Snapshot, view: &View, interval: &str) -> String {
    let variant = view.variant(snapshot);
    let (alive, all) = snapshot.alive(variant);
    let mut text = match all {
        0 | 1 => "one seed, no interval".to_owned(),
        _ => format!("mean and 95 % {interval} over {all} seeds"),
    };
    if alive < all {
        text = format!("{text} ({} diverged, held at the last finite weights)", all - alive);
    }
    if let Some(variant) = snapshot.layout.variants().get(variant).filter(|variant| !variant.label.is_empty()) {
        text = format!("{} · {text}", variant.label);
    }
    text
}

/// Pairs of replicas (present run, pinned run) of the shown variant that have the same seed.
pub(super) fn pairs(snapshot: &Snapshot, pinned: &Snapshot, view: &View) -> Vec<(usize, usize)> {
    let replicas = |snapshot: &Snapshot| {
        let variant = snapshot.layout.variants().get(view.variant(snapshot));
        variant.map_or(0..0, |variant| variant.replicas.clone())
    };
    let (seeds, others) = (&snapshot.layout.population.seeds, &pinned.layout.population.seeds);
    replicas(snapshot)
        .filter_map(|mine| replicas(pinned).find(|theirs| seeds[mine] == others[*theirs]).map(|theirs| (mine, theirs)))
        .collect()
}

/// "46 ± 4 steps", with "(4 of 5)" behind it where a replica has none.
pub(super) fn steps_text(steps: &Estimate) -> String {
    let whole = Estimate { of: steps.count, ..*steps };
    let missing = if steps.count < steps.of { format!(" ({} of {})", steps.count, steps.of) } else { String::new() };
    format!("{whole:.0} steps{missing}")
}

/// A number with at most four significant digits, for labels.
pub(super) fn short(value: f64) -> String {
    let size = value.abs();
    if value == 0.0 {
        "0".to_owned()
    } else if !(1e-3..1e6).contains(&size) {
        format!("{value:.1e}")
    } else {
        let digits = (3 - size.log10().floor() as i32).clamp(0, 6) as usize;
        let text = format!("{value:.digits$}");
        if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::experiment::Event;
    use crate::figures::sample;

    #[test]
    fn short_numbers() {
        let texts = [0.0, 0.05, 500.0, 5000.0, 1.25, 0.333_333, 1e-5, 2e7, -0.5].map(short);
        assert_eq!(texts, ["0", "0.05", "500", "5000", "1.25", "0.3333", "1.0e-5", "2.0e7", "-0.5"]);
    }

    #[test]
    fn steps_have_their_unit_before_what_is_missing() {
        let steps = Estimate { mean: 33.4, half_width: Some(17.0), count: 3, of: 5 };
        assert_eq!(steps_text(&steps), "33 ± 17 steps (3 of 5)");
        assert_eq!(steps_text(&Estimate { half_width: None, count: 5, ..steps }), "33 steps");
    }

    #[test]
    fn a_drag_is_one_mark_with_its_last_value() {
        let mut snapshot = sample::finished();
        let event = |step, new| Event { step, path: "optimiser.rate".to_owned(), old: 0.05, new };
        snapshot.events = vec![event(10, 0.06), event(11, 0.07), event(12, 0.08), event(100, 0.2)];
        let labels: Vec<String> =
            marks(&snapshot).into_iter().filter(|mark| mark.kind == MarkKind::Event).map(|mark| mark.label).collect();
        assert_eq!(labels.len(), 2, "{labels:?}");
        assert!(labels[0].ends_with("= 0.08") && labels[1].ends_with("= 0.2"), "{labels:?}");
    }

    #[test]
    fn replicas_pair_by_seed_and_not_by_place() {
        let mine = sample::finished();
        let mut other = sample::finished();
        let mut layout = (*other.layout).clone();
        layout.population.seeds = vec![2, 9, 0];
        other.layout = Arc::new(layout);
        assert_eq!(pairs(&mine, &other, &View::default()), [(0, 2), (2, 0)]);
    }

    #[test]
    fn the_caption_says_what_diverged() {
        let mut snapshot = sample::finished();
        assert_eq!(over_seeds(&snapshot, &View::default(), "band"), "mean and 95 % band over 3 seeds");
        snapshot.diverged[1] = true;
        let text = over_seeds(&snapshot, &View::default(), "band");
        assert!(text.contains("1 diverged"), "{text}");
    }
}
