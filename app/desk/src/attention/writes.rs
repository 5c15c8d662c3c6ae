//! Stepping through writes or trials: play, first, back, on, last, and a slider.

use egui::{Align, Button, Layout, Rect, RichText, Slider, Ui, UiBuilder, vec2};
use mnemoscope_figure::Theme;

use crate::icon::{self, Icon};
use crate::shortcuts::UiCommand;

/// Seconds in which playing goes through all writes, at most.
const WHOLE: f32 = 8.0;
/// Seconds for which one write is shown, at most: few pairs do not make playing slow.
const LONGEST: f32 = 0.4;

/// What the steps are called.
pub(super) struct Words {
    pub play: &'static str,
    pub first: &'static str,
    pub back: &'static str,
    pub next: &'static str,
    pub last: &'static str,
    pub slider: &'static str,
    /// "12 of 32 written".
    pub done: &'static str,
}

/// Pairs that are written.
pub(super) static WRITES: Words = Words {
    play: "Write pair after pair",
    first: "Before the first write",
    back: "One write back",
    next: "Write the next pair",
    last: "After the last write",
    slider: "Writes shown",
    done: "written",
};

/// Tokens that are read.
pub(super) static TOKENS: Words = Words {
    play: "Read token after token",
    first: "The first token",
    back: "One token back",
    next: "The next token",
    last: "The last token",
    slider: "Tokens read",
    done: "tokens read",
};

/// How the writes are played.
#[derive(Debug, Clone, Default)]
pub(super) struct Writes {
    playing: bool,
    /// Seconds for which the present write has been shown.
    shown_for: f32,
}

impl Writes {
    /// Plays, from the beginning where all is written; or pauses. Answers with the write to go to.
    pub(super) fn play_or_pause(&mut self, shown: usize, all: usize) -> usize {
        self.playing = !self.playing;
        self.shown_for = 0.0;
        if self.playing && shown == all { 0 } else { shown }
    }

    /// The write to show after `seconds` more.
    fn advance(&mut self, shown: usize, all: usize, seconds: f32) -> usize {
        if !self.playing || all == 0 {
            return shown;
        }
        self.shown_for += seconds;
        let each = (WHOLE / all as f32).min(LONGEST);
        let steps = (self.shown_for / each) as usize;
        self.shown_for -= steps as f32 * each;
        let to = (shown + steps).min(all);
        self.playing = to < all;
        to
    }

    /// Draws the row into `rect`; answers with the write to show.
    pub(super) fn ui(
        &mut self,
        ui: &mut Ui,
        theme: &Theme,
        rect: Rect,
        words: &Words,
        shown: usize,
        all: usize,
    ) -> usize {
        let mut to = self.advance(shown, all, ui.input(|input| input.stable_dt));
        if self.playing {
            ui.ctx().request_repaint();
        }
        let layout = Layout::left_to_right(Align::Center);
        ui.scope_builder(UiBuilder::new().max_rect(rect).layout(layout), |ui| {
            ui.spacing_mut().item_spacing.x = 4.0;
            let (sign, word) = if self.playing { (Icon::Pause, "Pause") } else { (Icon::Run, "Play") };
            if icon::button(ui, sign, word, None, all > 0).on_hover_text(format!("{}  (Space)", words.play)).clicked() {
                to = self.play_or_pause(shown, all);
            }
            ui.add_space(4.0);
            let [back, on] = [UiCommand::WriteBack, UiCommand::WriteNext].map(|command| command.keys(ui.ctx()));
            let mut button = |sign: &str, name: &str, keys: String, enabled: bool, target: usize| {
                let button = Button::new(RichText::new(sign).size(12.0)).min_size(vec2(26.0, 26.0));
                let tip = if keys.is_empty() { name.to_owned() } else { format!("{name}  ({keys})") };
                let response = ui.add_enabled(enabled, button).on_hover_text(tip);
                response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, enabled, name));
                if response.clicked() {
                    to = target;
                    self.playing = false;
                }
            };
            button("|<", words.first, String::new(), shown > 0, 0);
            button("<", words.back, back, shown > 0, shown.saturating_sub(1));
            button(">", words.next, on, shown < all, shown + 1);
            button(">|", words.last, String::new(), shown < all, all);
            ui.add_space(6.0);
            let text = format!("{shown} of {all} {}", words.done);
            let room = ui.painter().layout_no_wrap(
                format!("{all} of {all} {}", words.done),
                egui::FontId::proportional(12.0),
                theme.text.into(),
            );
            // A slider's handle grows with this height.
            ui.spacing_mut().interact_size.y = 16.0;
            ui.spacing_mut().slider_width = (ui.available_width() - room.size().x - 14.0).clamp(40.0, 420.0);
            let mut chosen = to;
            if ui.add(Slider::new(&mut chosen, 0..=all).show_value(false)).accessible_name(words.slider).changed() {
                to = chosen;
                self.playing = false;
            }
            ui.label(RichText::new(text).size(12.0).color(theme.text_dim));
        });
        to
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn playing_goes_through_all_writes_and_stops_at_the_last() {
        let mut writes = Writes::default();
        assert_eq!(writes.advance(3, 80, 100.0), 3, "it rests until it is played");
        assert_eq!(writes.play_or_pause(80, 80), 0, "from the end it begins again");
        // 8 s over 80 writes: one in a tenth of a second.
        assert_eq!(writes.advance(0, 80, 0.05), 0);
        assert_eq!(writes.advance(0, 80, 0.06), 1);
        assert_eq!(writes.advance(1, 80, 0.5), 6);
        assert_eq!(writes.advance(6, 80, 60.0), 80);
        assert_eq!(writes.advance(80, 80, 60.0), 80);
        assert!(!writes.playing);
        assert_eq!(writes.play_or_pause(5, 80), 5, "elsewhere it goes on");
    }
}
