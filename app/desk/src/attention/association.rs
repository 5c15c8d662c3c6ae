//! The association bench: pairs are written into the memory one by one; heat maps show what it holds and answers.

use egui::{Rect, RichText, ScrollArea, Ui, UiBuilder, vec2};
use mnemoscope_figure::Highlight;
use mnemoscope_memory::fits;

use super::memory::{Curve, Map, Memory};
use super::pointed::Pointed;
use super::settings::Settings;
use super::writes::{WRITES, Writes};
use super::{AttentionContext, GAP, SLIDERS, card};
use crate::number;
use crate::tiles::numbers::{self, Number};

/// Height of the card below the figures.
const FOOT: f32 = 56.0;
/// A figure needs this much room; where there is more, there are more of them.
const SMALLEST: (f32, f32) = (215.0, 170.0);
/// From this width on there are four in a row: three large ones tell more than four small ones.
const FOUR: f32 = 1200.0;

/// The bench's view.
pub(super) struct AssociationView {
    memory: Memory,
    settings: Settings,
    writes: Writes,
    /// The maps in the places that a person can fill, first to last.
    chosen: [Map; 4],
    /// The charts, likewise.
    curves: [Curve; 2],
    /// What the pointer was on in the last frame.
    pointed: Option<Pointed>,
}

impl Default for AssociationView {
    fn default() -> Self {
        Self {
            memory: Memory::default(),
            settings: Settings::default(),
            writes: Writes::default(),
            chosen: [Map::Added, Map::Similarity, Map::Keys, Map::Values],
            curves: [Curve::Error, Curve::Age],
            pointed: None,
        }
    }
}

/// What stands in one place of the grid.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Slot {
    Fixed(Map),
    /// The map that a person chose for this place.
    Chosen(usize),
    /// The chart that a person chose for this place.
    Curve(usize),
}

impl AssociationView {
    pub(super) fn play_or_pause(&mut self) {
        if let Some((shown, all)) = self.memory.place() {
            let to = self.writes.play_or_pause(shown, all);
            self.memory.step_to(to);
        }
    }

    pub(super) fn step(&mut self, forward: bool) {
        if let Some((shown, all)) = self.memory.place() {
            self.memory.step_to(if forward { (shown + 1).min(all) } else { shown.saturating_sub(1) });
        }
    }

    pub(super) fn ui(&mut self, ui: &mut Ui, cx: &mut AttentionContext<'_>) {
        self.memory.update(&cx.experiment.attention, &cx.experiment.memory, ui.ctx());
        let room = ui.available_rect_before_wrap();
        let foot = room.with_min_y(room.bottom() - FOOT);
        let above = room.with_max_y(foot.top() - GAP);
        let sliders = above.with_max_x(above.left() + SLIDERS);
        self.sliders_ui(ui, cx, sliders);
        self.grid_ui(ui, cx, above.with_min_x(sliders.right() + GAP));
        self.foot_ui(ui, cx, foot);
        ui.advance_cursor_after_rect(room);
    }

