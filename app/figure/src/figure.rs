//! One figure: a body with a title, a caption and a badge.

use crate::chart::Chart;
use crate::heat::Heat;
use crate::matrix::Matrix;
use crate::surface::Surface;

/// What a figure shows.
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    /// Lines over a common x axis.
    Chart(Chart),
    /// Many numbers as flat cells.
    Heat(Heat),
    /// A table of numbers as coloured cells.
    Matrix(Matrix),
    /// A decision surface.
    Surface(Surface),
    /// Nothing yet, and why.
    Empty {
        /// One sentence: what will be here, and what brings it.
        message: String,
    },
}

/// A plot described once: drawn in the window by [`Figure::ui`], written by [`Figure::svg`], [`Figure::png`] and
/// [`Figure::csv`].
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// Unique in the window, stable between frames: zoom and textures are kept under it.
    pub id: String,
    /// Short title, sentence case.
    pub title: String,
    /// Small and grey: what is averaged over, how many seeds.
    pub caption: String,
    /// Which part of the data was evaluated: "validation", "test".
    pub badge: Option<String>,
    /// What it shows.
    pub body: Body,
}

impl Figure {
    /// A figure without caption and badge.
    pub fn new(id: impl Into<String>, title: impl Into<String>, body: Body) -> Self {
        Self { id: id.into(), title: title.into(), caption: String::new(), badge: None, body }
    }

    /// A figure that says why it is empty.
    pub fn empty(id: impl Into<String>, title: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(id, title, Body::Empty { message: message.into() })
    }

    /// With this caption.
    pub fn caption(self, caption: impl Into<String>) -> Self {
        Self { caption: caption.into(), ..self }
    }

    /// With these ranges of a chart's axes, where they are given: pass on what [`Response`](crate::Response) says, so
    /// that a zoomed chart is exported as it is shown. Other bodies do not zoom.
    pub fn zoomed(mut self, x_range: Option<(f64, f64)>, y_range: Option<(f64, f64)>) -> Self {
        if let Body::Chart(chart) = &mut self.body {
            chart.x.range = x_range.or(chart.x.range);
            chart.y.range = y_range.or(chart.y.range);
        }
        self
    }

    /// With this badge.
    pub fn badge(self, badge: impl Into<String>) -> Self {
        Self { badge: Some(badge.into()), ..self }
    }
}
