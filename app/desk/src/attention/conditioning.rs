//! The conditioning bench: trials are shown to memories one by one; curves tell what each has learned of every cue.

use std::sync::Arc;

use egui::{ComboBox, Rect, RichText, ScrollArea, Ui, UiBuilder, vec2};
use mnemoscope_figure::{Body, Figure, Highlight, medium, semibold};
use mnemoscope_lab::figures;
use mnemoscope_memory::{Classical, Composition, Conditioning, ConditioningError, Course, Cues};

use super::settings::Settings;
use super::trials::{self, TrialStrip};
use super::writes::{Words, Writes};
use super::{AttentionContext, GAP, SLIDERS, card};
use crate::tiles::numbers::{self, Number};

/// Height of the card below the figures.
const FOOT: f32 = 56.0;
/// Least height of a memory below its curves; where there is less room, the curves stand alone.
const MEMORY: f32 = 110.0;
/// Memories that every one is compared with: what adds, and what corrects.
const COMPARED: [&str; 2] = ["linear_attention", "delta_rule"];

static TRIALS: Words = Words {
    play: "Show trial after trial",
    first: "Before the first trial",
    back: "One trial back",
    next: "Show the next trial",
    last: "After the last trial",
    slider: "Trials shown",
    done: "trials",
};

/// The bench's view.
#[derive(Default)]
pub(super) struct ConditioningView {
    strip: TrialStrip,
    settings: Settings,
    writes: Writes,
    /// What the columns answer.
    of: Option<(Conditioning, Composition)>,
    columns: Vec<Column>,
    /// Single trials shown.
    at: usize,
}

/// One memory in these trials.
struct Column {
    composition: Composition,
    course: Result<Course, ConditioningError>,
    /// Curves and memory at the trial shown; made anew when it changes.
    figures: Option<(Arc<Figure>, Option<Arc<Figure>>)>,
}

impl ConditioningView {
    pub(super) fn play_or_pause(&mut self) {
        self.at = self.writes.play_or_pause(self.at, self.count());
        self.forget_figures();
    }

    pub(super) fn step(&mut self, forward: bool) {
        let to = if forward { (self.at + 1).min(self.count()) } else { self.at.saturating_sub(1) };
        self.show(to);
    }

    fn count(&self) -> usize {
        self.of.as_ref().map_or(0, |(conditioning, _)| conditioning.count())
    }

    fn show(&mut self, at: usize) {
        if at != self.at {
            self.at = at;
            self.forget_figures();
        }
    }

    fn forget_figures(&mut self) {
        self.columns.iter_mut().for_each(|column| column.figures = None);
    }

    /// Computes the courses anew where trials, settings or memory changed: well within a frame.
    fn update(&mut self, conditioning: &Conditioning, memory: &Composition) {
        if self.of.as_ref().is_some_and(|(of, with)| of == conditioning && with == memory) {
            return;
        }
        let (before, all) = (self.at, self.count());
        let known = COMPARED.iter().filter_map(|name| Composition::named().iter().find(|point| point.name == *name));
        let known = known.map(|point| point.composition()).filter(|known| known != memory);
        self.columns = std::iter::once(memory.clone())
            .chain(known)
            .map(|composition| {
                let course = conditioning.course(&composition, 0);
                Column { composition, course, figures: None }
            })
            .collect();
        self.of = Some((conditioning.clone(), memory.clone()));
        // All stays all, as trials come and go.
        self.at = if before == all { self.count() } else { before.min(self.count()) };
    }

    pub(super) fn ui(&mut self, ui: &mut Ui, cx: &mut AttentionContext<'_>) {
        self.update(&cx.experiment.conditioning, &cx.experiment.memory);
        let room = ui.available_rect_before_wrap();
        let strip = room.with_max_y(room.top() + trials::HEIGHT);
        let foot = room.with_min_y(room.bottom() - FOOT);
        let middle = Rect::from_min_max(strip.left_bottom() + vec2(0.0, GAP), foot.right_top() - vec2(0.0, GAP));
        self.strip.ui(ui, cx.theme, strip, &mut cx.experiment.conditioning, self.at);
        let sliders = middle.with_max_x(middle.left() + SLIDERS);
        self.sliders_ui(ui, cx, sliders);
        self.columns_ui(ui, cx, middle.with_min_x(sliders.right() + GAP));
        self.foot_ui(ui, cx, foot);
        ui.advance_cursor_after_rect(room);
    }

