//! Times of another tool, to compare with.

use std::path::Path;

use anyhow::{Context as _, bail};
use serde::Serialize;

use super::steps::Steps;

/// The time of one optimiser step of one network in another tool.
#[derive(Debug, PartialEq, Serialize)]
pub struct Other {
    network: String,
    batch: usize,
    us: f64,
}

impl Other {
    /// Reads lines such as `64-100-100-10 batch 16: median 310.2 us/step`, as `scripts/torch_step.py` prints them.
    ///
    /// # Errors
    /// When the file cannot be read or a line is not of this form.
    pub fn read(path: &Path) -> anyhow::Result<Vec<Self>> {
        let place = || path.display().to_string();
        let text = std::fs::read_to_string(path).with_context(place)?;
        let all: Vec<Self> = text
            .lines()
            .filter(|line| !line.trim().is_empty())
            .map(Self::parse)
            .collect::<Result<_, _>>()
            .with_context(place)?;
        if all.is_empty() {
            bail!("{}: no times; write one line per network", place());
        }
        Ok(all)
    }

    fn parse(line: &str) -> anyhow::Result<Self> {
        let parts = || {
            let (network, rest) = line.split_once(" batch ")?;
            let (batch, rest) = rest.split_once(": median ")?;
            let (us, _) = rest.split_once(" us/step")?;
            Some(Self {
                network: network.trim().to_owned(),
                batch: batch.trim().parse().ok()?,
                us: us.trim().parse().ok()?,
            })
        };
        parts().with_context(|| format!("\"{line}\" is not like \"64-100-100-10 batch 16: median 310.2 us/step\""))
    }

    /// A sentence on the same network with one replica, where it was measured.
    pub fn text(&self, steps: &[Steps]) -> Option<String> {
        let own = steps.iter().find(|own| own.is(&self.network, self.batch, 1))?.bare_us();
        let Self { network, batch, us } = self;
        let ratio = own / us;
        Some(format!("{network} batch {batch}: {own:.1} us/step here, {us:.1} there: {ratio:.2} of its time"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_script_is_read_and_others_are_shown() {
        let line = "64-100-100-10 batch 16: median 466.4 us/step (min 453.7, max 2405.5)";
        let expected = Other { network: "64-100-100-10".to_owned(), batch: 16, us: 466.4 };
        assert_eq!(Other::parse(line).ok(), Some(expected));
        let error = format!("{:#}", Other::parse("64-100-100-10: 466.4").unwrap_err());
        assert!(error.contains("64-100-100-10: 466.4") && error.contains("us/step"), "{error}");
    }
}
