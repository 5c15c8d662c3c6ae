//! What the pointer is on, in terms that every map of the bench shares: so that one cell lights up in all of them.

use mnemoscope_figure::{Body, Figure, Highlight};

use super::memory::Map;

/// A pair as the one that asks, as a key, as a value; and the dimensions of keys and values.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Pointed {
    query: Option<usize>,
    key: Option<usize>,
    value: Option<usize>,
    key_dimension: Option<usize>,
    value_dimension: Option<usize>,
}

/// What a row or a column of a map stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Query,
    Key,
    Value,
    /// A pair as a whole.
    Pair,
    KeyDimension,
    ValueDimension,
    /// Something that no other map shows, such as the hidden units of a deep memory.
    Other,
}

/// What rows and columns of a map stand for. Memory and last write differ from one architecture to the next, and say so
/// in their titles.
fn sides(map: Map, figure: &Figure) -> (Side, Side) {
    let titled = |title: &str| match title {
        "value dimension" => Side::ValueDimension,
        "key dimension" => Side::KeyDimension,
        "query" => Side::Query,
        "key" => Side::Key,
        _ => Side::Other,
    };
    match (map, &figure.body) {
        (Map::State | Map::Added | Map::Shared, Body::Heat(heat)) => (titled(&heat.row_title), titled(&heat.col_title)),
        (Map::State | Map::Added | Map::Shared, _) => (Side::Other, Side::Other),
        (Map::Recall, _) => (Side::Query, Side::Value),
        (Map::Similarity, _) => (Side::Query, Side::Key),
        (Map::Keys, _) => (Side::Pair, Side::KeyDimension),
        (Map::Values, _) => (Side::Pair, Side::ValueDimension),
        (Map::Recalled, _) => (Side::Query, Side::ValueDimension),
    }
}

impl Pointed {
    /// What a cell of a map stands for: the query of a row of the recall, the key and the value of the pair that its
    /// column is.
    pub(super) fn at(map: Map, figure: &Figure, (row, col): (usize, usize)) -> Self {
        let mut pointed = Self::default();
        let sides = sides(map, figure);
        for (side, index) in [(sides.0, row), (sides.1, col)] {
            match side {
                Side::Query => pointed.query = Some(index),
                Side::Key | Side::Value => (pointed.key, pointed.value) = (Some(index), Some(index)),
                Side::Pair => {
                    (pointed.query, pointed.key, pointed.value) = (Some(index), Some(index), Some(index));
                }
                Side::KeyDimension => pointed.key_dimension = Some(index),
                Side::ValueDimension => pointed.value_dimension = Some(index),
                Side::Other => {}
            }
        }
        // A query alone asks for its own pair.
        if pointed.key.is_none() {
            (pointed.key, pointed.value) = (pointed.query, pointed.query);
        }
        pointed
    }

    /// The row and column of a map to mark.
    pub(super) fn in_map(self, map: Map, figure: &Figure) -> Highlight {
        let of = |side| match side {
            Side::Query => self.query,
            Side::Key => self.key,
            Side::Value => self.value,
            Side::Pair => {
                if map == Map::Values {
                    self.value
                } else {
                    self.key
                }
            }
            Side::KeyDimension => self.key_dimension,
            Side::ValueDimension => self.value_dimension,
            Side::Other => None,
        };
        let (row, col) = sides(map, figure);
        Highlight { row: of(row), col: of(col) }
    }
}

#[cfg(test)]
mod tests {
    use mnemoscope_figure::Heat;

    use super::*;

    fn map(row: &str, col: &str) -> Figure {
        Figure::new("map", "Map", Body::Heat(Heat::new(4, 4, vec![0.0; 16]).titles(row, col)))
    }

    #[test]
    fn a_cell_of_the_recall_lights_its_query_key_and_value() {
        let plain = map("", "");
        let pointed = Pointed::at(Map::Recall, &plain, (2, 3));
        assert_eq!(pointed.in_map(Map::Similarity, &plain), Highlight { row: Some(2), col: Some(3) });
        assert_eq!(pointed.in_map(Map::Recalled, &plain), Highlight { row: Some(2), col: None });
        for map in [Map::Keys, Map::Values] {
            assert_eq!(pointed.in_map(map, &plain), Highlight { row: Some(3), col: None });
        }
        assert_eq!(pointed.in_map(Map::State, &plain), Highlight::default());
    }

    #[test]
    fn a_cell_of_the_memory_lights_its_dimensions() {
        let (state, plain) = (map("value dimension", "key dimension"), map("", ""));
        let pointed = Pointed::at(Map::State, &state, (1, 2));
        assert_eq!(pointed.in_map(Map::Added, &state), Highlight { row: Some(1), col: Some(2) });
        assert_eq!(pointed.in_map(Map::Keys, &plain), Highlight { row: None, col: Some(2) });
        assert_eq!(pointed.in_map(Map::Recalled, &plain), Highlight { row: None, col: Some(1) });
        assert_eq!(pointed.in_map(Map::Recall, &plain), Highlight::default());
    }

    #[test]
    fn a_pair_lights_up_whole() {
        let (state, plain) = (map("value dimension", "key dimension"), map("", ""));
        let pointed = Pointed::at(Map::Keys, &plain, (3, 0));
        assert_eq!(pointed.in_map(Map::Recall, &plain), Highlight { row: Some(3), col: Some(3) });
        assert_eq!(pointed.in_map(Map::State, &state), Highlight { row: None, col: Some(0) });
        let weights = map("query", "key");
        assert_eq!(pointed.in_map(Map::State, &weights), Highlight { row: Some(3), col: Some(3) });
        let asked = Pointed::at(Map::Recalled, &plain, (1, 0));
        assert_eq!(asked.in_map(Map::Values, &plain), Highlight { row: Some(1), col: Some(0) });
    }
}
