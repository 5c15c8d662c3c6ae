//! Bounded caches: what a trained model still answers when it may hold only part of its past.

use std::sync::Arc;

use egui::{ComboBox, Rect, RichText, ScrollArea, Ui, UiBuilder, vec2};
use mnemoscope_core::token::{PAD, unpack};
use mnemoscope_core::{Registry as _, Setting};
use mnemoscope_figure::{Figure, Highlight, semibold};
use mnemoscope_lab::{Bounded, BoundedError, Held, Opened, figures};
use mnemoscope_memory::cache::{Policies, Policy};

use super::settings::Settings;
use super::work::Work;
use super::{AttentionContext, GAP, SLIDERS, card, inside};

/// Shares of a sequence at which a policy with a budget is measured.
const BUDGETS: [f64; 6] = [0.1, 0.2, 0.35, 0.5, 0.75, 1.0];

/// The policy that is shown first.
const FIRST: &str = "window";

/// The view.
#[derive(Default)]
pub(super) struct CachesView {
    policy: Option<Policy>,
    settings: Settings,
    place: inside::Place,
    /// Layer and head whose tokens are shown.
    head: (usize, usize),
    work: Work<Question, Result<Arc<Answer>, String>>,
    curves: Work<Question, (Policy, Vec<Bounded>)>,
    /// Policies that were measured at this model, newest settings of each.
    measured: Vec<(Policy, Vec<Bounded>)>,
    /// Which model they were measured at.
    of: Option<(u64, usize, usize)>,
}

type Question = (inside::Place, Policy);

/// One sequence and all of them under a policy.
struct Answer {
    tokens: Vec<String>,
    /// Fillers before them.
    start: usize,
    held: Held,
    whole: Held,
    now: Bounded,
    full: Bounded,
}

impl Answer {
    fn of(opened: &Opened, names: &[String], (place, policy): &Question) -> Result<Self, BoundedError> {
        let full = Policy::new("full").unwrap_or_else(|_| policy.clone());
        let row = opened.row(place.group, place.sequence).unwrap_or_default();
        let all: Vec<u16> = row.iter().map(|feature| unpack(*feature).0).collect();
        let start = all.iter().take_while(|token| **token == PAD).count();
        let name = |token: &u16| names.get(usize::from(*token)).cloned().unwrap_or_default();
        Ok(Self {
            tokens: all[start..].iter().map(name).collect(),
            start,
            held: opened.held(place.replica, place.group, policy, row)?,
            whole: opened.held(place.replica, place.group, &full, row)?,
            now: opened.bounded(place.replica, place.group, policy)?,
            full: opened.bounded(place.replica, place.group, &full)?,
        })
    }
}

/// A policy at every budget, or once where it has none.
fn curve(opened: &Opened, (place, policy): &Question) -> (Policy, Vec<Bounded>) {
    let at = |budget: &f64| policy.clone().with("budget", Setting::Number(*budget));
    let all: Vec<Policy> = BUDGETS.iter().filter_map(|budget| at(budget).ok()).collect();
    let all = if all.is_empty() { vec![policy.clone()] } else { all };
    let points = all.iter().filter_map(|policy| opened.bounded(place.replica, place.group, policy).ok()).collect();
    (policy.clone(), points)
}

impl CachesView {
    pub(super) fn ui(&mut self, ui: &mut Ui, cx: &mut AttentionContext<'_>) {
        let room = ui.available_rect_before_wrap();
        let opened = cx.snapshot.as_ref().and_then(|snapshot| Some((snapshot.clone(), snapshot.opened.clone()?)));
        let Some((snapshot, opened)) = opened else {
            inside::empty(ui, cx.theme, room);
            return;
        };
        // The registry is never empty.
        let Some(policy) = self.policy.clone().or_else(|| Policy::new(FIRST).ok()) else { return };
        self.policy = Some(policy.clone());
        self.place.fit(&opened);
        let model = (opened.step, self.place.replica, self.place.group);
        if self.of != Some(model) {
            self.of = Some(model);
            self.measured.clear();
        }
        let question = (self.place, policy);
        let (model, names) = (opened.clone(), snapshot.layout.dataset.clone());
        self.work.update(ui.ctx(), "cache", question.clone(), move |question| {
            Answer::of(&model, &names.class_names, question).map(Arc::new).map_err(|error| error.to_string())
        });
        let model = opened.clone();
        let sweep = (inside::Place { sequence: 0, ..question.0 }, question.1.clone());
        if self.curves.update(ui.ctx(), "caches", sweep, move |question| curve(&model, question))
            && let Some((policy, points)) = self.curves.value()
        {
            self.measured.retain(|(known, _)| known.name() != policy.name());
            self.measured.push((policy.clone(), points.clone()));
        }
        let sliders = room.with_max_x(room.left() + SLIDERS);
        self.sliders_ui(ui, cx, sliders, &opened);
        self.figures_ui(ui, cx, room.with_min_x(sliders.right() + GAP));
        ui.advance_cursor_after_rect(room);
    }

