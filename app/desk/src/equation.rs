//! The strip above the plots: the objective as an equation with live values, and the headline numbers.

use egui::{Color32, FontId, Id, Rect, RichText, Sense, Ui, pos2, vec2};
use mnemoscope_figure::{Color, Theme, semibold, serif};
use mnemoscope_lab::{Snapshot, TermView};
use mnemoscope_memory::{Composition, Place};

use crate::number;

/// Height of the strip inside its frame.
const HEIGHT: f32 = 40.0;
/// Width of one headline number.
const CELL: f32 = 104.0;
/// Width of the choice of the variant.
const VARIANT: f32 = 132.0;
/// A long equation shrinks until it takes at most this share of the strip; headline numbers that then do not fit beside
/// it are left to their tile.
const EQUATION: f32 = 0.56;

/// Sizes of an equation in points, as far as it fits; below the last it is cut.
const SIZES: [f32; 3] = [17.0, 15.0, 13.5];
/// The smallest readable size.
const SMALLEST: f32 = 12.0;
/// Points between writing and reading.
const READ: f32 = 40.0;

/// A headline number.
struct Headline {
    title: String,
    value: String,
    /// Formula, meaning, source: shown on hover.
    detail: Vec<String>,
}

/// Draws the strip for one variant of the population; where there are several, they are chosen here.
pub fn ui(ui: &mut Ui, theme: &Theme, snapshot: Option<&Snapshot>, variant: &mut usize) {
    mnemoscope_figure::card(theme).inner_margin(egui::Margin::symmetric(14, 6)).show(ui, |ui| {
        let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), HEIGHT), Sense::hover());
        let Some(snapshot) = snapshot else {
            let text = "The objective and its values appear here as soon as the run is set up.";
            let at = rect.left_center();
            ui.painter().text(at, egui::Align2::LEFT_CENTER, text, FontId::proportional(12.5), theme.text_dim.into());
            return;
        };
        let rect = variant_ui(ui, snapshot, variant, rect);
        let variant = *variant;
        let headlines = headlines(snapshot, variant);
        let size = size_for(ui, snapshot, rect.width() * EQUATION);
        let room = (rect.width() - equation_width(ui, snapshot, size)).max(0.0);
        let cells = ((room / CELL) as usize).clamp(1, headlines.len());
        let split = rect.right() - cells as f32 * CELL;
        let place = Rect::from_min_max(rect.min, pos2(split - 10.0, rect.bottom()));
        equation_ui(ui, theme, snapshot, variant, size, place);
        for (index, headline) in headlines.iter().take(cells).enumerate() {
            let min = pos2(split + index as f32 * CELL, rect.top());
            headline_ui(ui, theme, headline, Rect::from_min_size(min, vec2(CELL, HEIGHT)), index);
        }
    });
}

/// Draws how the memory is written and read, with its numbers, and the choices that it is made of.
pub fn memory_ui(ui: &mut Ui, theme: &Theme, memory: &Composition) {
    let equation = memory.equation();
    let (write, read) = match equation.rfind("o = ") {
        Some(at) => (equation[..at].trim_end_matches([' ', ',', ';']), &equation[at..]),
        None => (equation.as_str(), ""),
    };
    let choices = Place::ALL.map(|place| memory.kind(place).label).join(" · ");
    mnemoscope_figure::card(theme).inner_margin(egui::Margin::symmetric(14, 6)).show(ui, |ui| {
        let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), HEIGHT), Sense::hover());
        let painter = ui.painter().with_clip_rect(rect);
        let line = |text: &str, size: f32| painter.layout_no_wrap(text.to_owned(), serif(size), Color32::PLACEHOLDER);
        let width = |size: f32| line(write, size).size().x + line(read, size).size().x + READ;
        let size = SIZES.into_iter().find(|size| width(*size) <= rect.width()).unwrap_or(SMALLEST);
        let mut x = rect.left();
        for (text, name, color) in [(write, choices.as_str(), theme.text), (read, "read", theme.task(0))] {
            let galley = line(text, size);
            let at = pos2(x, rect.top() + 11.0 - galley.size().y / 2.0);
            let small = painter.layout_no_wrap(name.to_owned(), FontId::proportional(11.0), theme.text_dim.into());
            let below = pos2(x, rect.bottom() + 1.0 - small.size().y);
            x += galley.size().x.max(small.size().x) + READ;
            painter.galley(below, small, Color32::PLACEHOLDER);
            painter.galley_with_override_text_color(at, galley, color.into());
        }
        response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Label, true, equation.clone()));
        response.on_hover_ui(|ui| {
            ui.label(RichText::new(equation.replace(";  ", "\n")).font(serif(14.0)));
            ui.label(RichText::new(choices.as_str()).small());
        });
    });
}

