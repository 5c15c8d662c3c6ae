//! How a sequence of tokens stands in a row of features, so that whatever keeps or draws rows keeps sequences, too.
//!
//! A feature is a token's number. A half more marks a token that is asked about: the answer is the token that comes
//! next, or after the last token the row's label. Rows of shorter sequences begin with [`PAD`].

/// The token that fills the front of a short sequence. It carries nothing and is never asked about.
pub const PAD: u16 = 0;

/// A token as a feature.
pub fn pack(token: u16, asked: bool) -> f32 {
    f32::from(token) + if asked { 0.5 } else { 0.0 }
}

/// The token of a feature, and whether it is asked about. What is no token, such as a negative number, is [`PAD`].
pub fn unpack(feature: f32) -> (u16, bool) {
    let token = feature.floor();
    (token as u16, feature - token > 0.25)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_token_comes_back() {
        for token in [PAD, 1, 63, 4096, u16::MAX] {
            for asked in [false, true] {
                assert_eq!(unpack(pack(token, asked)), (token, asked));
            }
        }
        assert_eq!(unpack(-3.0), (PAD, false));
    }
}
