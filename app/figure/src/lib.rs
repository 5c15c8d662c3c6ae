//! One description of a plot, drawn in the window by egui and written as SVG, PNG and CSV alike.
//!
//! A [`Figure`] is plain data. [`Figure::ui`] and [`Figure::svg`] lay it out and draw it with the same code on two
//! canvases, so what is exported equals what is shown. Colours come from the [`theme`], fonts are embedded.
//!
//! ```
//! use mnemoscope_figure::{Axis, Body, Chart, Figure, Series, SeriesColor, theme};
//!
//! let mut chart = Chart::new(Axis::new("optimiser step"), Axis::accuracy());
//! chart.series.push(Series::new("task 1", SeriesColor::Task(0), vec![[0.0, 0.1], [400.0, 0.97]]));
//! let figure = Figure::new("accuracy", "Accuracy per task", Body::Chart(chart)).caption("1 seed").badge("validation");
//! let svg = figure.svg(&theme::DARK, (640.0, 360.0));
//! assert!(svg.contains("Accuracy per task"));
//! ```

mod canvas;
mod chart;
mod color;
mod csv;
mod draw;
mod figure;
mod font;
mod heat;
mod map;
mod matrix;
mod npy;
mod number;
mod save;
mod style;
mod surface;
mod svg;
pub mod theme;
mod ui;

pub use chart::{Axis, Chart, LineKind, Mark, MarkKind, Reference, Series, SeriesColor, Span};
pub use color::Color;
pub use figure::{Body, Figure};
pub use font::{fonts, medium, semibold, serif};
pub use heat::{GpuView, GpuViewError, Heat, Highlight, Strides};
pub use map::Map;
pub use matrix::Matrix;
pub use save::{FigureError, Format};
pub use style::{Preference, apply, card};
pub use surface::{Surface, SurfacePoint};
pub use theme::Theme;
pub use ui::{HeatCard, HeatCost, Response};
