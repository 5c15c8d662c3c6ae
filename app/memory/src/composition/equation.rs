//! The update equation of a composition, with its numbers.

use super::Composition;

/// How an architecture writes itself in an equation.
struct Symbols {
    /// The answer to a key at the weights named `at`.
    answer: fn(at: &str) -> String,
    /// What turns the slope by the answer into the gradient by the weights.
    tail: &'static str,
    read: &'static str,
}

const MATRIX: Symbols = Symbols { answer: |at| format!("{at} k"), tail: " kᵀ", read: "S q" };

pub(super) fn text(composition: &Composition) -> String {
    match (composition.architecture.name(), composition.rule.name()) {
        ("key_value_list", _) => list(composition),
        (_, "least_squares") => least_squares(composition),
        _ => weights(composition, &MATRIX),
    }
}

/// A number with two decimals, or as many as it needs up to five.
pub(super) fn number(value: f64) -> String {
    let two = format!("{value:.2}");
    if two.parse() == Ok(value) {
        return two;
    }
    let five = format!("{value:.5}");
    let trimmed = five.trim_end_matches('0');
    if trimmed.len() < two.len() { two } else { trimmed.to_owned() }
}

fn list(composition: &Composition) -> String {
    let architecture = &composition.architecture;
    let similarity = if architecture.switch("qk_norm") { "cos(q, kᵢ)" } else { "q·kᵢ" };
    let logit = format!("{} {similarity}", number(architecture.real("inverse_temperature")));
    let retention = &composition.retention;
    let (keep, age) = match retention.name() {
        "decay" => ("keep (k, v)".to_owned(), format!(" + ageᵢ log {}", number(retention.real("gamma")))),
        "bounded_cache" => {
            let rule = match retention.text("eviction") {
                "sinks" => "the oldest but four sinks goes",
                "least_attention" => "the least attended goes",
                _ => "the oldest goes",
            };
            (format!("keep {} pairs, {rule}", retention.whole("budget")), String::new())
        }
        _ => ("keep (k, v)".to_owned(), String::new()),
    };
    let weights = format!("wᵢ ∝ exp({logit}{age})");
    if composition.rule.text("order") == "linear" {
        let ridge = number(composition.rule.real("ridge"));
        format!("{keep};  o = a of min Σ wᵢ |a + B (kᵢ − q) − vᵢ|² + {ridge} |B|²,  {weights}")
    } else {
        format!("{keep};  o = Σ wᵢ vᵢ,  {weights}")
    }
}

fn least_squares(composition: &Composition) -> String {
    let rule = &composition.rule;
    let (ridge, mu, chunk) = (number(rule.real("ridge")), number(rule.real("forgetting")), rule.whole("chunk"));
    if chunk == 1 {
        format!(
            "S ← S + (v − S k) gᵀ,  g = P k / ({mu} + kᵀ P k),  P ← (P − g (P k)ᵀ) / {mu},  P₀ = I / {ridge},  o = S q"
        )
    } else {
        format!("A ← {mu} A + k kᵀ,  C ← {mu} C + v kᵀ,  A₀ = {ridge} I,  every {chunk} pairs S ← C A⁻¹,  o = S q")
    }
}

/// The gradient without its step size, the sign in front of it, and what is said beside.
struct Gradient {
    sign: &'static str,
    text: String,
    beside: String,
}

fn gradient(composition: &Composition, symbols: &Symbols, at: &str) -> Gradient {
    let (bias, tail) = (&composition.bias, symbols.tail);
    let answer = (symbols.answer)(at);
    let error = format!(",  e = {answer} − v");
    let minus = |text: String, beside: String| Gradient { sign: "−", text, beside };
    match bias.name() {
        "squared_error" => minus(format!("({answer} − v){tail}"), String::new()),
        "lp" => {
            let p = bias.real("p");
            minus(format!("{} sign(e) |e|^{}{tail}", number(p), number(p - 1.0)), error)
        }
        "huber" => minus(format!("e min(1, {} / |e|){tail}", number(bias.real("delta"))), error),
        "kl" => minus(format!("(softmax({answer}) − v){tail}"), String::new()),
        _ => Gradient { sign: "+", text: format!("v{tail}"), beside: String::new() },
    }
}

