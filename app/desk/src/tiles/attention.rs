//! An associative memory: its sliders, what it holds, what it recalls, and how that fails as it fills up.

use std::sync::Arc;

use egui::{Align, Color32, Layout, Rect, RichText, ScrollArea, Slider, Ui, UiBuilder, pos2, vec2};
use mnemoscope_core::Setting;
use mnemoscope_figure::{Body, Figure, semibold};
use mnemoscope_lab::figures;

use super::cache::Cache;
use super::memory::Memory;
use super::numbers::{self, Number};
use super::panel::Panel;
use super::{Tile, TileContext, header};
use crate::composer::knob;

/// Width of the column of sliders.
const SLIDERS: f32 = 196.0;
/// A tile this wide has room for sliders and plots side by side.
const WIDE: f32 = 640.0;
/// Plots this tall together stand in two rows.
const TALL: f32 = 380.0;
/// Height of a plot's own title.
const TITLE: f32 = 17.0;
/// Height of the row that steps through the writes.
const STEPS: f32 = 24.0;
/// Size of an exported plot, in points: beside its neighbours one is small.
const EXPORT: (f32, f32) = (480.0, 400.0);
/// Points between plots.
const GAP: f32 = 12.0;

#[derive(Default)]
pub(super) struct AttentionPanel {
    memory: Memory,
    /// In a narrow tile: show the sliders in place of the plots.
    sliders: bool,
    /// In a narrow tile: what stands beside the memory.
    beside: Beside,
    /// A change that was refused: the knob's name and why.
    refused: Option<(&'static str, String)>,
    header: Option<Arc<Figure>>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq)]
enum Beside {
    #[default]
    Recall,
    Written,
    Error,
}

impl Panel for AttentionPanel {
    fn figure(&mut self, cx: &TileContext<'_>) -> Arc<Figure> {
        let component = &cx.association;
        let caption = format!(
            "{} · N = {}, d_k = {}, d_v = {}",
            self.memory.association().map_or("", |memory| figures::rule_name(memory.rule())),
            component.whole("pairs"),
            component.whole("d_k"),
            component.whole("d_v")
        );
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
        let Some(figures) = self.memory.figures() else { return Vec::new() };
        let mut all = vec![figures.state.clone(), figures.recall.clone(), figures.error.clone()];
        all.extend(figures.written.clone());
        all.into_iter().map(|figure| (figure, EXPORT)).collect()
    }

    fn body(&mut self, ui: &mut Ui, cx: &mut TileContext<'_>, _figure: &Figure) {
        self.memory.update(cx.association, ui.ctx());
        let rect = ui.available_rect_before_wrap();
        if rect.width() >= WIDE {
            let left = Rect::from_min_max(rect.min, pos2(rect.left() + SLIDERS, rect.bottom()));
            ui.scope_builder(UiBuilder::new().max_rect(left), |ui| self.sliders_ui(ui, cx));
            let right = Rect::from_min_max(pos2(left.right() + GAP, rect.top()), rect.max);
            ui.scope_builder(UiBuilder::new().max_rect(right), |ui| self.wide(ui, cx));
        } else {
            self.narrow(ui, cx);
        }
        ui.advance_cursor_after_rect(rect);
    }
}

