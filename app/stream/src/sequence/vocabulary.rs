//! Which token is which.

use std::ops::Range;

use mnemoscope_core::token::PAD;

/// Tokens that a task works with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Needs {
    pub(super) keys: usize,
    pub(super) values: usize,
    /// The numbers 0 to so many less one.
    pub(super) numbers: usize,
    /// Different tokens without meaning.
    pub(super) noise: usize,
    /// Tokens with a meaning of their own, the same in all tasks.
    pub(super) words: &'static [&'static str],
}

/// The tokens of one task.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Tokens {
    pub(super) keys: Range<u16>,
    pub(super) values: Range<u16>,
    pub(super) numbers: Range<u16>,
    pub(super) noise: Range<u16>,
    words: Vec<(&'static str, u16)>,
}

impl Tokens {
    /// A word.
    ///
    /// # Panics
    /// When the task did not ask for it.
    pub(super) fn word(&self, name: &str) -> u16 {
        match self.words.iter().find(|(word, _)| *word == name) {
            Some((_, token)) => *token,
            None => panic!("no word {name}"),
        }
    }
}

/// The names of all tokens, and what each task has of them. Noise and words are one for all tasks; keys, values and numbers, too, where
/// they are shared.
pub(super) fn lay_out(needs: &[Needs], shared: bool) -> (Vec<String>, Vec<Tokens>) {
    let mut names = vec!["pad".to_owned()];
    debug_assert_eq!(PAD, 0);
    let mut add = |prefix: &str, first: usize, count: usize| -> Range<u16> {
        let start = names.len() as u16;
        names.extend((0..count).map(|n| format!("{prefix}{}", n + first)));
        start..names.len() as u16
    };
    let most = |of: fn(&Needs) -> usize| needs.iter().map(of).max().unwrap_or(0);
    let noise = add("n", 1, most(|needs| needs.noise));
    let mut words: Vec<(&'static str, u16)> = Vec::new();
    for word in needs.iter().flat_map(|needs| needs.words) {
        if !words.iter().any(|(known, _)| known == word) {
            words.push((word, add(word, 0, 1).start));
        }
    }
    let mut groups = |mark: &str, keys: usize, values: usize, numbers: usize| {
        [add(&format!("{mark}k"), 1, keys), add(&format!("{mark}v"), 1, values), add(mark, 0, numbers)]
    };
    let common = shared.then(|| groups("", most(|n| n.keys), most(|n| n.values), most(|n| n.numbers)));
    let mut tokens = Vec::with_capacity(needs.len());
    for (task, needs) in needs.iter().enumerate() {
        let [keys, values, numbers] = common
            .clone()
            .unwrap_or_else(|| groups(&format!("{}:", task + 1), needs.keys, needs.values, needs.numbers));
        let first = |range: &Range<u16>, count: usize| range.start..range.start + count as u16;
        tokens.push(Tokens {
            keys: first(&keys, needs.keys),
            values: first(&values, needs.values),
            numbers: first(&numbers, needs.numbers),
            noise: first(&noise, needs.noise),
            words: words.iter().filter(|(word, _)| needs.words.contains(word)).copied().collect(),
        });
    }
    for (word, token) in words {
        word.clone_into(&mut names[usize::from(token)]);
    }
    (names, tokens)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shared_tokens_are_one_set_and_own_ones_are_disjoint() {
        let a = Needs { keys: 2, values: 1, noise: 1, words: &["same"], ..Needs::default() };
        let b = Needs { keys: 1, numbers: 2, words: &["same", "other"], ..Needs::default() };
        let (names, tokens) = lay_out(&[a.clone(), b.clone()], true);
        assert_eq!(names, ["pad", "n1", "same", "other", "k1", "k2", "v1", "0", "1"]);
        assert_eq!((tokens[0].keys.clone(), tokens[1].keys.clone()), (4..6, 4..5));
        assert_eq!((tokens[0].word("same"), tokens[1].word("same"), tokens[1].word("other")), (2, 2, 3));
        let (names, tokens) = lay_out(&[a, b], false);
        assert_eq!(names, ["pad", "n1", "same", "other", "1:k1", "1:k2", "1:v1", "2:k1", "2:0", "2:1"]);
        assert_eq!((tokens[0].keys.clone(), tokens[1].keys.clone(), tokens[1].numbers.clone()), (4..6, 7..8, 8..10));
    }
}