/// The choice of the variant, where a knob is swept; answers with the room that is left.
fn variant_ui(ui: &mut Ui, snapshot: &Snapshot, variant: &mut usize, rect: Rect) -> Rect {
    let variants = snapshot.layout.variants();
    *variant = (*variant).min(variants.len().saturating_sub(1));
    if variants.len() < 2 {
        return rect;
    }
    let place = Rect::from_min_size(rect.min, vec2(VARIANT, rect.height()));
    ui.scope_builder(egui::UiBuilder::new().max_rect(place), |ui| {
        ui.spacing_mut().item_spacing.y = 2.0;
        ui.label(RichText::new("shown of the sweep").size(11.0).weak());
        let combo =
            egui::ComboBox::from_id_salt("variant").width(VARIANT).truncate().selected_text(&variants[*variant].label);
        let combo = combo.show_ui(ui, |ui| {
            for (index, other) in variants.iter().enumerate() {
                ui.selectable_value(variant, index, &other.label);
            }
        });
        combo.response.accessible_name("Variant of the sweep that is shown");
    });
    Rect::from_min_max(pos2(place.right() + 18.0, rect.top()), rect.max)
}

/// Colour of a term: the batch's own loss in the text's colour, each method's term in a task colour of its own.
fn color_of(theme: &Theme, index: usize) -> Color {
    const HUES: [usize; 6] = [0, 3, 1, 2, 6, 5];
    if index == 0 { theme.text } else { theme.task(HUES[(index - 1) % HUES.len()]) }
}

/// The terms without their total, which stands first in a snapshot.
fn terms(snapshot: &Snapshot) -> &[TermView] {
    snapshot.terms.get(1..).unwrap_or_default()
}

fn pieces(snapshot: &Snapshot) -> Vec<String> {
    terms(snapshot)
        .iter()
        .enumerate()
        .map(|(index, term)| if index == 0 { term.formula.clone() } else { format!("+ {}", term.formula) })
        .collect()
}

/// The largest readable size at which the equation is at most `width` wide.
fn size_for(ui: &Ui, snapshot: &Snapshot, width: f32) -> f32 {
    SIZES.into_iter().find(|size| equation_width(ui, snapshot, *size) <= width).unwrap_or(SMALLEST)
}

fn equation_width(ui: &Ui, snapshot: &Snapshot, size: f32) -> f32 {
    let width = |text: &str| ui.painter().layout_no_wrap(text.to_owned(), serif(size), Color32::PLACEHOLDER).size().x;
    pieces(snapshot).iter().map(|piece| width(piece) + 16.0).sum::<f32>() + width("L = ") + 16.0
}

fn equation_ui(ui: &Ui, theme: &Theme, snapshot: &Snapshot, variant: usize, size: f32, rect: Rect) {
    let painter = ui.painter().with_clip_rect(rect);
    let value = |term: &TermView| term.values.get(variant).copied().unwrap_or(f64::NAN);
    let mut x = rect.left();
    let put = |x: &mut f32, index: usize, text: String, below: String, color: Color, detail: Vec<String>| {
        let galley = painter.layout_no_wrap(text.clone(), serif(size), color.into());
        let small = painter.layout_no_wrap(below.clone(), FontId::proportional(11.0), theme.text_dim.into());
        let width = galley.size().x.max(small.size().x);
        let top = rect.top() + 11.0 - galley.size().y / 2.0;
        painter.galley(pos2(*x + (width - galley.size().x) / 2.0, top), galley, color.into());
        let at = pos2(*x + (width - small.size().x) / 2.0, rect.bottom() - small.size().y + 1.0);
        painter.galley(at, small, color.into());
        let hit = Rect::from_min_size(pos2(*x, rect.top()), vec2(width, rect.height())).intersect(rect);
        let response = ui.interact(hit, Id::unique(("term", index)), Sense::hover());
        response.widget_info(|| {
            egui::WidgetInfo::labeled(egui::Role::Label, true, format!("{} {below}", text.trim_start_matches("+ ")))
        });
        response.on_hover_ui(|ui| {
            for (line, text) in detail.iter().enumerate() {
                ui.label(if line == 0 { RichText::new(text).strong() } else { RichText::new(text) });
            }
        });
        *x += width + 16.0;
    };
    if let Some(total) = snapshot.terms.first() {
        let detail = vec![
            "Total loss".to_owned(),
            format!("{} in the last step, mean over replicas", number::short(value(total))),
            "The terms beside add up to what is descended.".to_owned(),
        ];
        put(&mut x, 0, "L =".to_owned(), number_text(value(total)), theme.text, detail);
    }
    for (index, (term, piece)) in terms(snapshot).iter().zip(pieces(snapshot)).enumerate() {
        let below =
            if index == 0 { number_text(value(term)) } else { format!("{} {}", term.label, number_text(value(term))) };
        let detail = vec![
            term.label.clone(),
            term.formula.clone(),
            format!("{} in the last step, mean over replicas", number::short(value(term))),
        ];
        put(&mut x, index + 1, piece, below, color_of(theme, index), detail);
    }
}

