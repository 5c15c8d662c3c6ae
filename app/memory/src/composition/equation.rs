//! The update equation of a composition, with its numbers.

use super::Composition;

/// How an architecture writes itself in an equation.
struct Symbols {
    /// The answer to a key at the weights named `at`.
    answer: fn(at: &str) -> String,
    /// What turns the slope by the answer into the gradient by the weights named `at`.
    tail: fn(at: &str) -> String,
    read: &'static str,
}

const MATRIX: Symbols = Symbols { answer: |at| format!("{at} k"), tail: |_| " kᵀ".to_owned(), read: "S q" };

/// S stands for all weights of the network.
const NETWORK: Symbols =
    Symbols { answer: |at| format!("M(k; {at})"), tail: |at| format!(" · ∂M(k; {at})/∂{at}"), read: "M(q; S)" };

/// A codebook's values are what is fetched: the slope by the answer is the step.
const CODES: Symbols = Symbols { answer: |_| "M(k)".to_owned(), tail: |_| String::new(), read: "M(q)" };

pub(super) fn text(composition: &Composition) -> String {
    match (composition.architecture.name(), composition.rule.name()) {
        ("key_value_list", _) => list(composition),
        ("chunks", _) => chunks(composition),
        ("state_space", _) => state_space(composition),
        ("codebook", _) => codebook(composition),
        ("gated_matrix", _) => gated(composition),
        ("mlp", _) => weights(composition, &NETWORK),
        ("cached", _) => cached(composition),
        ("hybrid", _) => hybrid(composition),
        (_, "least_squares") => least_squares(composition),
        _ => weights(composition, &MATRIX),
    }
}

/// A number with two decimals, or as many as it needs up to five; one too small for those by its power of ten.
pub(super) fn number(value: f64) -> String {
    if value != 0.0 && value.abs() < 1e-4 {
        let scientific = format!("{value:.2e}");
        return match scientific.split_once('e') {
            Some((digits, power)) => format!("{}e{power}", digits.trim_end_matches('0').trim_end_matches('.')),
            None => scientific,
        };
    }
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
    let (ridge, mu, chunk) = (number(rule.real("ridge")), rule.real("forgetting"), rule.whole("chunk"));
    if chunk == 1 && mu == 1.0 {
        return format!(
            "S ← S + (v − S k) gᵀ,  g = P k / (1 + kᵀ P k),  P ← P − g (P k)ᵀ,  P₀ = I / {ridge},  o = S q"
        );
    }
    let mu = number(mu);
    let every = if chunk == 1 { String::new() } else { format!("every {chunk} pairs ") };
    format!("A ← {mu} A + k kᵀ,  C ← {mu} C + v kᵀ,  {every}S ← C (A + {ridge} I)⁻¹,  o = S q")
}

fn chunks(composition: &Composition) -> String {
    let part = &composition.architecture;
    let (b, beta) = (number(part.real("sharpness")), number(part.real("inverse_temperature")));
    let (chunk, top) = (part.whole("chunk"), part.whole("top"));
    format!(
        "keep (k, v) in chunks of {chunk};  o = Σ w_c Σ aᵢ vᵢ over the {top} nearest chunks,  w_c ∝ exp({b} q·s_c),  aᵢ ∝ \
         exp({beta} q·kᵢ)"
    )
}

fn state_space(composition: &Composition) -> String {
    let part = &composition.architecture;
    let (order, beta) = (part.whole("order"), number(part.real("inverse_temperature")));
    let step = if part.text("time") == "scaled" { "1/t".to_owned() } else { number(part.real("step")) };
    format!(
        "x ← (I − Δ/2 A)⁻¹ ((I + Δ/2 A) x + Δ B (k, v)),  Δ = {step},  N = {order};  o = Σ wᵢ v̂ᵢ,  wᵢ ∝ exp({beta} q·k̂ᵢ)"
    )
}

fn codebook(composition: &Composition) -> String {
    let (part, beta) = (&composition.architecture, number(composition.rule.real("beta")));
    let g = gradient(composition, &CODES, "");
    let step = format!("{} {beta} {}", g.sign, g.text);
    // All values fade, and one of each head is stepped.
    let update = if composition.retention.name() == "decay" {
        let gamma = number(composition.retention.real("gamma"));
        if composition.rule.text("error_at") == "before" {
            format!("v[c, j] ← {gamma} v[c, j] {step} [j = j_c]")
        } else {
            format!("v[c, j] ← {gamma} v[c, j];  v[c, j_c] ← v[c, j_c] {step}")
        }
    } else {
        format!("v[c, j_c] ← v[c, j_c] {step}")
    };
    format!(
        "{update},  j_c = nearest of {} codes{},  o = mean of {} heads",
        part.whole("codes"),
        g.beside,
        part.whole("heads")
    )
}

