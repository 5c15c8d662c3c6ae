//! The timeline, at the bottom: task blocks in their colours, the playhead, and marks where knobs were turned.

mod blocks;
mod marks;
mod mixture;

use std::ops::Range;
use std::sync::Arc;

use egui::{
    Align, Align2, Color32, ComboBox, CursorIcon, DragValue, FontId, Id, Layout, Popup, Rect, RichText, Sense, Shape,
    Stroke, StrokeKind, Ui, pos2, vec2,
};
use mnemoscope_figure::{Theme, medium, semibold};
use mnemoscope_lab::{Experiment, Snapshot};
use mnemoscope_stream::{Block, Length};

use crate::compare::Compare;
use crate::number;
use crate::order::Order;
use crate::tiles::Action;

/// Height of the blocks, in points.
const HEIGHT: f32 = 46.0;
/// Room above the blocks for the playhead's head.
const ABOVE: f32 = 8.0;
/// Room below the blocks for steps and marks.
const BELOW: f32 = 27.0;
/// Width of the button that adds a block.
const ADD: f32 = 74.0;
/// Width of the edge that lengthens a block.
const EDGE: f32 = 9.0;

/// What the pointer is about, between two frames.
#[derive(Debug, Default)]
pub struct Timeline {
    drag: Option<Drag>,
}

#[derive(Debug, Clone, Copy)]
enum Drag {
    Move {
        index: usize,
    },
    /// The scale stands still while an edge is dragged, else the edge would run away from the pointer.
    Stretch {
        index: usize,
        from: Length,
        steps: f64,
        start: f32,
        scale: f32,
    },
}

/// What the timeline reads.
pub struct TimelineContext<'a> {
    /// Colours.
    pub theme: &'static Theme,
    /// The latest picture of the run.
    pub snapshot: Option<&'a Arc<Snapshot>>,
    /// The blocks that the session was built from.
    pub base: Option<&'a [Block]>,
    /// The replica whose task names are shown.
    pub replica: usize,
    /// The pinned run.
    pub compare: &'a Compare,
    /// What is asked of the window.
    pub orders: &'a mut Vec<Order>,
    /// What is asked of it about the pinned run.
    pub actions: &'a mut Vec<Action>,
}

impl Timeline {
    /// Draws the timeline and edits the experiment's blocks.
    pub fn ui(&mut self, ui: &mut Ui, cx: &mut TimelineContext<'_>, experiment: &mut Experiment) {
        let theme = cx.theme;
        let now = experiment.task_blocks();
        header_ui(ui, cx, experiment.blocks.is_some());
        let (area, _) = ui.allocate_exact_size(vec2(ui.available_width(), ABOVE + HEIGHT + BELOW), Sense::hover());
        let spans = cx.snapshot.map(|snapshot| snapshot.layout.blocks.as_slice());
        let steps = blocks::steps(&now, cx.base.zip(spans));
        let total: f64 = steps.iter().sum::<f64>().max(1.0);
        let scale = match self.drag {
            Some(Drag::Stretch { scale, .. }) => scale,
            _ => (area.width() - ADD - 8.0).max(10.0) / total as f32,
        };
        let bars = bars(area, &steps, scale);
        let mut new = None;
        for (index, bar) in bars.iter().enumerate() {
            self.bar_ui(ui, cx, &now, &steps, index, *bar, scale, &bars, &mut new);
        }
        if let Some(Drag::Move { index }) = self.drag {
            move_ui(ui, theme, &bars, index, &now);
        }
        let end = bars.last().map_or(area.left(), |bar| bar.right());
        let add = Rect::from_min_size(pos2(end + 8.0, area.top() + ABOVE), vec2(ADD, HEIGHT));
        if let Some(group) = add_ui(ui, cx, add.intersect(area), blocks::groups(experiment)) {
            let length = now.last().map_or(Length::Epochs(5.0), |block| block.length);
            new = Some(now.iter().cloned().chain([Block::plain(group, length)]).collect());
        }
        // Steps and marks belong to the blocks of the session; edited blocks have none yet.
        if cx.base == Some(now.as_slice())
            && let Some(snapshot) = cx.snapshot
        {
            let x_of = |step: u64| marks::x_of(step, &snapshot.layout.blocks, &bars);
            marks::steps_ui(ui, theme, snapshot, &bars);
            marks::events_ui(ui, theme, snapshot, &bars, &x_of);
            playhead(ui, theme, snapshot, x_of(snapshot.step), area);
        }
        if let Some(new) = new {
            experiment.blocks = Some(new);
        }
    }

