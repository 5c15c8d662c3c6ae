//! A task switch from near, with its numbers.

use std::sync::Arc;

use egui::{Sense, Ui, vec2};
use mnemoscope_figure::{Body, Figure};
use mnemoscope_lab::Snapshot;
use mnemoscope_lab::figures::{self, GapNumber, View};

use super::cache::Cache;
use super::numbers::{self, Number};
use super::panel::{Panel, waiting};
use super::{Tile, TileContext, empty};

#[derive(Default)]
pub(super) struct GapPanel {
    cache: Cache,
    /// The (block, group) shown last.
    shown: Option<(usize, usize)>,
    numbers: Option<(Arc<Snapshot>, View, Vec<GapNumber>)>,
}

impl Panel for GapPanel {
    fn figure(&mut self, cx: &TileContext<'_>) -> Arc<Figure> {
        match &cx.snapshot {
            Some(snapshot) => {
                // Another switch lies elsewhere on the axis: a zoom into this one is of no use there.
                let shown = figures::shown_gap(snapshot, cx.view).map(|gap| (gap.block, gap.group));
                if self.shown != shown {
                    self.shown = shown;
                    self.cache.reset_zoom();
                }
                self.cache.figure(snapshot, cx.view, figures::gap)
            }
            None => waiting(
                Tile::Gap,
                "At a task switch known tasks fall, often far, before they come back. See it from near.",
            ),
        }
    }

    fn cache(&self) -> Option<&Cache> {
        Some(&self.cache)
    }

    fn menu(&mut self, ui: &mut Ui, cx: &mut TileContext<'_>) {
        let choices = cx.snapshot.as_deref().map(figures::gap_choices).unwrap_or_default();
        if choices.is_empty() {
            return;
        }
        if ui.radio(cx.view.gap.is_none(), "Follow the latest switch").clicked() {
            cx.view.gap = None;
        }
        ui.menu_button("Switch and task", |ui| {
            egui::ScrollArea::vertical().max_height(320.0).show(ui, |ui| {
                for (block, group) in choices {
                    let text = format!("block {}, task {}", block + 1, group + 1);
                    if ui.radio(cx.view.gap == Some((block, group)), text).clicked() {
                        cx.view.gap = Some((block, group));
                    }
                }
            });
        });
        ui.separator();
    }

    fn body(&mut self, ui: &mut Ui, cx: &mut TileContext<'_>, figure: &Figure) {
        if let Body::Empty { message } = &figure.body {
            empty::ui(ui, cx, message, false);
            return;
        }
        let Some(snapshot) = cx.snapshot.clone() else { return };
        picker(ui, cx, &snapshot);
        let room = ui.available_size();
        let numbered = room.y > numbers::HEIGHT + 70.0;
        let plot = vec2(room.x, if numbered { room.y - numbers::HEIGHT - 4.0 } else { room.y });
        ui.allocate_ui(plot, |ui| self.cache.draw(ui, cx.theme, figure));
        if numbered {
            self.numbers(ui, cx, &snapshot);
        }
    }

    fn reset_zoom(&mut self, _cx: &mut TileContext<'_>) {
        self.cache.reset_zoom();
    }

    fn zooms(&self) -> bool {
        true
    }
}

/// Two small boxes: which switch, which task.
fn picker(ui: &mut Ui, cx: &mut TileContext<'_>, snapshot: &Snapshot) {
    let Some(shown) = figures::shown_gap(snapshot, cx.view).map(|gap| (gap.block, gap.group)) else { return };
    let choices = figures::gap_choices(snapshot);
    let blocks = &snapshot.layout.blocks;
    let switch = |block: usize| format!("switch {} → {}", blocks[block - 1].group + 1, blocks[block].group + 1);
    ui.horizontal(|ui| {
        ui.spacing_mut().interact_size.y = 20.0;
        ui.spacing_mut().button_padding = vec2(7.0, 2.0);
        ui.style_mut().override_font_id = Some(egui::FontId::proportional(11.5));
        let choose = egui::ComboBox::from_id_salt("switch").selected_text(switch(shown.0)).width(92.0);
        let choose = choose.show_ui(ui, |ui| {
            let mut switches: Vec<usize> = choices.iter().map(|choice| choice.0).collect();
            switches.dedup();
            for block in switches {
                if ui.selectable_label(block == shown.0, switch(block)).clicked() {
                    // The same task if it is known at that switch, else the newest known one.
                    let known = choices.iter().filter(|choice| choice.0 == block);
                    let same = known.clone().find(|choice| choice.1 == shown.1);
                    cx.view.gap = same.or_else(|| known.clone().next_back()).copied();
                }
            }
        });
        choose.response.accessible_name("Task switch");
        let choose = egui::ComboBox::from_id_salt("task").selected_text(format!("task {}", shown.1 + 1)).width(64.0);
        let choose = choose.show_ui(ui, |ui| {
            for choice in choices.iter().filter(|choice| choice.0 == shown.0) {
                if ui.selectable_label(*choice == shown, format!("task {}", choice.1 + 1)).clicked() {
                    cx.view.gap = Some(*choice);
                }
            }
        });
        choose.response.accessible_name("Known task");
        if cx.view.gap.is_some() && ui.small_button("latest").on_hover_text("Follow the latest switch").clicked() {
            cx.view.gap = None;
        }
    });
}

impl GapPanel {
    fn numbers(&mut self, ui: &mut Ui, cx: &TileContext<'_>, snapshot: &Arc<Snapshot>) {
        let stale = !matches!(&self.numbers, Some((of, view, _)) if Arc::ptr_eq(of, snapshot) && view == cx.view);
        if stale {
            self.numbers = Some((snapshot.clone(), cx.view.clone(), figures::gap_numbers(snapshot, cx.view)));
        }
        let Some((.., found)) = &self.numbers else { return };
        let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), numbers::HEIGHT), Sense::hover());
        let row: Vec<Number<'_>> = found
            .iter()
            .map(|number| Number { name: number.name, value: &number.value, formula: number.formula })
            .collect();
        numbers::ui(ui, cx.theme, rect, &row);
    }
}
