//! Files of format 1: the association bench named its memory by a rule, which is now composed of four choices.

use mnemoscope_core::{Component, Setting};
use mnemoscope_memory::Composition;
use ron::error::SpannedResult;
use serde::Deserialize;

use crate::file::options;

/// Settings of `attention: association(..)` that are now the composed memory's.
const MOVED: [&str; 4] = ["rule", "beta", "inverse_temperature", "decay"];

#[derive(Deserialize)]
struct Old {
    #[serde(default)]
    attention: Attention,
}

#[derive(Deserialize)]
enum Attention {
    #[serde(rename = "association")]
    Association {
        #[serde(default)]
        rule: Option<String>,
        #[serde(default)]
        beta: Option<f64>,
        #[serde(default)]
        inverse_temperature: Option<f64>,
        #[serde(default)]
        decay: Option<f64>,
    },
}

impl Default for Attention {
    fn default() -> Self {
        Self::Association { rule: None, beta: None, inverse_temperature: None, decay: None }
    }
}

/// The memory that a file of format 1 describes. Numbers outside today's domains stay at their defaults.
pub(crate) fn memory(text: &str) -> SpannedResult<Composition> {
    let Old { attention: Attention::Association { rule, beta, inverse_temperature, decay } } =
        options().from_str(text)?;
    let named = |name: &str| Composition::named().iter().find(|point| point.name == name);
    let point = match rule.as_deref() {
        Some("delta") => named("delta_rule"),
        Some("softmax") => named("softmax_attention"),
        _ => None,
    };
    let mut memory = point.map_or_else(Composition::default, |point| point.composition());
    if let Some(gamma) = decay.filter(|gamma| *gamma < 1.0)
        && let Ok(fading) = Component::new("decay").and_then(|fading| fading.with("gamma", Setting::Number(gamma)))
    {
        memory.retention = fading;
    }
    if let Some(beta) = beta.filter(|_| rule.as_deref() == Some("delta")) {
        let _ = memory.rule.set("beta", Setting::Number(beta));
    }
    if let Some(sharpness) = inverse_temperature.filter(|_| rule.as_deref() == Some("softmax")) {
        let _ = memory.architecture.set("inverse_temperature", Setting::Number(sharpness));
    }
    Ok(memory)
}

/// The text with the settings that moved blanked out, so that every other character keeps its line and column.
pub(crate) fn without_memory(text: &str) -> String {
    let plain = blanked(text);
    let Some(begin) = plain.find("attention:").map(|at| at + "attention:".len()) else {
        return text.to_owned();
    };
    let Some(open) = plain[begin..].find('(').map(|at| begin + at + 1) else {
        return text.to_owned();
    };
    let close = plain[open..].find(')').map_or(plain.len(), |at| open + at);
    let mut out = text.as_bytes().to_vec();
    let mut from = open;
    for entry in plain[open..close].split_inclusive(',') {
        let to = from + entry.len();
        let name = entry.split(':').next().unwrap_or_default().trim();
        if MOVED.contains(&name) {
            out[from..to].iter_mut().filter(|byte| !byte.is_ascii_whitespace()).for_each(|byte| *byte = b' ');
        }
        from = to;
    }
    // Whole entries were blanked, so no character was cut.
    String::from_utf8(out).unwrap_or_else(|_| text.to_owned())
}

/// The text with the insides of strings and comments blanked out, byte for byte.
fn blanked(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = vec![b' '; bytes.len()];
    let mut at = 0;
    while at < bytes.len() {
        let end =
            |mark: &str, from: usize| text[from..].find(mark).map_or(bytes.len(), |found| from + found + mark.len());
        let next = match bytes[at] {
            b'/' if bytes.get(at + 1) == Some(&b'/') => end("\n", at),
            b'/' if bytes.get(at + 1) == Some(&b'*') => end("*/", at),
            b'r' if text[at + 1..].starts_with(['"', '#']) => {
                let hashes = text[at + 1..].bytes().take_while(|byte| *byte == b'#').count();
                end(&format!("\"{}", "#".repeat(hashes)), at + hashes + 2)
            }
            b'"' => {
                let mut close = at + 1;
                while close < bytes.len() && bytes[close] != b'"' {
                    close += if bytes[close] == b'\\' { 2 } else { 1 };
                }
                (close + 1).min(bytes.len())
            }
            byte => {
                out[at] = if byte.is_ascii() { byte } else { b' ' };
                at + 1
            }
        };
        at = next;
    }
    // Only ASCII is left.
    String::from_utf8(out).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use crate::experiment::{FORMAT, Focus};
    use crate::file::{parse, to_text};

    /// As the program wrote them with format 1.
    const OLD: &str = r#"(
    format: 1,
    title: "attention: association(rule: \"softmax\")",
    focus: Attention, // attention: association(decay: 0.5)
    attention: association(
        rule: "delta",
        pairs: 24, beta: 0.5,
        d_k: 32,
        inverse_temperature: 4.0,
        decay: 0.9),
    seed: 7,
)"#;

    #[test]
    fn a_file_of_format_1_becomes_a_composed_memory() {
        let read = parse(OLD, "old").unwrap();
        assert_eq!((read.format, read.focus, read.seed), (FORMAT, Focus::Attention, 7));
        assert_eq!(read.title, "attention: association(rule: \"softmax\")");
        assert_eq!((read.attention.whole("pairs"), read.attention.whole("d_k")), (24, 32));
        assert_eq!(read.memory.bias.name(), "squared_error");
        assert_eq!((read.memory.rule.name(), read.memory.rule.real("beta")), ("gradient_step", 0.5));
        assert_eq!(read.memory.retention.real("gamma"), 0.9);
        assert_eq!(parse(&to_text(&read).unwrap(), "new").unwrap(), read);
        let softmax = parse(&OLD.replace("rule: \"delta\"", "rule: \"softmax\""), "old").unwrap();
        assert_eq!(softmax.memory.architecture.name(), "key_value_list");
        assert_eq!(softmax.memory.architecture.real("inverse_temperature"), 4.0);
        let silent = parse("(format: 1, focus: Attention)", "old").unwrap();
        assert_eq!(silent.memory, mnemoscope_memory::Composition::default());
    }

    #[test]
    fn a_slip_in_an_old_file_is_named_at_its_own_place() {
        let error = parse(&OLD.replace("d_k: 32", "d_q: 32"), "old").unwrap_err().to_string();
        assert!(error.starts_with("old:8:") && error.contains("did you mean \"d_k\"?"), "{error}");
        let error = parse(&OLD.replace("format: 1", "format: 2"), "new").unwrap_err().to_string();
        assert!(error.contains("rule"), "{error}");
    }
}
