//! The attention lab from afar: what its memory holds and answers now, and the way there.

use std::sync::Arc;

use egui::{Color32, Rect, Ui, UiBuilder, pos2, vec2};
use mnemoscope_figure::{Body, Figure, semibold};
use mnemoscope_lab::figures;

use super::cache::Cache;
use super::panel::Panel;
use super::{Action, Tile, TileContext, header};
use crate::attention::memory::{Map, Memory};

/// Height of a plot's own title.
const TITLE: f32 = 17.0;
/// Height of the button below the plots.
const BUTTON: f32 = 26.0;
/// Size of an exported plot, in points: in the tile it is small.
const EXPORT: (f32, f32) = (480.0, 400.0);
/// Points between plots.
const GAP: f32 = 12.0;

#[derive(Default)]
pub(super) struct AttentionPanel {
    memory: Memory,
    header: Option<Arc<Figure>>,
}

impl Panel for AttentionPanel {
    fn figure(&mut self, _cx: &TileContext<'_>) -> Arc<Figure> {
        let caption = self.memory.association().map_or_else(String::new, |memory| {
            let (pairs, snapshot) = (memory.pairs(), memory.snapshot());
            let load = pairs.len() as f64 / pairs.d_k as f64;
            let decoded = 100.0 * snapshot.quality.decoded;
            format!("{} · N / d_k = {load:.2} · {decoded:.0} % decoded", figures::memory_name(memory.composition()))
        });
        match &self.header {
            Some(figure) if figure.caption == caption => figure.clone(),
            _ => {
                let body = Body::Empty { message: String::new() };
                let figure =
                    Arc::new(Figure::new(Tile::Attention.slug(), Tile::Attention.title(), body).caption(caption));
                self.header = Some(figure.clone());
                figure
            }
        }
    }

    fn cache(&self) -> Option<&Cache> {
        None
    }

    fn exports(&mut self, _cx: &TileContext<'_>) -> Vec<(Arc<Figure>, (f32, f32))> {
        [Map::State, Map::Recall].into_iter().filter_map(|map| self.memory.map(map)).map(|map| (map, EXPORT)).collect()
    }

    fn body(&mut self, ui: &mut Ui, cx: &mut TileContext<'_>, _figure: &Figure) {
        self.memory.update(&cx.experiment.attention, &cx.experiment.memory, ui.ctx());
        let rect = ui.available_rect_before_wrap();
        let room = if rect.height() > 110.0 { rect.with_max_y(rect.bottom() - BUTTON - 6.0) } else { rect };
        let half = vec2((room.width() - GAP) / 2.0, room.height());
        for (place, map) in [Map::State, Map::Recall].into_iter().enumerate() {
            let corner = room.min + vec2(place as f32 * (half.x + GAP), 0.0);
            if let Some(figure) = self.memory.map(map) {
                plot(ui, cx, Rect::from_min_size(corner, half), &figure);
            }
        }
        if room != rect {
            let place = Rect::from_min_max(pos2(rect.left(), rect.bottom() - BUTTON), rect.max);
            ui.scope_builder(UiBuilder::new().max_rect(place), |ui| {
                let button = egui::Button::new("Open the attention lab").min_size(vec2(0.0, BUTTON));
                if ui.add(button).on_hover_text("Compose this memory, feed it, step through its writes").clicked() {
                    cx.actions.push(Action::OpenAttention);
                }
            });
        }
        ui.advance_cursor_after_rect(rect);
    }
}

/// A figure below its own small title.
fn plot(ui: &mut Ui, cx: &TileContext<'_>, rect: Rect, figure: &Figure) {
    let theme = cx.theme;
    let title = header::line(ui, &figure.title, semibold(11.5), theme.text.into(), rect.width());
    ui.painter().galley(rect.min, title, Color32::PLACEHOLDER);
    let body = rect.with_min_y(rect.top() + TITLE);
    ui.scope_builder(UiBuilder::new().max_rect(body), |ui| figure.ui(ui, theme));
}