fn gated(composition: &Composition) -> String {
    let retention = &composition.retention;
    let (s, z) = match retention.name() {
        "decay" => {
            let gamma = number(retention.real("gamma"));
            (format!("{gamma} S"), format!("{gamma} z"))
        }
        "gate" => ("S diag(α)".to_owned(), "α z".to_owned()),
        _ => ("S".to_owned(), "z".to_owned()),
    };
    let (gate, novelty) = if composition.architecture.text("input") == "novelty" {
        ("i ", ",  i = 1 − max(0, cos(o(k), v))")
    } else {
        ("", "")
    };
    let rates = rates(composition);
    format!("S ← {s} + {gate}v kᵀ,  z ← {z} + {gate}k{novelty}{rates},  o = S q / max(|z·q|, 1)")
}

fn cached(composition: &Composition) -> String {
    let part = &composition.architecture;
    let inner = weights(composition, if part.text("inner") == "mlp" { &NETWORK } else { &MATRIX });
    let update = inner.rsplit_once(",  o = ").map_or(inner.as_str(), |(update, _)| update);
    let border = if part.text("at_border") == "reset" { "keep S and start anew" } else { "keep S" };
    let gates = format!("gᵢ ∝ exp({} q·mᵢ)", number(part.real("sharpness")));
    let read = match part.text("read_out") {
        "residual" => "o = Σ Mᵢ(q)".to_owned(),
        "soup" => format!("o = M(q) at Σ gᵢ Sᵢ,  {gates}"),
        "sparse" => format!("o = Σ gᵢ Mᵢ(q) over the present and the {} nearest,  {gates}", part.whole("top")),
        _ => format!("o = Σ gᵢ Mᵢ(q),  {gates}"),
    };
    format!("{update};  every {} pairs {border};  {read}", part.whole("segment"))
}

fn hybrid(composition: &Composition) -> String {
    let part = &composition.architecture;
    let inner = weights(composition, &MATRIX);
    let update = inner.rsplit_once(",  o = ").map_or(inner.as_str(), |(update, _)| update);
    let (window, store) = (part.whole("window"), part.whole("store"));
    let (beta, at) = (number(part.real("inverse_temperature")), number(part.real("fading_at")));
    format!(
        "{update};  keep {window} newest and {store} worst predicted;  o = Σ wᵢ vᵢ + w₀ S q,  wᵢ ∝ exp({beta} q·kᵢ),  w₀ ∝ \
         exp({beta} · {at})"
    )
}

/// The gradient without its step size, the sign in front of it, and what is said beside.
struct Gradient {
    sign: &'static str,
    text: String,
    beside: String,
}

fn gradient(composition: &Composition, symbols: &Symbols, at: &str) -> Gradient {
    let (bias, tail) = (&composition.bias, (symbols.tail)(at));
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

/// The lowest and the highest rate of a gate; nothing for another retention.
fn rates(composition: &Composition) -> String {
    let retention = &composition.retention;
    if retention.name() != "gate" {
        return String::new();
    }
    format!(",  α = {} … {}", number(retention.real("low")), number(retention.real("high")))
}

fn weights(composition: &Composition, symbols: &Symbols) -> String {
    let (retention, rule) = (&composition.retention, &composition.rule);
    let kept = match retention.name() {
        "decay" => Some(format!("{} S", number(retention.real("gamma")))),
        "gate" => Some("S diag(α)".to_owned()),
        _ => None,
    };
    let rates = rates(composition);
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
        let squares = ["matrix", "squared_error", "none", "least_squares"];
        assert!(text(&composed(squares, &[("rule", "ridge", 1e-6)])).contains("P₀ = I / 1e-6"));
        let mlstm = ["gated_matrix", "dot_product", "gate", "outer_product"];
        assert!(text(&composed(mlstm, &[])).contains("α = 0.80 … 0.999"));
    }

    #[test]
    fn equations_say_where_the_error_is_taken() {
        let at = |text: [&str; 4], place: &str| {
            let mut all = composed(text, &[]);
            all.rule.set("error_at", mnemoscope_core::Setting::Text(place.to_owned())).unwrap();
            super::text(&all)
        };
        let deep = ["mlp", "squared_error", "decay", "gradient_step"];
        assert_eq!(at(deep, "decayed"), "S̃ = 0.95 S;  S ← S̃ − 1.00 (M(k; S̃) − v) · ∂M(k; S̃)/∂S̃,  o = M(q; S)");
        assert_eq!(at(deep, "before"), "S ← 0.95 S − 1.00 (M(k; S) − v) · ∂M(k; S)/∂S,  o = M(q; S)");
        let codes = ["codebook", "squared_error", "decay", "gradient_step"];
        let [decayed, before] = ["decayed", "before"].map(|place| at(codes, place));
        assert!(decayed.starts_with("v[c, j] ← 0.95 v[c, j];  v[c, j_c] ← v[c, j_c] − 1.00 (M(k) − v),"), "{decayed}");
        assert!(before.starts_with("v[c, j] ← 0.95 v[c, j] − 1.00 (M(k) − v) [j = j_c],"), "{before}");
    }

    #[test]
    fn numbers_are_short() {
        for (value, text) in [
            (1.0, "1.00"),
            (0.95, "0.95"),
            (0.999, "0.999"),
            (0.001, "0.001"),
            (8.0, "8.00"),
            (0.0, "0.00"),
            (1e-6, "1e-6"),
            (2.5e-5, "2.5e-5"),
        ] {
            assert_eq!(number(value), text);
        }
    }
}
