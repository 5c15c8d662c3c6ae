//! Short messages in a corner: what was saved, what went wrong.

use egui::{Align2, Area, Id, Order, RichText, Ui, vec2};
use mnemoscope_figure::Theme;

/// Seconds that a good message stays. A bad one stays until it is closed.
const STAYS: f64 = 5.0;

/// Most messages at once; the oldest goes first.
const MOST: usize = 4;

/// What a message is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    /// Something was done.
    Good,
    /// Something could not be done.
    Bad,
}

#[derive(Debug)]
struct Toast {
    id: u64,
    mood: Mood,
    text: String,
    /// Time of the first frame that showed it.
    since: Option<f64>,
}

/// The messages that are shown now.
#[derive(Debug, Default)]
pub struct Toasts {
    next: u64,
    shown: Vec<Toast>,
}

impl Toasts {
    /// Says that something was done.
    pub fn good(&mut self, text: impl Into<String>) {
        self.push(Mood::Good, text.into());
    }

    /// Says that something could not be done, and why. The reason goes to the log, too.
    pub fn bad(&mut self, text: impl Into<String>) {
        let text = text.into();
        log::warn!("{text}");
        self.push(Mood::Bad, text);
    }

    fn push(&mut self, mood: Mood, text: String) {
        self.shown.retain(|toast| toast.text != text);
        if self.shown.len() == MOST {
            self.shown.remove(0);
        }
        self.shown.push(Toast { id: self.next, mood, text, since: None });
        self.next += 1;
    }

    /// The texts that are shown, oldest first.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.shown.iter().map(|toast| toast.text.as_str())
    }

    /// Draws them above everything else.
    pub fn ui(&mut self, ui: &Ui, theme: &Theme) {
        if self.shown.is_empty() {
            return;
        }
        let ctx = ui.ctx();
        let now = ctx.input(|input| input.time);
        for toast in &mut self.shown {
            toast.since.get_or_insert(now);
        }
        let left = |toast: &Toast| match (toast.mood, toast.since) {
            (Mood::Good, Some(since)) => since + STAYS - now,
            _ => f64::INFINITY,
        };
        self.shown.retain(|toast| left(toast) > 0.0);
        let mut closed = None;
        Area::new(Id::unique("toasts")).order(Order::Foreground).anchor(Align2::RIGHT_BOTTOM, vec2(-16.0, -16.0)).show(
            ctx,
            |ui| {
                for toast in &self.shown {
                    let color = if toast.mood == Mood::Good { theme.good } else { theme.error };
                    egui::Frame::popup(ui.style()).stroke(egui::Stroke::new(1.0, color)).show(ui, |ui| {
                        ui.set_max_width(420.0);
                        ui.horizontal(|ui| {
                            let size = vec2(8.0, 8.0);
                            let (dot, _) = ui.allocate_exact_size(size, egui::Sense::hover());
                            ui.painter().circle_filled(dot.center(), 4.0, color);
                            ui.add(egui::Label::new(RichText::new(&toast.text)).wrap());
                            if toast.mood == Mood::Bad && ui.small_button("Close").clicked() {
                                closed = Some(toast.id);
                            }
                        });
                    });
                }
            },
        );
        self.shown.retain(|toast| Some(toast.id) != closed);
        // The only clock of an idle window: wake once, when the next message goes.
        if let Some(next) = self.shown.iter().map(left).filter(|left| left.is_finite()).min_by(f64::total_cmp) {
            ctx.request_repaint_after(std::time::Duration::from_secs_f64(next.max(0.05)));
        }
    }
}