    /// The classical experiments, and the cues' settings.
    fn sliders_ui(&mut self, ui: &mut Ui, cx: &mut AttentionContext<'_>, rect: Rect) {
        let theme = cx.theme;
        card::ground(ui, theme, rect);
        ui.scope_builder(UiBuilder::new().max_rect(rect.shrink2(vec2(12.0, 9.0))), |ui| {
            ui.label(RichText::new("Experiment").font(semibold(13.0)).color(theme.text));
            ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
                ui.set_max_width(ui.available_width() - 6.0);
                ui.spacing_mut().item_spacing.y = 4.0;
                let now = cx.experiment.conditioning.classical();
                let mut picked = None;
                let text = now.map_or("trials of your own", |classical| classical.label);
                let combo = ComboBox::from_id_salt("classical").width(ui.available_width()).height(320.0).truncate();
                let combo = combo.selected_text(RichText::new(text).font(medium(12.5))).show_ui(ui, |ui| {
                    for classical in Classical::all() {
                        let row = ui.selectable_label(now == Some(classical), classical.label);
                        let about = format!("{}\n{}", classical.meaning, classical.source);
                        if row.on_hover_text(about).clicked() {
                            picked = Conditioning::of(classical).ok();
                        }
                    }
                });
                combo.response.accessible_name("Load a classical experiment");
                if let Some(classical) = now {
                    ui.label(RichText::new(classical.meaning).size(11.5).color(theme.text_dim))
                        .on_hover_text(classical.source);
                }
                if let Some(picked) = picked {
                    cx.experiment.conditioning = picked;
                    self.strip.reset();
                }
                ui.add_space(4.0);
                ui.spacing_mut().item_spacing.y = 3.0;
                let (whole, memory) = (cx.experiment.conditioning.clone(), cx.experiment.memory.clone());
                let check = |settings: &_| {
                    let next = Conditioning { settings: Clone::clone(settings), trials: whole.trials.clone() };
                    next.check_memory(&memory).map_err(|error| error.to_string())
                };
                self.settings.ui(ui, theme, "Cues", &mut cx.experiment.conditioning.settings, |_| true, check);
            });
        });
    }

    /// A column for each memory: its curves, and what it holds below them.
    fn columns_ui(&mut self, ui: &mut Ui, cx: &mut AttentionContext<'_>, room: Rect) {
        let Some((conditioning, _)) = &self.of else { return };
        let count = self.columns.len() as f32;
        let width = (room.width() - (count - 1.0) * GAP) / count;
        let memory = if room.height() > 2.6 * MEMORY { (room.height() * 0.32).max(MEMORY) } else { 0.0 };
        for (index, column) in self.columns.iter_mut().enumerate() {
            let left = room.left() + index as f32 * (width + GAP);
            let place = Rect::from_min_size(egui::pos2(left, room.top()), vec2(width, room.height()));
            let at = self.at;
            let (curves, holds) = column
                .figures
                .get_or_insert_with(|| figures_of(&column.composition, &column.course, conditioning, at, index));
            let (curves, holds) = (curves.clone(), holds.clone().filter(|_| memory > 0.0));
            let below = if holds.is_some() { memory + GAP } else { 0.0 };
            card::ui(ui, cx, place.with_max_y(place.bottom() - below), &curves, Highlight::default(), None);
            if let Some(holds) = holds {
                card::ui(ui, cx, place.with_min_y(place.bottom() - memory), &holds, Highlight::default(), None);
            }
        }
    }

    /// The steps at the left, what this memory predicts of every cue at the right.
    fn foot_ui(&mut self, ui: &mut Ui, cx: &mut AttentionContext<'_>, rect: Rect) {
        card::ground(ui, cx.theme, rect);
        let inner = rect.shrink2(vec2(12.0, 9.0));
        let split = inner.left() + (inner.width() * 0.56).max(300.0).min(inner.width());
        let count = self.count();
        let to = self.writes.ui(ui, cx.theme, inner.with_max_x(split - 20.0), &TRIALS, self.at, count);
        self.show(to);
        let Some(Ok(course)) = self.columns.first().map(|column| &column.course) else { return };
        let all: Vec<(String, String)> = (0..course.cues)
            .filter_map(|cue| {
                let strength = course.strength(cue, self.at)?;
                Some((format!("cue {}", Cues::letter(cue)), format!("{strength:.2}").replace('-', "−")))
            })
            .collect();
        let formula = "what this memory predicts of the cue alone, after the trials shown";
        let row: Vec<Number<'_>> = all.iter().map(|(name, value)| Number { name, value, formula }).collect();
        numbers::ui(ui, cx.theme, inner.with_min_x(split), &row);
    }
}

/// The curves, or why there are none, and what the memory holds at the trial shown.
fn figures_of(
    composition: &Composition,
    course: &Result<Course, ConditioningError>,
    conditioning: &Conditioning,
    at: usize,
    index: usize,
) -> (Arc<Figure>, Option<Arc<Figure>>) {
    let title = figures::memory_name(composition);
    let mut curves = match course {
        Ok(course) => in_range(figures::strengths(conditioning, course, None, Some(at)), range(course)),
        Err(error) => Figure::empty("strengths", title, error.to_string()),
    };
    // Two memories side by side need names of their own.
    curves.id = format!("{}-{index}", curves.id);
    title.clone_into(&mut curves.title);
    let memory = conditioning.memory_after(composition, 0, at).ok().map(|memory| {
        let mut holds = figures::memory_image(&memory.image(), format!("after {at} trials"));
        holds.id = format!("{}-{index}", holds.id);
        holds.title = format!("{title}: memory");
        Arc::new(holds)
    });
    (Arc::new(curves), memory.filter(|_| course.is_ok()))
}

/// Ends of the strength axis: 0 to 1 at least, and whatever this memory learns beyond. What adds would press what
/// corrects into a line, if both had one axis.
fn range(course: &Course) -> (f64, f64) {
    let all = course.strengths.iter().map(|strength| f64::from(*strength)).filter(|strength| strength.is_finite());
    let (low, high) = all.fold((0.0, 1.0), |(low, high): (f64, f64), one| (low.min(one), high.max(one)));
    let margin = 0.06 * (high - low);
    (if low < 0.0 { low - margin } else { 0.0 }, high + margin)
}

fn in_range(mut figure: Figure, range: (f64, f64)) -> Figure {
    if let Body::Chart(chart) = &mut figure.body {
        chart.y.range = Some(range);
    }
    figure
}