impl AttentionPanel {
    /// Every knob of the memory. A change that the memory refuses does not happen; the reason stands at its knob.
    fn sliders_ui(&mut self, ui: &mut Ui, cx: &mut TileContext<'_>) {
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            ui.set_max_width(ui.available_width() - 8.0);
            ui.spacing_mut().item_spacing.y = 3.0;
            let rule = cx.association.text("rule").to_owned();
            let settings: Vec<_> = cx.association.settings().map(|(knob, setting)| (knob, setting.clone())).collect();
            for (declared, setting) in settings {
                if !belongs(declared.name, &rule) {
                    continue;
                }
                if let Some(changed) = knob::ui(ui, cx.theme, "Memory", declared, &setting) {
                    self.change(cx, declared.name, changed);
                }
                if let Some((_, why)) = self.refused.as_ref().filter(|(name, _)| *name == declared.name) {
                    ui.label(RichText::new(why).size(11.0).color(cx.theme.error));
                }
            }
            if let Some(error) = self.memory.refused() {
                ui.label(RichText::new(error.to_string()).size(11.0).color(cx.theme.error));
            }
            if let Some(adapter) = self.memory.association().and_then(|memory| memory.adapter()) {
                ui.label(RichText::new(format!("computed on {adapter}")).size(11.0).color(cx.theme.text_dim));
            }
        });
    }

    fn change(&mut self, cx: &mut TileContext<'_>, name: &'static str, value: Setting) {
        let mut next = cx.association.clone();
        let answer = next.set(name, value).map_err(|error| error.to_string());
        let answer = answer.and_then(|()| mnemoscope_memory::check(&next).map_err(|error| error.to_string()));
        match answer {
            Ok(()) => {
                *cx.association = next;
                self.refused = None;
            }
            Err(why) => {
                // "memory association: ..." says where; here that is plain to see.
                let why = why.split_once(": ").map_or(why.clone(), |(_, why)| why.to_owned());
                self.refused = Some((name, why));
            }
        }
    }

    /// Steps, then S, recall, the last write and the error.
    fn wide(&mut self, ui: &mut Ui, cx: &TileContext<'_>) {
        self.steps(ui, cx);
        let Some(figures) = self.memory.figures() else { return };
        let mut room = ui.available_rect_before_wrap();
        let numbers = Rect::from_min_max(pos2(room.left(), room.bottom() - numbers::HEIGHT), room.max);
        room.max.y = numbers.top() - 6.0;
        let plots: Vec<&Arc<Figure>> =
            [Some(&figures.state), Some(&figures.recall), figures.written.as_ref(), Some(&figures.error)]
                .into_iter()
                .flatten()
                .collect();
        // Two rows where they are tall enough to be read; else one, without what the last write added.
        let two_rows = room.height() > TALL;
        let rows: Vec<Vec<&Arc<Figure>>> = if two_rows {
            plots.chunks(2).map(<[_]>::to_vec).collect()
        } else {
            vec![vec![&figures.state, &figures.recall, &figures.error]]
        };
        let height = (room.height() - (rows.len() - 1) as f32 * GAP) / rows.len() as f32;
        for (down, row) in rows.iter().enumerate() {
            let width = (room.width() - (row.len() - 1) as f32 * GAP) / row.len() as f32;
            for (along, figure) in row.iter().enumerate() {
                let corner = room.min + vec2(along as f32 * (width + GAP), down as f32 * (height + GAP));
                plot(ui, cx, Rect::from_min_size(corner, vec2(width, height)), figure);
            }
        }
        self.numbers(ui, cx, numbers);
    }

    /// S, and beside it what a person chooses; the sliders take the plots' place on demand.
    fn narrow(&mut self, ui: &mut Ui, cx: &mut TileContext<'_>) {
        ui.horizontal(|ui| {
            ui.spacing_mut().interact_size.y = 20.0;
            ui.spacing_mut().button_padding = vec2(7.0, 2.0);
            ui.spacing_mut().item_spacing.x = 4.0;
            ui.style_mut().override_font_id = Some(egui::FontId::proportional(11.5));
            ui.toggle_value(&mut self.sliders, "Sliders");
            if !self.sliders {
                ui.separator();
                ui.selectable_value(&mut self.beside, Beside::Recall, "Recall");
                ui.selectable_value(&mut self.beside, Beside::Written, "Added last");
                ui.selectable_value(&mut self.beside, Beside::Error, "Error");
            }
        });
        if self.sliders {
            self.sliders_ui(ui, cx);
            return;
        }
        self.steps(ui, cx);
        let Some(figures) = self.memory.figures() else { return };
        let mut room = ui.available_rect_before_wrap();
        let numbers = (room.height() > 120.0)
            .then(|| Rect::from_min_max(pos2(room.left(), room.bottom() - numbers::HEIGHT), room.max));
        if let Some(numbers) = numbers {
            room.max.y = numbers.top() - 4.0;
        }
        let (left, right) = room.split_left_right_at_fraction(0.5);
        plot(ui, cx, left.with_max_x(left.right() - GAP / 2.0), &figures.state);
        let right = right.with_min_x(right.left() + GAP / 2.0);
        match (self.beside, &figures.written) {
            (Beside::Recall, _) => plot(ui, cx, right, &figures.recall),
            (Beside::Error, _) => plot(ui, cx, right, &figures.error),
            (Beside::Written, Some(written)) => plot(ui, cx, right, written),
            (Beside::Written, None) => {
                ui.scope_builder(UiBuilder::new().max_rect(right).layout(Layout::top_down(Align::Center)), |ui| {
                    ui.add_space(right.height() / 2.0 - 20.0);
                    ui.label(
                        RichText::new("Softmax keeps the pairs and adds no product.")
                            .size(11.5)
                            .color(cx.theme.text_dim),
                    );
                });
            }
        }
        if let Some(numbers) = numbers {
            self.numbers(ui, cx, numbers);
        }
    }

    /// First, one back, one on, all; and a slider over the writes.
    fn steps(&mut self, ui: &mut Ui, cx: &TileContext<'_>) {
        let Some((shown, all)) =
            self.memory.association().map(|memory| (memory.snapshot().writes, memory.pairs().len()))
        else {
            return;
        };
        let mut to = shown;
        ui.allocate_ui_with_layout(vec2(ui.available_width(), STEPS), Layout::left_to_right(Align::Center), |ui| {
            ui.spacing_mut().item_spacing.x = 4.0;
            let mut button = |sign: &str, name: &str, enabled: bool, target: usize| {
                let button = egui::Button::new(RichText::new(sign).size(11.5)).min_size(vec2(22.0, 20.0)).small();
                let response = ui.add_enabled(enabled, button).on_hover_text(name);
                response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, enabled, name));
                if response.clicked() {
                    to = target;
                }
            };
            button("|<", "Before the first write", shown > 0, 0);
            button("<", "One write back", shown > 0, shown.saturating_sub(1));
            button(">", "Write the next pair", shown < all, shown + 1);
            button(">|", "After the last write", shown < all, all);
            let text = format!("{shown} of {all} written");
            let width = 96.0;
            // A slider's handle grows with this height.
            ui.spacing_mut().interact_size.y = 14.0;
            ui.spacing_mut().slider_width = (ui.available_width() - width - 8.0).clamp(40.0, 260.0);
            ui.add(Slider::new(&mut to, 0..=all).show_value(false)).accessible_name("Writes shown");
            ui.label(RichText::new(text).size(11.5).color(cx.theme.text_dim));
        });
        if to != shown {
            self.memory.step_to(to);
        }
    }

    /// Load, error against the known one, share decoded, signal and crosstalk.
    fn numbers(&self, ui: &mut Ui, cx: &TileContext<'_>, rect: Rect) {
        let Some(memory) = self.memory.association() else { return };
        let snapshot = memory.snapshot();
        let known = memory.known_error().map_or(String::new(), |known| format!(" (known {known:.2})"));
        let load = snapshot.writes as f64 / memory.pairs().d_k as f64;
        let all = [
            ("N / d_k", format!("{load:.2}"), "stored pairs over the size of a key"),
            (
                "error",
                format!("{:.2}{known}", snapshot.mean_error),
                "Σ |recalled − stored|² / Σ |stored|²; known for Hebb: (N − 1) / d_k",
            ),
            (
                "decoded",
                format!("{:.0} %", 100.0 * snapshot.decoded),
                "share of pairs whose nearest stored value, of all N, is the right one",
            ),
            ("signal", format!("{:.2}", snapshot.signal), "energy of what is recalled along the right value"),
            (
                "crosstalk",
                format!("{:.2}", snapshot.crosstalk),
                "energy of what is recalled at right angles to the right value",
            ),
        ];
        let row: Vec<Number<'_>> = all.iter().map(|(name, value, formula)| Number { name, value, formula }).collect();
        numbers::ui(ui, cx.theme, rect, &row);
    }
}

/// A figure below its own small title.
fn plot(ui: &mut Ui, cx: &TileContext<'_>, rect: Rect, figure: &Figure) {
    let theme = cx.theme;
    let title = header::line(ui, &figure.title, semibold(11.5), theme.text.into(), rect.width());
    let width = title.size().x;
    ui.painter().galley(rect.min, title, Color32::PLACEHOLDER);
    let room = rect.width() - width - 8.0;
    if room > 40.0 {
        let caption = header::line(ui, &figure.caption, egui::FontId::proportional(10.5), theme.text_dim.into(), room);
        ui.painter().galley(rect.min + vec2(width + 8.0, 1.0), caption, Color32::PLACEHOLDER);
    }
    let body = rect.with_min_y(rect.top() + TITLE);
    ui.scope_builder(UiBuilder::new().max_rect(body), |ui| figure.ui(ui, theme));
}

/// Whether a knob does anything under a rule.
fn belongs(knob: &str, rule: &str) -> bool {
    match knob {
        "beta" => rule == "delta",
        "inverse_temperature" => rule == "softmax",
        _ => true,
    }
}