    #[expect(clippy::too_many_arguments, reason = "one bar of the picture that the caller lays out")]
    fn bar_ui(
        &mut self,
        ui: &mut Ui,
        cx: &TimelineContext<'_>,
        now: &[Block],
        steps: &[f64],
        index: usize,
        bar: Rect,
        scale: f32,
        bars: &[Rect],
        new: &mut Option<Vec<Block>>,
    ) {
        let (theme, block) = (cx.theme, &now[index]);
        let id = Id::unique(("block", index));
        let response = ui.interact(bar, id, Sense::click_and_drag()).on_hover_and_drag_cursor(CursorIcon::Grab);
        let edge = Rect::from_min_max(pos2(bar.right() - EDGE, bar.top()), bar.max);
        let edge_response = ui.interact(edge, id.with("edge"), Sense::drag());
        let edge_response = edge_response.on_hover_and_drag_cursor(CursorIcon::ResizeHorizontal);
        let name = name_of(cx, block.group);
        let length = length_line(block.length, steps[index], cx.base.is_some());
        let lifted = matches!(self.drag, Some(Drag::Move { index: dragged }) if dragged == index);
        paint_bar(ui, theme, bar, block.group, &name, &length, lifted, response.hovered() || edge_response.hovered());
        mixture::paint(ui.painter(), theme, bar, &block.with, lifted);

        if response.drag_started() {
            self.drag = Some(Drag::Move { index });
        }
        if response.drag_stopped() && lifted {
            self.drag = None;
            if let Some(pointer) = response.interact_pointer_pos() {
                let moved = blocks::reordered(now, index, target(bars, pointer.x));
                if moved != now {
                    *new = Some(moved);
                }
            }
        }
        if edge_response.drag_started()
            && let Some(pointer) = edge_response.interact_pointer_pos()
        {
            let (from, steps) = (block.length, steps[index]);
            self.drag = Some(Drag::Stretch { index, from, steps, start: pointer.x, scale });
        }
        if let Some(Drag::Stretch { index: stretched, from, steps, start, scale }) = self.drag
            && stretched == index
        {
            if let Some(pointer) = edge_response.interact_pointer_pos() {
                let factor = 1.0 + f64::from((pointer.x - start) / scale) / steps;
                let length = blocks::stretched(from, factor);
                if length != block.length {
                    let mut edited = now.to_vec();
                    edited[index].length = length;
                    *new = Some(edited);
                }
            }
            if edge_response.drag_stopped() || !ui.input(|input| input.pointer.any_down()) {
                self.drag = None;
            }
        }
        response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, format!("{name}, {length}")));
        response.context_menu(|ui| {
            if let Some(edited) = menu_ui(ui, now, index, steps[index]) {
                *new = Some(edited);
            }
        });
        if self.drag.is_none() {
            response.on_hover_ui(|ui| {
                ui.label(RichText::new(&name).strong());
                ui.label(&length);
                for line in mixture::lines(&block.with, |group| name_of(cx, group)) {
                    ui.label(line);
                }
                if let Some(span) = cx.snapshot.and_then(|snapshot| snapshot.layout.blocks.get(index)) {
                    let [from, to] = [span.start, span.start + span.steps].map(|step| number::grouped(step as f64));
                    ui.label(RichText::new(format!("steps {from} to {to}")).color(theme.text_dim));
                }
                let hint = "Drag to reorder, drag the right edge to lengthen, right-click for more.";
                ui.label(RichText::new(hint).small().color(theme.text_dim));
            });
        }
    }
}

fn header_ui(ui: &mut Ui, cx: &mut TimelineContext<'_>, edited: bool) {
    let theme = cx.theme;
    ui.horizontal(|ui| {
        ui.set_min_height(24.0);
        ui.label(RichText::new("Timeline").font(semibold(13.0)).color(theme.text));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            cx.compare.ui(ui, theme, cx.snapshot, cx.actions);
            replica_ui(ui, cx);
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                let hint = "drag to reorder, drag an edge to lengthen, right-click for more";
                let hint = if edited { format!("edited by hand · {hint}") } else { hint.to_owned() };
                ui.add(egui::Label::new(RichText::new(hint).size(11.0).color(theme.text_dim)).truncate());
            });
        });
    });
}