    /// The pairs' settings.
    fn sliders_ui(&mut self, ui: &mut Ui, cx: &mut AttentionContext<'_>, rect: Rect) {
        let theme = cx.theme;
        card::ground(ui, theme, rect);
        ui.scope_builder(UiBuilder::new().max_rect(rect.shrink2(vec2(12.0, 9.0))), |ui| {
            card::heading(ui, theme, "Pairs", self.memory.computing());
            ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
                ui.set_max_width(ui.available_width() - 6.0);
                ui.spacing_mut().item_spacing.y = 3.0;
                let memory = cx.experiment.memory.clone();
                let check = |next: &_| fits(next, &memory).map_err(|error| error.to_string());
                self.settings.ui(ui, theme, "Pairs", &mut cx.experiment.attention, |_| true, check);
                if let Some(error) = self.memory.refused() {
                    ui.label(RichText::new(error.to_string()).size(11.0).color(theme.error));
                }
                if let Some(adapter) = self.memory.association().and_then(|memory| memory.adapter()) {
                    ui.label(RichText::new(format!("computed on {adapter}")).size(11.0).color(theme.text_dim));
                }
            });
        });
    }

    fn grid_ui(&mut self, ui: &mut Ui, cx: &mut AttentionContext<'_>, room: Rect) {
        let columns = if room.width() >= FOUR { 4 } else { ((room.width() / SMALLEST.0) as usize).clamp(1, 3) };
        let rows = ((room.height() / SMALLEST.1) as usize).clamp(1, 2);
        let slots = slots(columns * rows);
        let size = vec2(
            (room.width() - (columns - 1) as f32 * GAP) / columns as f32,
            (room.height() - (rows - 1) as f32 * GAP) / rows as f32,
        );
        let mut pointed = None;
        for (index, slot) in slots.into_iter().enumerate() {
            let place = vec2((index % columns) as f32, (index / columns) as f32) * (size + vec2(GAP, GAP));
            let rect = Rect::from_min_size(room.min + place, size);
            let map = match slot {
                Slot::Fixed(map) => map,
                Slot::Chosen(place) => self.chosen[place],
                Slot::Curve(place) => {
                    self.curve_ui(ui, cx, rect, place);
                    continue;
                }
            };
            let Some(figure) = self.memory.map(map) else { continue };
            let marked = self.pointed.map_or_else(Highlight::default, |pointed| pointed.in_map(map, &figure));
            let response = if let Slot::Chosen(place) = slot {
                let mut choose = |ui: &mut Ui| {
                    for map in [Map::Added, Map::Similarity, Map::Keys, Map::Values, Map::Recalled, Map::Shared] {
                        if ui.selectable_label(self.chosen[place] == map, map.title()).clicked() {
                            put(&mut self.chosen, place, map);
                        }
                    }
                };
                card::ui(ui, cx, rect, &figure, marked, Some(&mut choose))
            } else {
                card::ui(ui, cx, rect, &figure, marked, None)
            };
            if let Some(cell) = response.hovered {
                pointed = Some(Pointed::at(map, &figure, cell));
            }
        }
        if pointed != self.pointed {
            self.pointed = pointed;
            ui.ctx().request_repaint();
        }
    }

    fn curve_ui(&mut self, ui: &mut Ui, cx: &mut AttentionContext<'_>, rect: Rect, place: usize) {
        let Some(figure) = self.memory.curve(self.curves[place], ui.ctx()) else { return };
        let mut choose = |ui: &mut Ui| {
            for curve in Curve::ALL {
                if ui.selectable_label(self.curves[place] == curve, curve.title()).clicked() {
                    put(&mut self.curves, place, curve);
                }
            }
        };
        card::ui(ui, cx, rect, &figure, Highlight::default(), Some(&mut choose));
    }

    /// The steps at the left, the numbers at the right.
    fn foot_ui(&mut self, ui: &mut Ui, cx: &mut AttentionContext<'_>, rect: Rect) {
        let Some((shown, all)) = self.memory.place() else { return };
        card::ground(ui, cx.theme, rect);
        let inner = rect.shrink2(vec2(12.0, 9.0));
        let split = inner.left() + (inner.width() * 0.56).max(300.0).min(inner.width());
        let to = self.writes.ui(ui, cx.theme, inner.with_max_x(split - 20.0), &WRITES, shown, all);
        if to != shown {
            self.memory.step_to(to);
        }
        self.numbers(ui, cx, inner.with_min_x(split));
    }

    /// Load, error against the known one, share decoded, signal and crosstalk.
    fn numbers(&self, ui: &mut Ui, cx: &AttentionContext<'_>, rect: Rect) {
        let Some(memory) = self.memory.association() else { return };
        let snapshot = memory.snapshot();
        let known = memory.known_error().map_or(String::new(), |known| format!(" (known {known:.2})"));
        let load = snapshot.writes as f64 / memory.pairs().d_k as f64;
        let bytes = number::bytes(memory.memory().bytes() as f64);
        let surprise = snapshot.surprise.map_or_else(|| "–".to_owned(), |surprise| format!("{surprise:.2}"));
        let all = [
            ("N / d_k", format!("{load:.2}"), "stored pairs over the size of a key"),
            (
                "error",
                format!("{:.2}{known}", snapshot.quality.error),
                "Σ |recalled − stored|² / Σ |stored|²; known for Hebb: (N − 1) / d_k",
            ),
            (
                "decoded",
                format!("{:.0} %", 100.0 * snapshot.quality.decoded),
                "share of pairs whose nearest stored value, of all N, is the right one",
            ),
            ("memory", bytes, "what is kept between two writes"),
            ("signal", format!("{:.2}", snapshot.quality.signal), "energy of what is recalled along the right value"),
            (
                "crosstalk",
                format!("{:.2}", snapshot.quality.crosstalk),
                "energy of what is recalled at right angles to the right value",
            ),
            ("surprise", surprise, "norm of the inner gradient at the last write"),
        ];
        let row: Vec<Number<'_>> = all.iter().map(|(name, value, formula)| Number { name, value, formula }).collect();
        numbers::ui(ui, cx.theme, rect, &row);
    }
}

/// Puts a figure into a place. Where it stood before comes what it takes the place of: nothing is shown twice.
fn put<T: Copy + PartialEq>(shown: &mut [T], place: usize, figure: T) {
    match shown.iter().position(|other| *other == figure) {
        Some(other) => shown.swap(other, place),
        None => shown[place] = figure,
    }
}

/// What `places` places show: maps first, then charts. Memory, recall and one chart come first; what is left goes to
/// maps of a person's choice, and to a second chart.
fn slots(places: usize) -> Vec<Slot> {
    let curves = match places {
        0..=2 => 0,
        3..=5 => 1,
        _ => 2,
    };
    let fixed = [Map::State, Map::Recall].map(Slot::Fixed).into_iter();
    let maps: Vec<Slot> = fixed.chain((0..4).map(Slot::Chosen)).take(places - curves).collect();
    maps.into_iter().chain((0..curves).map(Slot::Curve)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_that_is_shown_elsewhere_changes_places() {
        let mut shown = [Map::Added, Map::Similarity, Map::Keys];
        put(&mut shown, 0, Map::Values);
        assert_eq!(shown, [Map::Values, Map::Similarity, Map::Keys]);
        put(&mut shown, 0, Map::Keys);
        assert_eq!(shown, [Map::Keys, Map::Similarity, Map::Values]);
        put(&mut shown, 1, Map::Similarity);
        assert_eq!(shown, [Map::Keys, Map::Similarity, Map::Values]);
    }

    #[test]
    fn little_room_keeps_what_matters_most() {
        let [state, recall] = [Map::State, Map::Recall].map(Slot::Fixed);
        assert_eq!(slots(1), [state]);
        assert_eq!(slots(2), [state, recall]);
        assert_eq!(slots(4), [state, recall, Slot::Chosen(0), Slot::Curve(0)]);
        assert_eq!(slots(6)[4..], [Slot::Curve(0), Slot::Curve(1)]);
        assert_eq!(slots(8).iter().filter(|slot| matches!(slot, Slot::Chosen(_))).count(), 4);
    }
}
