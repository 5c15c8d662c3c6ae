//! Looking inside a trained sequence model: where its heads look, what they hold at each moment, and which of them matter.

mod pass;
mod strip;

use std::sync::Arc;

use egui::{ComboBox, Rect, RichText, Ui, UiBuilder, pos2, vec2};
use mnemoscope_figure::{Figure, Highlight, Theme, medium, semibold};
use mnemoscope_lab::Layout;
use mnemoscope_lab::figures;

use super::work::Work;
use super::writes::{TOKENS, Writes};
use super::{AttentionContext, GAP, card};
pub(super) use pass::Place;
use pass::{Heads, Maps, Pass, Scored};
use strip::{Picked, Step};

/// Height of the card with the sequence.
const TOP: f32 = 46.0 + strip::HEIGHT;
/// Height of the card below the figures.
const FOOT: f32 = 46.0;
/// Width of the column of heads and of what is recalled.
const SIDE: f32 = 250.0;
/// Values that are told as recalled.
const RECALLED: usize = 5;

/// A model, and its heads that are masked.
type Masked = (Place, Vec<(usize, usize)>);

/// The view.
#[derive(Default)]
pub(super) struct InsideView {
    place: Place,
    /// The position that is looked at, from 0; beyond the end: the last.
    position: usize,
    head: (usize, usize),
    /// Heads whose read-outs are set to 0 where accuracy is measured.
    masked: Vec<(usize, usize)>,
    writes: Writes,
    pass: Work<Place, Option<Pass>>,
    heads: Work<Masked, Option<Scored>>,
    maps: Maps,
    /// What the pointer was on in the last frame, as positions: one that asks, and one that is asked for.
    pointed: [Option<usize>; 2],
}

impl InsideView {
    pub(super) fn play_or_pause(&mut self) {
        let steps = self.steps();
        let to = self.writes.play_or_pause(self.position + 1, steps);
        self.position = to.max(1) - 1;
    }

    pub(super) fn step(&mut self, forward: bool) {
        let last = self.steps().saturating_sub(1);
        self.position = if forward { (self.position + 1).min(last) } else { self.position.saturating_sub(1) };
    }

    /// Tokens of the sequence that is shown.
    fn steps(&self) -> usize {
        self.pass.value().and_then(Option::as_ref).map_or(0, |pass| pass.tokens.len())
    }

    pub(super) fn ui(&mut self, ui: &mut Ui, cx: &mut AttentionContext<'_>) {
        let room = ui.available_rect_before_wrap();
        let opened = cx.snapshot.as_ref().and_then(|snapshot| Some((snapshot.clone(), snapshot.opened.clone()?)));
        let Some((snapshot, opened)) = opened else {
            empty(ui, cx.theme, room);
            return;
        };
        let count = self.place.fit(&opened);

        let (model, names) = (opened.clone(), snapshot.layout.dataset.clone());
        self.pass.update(ui.ctx(), "look", self.place, move |place| Pass::of(&model, &names.class_names, *place));
        let of_heads = Place { sequence: 0, ..self.place };
        self.heads.update(ui.ctx(), "heads", (of_heads, self.masked.clone()), move |(place, masked)| {
            Scored::of(&opened, *place, masked)
        });

        self.top_ui(ui, cx, &snapshot.layout, room.with_max_y(room.top() + TOP), count);
        let Some(Some(pass)) = self.pass.value() else { return };
        let heads = Heads::of(pass);
        self.head = (self.head.0.min(heads.layers.saturating_sub(1)), self.head.1.min(heads.heads.saturating_sub(1)));
        self.position = self.position.min(pass.tokens.len().saturating_sub(1));
        let foot = room.with_min_y(room.bottom() - FOOT);
        self.foot_ui(ui, cx.theme, foot);
        let middle =
            Rect::from_min_max(pos2(room.left(), room.top() + TOP + GAP), pos2(room.right(), foot.top() - GAP));
        self.middle_ui(ui, cx, middle);
        ui.advance_cursor_after_rect(room);
    }