fn weights(composition: &Composition, symbols: &Symbols) -> String {
    let (retention, rule) = (&composition.retention, &composition.rule);
    let kept = match retention.name() {
        "decay" => Some(format!("{} S", number(retention.real("gamma")))),
        "gate" => Some("S diag(α)".to_owned()),
        _ => None,
    };
    let rates = if retention.name() == "gate" {
        format!(",  α = {} … {}", number(retention.real("low")), number(retention.real("high")))
    } else {
        String::new()
    };
    let read = if composition.bias.name() == "kl" { format!("softmax({})", symbols.read) } else { symbols.read.into() };
    let old = kept.clone().unwrap_or_else(|| "S".to_owned());
    let dot = composition.bias.name() == "dot_product";
    // Where the step is taken from, what it is called there, and what is added to it.
    let steps = match rule.name() {
        "momentum" => {
            let g = gradient(composition, symbols, "S");
            let (theta, eta) = (number(rule.real("theta")), number(rule.real("eta")));
            let carried = format!("Z ← {eta} Z {} {theta} {}", g.sign, g.text);
            (format!("{carried};  "), old, "+ Z".to_owned(), g.beside)
        }
        "several_steps" => {
            let g = gradient(composition, symbols, "S");
            let step = format!("S ← S {} {} {}", g.sign, number(rule.real("beta")), g.text);
            let first = kept.map_or_else(String::new, |kept| format!("S ← {kept};  "));
            return format!("{first}{} times {step}{rates}{},  o = {read}", rule.whole("steps"), g.beside);
        }
        name => {
            let decayed = name == "gradient_step" && rule.text("error_at") == "decayed" && kept.is_some() && !dot;
            let g = gradient(composition, symbols, if decayed { "S̃" } else { "S" });
            let beta = if name == "gradient_step" { format!("{} ", number(rule.real("beta"))) } else { String::new() };
            let (first, old) =
                if decayed { (format!("S̃ = {old};  "), "S̃".to_owned()) } else { (String::new(), old) };
            (first, old, format!("{} {beta}{}", g.sign, g.text), g.beside)
        }
    };
    let (first, old, added, beside) = steps;
    let real = |name: &str| number(retention.real(name));
    let update = match retention.name() {
        "shrinkage" if retention.text("form") == "lq" => {
            let (gamma, q, floor) = (real("gamma"), retention.real("q"), real("floor"));
            format!("A ← {gamma} A {added};  S = A / max(|A|_{q}, {floor})^{}", number(q - 2.0))
        }
        "shrinkage" => format!("S ← soft({} S {added}, {})", real("gamma"), real("threshold")),
        "kl" => format!("S ← {} softmax({} log S {added})", real("mass"), real("gamma")),
        _ => format!("S ← {old} {added}"),
    };
    format!("{first}{update}{rates}{beside},  o = {read}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn composed(text: [&str; 4], settings: &[(&str, &str, f64)]) -> Composition {
        use mnemoscope_core::{Component, Setting};
        let mut all = Composition {
            architecture: Component::new(text[0]).unwrap(),
            bias: Component::new(text[1]).unwrap(),
            retention: Component::new(text[2]).unwrap(),
            rule: Component::new(text[3]).unwrap(),
        };
        for (place, name, value) in settings {
            let value = Setting::Number(*value);
            match *place {
                "retention" => all.retention.set(name, value).unwrap(),
                _ => all.rule.set(name, value).unwrap(),
            }
        }
        all
    }

    #[test]
    fn equations_carry_their_numbers() {
        let delta = ["matrix", "squared_error", "none", "gradient_step"];
        assert_eq!(text(&Composition::default()), "S ← S + v kᵀ,  o = S q");
        assert_eq!(text(&composed(delta, &[("rule", "beta", 0.9)])), "S ← S − 0.90 (S k − v) kᵀ,  o = S q");
        let gated = ["matrix", "squared_error", "decay", "gradient_step"];
        assert_eq!(text(&composed(gated, &[])), "S̃ = 0.95 S;  S ← S̃ − 1.00 (S̃ k − v) kᵀ,  o = S q");
        let titans = ["matrix", "squared_error", "decay", "momentum"];
        assert_eq!(
            text(&composed(titans, &[("retention", "gamma", 0.999)])),
            "Z ← 0.50 Z − 0.50 (S k − v) kᵀ;  S ← 0.999 S + Z,  o = S q"
        );
    }

    #[test]
    fn numbers_are_short() {
        for (value, text) in [(1.0, "1.00"), (0.95, "0.95"), (0.999, "0.999"), (0.001, "0.001"), (8.0, "8.00")] {
            assert_eq!(number(value), text);
        }
    }
}
