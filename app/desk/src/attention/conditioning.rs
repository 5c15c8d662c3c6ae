//! The conditioning bench: trials are shown to memories one by one; curves tell what each has learned of every cue.

use std::sync::Arc;

use egui::{ComboBox, Context, Rect, RichText, ScrollArea, Ui, UiBuilder, vec2};
use mnemoscope_figure::{Body, Figure, Highlight, medium};
use mnemoscope_lab::figures;
use mnemoscope_memory::{Classical, Composition, Conditioning, ConditioningError, Cost, Course, Cues};

use super::settings::Settings;
use super::trials::{self, TrialStrip};
use super::work::Work;
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
    /// The trials and the memory that were wanted last, and whether they are answered within a frame.
    of: Option<(Conditioning, Composition)>,
    quick: bool,
    work: Work<Wanted, Vec<Column>>,
    /// Single trials shown.
    at: usize,
}

/// Trials, the memory that is asked about, and how many single trials are shown.
type Wanted = (Conditioning, Composition, usize);

/// One memory in these trials.
struct Column {
    answers: Arc<Answers>,
    /// Curves, or why there are none, and the memory at the trial shown.
    curves: Arc<Figure>,
    memory: Option<Arc<Figure>>,
}

/// A memory's course: it does not depend on the trial shown.
struct Answers {
    composition: Composition,
    conditioning: Conditioning,
    course: Result<Course, ConditioningError>,
}

impl ConditioningView {
    pub(super) fn play_or_pause(&mut self) {
        self.at = self.writes.play_or_pause(self.at, self.count());
    }

    pub(super) fn step(&mut self, forward: bool) {
        self.at = if forward { (self.at + 1).min(self.count()) } else { self.at.saturating_sub(1) };
    }

    fn count(&self) -> usize {
        self.of.as_ref().map_or(0, |(conditioning, _)| conditioning.count())
    }

    /// Asks for the courses where trials, settings or memory changed; on a thread where they take longer than a frame.
    fn update(&mut self, conditioning: &Conditioning, memory: &Composition, ctx: &Context) {
        if self.of.as_ref().is_none_or(|(of, with)| of != conditioning || with != memory) {
            let (before, all) = (self.at, self.count());
            // The curves, and the memory at the trial shown.
            let cost: f64 = compared(memory).iter().map(|other| conditioning.cost(other).operations).sum();
            self.quick = Cost { operations: 2.0 * cost, bytes: 0.0 }.within_a_frame();
            self.of = Some((conditioning.clone(), memory.clone()));
            // All stays all, as trials come and go.
            self.at = if before == all { self.count() } else { before.min(self.count()) };
        }
        let known: Vec<Arc<Answers>> =
            self.work.value().map_or_else(Vec::new, |columns| columns.iter().map(|one| one.answers.clone()).collect());
        let wanted = (conditioning.clone(), memory.clone(), self.at);
        self.work.answer(ctx, "conditioning", wanted, self.quick, move |wanted| columns(wanted, &known));
    }

    pub(super) fn ui(&mut self, ui: &mut Ui, cx: &mut AttentionContext<'_>) {
        self.update(&cx.experiment.conditioning, &cx.experiment.memory, ui.ctx());
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
            card::heading(ui, theme, "Experiment", self.work.behind());
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
    fn columns_ui(&self, ui: &mut Ui, cx: &mut AttentionContext<'_>, room: Rect) {
        let Some(columns) = self.work.value() else { return };
        let count = columns.len() as f32;
        let width = (room.width() - (count - 1.0) * GAP) / count;
        let memory = if room.height() > 2.6 * MEMORY { (room.height() * 0.32).max(MEMORY) } else { 0.0 };
        for (index, column) in columns.iter().enumerate() {
            let left = room.left() + index as f32 * (width + GAP);
            let place = Rect::from_min_size(egui::pos2(left, room.top()), vec2(width, room.height()));
            let holds = column.memory.as_ref().filter(|_| memory > 0.0);
            let below = if holds.is_some() { memory + GAP } else { 0.0 };
            card::ui(ui, cx, place.with_max_y(place.bottom() - below), &column.curves, Highlight::default(), None);
            if let Some(holds) = holds {
                card::ui(ui, cx, place.with_min_y(place.bottom() - memory), holds, Highlight::default(), None);
            }
        }
    }

    /// The steps at the left, what this memory predicts of every cue at the right.
    fn foot_ui(&mut self, ui: &mut Ui, cx: &mut AttentionContext<'_>, rect: Rect) {
        card::ground(ui, cx.theme, rect);
        let inner = rect.shrink2(vec2(12.0, 9.0));
        let split = inner.left() + (inner.width() * 0.56).max(300.0).min(inner.width());
        let count = self.count();
        self.at = self.writes.ui(ui, cx.theme, inner.with_max_x(split - 20.0), &TRIALS, self.at, count);
        let Some(Ok(course)) =
            self.work.value().and_then(|columns| columns.first()).map(|column| &column.answers.course)
        else {
            return;
        };
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

/// This memory, and the known ones that it is compared with.
fn compared(memory: &Composition) -> Vec<Composition> {
    let known = COMPARED.iter().filter_map(|name| Composition::named().iter().find(|point| point.name == *name));
    let known = known.map(|point| point.composition()).filter(|known| known != memory);
    std::iter::once(memory.clone()).chain(known).collect()
}

/// The columns; courses that are `known` are not computed again.
fn columns((conditioning, memory, at): &Wanted, known: &[Arc<Answers>]) -> Vec<Column> {
    let column = |(index, composition): (usize, Composition)| {
        let same = |one: &&Arc<Answers>| one.composition == composition && one.conditioning == *conditioning;
        let answers = known.iter().find(same).cloned().unwrap_or_else(|| {
            let course = conditioning.course(&composition, 0);
            Arc::new(Answers { composition, conditioning: conditioning.clone(), course })
        });
        let (curves, memory) = figures_of(&answers, *at, index);
        Column { answers, curves, memory }
    };
    compared(memory).into_iter().enumerate().map(column).collect()
}

/// The curves, or why there are none, and what the memory holds at the trial shown.
fn figures_of(answers: &Answers, at: usize, index: usize) -> (Arc<Figure>, Option<Arc<Figure>>) {
    let Answers { composition, conditioning, course } = answers;
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
