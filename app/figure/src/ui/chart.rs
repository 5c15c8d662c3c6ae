//! A chart in the window: egui_plot keeps the zoom, the common drawing draws.

use egui::{Id, PointerButton, Vec2, Vec2b, pos2};
use egui_plot::{Plot, PlotBounds, PlotMemory, PlotUi};

use super::{Response, painter::Painter, tooltip};
use crate::canvas::{Canvas as _, Pen};
use crate::chart::{Chart, LineKind};
use crate::draw::{
    self,
    chart::{Layout, View},
};
use crate::figure::Figure;
use crate::number;
use crate::theme::Theme;

/// How far one point of scrolling zooms.
const ZOOM: f32 = 0.005;

/// Show the chart and everything a pointer can do with it.
pub(crate) fn show(figure: &Figure, chart: &Chart, ui: &mut egui::Ui, theme: &Theme, size: Vec2) -> Response {
    let (rect, _) = ui.allocate_exact_size(size, egui::Sense::hover());
    let whole = View::whole(chart);
    // Margins depend on the tick labels, which depend on the zoom: last frame's view is near enough to place the area.
    let memory = Id::unique(("figure zoom", figure.id.as_str()));
    let last = ui.data(|data| data.get_temp::<View>(memory));
    let area = Layout::new(chart, rect, last).plane.area;

    let mut inner = ui.new_child(egui::UiBuilder::new().id_salt(&figure.id).max_rect(area));
    let zoomed_y = last.is_some_and(|view| view.y != whole.y);
    let plot = Plot::new("zoom")
        .id(memory)
        .width(area.width())
        .height(area.height())
        .min_size(Vec2::ZERO)
        .show_axes(false)
        .show_grid(false)
        .show_background(false)
        .show_x(false)
        .show_y(false)
        .set_margin_fraction(Vec2::ZERO)
        .include_x(whole.x.0)
        .include_x(whole.x.1)
        .include_y(whole.y.0)
        .include_y(whole.y.1)
        .allow_scroll(false)
        .allow_axis_zoom_drag(false)
        .allow_drag(Vec2b::new(true, zoomed_y))
        .boxed_zoom_pointer_button(PointerButton::Secondary)
        .show(&mut inner, |plot| scroll(plot, whole));

    let automatic = PlotMemory::load(ui.ctx(), memory).is_none_or(|memory| memory.auto_bounds.all());
    let view = view_of(*plot.transform.bounds()).filter(|_| !automatic);
    ui.data_mut(|data| match view {
        Some(view) => {
            data.insert_temp(memory, view);
        }
        None => data.remove::<View>(memory),
    });

    let response = plot.response;
    let values =
        |log: bool, (low, high): (f64, f64)| if log { (10f64.powf(low), 10f64.powf(high)) } else { (low, high) };
    let x_range = view.filter(|view| view.x != whole.x).map(|view| values(chart.x.log, view.x));
    let y_range = view.filter(|view| view.y != whole.y).map(|view| values(chart.y.log, view.y));
    if ui.is_rect_visible(rect) {
        let mut canvas = Painter::new(ui, &figure.id, rect);
        draw::body(&mut canvas, figure, theme, rect, view);
        if let Some(pointer) = response.hover_pos() {
            hover(&mut canvas, chart, &response, theme, &Layout::new(chart, rect, view), pointer.x);
        }
    }
    Response { response, hovered: None, clicked: None, x_range, y_range }
}

/// Scrolling zooms x about the pointer, and stops where everything is seen.
fn scroll(plot: &mut PlotUi<'_>, whole: View) {
    let scrolled = plot.ctx().input(|input| input.smooth_scroll_delta.y);
    let (Some(at), true) = (plot.pointer_coordinate(), plot.response().contains_pointer()) else { return };
    if scrolled == 0.0 {
        return;
    }
    let shrink = f64::from((-scrolled * ZOOM).exp());
    let bounds = plot.plot_bounds();
    let (low, high) = (bounds.min()[0], bounds.max()[0]);
    let (low, high) = (at.x + (low - at.x) * shrink, at.x + (high - at.x) * shrink);
    // Beyond this an f32 position could no longer tell neighbours apart.
    let least = (whole.x.1 - whole.x.0) * 1e-6;
    if high - low >= whole.x.1 - whole.x.0 {
        let y = plot.auto_bounds().y;
        plot.set_auto_bounds(Vec2b::new(true, y));
    } else if high - low > least {
        plot.set_plot_bounds_x(low.max(whole.x.0)..=high.min(whole.x.1));
    }
}

/// The bounds as a view, if they can be drawn.
fn view_of(bounds: PlotBounds) -> Option<View> {
    let ([left, bottom], [right, top]) = (bounds.min(), bounds.max());
    bounds.is_valid().then_some(View { x: (left, right), y: (bottom, top) })
}

/// A hairline at the nearest step, a dot on each line there, and the exact values.
fn hover(
    canvas: &mut Painter<'_>,
    chart: &Chart,
    response: &egui::Response,
    theme: &Theme,
    layout: &Layout,
    pointer: f32,
) {
    let plane = layout.plane;
    let wanted = plane.x.value(pointer);
    let nearest = chart
        .series
        .iter()
        .filter_map(|series| Some(series.points[series.nearest(wanted)?][0]))
        .filter(|x| plane.x.position(*x).is_some())
        .min_by(|a, b| (a - wanted).abs().total_cmp(&(b - wanted).abs()));
    let Some(x) = nearest else { return };
    let Some(at) = plane.x.position(x).filter(|at| (plane.area.left()..=plane.area.right()).contains(at)) else {
        return;
    };
    canvas.clip(plane.area.expand(4.0));
    canvas.line(&[pos2(at, plane.area.top()), pos2(at, plane.area.bottom())], Pen::new(theme.text_faint, 1.0));
    let mut rows = Vec::new();
    for series in &chart.series {
        let Some(index) = series.nearest(x) else { continue };
        let point = series.points[index];
        // Lines that are not there at this step say nothing; thinned ones may have their point a little beside it.
        let Some(place) = plane.position(point).filter(|place| (place.x - at).abs() <= 6.0) else { continue };
        let color = series.color.resolve(theme);
        let color = if series.style == LineKind::Ghost { color.fade(0.6) } else { color };
        canvas.dot(place, 3.5, color, Some(Pen::new(theme.card, 1.5)));
        let band = series.band.as_ref().and_then(|band| band.get(index)).copied();
        rows.push(tooltip::Row { color, name: series.name.clone(), value: number::with_band(point[1], band) });
    }
    canvas.unclip();
    let unit = if chart.x.unit.is_empty() { String::new() } else { format!(" {}", chart.x.unit) };
    let heading = format!("{} {}{unit}", chart.x.label, number::precise(x));
    tooltip::rows(response, theme, heading.trim(), &rows);
}