    /// Which sequence, and the sequence itself.
    fn top_ui(&mut self, ui: &mut Ui, cx: &mut AttentionContext<'_>, layout: &Layout, rect: Rect, count: usize) {
        let theme = cx.theme;
        card::ground(ui, theme, rect);
        let inner = card::inside(rect);
        let bar = inner.with_max_y(inner.top() + 24.0);
        ui.scope_builder(UiBuilder::new().max_rect(bar), |ui| {
            ui.horizontal(|ui| {
                ui.label(RichText::new("Sequence").font(semibold(13.0)).color(theme.text));
                let groups = layout.groups();
                if groups > 1 {
                    let chosen = layout.group_name(self.place.replica, self.place.group);
                    let combo = ComboBox::from_id_salt("inside group").selected_text(chosen);
                    let response = combo.show_ui(ui, |ui| {
                        for group in 0..groups {
                            let name = layout.group_name(self.place.replica, group);
                            ui.selectable_value(&mut self.place.group, group, name);
                        }
                    });
                    response.response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::ComboBox, true, "Task"));
                }
                stepper(ui, "sequence", &mut self.place.sequence, count);
                let seeds = layout.population.seeds.len();
                if seeds > 1 {
                    stepper(ui, "replica", &mut self.place.replica, seeds);
                }
                if let Some(Some(pass)) = self.pass.value() {
                    let (right, all) =
                        (pass.asked.iter().filter(|asked| asked.given == asked.truth).count(), pass.asked.len());
                    let text = format!("{right} of {all} answers right · after {} steps", pass.place.step);
                    ui.label(RichText::new(text).size(11.5).color(theme.text_dim));
                }
            });
        });
        let Some(Some(pass)) = self.pass.value() else { return };
        let weights = pass.weights(self.head, self.position);
        let steps: Vec<Step<'_>> = pass
            .tokens
            .iter()
            .enumerate()
            .map(|(place, (name, asked))| Step {
                name,
                asked: *asked,
                answer: pass.answer(place),
                weight: weights.get(place).copied().unwrap_or(0.0),
            })
            .collect();
        let place = inner.with_min_y(bar.bottom() + 4.0);
        let Picked { chosen, hovered } = strip::ui(ui, theme, place, &steps, self.position, self.pointed);
        if let Some(chosen) = chosen {
            self.position = chosen;
        }
        self.pointed = [None, hovered];
    }

    /// Attention, state, keys and values of a head; at the right the heads, and what is recalled.
    fn middle_ui(&mut self, ui: &mut Ui, cx: &mut AttentionContext<'_>, rect: Rect) {
        let Some(Some(pass)) = self.pass.value() else { return };
        let figures = self.maps.of(pass, self.head, self.position);
        let side = rect.with_min_x(rect.right() - SIDE);
        let rest = rect.with_max_x(side.left() - GAP);
        let size = (rest.size() - vec2(GAP, GAP)) / 2.0;
        let cell = |down: usize, along: usize| {
            Rect::from_min_size(rest.min + vec2(along as f32, down as f32) * (size + vec2(GAP, GAP)), size)
        };
        let [asks, from] = self.pointed;
        let position = Some(self.position);
        let marks = [
            Highlight { row: asks.or(position), col: from },
            // Queries stand there where the memory is no matrix; a state has no row per position.
            Highlight { row: asks.or(position).filter(|_| !pass.has_state(self.head)), col: None },
            Highlight { row: from, col: None },
            Highlight { row: from, col: None },
        ];
        let mut pointed = self.pointed;
        for (index, (figure, mark)) in figures.iter().zip(marks).enumerate() {
            let response = card::ui(ui, cx, cell(index / 2, index % 2), figure, mark, None);
            match (index, response.hovered) {
                (0, Some((row, col))) => pointed = [Some(row), Some(col)],
                (1, Some((row, _))) if !pass.has_state(self.head) => pointed = [Some(row), None],
                (2 | 3, Some((row, _))) => pointed = [None, Some(row)],
                _ => {}
            }
            if let (0, Some((row, _))) = (index, response.clicked) {
                self.position = row;
            }
        }
        if pointed != self.pointed {
            self.pointed = pointed;
            ui.ctx().request_repaint();
        }
        let split = side.top() + side.height() * 0.52;
        self.heads_ui(ui, cx, side.with_max_y(split - GAP / 2.0));
        self.recalled_ui(ui, cx.theme, side.with_min_y(split + GAP / 2.0));
    }

    /// The retrieval score of each head; a click takes a head out, or puts it back.
    fn heads_ui(&mut self, ui: &mut Ui, cx: &mut AttentionContext<'_>, rect: Rect) {
        let scored = self.heads.value().and_then(Option::as_ref);
        let figure = scored.map_or_else(|| waiting("Heads are being scored…"), |scored| scored.figure.clone());
        let body = rect.with_max_y(rect.bottom() - 62.0);
        card::ground(ui, cx.theme, rect);
        let mark = Highlight::cell(Some(self.head));
        let response = card::ui(ui, cx, body, &figure, mark, None);
        if let Some(head) = response.clicked {
            self.head = head;
        }
        let theme = cx.theme;
        let controls = card::inside(rect.with_min_y(body.bottom() - 8.0));
        ui.scope_builder(UiBuilder::new().max_rect(controls), |ui| {
            ui.horizontal(|ui| {
                let mut masked = self.masked.contains(&self.head);
                let name = format!("Mask {}", figures::head_name(self.head));
                let tip = "Set what this head reads to 0 and measure again";
                if ui.checkbox(&mut masked, name).on_hover_text(tip).changed() {
                    self.masked.retain(|head| *head != self.head);
                    if masked {
                        self.masked.push(self.head);
                    }
                }
                if !self.masked.is_empty() && ui.small_button("Mask none").clicked() {
                    self.masked.clear();
                }
            });
            if let Some(scored) = scored {
                ui.label(RichText::new(scored.text()).size(12.0).color(theme.text));
            }
        });
    }

    /// What is read at the position: the tokens with the largest weights.
    fn recalled_ui(&self, ui: &mut Ui, theme: &Theme, rect: Rect) {
        let Some(Some(pass)) = self.pass.value() else { return };
        card::ground(ui, theme, rect);
        ui.scope_builder(UiBuilder::new().max_rect(card::inside(rect)), |ui| {
            ui.spacing_mut().item_spacing.y = 3.0;
            ui.label(RichText::new("Recalled").font(semibold(12.5)).color(theme.text));
            let at =
                format!("at {} by {}", figures::positions(&pass.names())[self.position], figures::head_name(self.head));
            ui.label(RichText::new(at).size(11.0).color(theme.text_dim));
            let top = pass.recalled(self.head, self.position, RECALLED);
            if top.is_empty() {
                ui.label(
                    RichText::new("What is written is not linear in the values: no token has a weight of its own.")
                        .size(11.5)
                        .color(theme.text_dim),
                );
            }
            for (place, weight) in top {
                ui.horizontal(|ui| {
                    let name = format!("{} {}", place + 1, pass.tokens[place].0);
                    let shown = if self.pointed[1] == Some(place) { theme.accent } else { theme.text };
                    ui.label(RichText::new(name).font(medium(12.0)).color(shown));
                    ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                        ui.label(RichText::new(format!("{weight:.3}").replace('-', "−")).size(12.0).color(theme.text));
                    });
                });
            }
        });
    }

    /// Time.
    fn foot_ui(&mut self, ui: &mut Ui, theme: &Theme, rect: Rect) {
        card::ground(ui, theme, rect);
        let steps = self.steps();
        let to = self.writes.ui(ui, theme, rect.shrink2(vec2(12.0, 6.0)), &TOKENS, self.position + 1, steps);
        self.position = to.max(1) - 1;
    }
}

/// A number that is stepped through, counted from 1.
pub(super) fn stepper(ui: &mut Ui, name: &str, value: &mut usize, count: usize) {
    ui.label(RichText::new(name).size(11.5));
    let mut shown = *value + 1;
    let drag = egui::DragValue::new(&mut shown).range(1..=count.max(1)).suffix(format!(" of {count}"));
    ui.add(drag).accessible_name(name);
    *value = shown - 1;
}

fn waiting(why: &str) -> Arc<Figure> {
    Arc::new(Figure::empty("inside-retrieval", "Retrieval score", why))
}

/// What to do first.
pub(super) fn empty(ui: &mut Ui, theme: &Theme, rect: Rect) {
    card::ground(ui, theme, rect);
    let figure = Figure::empty(
        "inside-empty",
        "Inside",
        "There is no sequence model to look into: take data of sequences and the model “sequence” in the weights lab, and \
         press Run. While it trains, this view follows it.",
    );
    ui.scope_builder(UiBuilder::new().max_rect(card::inside(rect)), |ui| figure.ui(ui, theme));
    ui.advance_cursor_after_rect(rect);
}
