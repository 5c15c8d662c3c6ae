//! Every colour of the program: two sets of design tokens. Nothing else in the workspace names a colour.
//!
//! Tasks follow Okabe and Ito (2008, "Color Universal Design"), a palette that stays apart for colour-blind readers,
//! in the order sky blue, orange, bluish green, reddish purple, yellow, blue, vermillion, grey. Its eight hues are kept;
//! their lightness is moved in each theme as far as a line needs to reach a contrast of 3 : 1 against the card (blue is
//! lifted in the dark; sky blue, orange, purple and yellow are deepened on white). From the ninth task on the hues come
//! again nearer to the text colour, twice; the 25th task looks like the first.

use crate::color::Color;

/// The design tokens of one theme.
#[derive(Clone, Debug, PartialEq)]
pub struct Theme {
    /// A dark theme.
    pub dark: bool,
    /// Behind everything.
    pub background: Color,
    /// Side and top panels.
    pub panel: Color,
    /// Tiles, and the ground of every figure.
    pub card: Color,
    /// Buttons and other things that stand out of a card.
    pub raised: Color,
    /// The same under the pointer.
    pub hovered: Color,
    /// Fields and empty cells, which lie deeper than a card.
    pub sunken: Color,
    /// Quiet borders.
    pub outline: Color,
    /// Grid lines, quieter than an outline.
    pub grid: Color,
    /// Text.
    pub text: Color,
    /// Captions, axis labels, units.
    pub text_dim: Color,
    /// Hints; never anything that must be read.
    pub text_faint: Color,
    /// The one accent: selection, slider, link.
    pub accent: Color,
    /// Ground of the one main button.
    pub accent_fill: Color,
    /// Text on `accent_fill`.
    pub accent_text: Color,
    /// Went well.
    pub good: Color,
    /// Worth a look.
    pub warning: Color,
    /// Wrong.
    pub error: Color,
    /// Middle of the diverging map.
    pub neutral: Color,
    /// Negative end of the diverging map.
    pub negative: Color,
    /// Positive end of the diverging map.
    pub positive: Color,
    /// Shadow under windows and menus.
    pub shadow: Color,
    /// Tasks 1 to 8, see the module's page.
    pub tasks: [Color; 8],
}

/// The dark theme.
pub static DARK: Theme = Theme {
    dark: true,
    background: Color::rgb(0x12_1418),
    panel: Color::rgb(0x18_1b21),
    card: Color::rgb(0x1d_2027),
    raised: Color::rgb(0x29_2d36),
    hovered: Color::rgb(0x35_3a45),
    sunken: Color::rgb(0x13_1519),
    outline: Color::rgb(0x2d_323c),
    grid: Color::rgb(0x2a_2f38),
    text: Color::rgb(0xe7_e9ee),
    text_dim: Color::rgb(0xa1_a7b3),
    text_faint: Color::rgb(0x78_7f8c),
    accent: Color::rgb(0x62_a8f5),
    accent_fill: Color::rgb(0x2f_6fc0),
    accent_text: Color::rgb(0xff_ffff),
    good: Color::rgb(0x45_c486),
    warning: Color::rgb(0xe8_a945),
    error: Color::rgb(0xf4_7174),
    neutral: Color::rgb(0x28_2c34),
    negative: Color::rgb(0x6b_b5f7),
    positive: Color::rgb(0xf5_8168),
    shadow: Color { r: 0, g: 0, b: 0, a: 120 },
    tasks: [
        Color::rgb(0x56_b4e9),
        Color::rgb(0xe6_9f00),
        Color::rgb(0x00_a87b),
        Color::rgb(0xcc_79a7),
        Color::rgb(0xf0_e442),
        Color::rgb(0x2f_80d6),
        Color::rgb(0xe0_6a1a),
        Color::rgb(0xb4_bac6),
    ],
};

