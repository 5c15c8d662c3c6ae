//! How tiles look and behave in their tree: cards, tabs, edges to drag.

use egui::{Align2, Color32, Id, Rect, Response, Sense, Stroke, Ui, Visuals, WidgetText, pos2, vec2};
use egui_tiles::{Behavior, ResizeState, SimplificationOptions, TabState, TileId, Tiles, UiResponse};
use mnemoscope_figure::semibold;

use super::panel::Panels;
use super::{Tile, TileContext, header};

/// Points between two tiles.
const GAP: f32 = 8.0;
/// Height of a row of tabs.
const TABS: f32 = 26.0;

/// What the tree asks while it is drawn.
pub(super) struct Dock<'a, 'b> {
    panels: &'a mut Panels,
    cx: &'a mut TileContext<'b>,
    /// Tiles behind a tab bar, which shows their title already.
    tabbed: Vec<TileId>,
    /// Tabs that would show a single title; they show none.
    single: Vec<TileId>,
    /// Tiles that a person closed in this frame.
    pub(super) closed: Vec<Tile>,
}

impl<'a, 'b> Dock<'a, 'b> {
    pub(super) fn new(panels: &'a mut Panels, cx: &'a mut TileContext<'b>, tiles: &Tiles<Tile>) -> Self {
        let (mut tabbed, mut single) = (Vec::new(), Vec::new());
        for (id, tile) in tiles.iter() {
            if let egui_tiles::Tile::Container(egui_tiles::Container::Tabs(tabs)) = tile {
                let visible = tabs.children.iter().filter(|child| tiles.is_visible_in_layout(**child));
                if visible.clone().count() > 1 {
                    tabbed.extend(visible);
                } else {
                    single.push(*id);
                }
            }
        }
        Self { panels, cx, tabbed, single, closed: Vec::new() }
    }
}

impl Behavior<Tile> for Dock<'_, '_> {
    fn pane_ui(&mut self, ui: &mut Ui, tile_id: TileId, tile: &mut Tile) -> UiResponse {
        let panel = self.panels.of(*tile);
        let figure = panel.figure(self.cx);
        let tabbed = self.tabbed.contains(&tile_id);
        let mut dragged = false;
        mnemoscope_figure::card(self.cx.theme).show(ui, |ui| {
            // The card fills its place, however little there is in it.
            ui.expand_to_include_rect(ui.max_rect());
            ui.spacing_mut().item_spacing.y = 4.0;
            let header = header::ui(ui, self.cx, *tile, &figure, panel, tabbed);
            dragged = header.dragged;
            if header.closed {
                self.closed.push(*tile);
            }
            ui.push_id(*tile, |ui| panel.body(ui, self.cx, &figure));
        });
        if dragged { UiResponse::DragStarted } else { UiResponse::None }
    }

    fn tab_title_for_pane(&mut self, tile: &Tile) -> WidgetText {
        tile.tab().into()
    }

    fn tab_title_for_tile(&mut self, tiles: &Tiles<Tile>, tile_id: TileId) -> WidgetText {
        titles(tiles, tile_id).join(" + ").into()
    }

    fn tab_ui(&mut self, tiles: &mut Tiles<Tile>, ui: &mut Ui, id: Id, tile_id: TileId, state: &TabState) -> Response {
        let title = titles(tiles, tile_id).join(" + ");
        let theme = self.cx.theme;
        let color = |response: &Response| -> Color32 {
            if state.active || response.hovered() { theme.text } else { theme.text_dim }.into()
        };
        let galley = ui.painter().layout_no_wrap(title.clone(), semibold(12.5), Color32::PLACEHOLDER);
        let (_, rect) = ui.allocate_space(vec2(galley.size().x + 24.0, ui.available_height()));
        let response = ui.interact(rect, id, Sense::click_and_drag()).on_hover_cursor(egui::CursorIcon::Grab);
        response.widget_info(|| egui::WidgetInfo::selected(egui::Role::Tab, ui.is_enabled(), state.active, &title));
        if ui.is_rect_visible(rect) && !state.is_being_dragged {
            let place = Align2::CENTER_CENTER.align_size_within_rect(galley.size(), rect).min;
            ui.painter().galley(place, galley, color(&response));
            if state.active {
                let line = Rect::from_min_max(pos2(rect.left() + 12.0, rect.bottom() - 4.0), rect.right_bottom());
                ui.painter().rect_filled(
                    line.with_max_x(rect.right() - 12.0).with_max_y(rect.bottom() - 2.0),
                    1.0,
                    theme.accent,
                );
            }
        }
        if response.clicked_by(egui::PointerButton::Middle)
            && let Some(egui_tiles::Tile::Pane(tile)) = tiles.get(tile_id)
        {
            self.closed.push(*tile);
        }
        response
    }

    fn is_tab_bar_visible(&self, tile_id: TileId, _tabs: &egui_tiles::Tabs) -> bool {
        !self.single.contains(&tile_id)
    }

    fn drag_ui(&mut self, tiles: &Tiles<Tile>, ui: &mut Ui, tile_id: TileId) {
        egui::Frame::popup(ui.style()).show(ui, |ui| ui.label(titles(tiles, tile_id).join(" + ")));
    }

    fn tab_bar_height(&self, _style: &egui::Style) -> f32 {
        TABS
    }

    fn gap_width(&self, _style: &egui::Style) -> f32 {
        GAP
    }

    fn min_size(&self) -> f32 {
        120.0
    }

    fn resize_stroke(&self, _style: &egui::Style, state: ResizeState) -> Stroke {
        let color = match state {
            ResizeState::Idle => return Stroke::NONE,
            ResizeState::Hovering => self.cx.theme.outline,
            ResizeState::Dragging => self.cx.theme.accent,
        };
        Stroke::new(2.0, Color32::from(color))
    }

    fn tab_bar_color(&self, _visuals: &Visuals) -> Color32 {
        Color32::TRANSPARENT
    }

    fn tab_bar_hline_stroke(&self, _visuals: &Visuals) -> Stroke {
        Stroke::NONE
    }

    fn dragged_overlay_color(&self, _visuals: &Visuals) -> Color32 {
        self.cx.theme.background.fade(0.6).into()
    }

    fn drag_preview_stroke(&self, _visuals: &Visuals) -> Stroke {
        Stroke::new(1.5, Color32::from(self.cx.theme.accent))
    }

    fn drag_preview_color(&self, _visuals: &Visuals) -> Color32 {
        self.cx.theme.accent.fade(0.18).into()
    }

    fn simplification_options(&self) -> SimplificationOptions {
        SimplificationOptions { all_panes_must_have_tabs: false, ..SimplificationOptions::default() }
    }
}

/// The titles of a tile, or of all visible tiles in a container.
fn titles(tiles: &Tiles<Tile>, id: TileId) -> Vec<&'static str> {
    match tiles.get(id) {
        Some(egui_tiles::Tile::Pane(tile)) => vec![tile.tab()],
        Some(egui_tiles::Tile::Container(container)) => {
            let visible = container.children().filter(|child| tiles.is_visible_in_layout(**child));
            visible.flat_map(|child| titles(tiles, *child)).collect()
        }
        None => Vec::new(),
    }
}