/// A value with steady width: three digits behind the point, or powers of ten.
fn number_text(value: f64) -> String {
    match value.abs() {
        size if !size.is_finite() => "–".to_owned(),
        size if size == 0.0 || (1e-3..1e4).contains(&size) => format!("{value:.3}"),
        _ => format!("{value:.1e}"),
    }
}

fn headlines(snapshot: &Snapshot, variant: usize) -> Vec<Headline> {
    let mut out: Vec<Headline> = ["acc", "forgetting", "min_acc"]
        .into_iter()
        .filter_map(|name| {
            let metric = snapshot.metrics.iter().find(|metric| metric.info.name == name)?;
            let estimate = metric.variants.get(variant)?;
            let value = estimate.as_ref().map_or_else(|_| "–".to_owned(), |estimate| format!("{estimate:.3}"));
            let mut detail = vec![
                metric.info.label.to_owned(),
                metric.info.formula.to_owned(),
                metric.info.meaning.to_owned(),
                format!("On {}. {}", metric.part, metric.info.source),
            ];
            if let Err(reason) = estimate {
                detail.push(format!("Not defined: {reason}"));
            }
            let title = match metric.so_far {
                Some(block) => {
                    detail.push(format!("So far: after {block} of {} task blocks.", snapshot.layout.blocks.len()));
                    format!("{} so far", metric.info.label)
                }
                None => metric.info.label.to_owned(),
            };
            Some(Headline { title, value, detail })
        })
        .collect();
    let (layout, costs) = (&snapshot.layout, &snapshot.layout.footprint);
    let bytes: usize = costs.iter().map(|cost| cost.bytes).sum();
    let each = |text: &dyn Fn(&mnemoscope_learner::Footprint) -> String| costs.iter().map(text).collect::<Vec<_>>();
    let mut detail = vec!["Bytes kept besides the weights, per replica".to_owned()];
    detail.extend(each(&|cost| format!("{}: {} ({})", cost.method, number::bytes(cost.bytes as f64), cost.note)));
    out.push(Headline { title: "Memory".to_owned(), value: number::bytes(bytes as f64), detail });
    if layout.base_flops > 0.0 {
        let extra: f64 = costs.iter().map(|cost| cost.flops_per_step).sum();
        let ratio = (layout.base_flops + extra) / layout.base_flops;
        let mut detail = vec!["FLOPs per step against plain fine-tuning".to_owned()];
        detail.extend(each(&|cost| {
            format!("{}: + {:.0} %", cost.method, 100.0 * cost.flops_per_step / layout.base_flops)
        }));
        out.push(Headline { title: "FLOPs".to_owned(), value: format!("{ratio:.1} ×"), detail });
    }
    out
}

fn headline_ui(ui: &Ui, theme: &Theme, headline: &Headline, rect: Rect, index: usize) {
    let painter = ui.painter().with_clip_rect(rect);
    let at = pos2(rect.left(), rect.top() + 1.0);
    painter.text(at, egui::Align2::LEFT_TOP, &headline.title, FontId::proportional(11.5), theme.text_dim.into());
    // The mean is what is read; its interval stands back.
    let (mean, rest) = headline.value.split_at(headline.value.find(" ±").unwrap_or(headline.value.len()));
    let at = pos2(rect.left(), rect.bottom() - 1.0);
    let drawn = painter.text(at, egui::Align2::LEFT_BOTTOM, mean, semibold(14.5), theme.text.into());
    let at = pos2(drawn.right(), rect.bottom() - 2.5);
    painter.text(at, egui::Align2::LEFT_BOTTOM, rest, FontId::proportional(11.5), theme.text_dim.into());
    let response = ui.interact(rect, Id::unique(("headline", index)), Sense::hover());
    response.widget_info(|| {
        egui::WidgetInfo::labeled(egui::Role::Label, true, format!("{}: {}", headline.title, headline.value))
    });
    response.on_hover_ui(|ui| {
        for (line, text) in headline.detail.iter().enumerate() {
            ui.label(if line == 0 { RichText::new(text).strong() } else { RichText::new(text) });
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_keep_their_width() {
        assert_eq!(number_text(0.2104), "0.210");
        assert_eq!(number_text(0.0), "0.000");
        assert_eq!(number_text(2.5e-5), "2.5e-5");
        assert_eq!(number_text(f64::NAN), "–");
    }

    #[test]
    fn neighbouring_terms_differ_in_colour() {
        for theme in [&mnemoscope_figure::theme::DARK, &mnemoscope_figure::theme::LIGHT] {
            for index in 0..6 {
                assert_ne!(color_of(theme, index), color_of(theme, index + 1));
            }
        }
    }
}