/// The light theme.
pub static LIGHT: Theme = Theme {
    dark: false,
    background: Color::rgb(0xea_ecf0),
    panel: Color::rgb(0xf5_f6f8),
    card: Color::rgb(0xff_ffff),
    raised: Color::rgb(0xe9_ecf1),
    hovered: Color::rgb(0xdc_e1e8),
    sunken: Color::rgb(0xf0_f2f5),
    outline: Color::rgb(0xd8_dce3),
    grid: Color::rgb(0xe7_eaee),
    text: Color::rgb(0x1b_1e24),
    text_dim: Color::rgb(0x58_5f6b),
    text_faint: Color::rgb(0x84_8b97),
    accent: Color::rgb(0x1c_6acb),
    accent_fill: Color::rgb(0x1c_6acb),
    accent_text: Color::rgb(0xff_ffff),
    good: Color::rgb(0x13_7c47),
    warning: Color::rgb(0x96_5a00),
    error: Color::rgb(0xc4_2d3a),
    neutral: Color::rgb(0xf4_f4f2),
    negative: Color::rgb(0x21_66ac),
    positive: Color::rgb(0xc0_392b),
    shadow: Color { r: 20, g: 26, b: 38, a: 40 },
    tasks: [
        Color::rgb(0x2b_8fc9),
        Color::rgb(0xb9_7a00),
        Color::rgb(0x00_8f68),
        Color::rgb(0xb9_5d93),
        Color::rgb(0x8d_8400),
        Color::rgb(0x00_4f92),
        Color::rgb(0xcc_5500),
        Color::rgb(0x5b_616c),
    ],
};

impl Theme {
    /// The tokens that belong to the look that `ctx` has now.
    pub fn of(ctx: &egui::Context) -> &'static Self {
        match ctx.theme() {
            egui::Theme::Dark => &DARK,
            egui::Theme::Light => &LIGHT,
        }
    }

    /// Colour of the task with this index, from 0.
    pub fn task(&self, index: usize) -> Color {
        let hue = self.tasks[index % self.tasks.len()];
        let round = (index / self.tasks.len()) % 3;
        hue.mix(self.text, [0.0, 0.38, 0.66][round])
    }

    /// Colour of the class with this index, from 0: blue against vermillion first. The order differs from the tasks',
    /// so that a class is not taken for a task.
    pub fn class(&self, index: usize) -> Color {
        self.task(index / 8 * 8 + (index + 5) % 8)
    }
}

/// Black or white, whichever reads better on `ground`: at least 4.5 : 1 on any colour, which a softer black could not
/// give.
pub fn text_on(ground: Color) -> Color {
    let (dark, light) = (Color::rgb(0), Color::rgb(0xff_ffff));
    if ground.contrast(dark) >= ground.contrast(light) { dark } else { light }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_reads_on_every_ground() {
        for theme in [&DARK, &LIGHT] {
            for ground in [theme.panel, theme.card, theme.sunken] {
                for text in [theme.text, theme.text_dim, theme.accent, theme.good, theme.warning, theme.error] {
                    assert!(text.contrast(ground) >= 4.5, "{} on {}", text.css(), ground.css());
                }
                assert!(theme.text_faint.contrast(ground) >= 3.0, "{} on {}", theme.text_faint.css(), ground.css());
            }
            assert!(theme.text.contrast(theme.raised) >= 4.5);
            assert!(theme.text.contrast(theme.hovered) >= 4.5);
            assert!(theme.accent_text.contrast(theme.accent_fill) >= 4.5);
        }
    }

    #[test]
    fn lines_show_on_the_card() {
        for theme in [&DARK, &LIGHT] {
            for index in 0..24 {
                let color = theme.task(index);
                assert!(color.contrast(theme.card) >= 3.0, "task {index}: {} on {}", color.css(), theme.card.css());
            }
        }
    }

    #[test]
    fn the_first_24_tasks_differ() {
        for theme in [&DARK, &LIGHT] {
            for a in 0..24 {
                for b in 0..a {
                    assert_ne!(theme.task(a), theme.task(b), "tasks {b} and {a}");
                }
            }
            assert_eq!(theme.task(24), theme.task(0));
        }
    }

    #[test]
    fn text_on_any_cell_of_a_map_reads() {
        for step in 0..=100 {
            for map in [crate::Map::Sequential, crate::Map::Diverging] {
                for theme in [&DARK, &LIGHT] {
                    let cell = map.color(f64::from(step) / 100.0, theme);
                    assert!(text_on(cell).contrast(cell) >= 4.5, "{}", cell.css());
                }
            }
        }
    }
}
