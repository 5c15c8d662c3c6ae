//! The depth bench: memories one after another, whose errors compound, and heads side by side, which average them out.

use std::sync::Arc;

use egui::{Rect, RichText, ScrollArea, Ui, UiBuilder, vec2};
use mnemoscope_core::Component;
use mnemoscope_figure::{Figure, Highlight, serif};
use mnemoscope_lab::figures;
use mnemoscope_memory::{Composition, Depths, depth_curves, fits_depth, known_depth_error};

use super::settings::Settings;
use super::work::Work;
use super::{AttentionContext, GAP, SLIDERS, card};

/// Draws of codes behind each point.
const DRAWS: usize = 8;
type Question = (Component<Depths>, Composition);

/// The bench's view.
#[derive(Default)]
pub(super) struct DepthView {
    settings: Settings,
    work: Work<Question, Arc<Figure>>,
}

impl DepthView {
    pub(super) fn ui(&mut self, ui: &mut Ui, cx: &mut AttentionContext<'_>) {
        let question = (cx.experiment.depth.clone(), cx.experiment.memory.clone());
        self.work.update(ui.ctx(), "depth", question, measure);
        let room = ui.available_rect_before_wrap();
        let sliders = room.with_max_x(room.left() + SLIDERS);
        self.sliders_ui(ui, cx, sliders);
        let right = room.with_min_x(sliders.right() + GAP);
        let figure = self.work.value().cloned().unwrap_or_else(|| waiting("Memories are being written…"));
        card::ui(ui, cx, right, &figure, Highlight::default(), None);
        ui.advance_cursor_after_rect(room);
    }

    fn sliders_ui(&mut self, ui: &mut Ui, cx: &mut AttentionContext<'_>, rect: Rect) {
        let theme = cx.theme;
        card::ground(ui, theme, rect);
        ui.scope_builder(UiBuilder::new().max_rect(rect.shrink2(vec2(12.0, 9.0))), |ui| {
            card::heading(ui, theme, "Layers and heads", self.work.behind());
            ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
                ui.set_max_width(ui.available_width() - 6.0);
                ui.spacing_mut().item_spacing.y = 3.0;
                let memory = cx.experiment.memory.clone();
                let check = |next: &Component<Depths>| fits_depth(next, &memory).map_err(|error| error.to_string());
                self.settings.ui(ui, theme, "Depth", &mut cx.experiment.depth, |_| true, check);
                ui.add_space(6.0);
                let dim = |text: &str| RichText::new(text).size(11.5).color(theme.text_dim);
                ui.label(dim(
                    "Each layer's answer is the next layer's query. Under Hebb's rule with random codes the error is",
                ));
                ui.label(RichText::new("(1 + (N − 1) / (H d_k))ᴸ − 1").font(serif(12.0)).color(theme.text));
                ui.label(dim("Depth makes it grow, heads of the same width divide what grows."));
            });
        });
    }
}

fn waiting(why: &str) -> Arc<Figure> {
    Arc::new(Figure::empty("depth", "Error through layers", why))
}

/// The error after each layer, and what is derived for Hebb's rule.
fn measure((settings, memory): &Question) -> Arc<Figure> {
    let [pairs, d_k, heads] = ["pairs", "d_k", "heads"].map(|name| settings.whole(name));
    match depth_curves(settings, memory, DRAWS) {
        Ok(curves) => {
            let layers = 1..=settings.whole("layers");
            let known: Vec<f64> = layers.map(|layer| known_depth_error(pairs, d_k, layer, heads)).collect();
            Arc::new(figures::depth_curve(figures::memory_name(memory), &curves, &known))
        }
        Err(error) => waiting(&error.to_string()),
    }
}
