//! What a trained sequence model does with one sequence: where its heads look, what their memories hold.

use mnemoscope_figure::{Body, Figure, Heat, Map};

/// What stands at each position of a head, `[T, d]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Vectors {
    /// What is asked with.
    Queries,
    /// What is asked for.
    Keys,
    /// What is answered.
    Values,
}

impl Vectors {
    /// "Keys".
    pub fn title(self) -> &'static str {
        match self {
            Self::Queries => "Queries",
            Self::Keys => "Keys",
            Self::Values => "Values",
        }
    }
}

/// Positions as labels: number from 1, and token.
pub fn positions(tokens: &[String]) -> Vec<String> {
    tokens.iter().enumerate().map(|(place, token)| format!("{} {token}", place + 1)).collect()
}

/// "layer 1, head 2", from a layer and a head that are counted from 0.
pub fn head_name((layer, head): (usize, usize)) -> String {
    format!("layer {}, head {}", layer + 1, head + 1)
}

/// How much of the value at each position (column) is in what a head reads at each position (row), `[T, T]`. Softmax
/// gives shares; a matrix memory may also take away, and its map is about 0.
pub fn attention_map(head: (usize, usize), weights: &[f32], tokens: &[String]) -> Figure {
    let shares = weights.iter().all(|weight| !weight.is_finite() || *weight >= 0.0);
    let steps = tokens.len();
    // What is still to come is not looked at: an empty cell says so better than a 0.
    let cells: Vec<f32> = (0..steps * steps)
        .map(|cell| if cell % steps > cell / steps { f32::NAN } else { weights.get(cell).copied().unwrap_or(f32::NAN) })
        .collect();
    let map = if shares { (Map::Sequential, Some((0.0, 1.0))) } else { (Map::Diverging, None) };
    let names = positions(tokens);
    let heat = Heat::new(steps, steps, cells).titles("at", "looks at").labels(names.clone(), names);
    Figure::new("inside-attention", "Attention", Body::Heat(heat.map(map.0, map.1).unit("weight")))
        .caption(head_name(head))
}

/// S of a head after so many tokens, `[d_v, d_k]`, with the largest number that it holds at any time at the map's ends, so
/// that colours stay while time goes on.
pub fn state_map(
    head: (usize, usize),
    (step, steps): (usize, usize),
    state: &[f32],
    (d_v, d_k): (usize, usize),
    most: f32,
) -> Figure {
    let range = (most > 0.0).then(|| (-f64::from(most), f64::from(most)));
    let heat = Heat::new(d_v, d_k, state).titles("value dimension", "key dimension").map(Map::Diverging, range);
    let caption = format!("{}, after {step} of {steps} tokens", head_name(head));
    Figure::new("inside-state", "Memory S", Body::Heat(heat)).caption(caption)
}

/// Queries, keys or values of a head, a row per position, `[T, d]`.
pub fn head_vectors(head: (usize, usize), kind: Vectors, values: &[f32], tokens: &[String]) -> Figure {
    let width = values.len() / tokens.len().max(1);
    let heat =
        Heat::new(tokens.len(), width, values).titles("position", "dimension").labels(positions(tokens), Vec::new());
    let id = format!("inside-{}", kind.title().to_lowercase());
    Figure::new(id, kind.title(), Body::Heat(heat)).caption(head_name(head))
}

/// A number in 0..=1 per head, `[layers, heads]`: its retrieval score.
pub fn retrieval_map(scores: &[f32], (layers, heads): (usize, usize), sequences: usize) -> Figure {
    let heat = Heat::new(layers, heads, scores).titles("layer", "head").map(Map::Sequential, Some((0.0, 1.0)));
    Figure::new("inside-retrieval", "Retrieval score", Body::Heat(heat.unit("share")))
        .caption(format!("answers that a head looks at, over {sequences} sequences"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heat(figure: Figure) -> Heat {
        match figure.body {
            Body::Heat(heat) => heat,
            other => panic!("not a heat map: {other:?}"),
        }
    }

    fn tokens() -> Vec<String> {
        ["k1", "v4", "k1"].map(str::to_owned).to_vec()
    }

    #[test]
    fn what_is_to_come_is_empty_and_shares_are_sequential() {
        let shares = heat(attention_map((0, 1), &[1.0, 0.5, 0.5, 0.2, 0.8, 0.5, 0.1, 0.7, 0.2], &tokens()));
        assert_eq!(
            [shares.value(0, 0), shares.value(0, 1), shares.value(2, 1)],
            [Some(1.0), None, Some(f64::from(0.7f32))]
        );
        assert_eq!((shares.map, shares.shown_range()), (Map::Sequential, (0.0, 1.0)));
        assert_eq!(shares.row_labels, ["1 k1", "2 v4", "3 k1"]);
        let written = heat(attention_map((0, 1), &[1.0, 0.0, 0.0, -0.4, 1.0, 0.0, 0.1, 0.7, 0.2], &tokens()));
        assert_eq!((written.map, written.shown_range()), (Map::Diverging, (-1.0, 1.0)));
    }

    #[test]
    fn a_state_keeps_its_colours_over_time() {
        let early = heat(state_map((1, 0), (1, 3), &[0.1; 6], (2, 3), 4.0));
        assert_eq!((early.rows(), early.cols(), early.shown_range()), (2, 3, (-4.0, 4.0)));
        assert_eq!(heat(state_map((1, 0), (0, 3), &[0.0; 6], (2, 3), 0.0)).shown_range(), (-1.0, 1.0));
    }

    #[test]
    fn vectors_have_a_row_per_position() {
        let keys = heat(head_vectors((0, 0), Vectors::Keys, &[0.5; 12], &tokens()));
        assert_eq!((keys.rows(), keys.cols()), (3, 4));
        let figure = retrieval_map(&[0.0, 0.9, 0.1, 0.2], (2, 2), 64);
        assert!(figure.caption.contains("64"));
        assert_eq!(heat(figure).value(0, 1), Some(f64::from(0.9f32)));
    }
}