/// Where every replica has tasks of its own, the timeline names those of one.
fn replica_ui(ui: &mut Ui, cx: &mut TimelineContext<'_>) {
    let Some(snapshot) = cx.snapshot.filter(|snapshot| !snapshot.layout.shared_order) else { return };
    let seeds = &snapshot.layout.population.seeds;
    let text = |replica: usize| format!("order of replica {} (seed {})", replica + 1, seeds[replica]);
    let shown = cx.replica.min(seeds.len().saturating_sub(1));
    let combo = ComboBox::from_id_salt("replica").selected_text(text(shown)).show_ui(ui, |ui| {
        for replica in 0..seeds.len() {
            if ui.selectable_label(replica == shown, text(replica)).clicked() {
                cx.orders.push(Order::ShowReplica(replica));
            }
        }
    });
    combo.response.accessible_name("Replica whose tasks are named");
}

/// One rectangle per block, from left to right.
fn bars(area: Rect, steps: &[f64], scale: f32) -> Vec<Rect> {
    let mut x = area.left();
    // Many blocks share what room there is; a few never get too narrow to grab.
    let narrowest = (area.width() / (2.0 * steps.len().max(1) as f32)).min(6.0);
    steps
        .iter()
        .map(|steps| {
            let width = (*steps as f32 * scale).max(narrowest);
            let gap = (width * 0.3).min(3.0);
            let bar = Rect::from_min_size(pos2(x, area.top() + ABOVE), vec2(width - gap, HEIGHT));
            x += width;
            bar
        })
        .collect()
}

/// Before which block a block that is dropped at `x` goes.
fn target(bars: &[Rect], x: f32) -> usize {
    bars.iter().filter(|bar| bar.center().x < x).count()
}

fn name_of(cx: &TimelineContext<'_>, group: usize) -> String {
    cx.snapshot.map_or_else(
        || format!("task {}", group + 1),
        |snapshot| {
            // By position where every replica has an order of its own and none is chosen.
            let replica = cx.replica.min(snapshot.layout.group_names.len().saturating_sub(1));
            snapshot.layout.group_name(replica, group)
        },
    )
}

fn length_line(length: Length, steps: f64, known: bool) -> String {
    let text = blocks::length_text(length);
    match length {
        Length::Epochs(_) if known => format!("{text} · {} steps", number::grouped(steps)),
        _ => text,
    }
}

#[expect(clippy::too_many_arguments, reason = "what one bar shows")]
fn paint_bar(ui: &Ui, theme: &Theme, bar: Rect, group: usize, name: &str, length: &str, lifted: bool, hovered: bool) {
    let color = theme.task(group);
    let fade = if lifted { 0.35 } else { 1.0 };
    let fill = theme.card.mix(color, if hovered { 0.36 } else { 0.27 }).fade(fade);
    let painter = ui.painter();
    painter.rect_filled(bar, 5.0, fill);
    let edge = Rect::from_min_max(bar.min, pos2((bar.left() + 3.0).min(bar.right()), bar.bottom()));
    painter.rect_filled(edge, 1.5, color.fade(fade));
    let inside = painter.with_clip_rect(bar.shrink2(vec2(5.0, 0.0)));
    if bar.width() < 24.0 {
        return;
    }
    let (title, below) = (theme.text.fade(fade), theme.text_dim.fade(fade));
    let fits = |text: &str, font: FontId| {
        inside.layout_no_wrap(text.to_owned(), font, Color32::PLACEHOLDER).size().x <= bar.width() - 16.0
    };
    // A narrow block keeps as much of its name as fits whole.
    let (task, about) = name.split_once(": ").unwrap_or((name, ""));
    let number = (group + 1).to_string();
    let text = [name, about, task].into_iter().find(|text| !text.is_empty() && fits(text, medium(12.0)));
    let at = pos2(bar.left() + 10.0, bar.top() + 9.0);
    inside.text(at, Align2::LEFT_TOP, text.unwrap_or(&number), medium(12.0), title.into());
    let small = FontId::proportional(11.0);
    let steps = length.split(" · ").last().unwrap_or(length);
    if let Some(text) = [length, steps].into_iter().find(|text| fits(text, small.clone())) {
        let at = pos2(bar.left() + 10.0, bar.top() + 26.0);
        inside.text(at, Align2::LEFT_TOP, text, small, below.into());
    }
}

