//! The whole egui style, made from the design tokens.

use egui::style::{HandleShape, ScrollStyle, Selection, TextCursorStyle, WidgetVisuals, Widgets};
use egui::{Color32, CornerRadius, FontFamily, FontId, Margin, Shadow, Spacing, Stroke, TextStyle, Visuals, vec2};
use serde::{Deserialize, Serialize};

use crate::color::Color;
use crate::font::{fonts, medium, semibold};
use crate::theme::{DARK, LIGHT, Theme};

/// Which look a person wants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Preference {
    /// As the operating system has it.
    #[default]
    System,
    /// Always dark.
    Dark,
    /// Always light.
    Light,
}

/// Set fonts, both looks, spacing and text sizes, and scale everything by `scale` (1 = the system's own size).
///
/// Cheap enough to call whenever a setting changes, not meant for every frame: setting fonts rebuilds the glyph atlas.
pub fn apply(ctx: &egui::Context, preference: Preference, scale: f32) {
    ctx.set_fonts(fonts());
    for (name, theme) in [(egui::Theme::Dark, &DARK), (egui::Theme::Light, &LIGHT)] {
        ctx.style_mut_of(name, |style| {
            style.visuals = visuals(theme);
            spacing(&mut style.spacing);
            style.text_styles = text_styles();
            style.animation_time = 0.1;
            style.interaction.tooltip_delay = 0.35;
            style.interaction.selectable_labels = false;
        });
    }
    ctx.set_theme(match preference {
        Preference::System => egui::ThemePreference::System,
        Preference::Dark => egui::ThemePreference::Dark,
        Preference::Light => egui::ThemePreference::Light,
    });
    ctx.set_zoom_factor(scale.clamp(0.5, 4.0));
}

fn text_styles() -> std::collections::BTreeMap<TextStyle, FontId> {
    [
        (TextStyle::Small, FontId::proportional(11.0)),
        (TextStyle::Body, FontId::proportional(13.0)),
        (TextStyle::Button, medium(13.0)),
        (TextStyle::Heading, semibold(16.0)),
        (TextStyle::Monospace, FontId::new(12.0, FontFamily::Monospace)),
    ]
    .into()
}

fn spacing(spacing: &mut Spacing) {
    spacing.item_spacing = vec2(8.0, 6.0);
    spacing.button_padding = vec2(10.0, 5.0);
    spacing.window_margin = Margin::same(14);
    spacing.menu_margin = Margin::same(6);
    spacing.interact_size = vec2(36.0, 24.0);
    spacing.slider_width = 150.0;
    spacing.slider_rail_height = 3.0;
    spacing.icon_width = 15.0;
    spacing.icon_width_inner = 9.0;
    spacing.tooltip_width = 380.0;
    spacing.scroll = ScrollStyle { bar_width: 7.0, floating_allocated_width: 0.0, ..ScrollStyle::floating() };
}

fn visuals(theme: &Theme) -> Visuals {
    let base = if theme.dark { Visuals::dark() } else { Visuals::light() };
    let stroke = |color: Color| Stroke::new(1.0, Color32::from(color));
    let shadow = |blur: u8| Shadow { offset: [0, 3], blur, spread: 0, color: theme.shadow.into() };
    Visuals {
        dark_mode: theme.dark,
        override_text_color: None,
        weak_text_color: Some(theme.text_dim.into()),
        widgets: widgets(theme),
        selection: Selection {
            bg_fill: theme.card.mix(theme.accent, if theme.dark { 0.42 } else { 0.26 }).into(),
            stroke: stroke(theme.text),
        },
        hyperlink_color: theme.accent.into(),
        faint_bg_color: theme.card.mix(theme.text, 0.03).into(),
        extreme_bg_color: theme.sunken.into(),
        text_edit_bg_color: Some(theme.sunken.into()),
        code_bg_color: theme.sunken.into(),
        warn_fg_color: theme.warning.into(),
        error_fg_color: theme.error.into(),
        window_corner_radius: CornerRadius::same(10),
        window_shadow: shadow(24),
        window_fill: theme.panel.into(),
        window_stroke: stroke(theme.outline),
        menu_corner_radius: CornerRadius::same(8),
        panel_fill: theme.panel.into(),
        popup_shadow: shadow(14),
        text_cursor: TextCursorStyle {
            stroke: Stroke::new(1.5, Color32::from(theme.accent)),
            ..base.text_cursor.clone()
        },
        striped: false,
        slider_trailing_fill: true,
        handle_shape: HandleShape::Circle,
        indent_has_left_vline: false,
        button_frame: true,
        ..base
    }
}

fn widgets(theme: &Theme) -> Widgets {
    let state = |fill: Color, outline: Color, text: Color, expansion: f32| WidgetVisuals {
        bg_fill: fill.into(),
        weak_bg_fill: fill.into(),
        bg_stroke: Stroke::new(1.0, Color32::from(outline)),
        corner_radius: CornerRadius::same(6),
        fg_stroke: Stroke::new(1.0, Color32::from(text)),
        expansion,
    };
    Widgets {
        noninteractive: state(theme.card, theme.outline, theme.text, 0.0),
        inactive: state(theme.raised, Color::TRANSPARENT, theme.text, 0.0),
        hovered: state(theme.hovered, theme.outline, theme.text, 0.0),
        active: state(theme.hovered, theme.accent, theme.text, 0.0),
        open: state(theme.raised, theme.outline, theme.text, 0.0),
    }
}

/// The frame of a tile: the card's colour, a quiet outline, round corners and room inside.
pub fn card(theme: &Theme) -> egui::Frame {
    egui::Frame::new()
        .fill(theme.card.into())
        .stroke(Stroke::new(1.0, Color32::from(theme.outline)))
        .corner_radius(CornerRadius::same(8))
        .inner_margin(Margin::symmetric(14, 10))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_looks_follow_the_tokens() {
        let ctx = egui::Context::default();
        apply(&ctx, Preference::Light, 1.25);
        assert_eq!(ctx.style_of(egui::Theme::Light).visuals.panel_fill, Color32::from(LIGHT.panel));
        assert_eq!(ctx.style_of(egui::Theme::Dark).visuals.panel_fill, Color32::from(DARK.panel));
        assert_eq!(ctx.theme(), egui::Theme::Light);
        assert_eq!(Theme::of(&ctx), &LIGHT);
    }
}