    /// The policy and its settings; the sequence and head that are shown.
    fn sliders_ui(&mut self, ui: &mut Ui, cx: &mut AttentionContext<'_>, rect: Rect, opened: &Opened) {
        let theme = cx.theme;
        card::ground(ui, theme, rect);
        ui.scope_builder(UiBuilder::new().max_rect(rect.shrink2(vec2(12.0, 9.0))), |ui| {
            ui.label(RichText::new("Cache").font(semibold(13.0)).color(theme.text));
            ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
                ui.set_max_width(ui.available_width() - 6.0);
                ui.spacing_mut().item_spacing.y = 4.0;
                let Some(policy) = &mut self.policy else { return };
                let combo =
                    ComboBox::from_id_salt("policy").selected_text(policy.kind().label).width(ui.available_width());
                let chosen = combo.show_ui(ui, |ui| {
                    for kind in Policies::kinds() {
                        let row = ui.selectable_label(kind.name == policy.name(), kind.label);
                        if row.on_hover_text(format!("{}\n{}", kind.meaning, kind.source)).clicked()
                            && let Ok(other) = Policy::new(kind.name)
                        {
                            *policy = other;
                        }
                    }
                });
                chosen.response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::ComboBox, true, "Cache policy"));
                ui.label(RichText::new(policy.kind().meaning).size(11.0).color(theme.text_dim));
                self.settings.ui(ui, theme, "Cache", policy, |_| true, |_| Ok(()));
                ui.add_space(6.0);
                ui.label(RichText::new("Shown").font(semibold(13.0)).color(theme.text));
                self.place.ui(ui, opened);
                let answer = self.work.value().and_then(|answer| answer.as_ref().ok());
                if let Some(answer) = answer {
                    let layers = answer.held.until.len();
                    let heads = answer.held.until.first().map_or(0, Vec::len);
                    ui.horizontal(|ui| {
                        inside::stepper(ui, "layer", &mut self.head.0, layers);
                        inside::stepper(ui, "head", &mut self.head.1, heads);
                    });
                    let text = format!(
                        "accuracy {:.2} in {:.1} kB; with the whole cache {:.2} in {:.1} kB",
                        answer.now.accuracy,
                        answer.now.bytes / 1000.0,
                        answer.full.accuracy,
                        answer.full.bytes / 1000.0
                    );
                    ui.label(RichText::new(text).size(12.0).color(theme.text));
                }
            });
        });
    }

    /// Accuracy against bytes and bytes over time, above the tokens that are left.
    fn figures_ui(&mut self, ui: &mut Ui, cx: &mut AttentionContext<'_>, rect: Rect) {
        let answer = match self.work.value() {
            Some(Ok(answer)) => answer.clone(),
            Some(Err(why)) => {
                let figure = Arc::new(Figure::empty("cache-refused", "Tokens held", why));
                card::ui(ui, cx, rect, &figure, Highlight::default(), None);
                return;
            }
            None => {
                let figure = Arc::new(Figure::empty("cache-waiting", "Tokens held", "The model is being measured…"));
                card::ui(ui, cx, rect, &figure, Highlight::default(), None);
                return;
            }
        };
        let (left, right) = rect.split_left_right_at_fraction(0.52);
        let (left, right) = (left.with_max_x(left.right() - GAP / 2.0), right.with_min_x(right.left() + GAP / 2.0));
        let (above, below) = right.split_top_bottom_at_fraction(0.55);
        let (above, below) = (above.with_max_y(above.bottom() - GAP / 2.0), below.with_min_y(below.top() + GAP / 2.0));
        let start = answer.start;
        let until: Vec<u32> = answer
            .held
            .until
            .get(self.head.0)
            .and_then(|heads| heads.get(self.head.1))
            .map(|until| until[start..].iter().map(|until| until.saturating_sub(start as u32)).collect())
            .unwrap_or_default();
        let kept = Arc::new(figures::kept_tokens(self.head, &until, &answer.tokens));
        card::ui(ui, cx, left, &kept, Highlight::default(), None);
        let named: Vec<(String, Vec<Bounded>)> =
            self.measured.iter().map(|(policy, points)| (policy.kind().label.to_owned(), points.clone())).collect();
        let curve = Arc::new(figures::cache_curve(&named, Some(answer.full), Some(answer.now)));
        card::ui(ui, cx, above, &curve, Highlight::default(), None);
        let bytes = Arc::new(figures::cache_bytes(&answer.held.bytes[start..], &answer.whole.bytes[start..]));
        card::ui(ui, cx, below, &bytes, Highlight::default(), None);
    }
}
