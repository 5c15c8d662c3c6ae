//! A sequence of tokens as a strip of coloured cells.

use egui::{FontId, Rect, Sense, Stroke, StrokeKind, Ui, vec2};
use mnemoscope_core::token::{PAD, unpack};
use mnemoscope_figure::Theme;
use mnemoscope_figure::theme::text_on;
use mnemoscope_stream::Dataset;

/// Height of a cell, in points.
const HEIGHT: f32 = 20.0;

/// A sequence without its padding: the names of its tokens, whether each is asked about, and the name of its label.
pub fn words(dataset: &Dataset, sample: usize) -> Option<(Vec<(u16, bool)>, u16)> {
    let label = *dataset.labels.get(sample)?;
    let mut row = vec![0.0; dataset.features()];
    dataset.row_into(sample, &mut row);
    Some((row.into_iter().map(unpack).skip_while(|(token, _)| *token == PAD).collect(), label))
}

/// The sequence as text: "k3 v7 n1 k3? v7".
pub fn text(dataset: &Dataset, sample: usize) -> String {
    let Some((tokens, label)) = words(dataset, sample) else { return String::new() };
    let mut text = String::new();
    for (token, asked) in tokens {
        text += &format!("{}{} ", dataset.class_names[usize::from(token)], if asked { "?" } else { "" });
    }
    text + &dataset.class_names[usize::from(label)]
}

/// Draws a sequence: a cell per token, framed where it is asked about, and the last answer apart.
pub fn strip(ui: &mut Ui, theme: &Theme, dataset: &Dataset, sample: usize) {
    let Some((tokens, label)) = words(dataset, sample) else { return };
    let font = FontId::proportional(10.5);
    let mut cells: Vec<(u16, bool, f32)> = Vec::with_capacity(tokens.len() + 1);
    for (token, asked) in tokens.into_iter().chain([(label, false)]) {
        let name = dataset.class_names[usize::from(token)].clone();
        let galley = ui.painter().layout_no_wrap(name, font.clone(), theme.text.into());
        cells.push((token, asked, (galley.size().x + 8.0).max(HEIGHT)));
    }
    let gap = 8.0;
    let width = cells.iter().map(|(.., width)| width + 1.0).sum::<f32>() + gap;
    let (rect, response) = ui.allocate_exact_size(vec2(width, HEIGHT), Sense::hover());
    let spoken = text(dataset, sample);
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Label, true, &spoken));
    response.on_hover_text("Framed tokens ask for the next one; the answer to the last stands apart.");
    let mut left = rect.left();
    let last = cells.len() - 1;
    for (place, (token, asked, width)) in cells.into_iter().enumerate() {
        if place == last {
            left += gap;
        }
        let cell = Rect::from_min_size(egui::pos2(left, rect.top()), vec2(width, HEIGHT));
        left += width + 1.0;
        let ground = color(theme, &dataset.class_names[usize::from(token)]);
        ui.painter().rect_filled(cell, 3.0, ground);
        if asked {
            ui.painter().rect_stroke(cell, 3.0, Stroke::new(1.5, theme.text), StrokeKind::Inside);
        }
        let name = &dataset.class_names[usize::from(token)];
        ui.painter().text(cell.center(), egui::Align2::CENTER_CENTER, name, font.clone(), text_on(ground).into());
    }
}

/// One colour for keys, values, numbers, filler and words; a task's own tokens have its number in front.
pub fn color(theme: &Theme, name: &str) -> mnemoscope_figure::Color {
    let name = name.split_once(':').map_or(name, |(_, name)| name);
    let mut letters = name.chars();
    let (first, numbered) = (letters.next(), letters.all(|letter| letter.is_ascii_digit()));
    match first {
        Some('n') if numbered => theme.raised,
        Some('k') if numbered => theme.task(0),
        Some('v') if numbered => theme.task(1),
        Some(digit) if digit.is_ascii_digit() && numbered => theme.task(2),
        _ => theme.task(3),
    }
}

#[cfg(test)]
mod tests {
    use mnemoscope_core::Component;

    use super::*;

    #[test]
    fn a_sequence_reads_as_words_with_its_questions() {
        let source: Component<mnemoscope_stream::DataSources> =
            ron::from_str("sequence(task: \"modular\", modulus: 5)").unwrap();
        let dataset = Dataset::load(&source).unwrap();
        // Row 5 a + b.
        assert_eq!(text(&dataset, 5 * 3 + 4), "3 + 4 =? 2");
        assert_eq!(text(&dataset, dataset.len()), "");
    }
}