/// The block that is being moved, under the pointer, and where it would go.
fn move_ui(ui: &Ui, theme: &Theme, bars: &[Rect], index: usize, now: &[Block]) {
    let (Some(pointer), Some(bar)) = (ui.input(|input| input.pointer.interact_pos()), bars.get(index)) else { return };
    let to = target(bars, pointer.x);
    let x = bars.get(to).map_or_else(|| bars.last().map_or(0.0, |bar| bar.right() + 1.5), |bar| bar.left() - 1.5);
    ui.painter().vline(x, bar.y_range().expand(4.0), Stroke::new(2.0, theme.accent));
    let ghost = bar.translate(vec2(pointer.x - bar.center().x, 0.0));
    let color = theme.task(now[index].group);
    ui.painter().rect(ghost, 5.0, color.fade(0.25), Stroke::new(1.0, color), StrokeKind::Inside);
}

/// The button behind the last block; answers with the group to add.
fn add_ui(ui: &Ui, cx: &TimelineContext<'_>, rect: Rect, groups: usize) -> Option<usize> {
    if rect.width() < 20.0 {
        return None;
    }
    let theme = cx.theme;
    let response = ui.interact(rect, Id::unique("add block"), Sense::click()).on_hover_cursor(CursorIcon::PointingHand);
    let fill = if response.hovered() { theme.raised } else { theme.sunken };
    ui.painter().rect(rect, 5.0, fill, Stroke::new(1.0, theme.outline), StrokeKind::Inside);
    ui.painter().text(rect.center(), Align2::CENTER_CENTER, "+ task", medium(12.0), theme.accent.into());
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, "Add a task block"));
    let mut added = None;
    Popup::menu(&response).show(|ui| {
        for group in 0..groups {
            let text = RichText::new(name_of(cx, group)).color(theme.task(group));
            if ui.button(text).clicked() {
                added = Some(group);
                ui.close();
            }
        }
    });
    added
}

/// The menu of a block; answers with the blocks as edited.
fn menu_ui(ui: &mut Ui, now: &[Block], index: usize, steps: f64) -> Option<Vec<Block>> {
    let mut edited = now.to_vec();
    ui.horizontal(|ui| {
        ui.label("Length");
        match &mut edited[index].length {
            Length::Epochs(epochs) => {
                ui.add(DragValue::new(epochs).range(0.1..=1000.0).speed(0.05).max_decimals(2))
                    .accessible_name("Epochs of the block");
                ui.label("epochs");
            }
            Length::Steps(steps) => {
                let speed = (*steps as f64 * 0.01).max(0.2);
                ui.add(DragValue::new(steps).range(1..=1_000_000_000).speed(speed))
                    .accessible_name("Steps of the block");
                ui.label("steps");
            }
        }
    });
    let other = match now[index].length {
        Length::Epochs(_) => ("Count it in steps", Length::Steps(steps.round().max(1.0) as u64)),
        Length::Steps(_) => ("Count it in epochs", Length::Epochs(1.0)),
    };
    ui.separator();
    if ui.button(other.0).clicked() {
        edited[index].length = other.1;
        ui.close();
    }
    if ui.button("Repeat it here").clicked() {
        edited.insert(index + 1, now[index].clone());
        ui.close();
    }
    if ui.button("Repeat it at the end").clicked() {
        edited.push(now[index].clone());
        ui.close();
    }
    for (text, to, possible) in
        [("Move left", index.wrapping_sub(1), index > 0), ("Move right", index + 2, index + 1 < now.len())]
    {
        if ui.add_enabled(possible, egui::Button::new(text)).clicked() {
            edited = blocks::reordered(now, index, to);
            ui.close();
        }
    }
    ui.separator();
    if ui.add_enabled(now.len() > 1, egui::Button::new("Remove")).clicked() {
        edited.remove(index);
        ui.close();
    }
    (edited != now).then_some(edited)
}

fn playhead(ui: &Ui, theme: &Theme, snapshot: &Snapshot, x: f32, area: Rect) {
    let line: Range<f32> = area.top() + 2.0..area.bottom() - BELOW + 14.0;
    let color = theme.text;
    let painter = ui.painter();
    painter.vline(x, line.start..=line.end, Stroke::new(1.5, color));
    let head = [pos2(x - 5.0, area.top() - 1.0), pos2(x + 5.0, area.top() - 1.0), pos2(x, area.top() + 6.0)];
    painter.add(Shape::convex_polygon(head.to_vec(), Color32::from(color), Stroke::NONE));
    let hit = Rect::from_center_size(pos2(x, area.top() + 3.0), vec2(14.0, 12.0));
    let response = ui.interact(hit, Id::unique("playhead"), Sense::hover());
    let text = format!(
        "step {} of {}",
        number::grouped(snapshot.step as f64),
        number::grouped(snapshot.layout.total_steps() as f64)
    );
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Label, true, format!("Playhead: {text}")));
    response.on_hover_text(text);
}
