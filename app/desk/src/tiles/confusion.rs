//! Which classes are taken for which, and pictures of the samples behind a cell.

use std::sync::Arc;

use egui::{RichText, ScrollArea, TextureHandle, TextureOptions, Ui, vec2};
use mnemoscope_figure::theme::Theme;
use mnemoscope_figure::{Body, Figure};
use mnemoscope_lab::{Snapshot, WrongSample, figures};
use mnemoscope_stream::{Dataset, Shape};

use super::cache::Cache;
use super::panel::{Panel, waiting};
use super::{Tile, TileContext, empty};
use crate::thumbnail::thumbnail;
use crate::tokens;

/// Side of a sample's picture, in points.
const SIDE: f32 = 46.0;

#[derive(Default)]
pub(super) struct ConfusionPanel {
    cache: Cache,
    /// The cell that was clicked: true class, answer.
    chosen: Option<(usize, usize)>,
    pictures: Option<Pictures>,
}

/// The pictures of a cell, uploaded once.
struct Pictures {
    dataset: Arc<Dataset>,
    dark: bool,
    samples: Vec<WrongSample>,
    textures: Vec<TextureHandle>,
}

impl Panel for ConfusionPanel {
    fn figure(&mut self, cx: &TileContext<'_>) -> Arc<Figure> {
        match &cx.snapshot {
            Some(snapshot) => self.cache.figure(snapshot, cx.view, figures::confusion),
            None => {
                waiting(Tile::Confusion, "Which class is taken for which. Click a cell to see the samples behind it.")
            }
        }
    }

    fn cache(&self) -> Option<&Cache> {
        Some(&self.cache)
    }

    fn body(&mut self, ui: &mut Ui, cx: &mut TileContext<'_>, figure: &Figure) {
        if let Body::Empty { message } = &figure.body {
            empty::ui(ui, cx, message, false);
            return;
        }
        let Some(snapshot) = cx.snapshot.clone() else { return };
        let strip = if self.chosen.is_some() { SIDE + 34.0 } else { 16.0 };
        let room = ui.available_size();
        let plot = vec2(room.x, (room.y - strip).max(60.0));
        let response = ui.allocate_ui(plot, |ui| self.cache.draw(ui, cx.theme, figure)).inner;
        if let Some(cell) = response.clicked {
            self.chosen = (self.chosen != Some(cell)).then_some(cell);
        }
        match self.chosen {
            Some(cell) => self.samples(ui, cx, &snapshot, cell),
            None => {
                ui.label(
                    RichText::new("Click a cell to see wrongly answered samples.").size(11.0).color(cx.theme.text_dim),
                );
            }
        }
    }
}

impl ConfusionPanel {
    fn samples(&mut self, ui: &mut Ui, cx: &TileContext<'_>, snapshot: &Snapshot, (truth, answer): (usize, usize)) {
        let samples = figures::wrong_samples(snapshot, truth, answer);
        let text = match samples.len() {
            0 if truth == answer => format!("{truth} answered as {truth}: right answers are not kept."),
            0 => format!("No {truth} was answered as {answer}."),
            kept => format!("{truth} answered as {answer}: {kept} kept, as stored in {}", snapshot.layout.dataset.name),
        };
        ui.horizontal(|ui| {
            ui.label(RichText::new(text).size(11.0).color(cx.theme.text_dim));
            if ui.small_button("close").clicked() {
                self.chosen = None;
            }
        });
        let dataset = &snapshot.layout.dataset;
        if let Shape::Tokens { .. } = dataset.shape {
            ScrollArea::horizontal().show(ui, |ui| {
                for wrong in &samples {
                    tokens::strip(ui, cx.theme, dataset, wrong.sample as usize);
                }
            });
            return;
        }
        let Shape::Image { .. } = dataset.shape else {
            let places = samples.iter().map(|wrong| numbers(dataset, wrong.sample as usize));
            ui.label(RichText::new(places.collect::<Vec<_>>().join("   ")).monospace().small());
            return;
        };
        let fresh = self.pictures.as_ref().is_some_and(|pictures| {
            Arc::ptr_eq(&pictures.dataset, dataset) && pictures.dark == cx.theme.dark && pictures.samples == samples
        });
        if !fresh {
            let textures = samples.iter().map(|wrong| upload(ui, dataset, wrong.sample as usize, cx.theme)).collect();
            self.pictures = Some(Pictures { dataset: dataset.clone(), dark: cx.theme.dark, samples, textures });
        }
        let Some(pictures) = &self.pictures else { return };
        ScrollArea::horizontal().show(ui, |ui| {
            ui.horizontal(|ui| {
                ui.spacing_mut().item_spacing.x = 5.0;
                for (texture, wrong) in pictures.textures.iter().zip(&pictures.samples) {
                    let aspect = texture.size_vec2().x / texture.size_vec2().y;
                    let image =
                        egui::Image::new(texture).fit_to_exact_size(vec2(SIDE * aspect, SIDE)).corner_radius(4.0);
                    let text = format!("sample {}: true {truth}, answered {answer}", wrong.sample);
                    let response = ui.add(image.alt_text(&text));
                    response.on_hover_text(text);
                }
            });
        });
    }
}

/// A sample's features as text: "(0.12, −0.70)".
fn numbers(dataset: &Dataset, sample: usize) -> String {
    let mut row = vec![0.0; dataset.features()];
    if sample >= dataset.len() {
        return String::new();
    }
    dataset.row_into(sample, &mut row);
    let shown: Vec<String> = row.iter().take(4).map(|value| format!("{value:.2}")).collect();
    format!("({}{})", shown.join(", "), if row.len() > 4 { ", …" } else { "" })
}

fn upload(ui: &Ui, dataset: &Dataset, sample: usize, theme: &Theme) -> TextureHandle {
    let picture = thumbnail(dataset, sample, theme).unwrap_or_default();
    ui.ctx().load_texture(format!("sample {sample}"), picture, TextureOptions::NEAREST)
}
