//! What a block mixes in, as a stripe along its lower edge: each other task's share in its colour.

use egui::{Color32, Mesh, Painter, Rect, Shape, pos2};
use mnemoscope_figure::Theme;
use mnemoscope_stream::Share;

/// Height of the stripe at a share of 100 %, in points.
const FULL: f32 = 14.0;
/// Pieces in which a share that changes is drawn.
const PIECES: u16 = 12;
/// Most tasks that the tooltip names.
const MOST_LINES: usize = 6;

/// Draws the stripe: shares stacked from the lower edge, from the block's begin to its end.
pub fn paint(painter: &Painter, theme: &Theme, bar: Rect, with: &[Share], lifted: bool) {
    if with.is_empty() {
        return;
    }
    let pieces = if with.iter().all(|share| share.from == share.to) { 1 } else { PIECES };
    let bar = bar.shrink2(egui::vec2((bar.width() * 0.1).min(4.0), 0.0));
    let mut mesh = Mesh::default();
    let mut below = vec![0.0; usize::from(pieces) + 1];
    for share in with {
        let color = Color32::from(theme.task(share.group).fade(if lifted { 0.35 } else { 0.85 }));
        for piece in 0..=pieces {
            let u = f32::from(piece) / f32::from(pieces);
            let low = below[usize::from(piece)];
            let high = low + share.at(f64::from(u)) as f32;
            below[usize::from(piece)] = high;
            for height in [low, high] {
                mesh.colored_vertex(pos2(bar.left() + bar.width() * u, bar.bottom() - FULL * height), color);
            }
            if piece > 0 {
                let last = mesh.vertices.len() as u32 - 1;
                mesh.add_triangle(last - 3, last - 2, last - 1);
                mesh.add_triangle(last - 2, last - 1, last);
            }
        }
    }
    painter.add(Shape::mesh(mesh));
}

/// "with 50 % task 1", the largest shares first; for the tooltip.
pub fn lines(with: &[Share], name: impl Fn(usize) -> String) -> Vec<String> {
    let percent = |share: f64| format!("{} %", (share * 1000.0).round() / 10.0);
    let mut shares: Vec<&Share> = with.iter().collect();
    shares.sort_by(|a, b| b.mean().total_cmp(&a.mean()));
    let line = |share: &&Share| {
        let amount = if share.from == share.to {
            percent(share.from)
        } else {
            format!("{} to {}", percent(share.from), percent(share.to))
        };
        format!("with {amount} {}", name(share.group))
    };
    let mut lines: Vec<String> = shares.iter().take(MOST_LINES).map(line).collect();
    if shares.len() > MOST_LINES {
        lines.push(format!("and {} more", shares.len() - MOST_LINES));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tooltip_names_the_largest_shares() {
        let name = |group: usize| format!("task {}", group + 1);
        let ramp = Share { from: 1.0, to: 0.0, ..Share::even(1, 0.0) };
        assert_eq!(lines(&[Share::even(0, 0.125), ramp], name), ["with 100 % to 0 % task 2", "with 12.5 % task 1"]);
        let many: Vec<Share> = (0..9).map(|group| Share::even(group, 0.1)).collect();
        assert_eq!(lines(&many, name).last().unwrap(), "and 3 more");
    }
}
