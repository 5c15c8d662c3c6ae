//! What stands below the blocks: the steps at which they begin, and marks where knobs were turned.

use egui::{Align2, FontId, Id, Rect, RichText, Sense, Ui, pos2, vec2};
use mnemoscope_figure::Theme;
use mnemoscope_lab::{BlockSpan, Event, Snapshot};

use crate::number;

/// Marks nearer than this many points are one.
const NEAR: f32 = 7.0;
/// Most changes that the tooltip of one mark lists.
const MOST: usize = 8;

/// Where a step lies on the drawn blocks.
pub fn x_of(step: u64, spans: &[BlockSpan], bars: &[Rect]) -> f32 {
    let index = spans.iter().rposition(|span| span.start <= step).unwrap_or(0);
    match (spans.get(index), bars.get(index)) {
        (Some(span), Some(bar)) => {
            let part = (step - span.start) as f32 / span.steps.max(1) as f32;
            bar.left() + bar.width() * part.min(1.0)
        }
        _ => bars.first().map_or(0.0, |bar| bar.left()),
    }
}

/// The steps at which blocks begin, where there is room.
pub fn steps_ui(ui: &Ui, theme: &Theme, snapshot: &Snapshot, bars: &[Rect]) {
    let mut free = f32::NEG_INFINITY;
    for (span, bar) in snapshot.layout.blocks.iter().zip(bars) {
        if bar.left() < free {
            continue;
        }
        let text = number::grouped(span.start as f64);
        let at = pos2(bar.left(), bar.bottom() + 16.0);
        let drawn = ui.painter().text(at, Align2::LEFT_TOP, text, FontId::proportional(10.5), theme.text_faint.into());
        free = drawn.right() + 10.0;
    }
}

/// A dot where knobs were turned; its tooltip tells which.
pub fn events_ui(ui: &Ui, theme: &Theme, snapshot: &Snapshot, bars: &[Rect], x_of: &dyn Fn(u64) -> f32) {
    let Some(first) = bars.first() else { return };
    let y = first.bottom() + 8.0;
    let places: Vec<f32> = snapshot.events.iter().map(|event| x_of(event.step)).collect();
    for cluster in clusters(&places) {
        let events = &snapshot.events[cluster.clone()];
        let x = places[cluster.start];
        ui.painter().circle_filled(pos2(x, y), 3.5, theme.accent);
        let hit = Rect::from_center_size(pos2(x, y), vec2(12.0, 12.0));
        let response = ui.interact(hit, Id::unique(("event", cluster.start)), Sense::hover());
        response.widget_info(|| {
            let text = merged(events).iter().map(event_text).collect::<Vec<_>>().join("; ");
            egui::WidgetInfo::labeled(egui::Role::Label, true, format!("Knobs turned: {text}"))
        });
        response.on_hover_ui(|ui| {
            let merged = merged(events);
            for event in merged.iter().take(MOST) {
                ui.label(event_text(event));
            }
            if merged.len() > MOST {
                ui.label(RichText::new(format!("and {} more", merged.len() - MOST)).color(theme.text_dim));
            }
        });
    }
}

/// Neighbours in `places` (ascending) that are drawn as one mark.
fn clusters(places: &[f32]) -> Vec<std::ops::Range<usize>> {
    let mut out: Vec<std::ops::Range<usize>> = Vec::new();
    for (index, x) in places.iter().enumerate() {
        match out.last_mut() {
            Some(cluster) if x - places[cluster.start] < NEAR => cluster.end = index + 1,
            _ => out.push(index..index + 1),
        }
    }
    out
}

/// Changes of one knob as one change: a drag of a slider leaves dozens.
fn merged(events: &[Event]) -> Vec<Event> {
    let mut out: Vec<Event> = Vec::new();
    for event in events {
        match out.iter_mut().find(|known| known.path == event.path) {
            Some(known) => {
                known.step = event.step;
                known.new = event.new;
            }
            None => out.push(event.clone()),
        }
    }
    out
}

fn event_text(event: &Event) -> String {
    let path = event.path.trim_start_matches("methods.");
    let [step, old, new] = [event.step as f64, event.old, event.new].map(number::short);
    format!("step {step}: {path} {old} → {new}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_lie_in_their_block() {
        let span = |group: usize, start, steps| BlockSpan { group, groups: vec![group], start, steps };
        let spans = [span(0, 0, 100), span(1, 100, 50)];
        let bars = [(0.0, 200.0), (203.0, 100.0)].map(|(x, w)| Rect::from_min_size(pos2(x, 0.0), vec2(w, 10.0)));
        assert_eq!(x_of(0, &spans, &bars), 0.0);
        assert_eq!(x_of(50, &spans, &bars), 100.0);
        assert_eq!(x_of(100, &spans, &bars), 203.0);
        assert_eq!(x_of(150, &spans, &bars), 303.0);
        assert_eq!(x_of(9999, &spans, &bars), 303.0);
    }

    #[test]
    fn a_drag_is_one_mark_with_its_first_and_last_value() {
        assert_eq!(clusters(&[1.0, 2.0, 7.5, 20.0, 21.0]), [0..3, 3..5]);
        let event = |step, old, new| Event { step, path: "methods.ewc.lambda".to_owned(), old, new };
        let drag = [event(3, 100.0, 120.0), event(4, 120.0, 150.0), event(6, 150.0, 500.0)];
        let one = merged(&drag);
        assert_eq!((one.len(), one[0].old, one[0].new, one[0].step), (1, 100.0, 500.0, 6));
        assert_eq!(event_text(&one[0]), "step 6: ewc.lambda 100 → 500");
    }
}
