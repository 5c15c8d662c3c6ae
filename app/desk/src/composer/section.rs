//! A card of the composer: a title that folds it, a summary at the right, and red words where something is refused.

use egui::{Align, Id, Layout, RichText, Sense, Shape, Stroke, Ui, pos2, vec2};
use mnemoscope_core::{Component, Knob, Registry};
use mnemoscope_figure::{Theme, semibold};
use mnemoscope_lab::Refusal;

use super::knob;

/// A card.
pub struct Section<'a> {
    /// Under this name its fold is remembered.
    pub id: &'a str,
    /// As shown.
    pub title: &'a str,
    /// Short and grey, at the right.
    pub summary: String,
    /// What the title's tooltip tells.
    pub about: String,
    /// Open at the first start.
    pub open: bool,
    /// What is refused here.
    pub refusals: Vec<&'a Refusal>,
}

impl Section<'_> {
    /// Draws the card; `tools` go to the right of the title, `body` below it where the card is unfolded.
    pub fn ui(&self, ui: &mut Ui, theme: &Theme, tools: impl FnOnce(&mut Ui), body: impl FnOnce(&mut Ui)) {
        let outline = if self.refusals.is_empty() { theme.outline } else { theme.error };
        let frame = mnemoscope_figure::card(theme).inner_margin(egui::Margin::symmetric(12, 9));
        frame.stroke(Stroke::new(1.0, outline)).show(ui, |ui| {
            ui.set_width(ui.available_width());
            let spacing = ui.spacing_mut();
            spacing.item_spacing = vec2(6.0, 3.0);
            spacing.button_padding = vec2(8.0, 2.0);
            spacing.interact_size.y = 20.0;
            let fold = Id::unique(("section", self.id));
            let mut open = ui.data_mut(|data| *data.get_persisted_mut_or(fold, self.open));
            ui.allocate_ui_with_layout(vec2(ui.available_width(), 20.0), Layout::left_to_right(Align::Center), |ui| {
                let title = egui::Label::new(RichText::new(self.title).font(semibold(13.0)).color(theme.text));
                let mut response = ui.add(title.sense(Sense::click())).on_hover_cursor(egui::CursorIcon::PointingHand);
                if !self.about.is_empty() {
                    response = response.on_hover_text(&self.about);
                }
                let (caret, caret_response) = ui.allocate_exact_size(vec2(10.0, 10.0), Sense::click());
                paint_caret(ui, caret, open, theme);
                caret_response.widget_info(|| {
                    let text = format!("{} {}", if open { "Fold" } else { "Unfold" }, self.title);
                    egui::WidgetInfo::labeled(egui::Role::Button, true, text)
                });
                if response.clicked() || caret_response.clicked() {
                    open = !open;
                    ui.data_mut(|data| data.insert_persisted(fold, open));
                }
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    tools(ui);
                    let text = RichText::new(&self.summary).size(11.0).color(theme.text_dim);
                    ui.add(egui::Label::new(text).truncate());
                });
            });
            for refusal in &self.refusals {
                ui.label(RichText::new(&refusal.message).size(12.0).color(theme.error));
            }
            if open {
                ui.add_space(2.0);
                body(ui);
            }
        });
    }
}

fn paint_caret(ui: &Ui, rect: egui::Rect, open: bool, theme: &Theme) {
    let (centre, r) = (rect.center(), 3.2);
    let points = if open {
        [
            pos2(centre.x - r, centre.y - r * 0.5),
            pos2(centre.x, centre.y + r * 0.5),
            pos2(centre.x + r, centre.y - r * 0.5),
        ]
    } else {
        [
            pos2(centre.x - r * 0.5, centre.y - r),
            pos2(centre.x + r * 0.5, centre.y),
            pos2(centre.x - r * 0.5, centre.y + r),
        ]
    };
    ui.painter().add(Shape::line(points.to_vec(), Stroke::new(1.3, theme.text_faint)));
}

/// Whether a knob stands in the open; the others wait behind "more settings".
fn first_rank(index: usize, knob: &Knob) -> bool {
    knob.live || index < 2
}

/// All knobs of a component: what is turned often first, the rest behind a fold.
pub fn component_ui<R: Registry>(ui: &mut Ui, theme: &Theme, section: &str, component: &mut Component<R>) {
    let all: Vec<_> = component.settings().map(|(knob, setting)| (knob, setting.clone())).enumerate().collect();
    let (first, rest): (Vec<_>, Vec<_>) = all.into_iter().partition(|(index, (knob, _))| first_rank(*index, knob));
    let mut changes = Vec::new();
    let mut draw = |ui: &mut Ui, knobs: &[(usize, (&'static Knob, mnemoscope_core::Setting))]| {
        for (_, (knob, setting)) in knobs {
            let waits = component.waits_for(knob);
            let drawn = ui.add_enabled_ui(waits.is_none(), |ui| knob::ui(ui, theme, section, knob, setting));
            if let Some((other, value)) = waits {
                drawn.response.on_disabled_hover_text(format!("Only used when {} is {value}.", knob::label(other)));
            }
            if let Some(new) = drawn.inner {
                changes.push((knob.name, new));
            }
        }
    };
    draw(ui, &first);
    // A fold for a single knob would hide more than it tidies.
    if rest.len() == 1 {
        draw(ui, &rest);
    } else if !rest.is_empty() {
        let fold = Id::unique(("more", section, component.name()));
        let mut open = ui.data_mut(|data| *data.get_persisted_mut_or_default::<bool>(fold));
        let turned = rest.iter().filter(|(_, (knob, setting))| knob.default() != *setting).count();
        let text = match (open, turned) {
            (true, _) => "fewer settings".to_owned(),
            (false, 0) => format!("{} more settings", rest.len()),
            (false, turned) => format!("{} more settings, {turned} changed", rest.len()),
        };
        let link = egui::Label::new(RichText::new(text).size(11.0).color(theme.text_dim)).sense(Sense::click());
        let response = ui.add(link).on_hover_cursor(egui::CursorIcon::PointingHand);
        response
            .widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, format!("{section}: all settings")));
        if response.clicked() {
            open = !open;
            ui.data_mut(|data| data.insert_persisted(fold, open));
        }
        if open {
            draw(ui, &rest);
        }
    }
    for (name, setting) in changes {
        // The widget keeps to the knob's range; what still is refused stays as it was.
        if let Err(error) = component.set(name, setting) {
            log::warn!("{error}");
        }
    }
}

/// A combo box over the kinds of a registry; choosing another kind begins with its defaults. Registries of one kind show
/// nothing.
pub fn kind_ui<R: Registry>(ui: &mut Ui, name: &str, component: &mut Component<R>) {
    if R::kinds().len() < 2 {
        return;
    }
    let kind = component.kind();
    let mut picked = None;
    egui::ComboBox::from_id_salt(name)
        .width(ui.available_width())
        .truncate()
        .selected_text(kind.label)
        .show_ui(ui, |ui| {
            for other in R::kinds() {
                let row = ui.selectable_label(other.name == kind.name, other.label);
                if row.on_hover_text(other.meaning).clicked() && other.name != kind.name {
                    picked = Some(other);
                }
            }
        })
        .response
        .accessible_name(name)
        .on_hover_text(format!("{}\n{}", kind.meaning, kind.source));
    if let Some(other) = picked {
        *component = Component::of(other);
    }
}
