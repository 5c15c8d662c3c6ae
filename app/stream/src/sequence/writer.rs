//! Writing one sequence, token by token.

use mnemoscope_core::token;

/// A sequence with its questions and the answer to the last of them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Sequence {
    pub(crate) tokens: Vec<u16>,
    /// Whether each token asks for the next one; the last always asks for the label.
    pub(crate) asked: Vec<bool>,
    pub(crate) label: u16,
}

/// A sequence in the making.
#[derive(Debug, Default)]
pub(super) struct Writer {
    tokens: Vec<u16>,
    asked: Vec<bool>,
}

impl Writer {
    /// Appends a token.
    pub(super) fn say(&mut self, token: u16) {
        self.tokens.push(token);
        self.asked.push(false);
    }

    /// Marks the last token as a question and appends its answer.
    pub(super) fn ask(&mut self, answer: u16) {
        if let Some(asked) = self.asked.last_mut() {
            *asked = true;
        }
        self.say(answer);
    }

    /// The sequence; its last token, which must be an answer, becomes the label.
    ///
    /// # Panics
    /// When nothing was asked last.
    pub(super) fn finish(mut self) -> Sequence {
        self.asked.pop();
        let Some(label) = self.tokens.pop() else { panic!("an empty sequence") };
        assert_eq!(self.asked.last(), Some(&true), "a sequence ends with a question");
        Sequence { tokens: self.tokens, asked: self.asked, label }
    }
}

impl Sequence {
    /// The answers of all questions, the label last.
    pub(super) fn answers(&self) -> impl Iterator<Item = u16> + '_ {
        let inner = self.tokens.iter().skip(1).zip(&self.asked).filter(|(_, asked)| **asked).map(|(token, _)| *token);
        inner.chain([self.label])
    }

    /// Appends the sequence as a row of so many features, with padding in front.
    pub(super) fn append(&self, length: usize, row: &mut Vec<f32>) {
        row.extend(std::iter::repeat_n(token::pack(token::PAD, false), length - self.tokens.len()));
        row.extend(self.tokens.iter().zip(&self.asked).map(|(token, asked)| token::pack(*token, *asked)));
    }
}
