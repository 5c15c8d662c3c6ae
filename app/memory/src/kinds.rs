//! The associative memory and its settings, declared once.

use mnemoscope_core::{Kind, Knob, Opt, Registry, Scale};

use crate::{Component, MemoryError};

/// The family of memories trained by no gradient.
#[derive(Debug, Clone, Copy)]
pub struct AssociationKinds;

impl Registry for AssociationKinds {
    const NOUN: &'static str = "memory";

    fn kinds() -> &'static [Kind] {
        &KINDS
    }
}

static KINDS: [Kind; 1] = [Kind {
    name: "association",
    label: "associative memory",
    meaning: "Pairs of key and value are written one after another, and every key is asked for again.",
    source: "Kohonen 1972; Schlag et al. 2021, Linear Transformers Are Secretly Fast Weight Programmers",
    knobs: &KNOBS,
}];

static RULES: [Opt; 3] = [
    Opt { name: "hebb", label: "Hebb", meaning: "S <- gamma S + v k^T: linear attention" },
    Opt { name: "delta", label: "delta", meaning: "S <- gamma S, then S <- S + beta (v - S k) k^T" },
    Opt { name: "softmax", label: "softmax", meaning: "keeps all pairs, reads a mean weighted by exp(beta_s k.q)" },
];

static KNOBS: [Knob; 14] = [
    Knob::choice("rule", "rule", &RULES, "hebb")
        .meaning("how a pair is written and read")
        .source("Katharopoulos et al. 2020; Widrow and Hoff 1960; Vaswani et al. 2017")
        .live(),
    Knob::whole("pairs", "pairs", "N", 1, 512, 32, Scale::Log).meaning("number of pairs written").live(),
    Knob::whole("d_k", "key size", "d_k", 2, 128, 64, Scale::Log).meaning("entries of a key").live(),
    Knob::whole("d_v", "value size", "d_v", 2, 128, 64, Scale::Log)
        .meaning("entries of a value, drawn from a Gaussian of variance 1/d_v")
        .live(),
    Knob::real("correlation", "key correlation", "ρ", 0.0, 0.99, 0.0, Scale::Linear)
        .meaning("share of one common direction in every key: k = sqrt(rho) c + sqrt(1 - rho) n, then normalised")
        .live(),
    Knob::real("noise", "query noise", "σ", 0.0, 2.0, 0.0, Scale::Linear)
        .meaning("expected length of the Gaussian noise added to a key when it is asked for, in lengths of a key")
        .live(),
    Knob::switch("orthonormal", "orthonormal keys", false)
        .meaning("keys at right angles, so that none disturbs another; needs at most d_k of them")
        .live(),
    Knob::real("key_length", "key length", "|k|", 0.25, 2.0, 1.0, Scale::Log).meaning("length of every key").live(),
    Knob::real("beta", "write strength", "β", 0.0, 2.0, 1.0, Scale::Linear)
        .meaning("part of the error that one write removes (delta rule); 0 < beta |k|^2 < 2")
        .source("Widrow and Hoff 1960; Yang et al. 2024, Parallelizing Linear Transformers with the Delta Rule")
        .live(),
    Knob::real("inverse_temperature", "inverse temperature", "β_s", 0.1, 128.0, 8.0, Scale::Log)
        .meaning("sharpness of softmax reading; for unit keys the largest logit")
        .source("Ramsauer et al. 2021, Hopfield Networks is All You Need")
        .live(),
    Knob::real("decay", "decay", "γ", 0.5, 1.0, 1.0, Scale::Linear)
        .meaning("factor on everything older at each write; in softmax age times log gamma is added to the logit")
        .source("Sun et al. 2023, Retentive Network; Press et al. 2022, ALiBi")
        .live(),
    Knob::real("rewritten", "rewritten keys", "", 0.0, 0.5, 0.0, Scale::Linear)
        .meaning("share of the writes, the last ones, that give the first keys a new value")
        .live(),
    Knob::whole("seed", "seed", "", 0, 1_000_000, 1, Scale::Linear).meaning("of keys, values and noise").live(),
    Knob::switch("gpu", "on the graphics card", false)
        .meaning("writes and reads with the shader instead of the processor; the figures agree to 1e-4")
        .live(),
];

/// Settings that are each in range and do not go together are refused.
///
/// # Errors
/// When the delta rule would not converge, or there are not so many orthonormal keys.
pub fn check(component: &Component) -> Result<(), MemoryError> {
    if component.text("rule") == "delta" {
        check_beta(component)?;
    }
    if component.switch("orthonormal") {
        let (keys, d_k) = (different_keys(component), component.whole("d_k"));
        if keys > d_k {
            return Err(MemoryError::TooManyOrthonormal { keys, d_k });
        }
        let correlation = component.real("correlation");
        if correlation > 0.0 {
            return Err(MemoryError::OrthonormalAndCorrelated { correlation });
        }
    }
    Ok(())
}

pub(crate) fn check_beta(component: &Component) -> Result<(), MemoryError> {
    let (beta, key_length) = (component.real("beta"), component.real("key_length"));
    let product = beta * key_length * key_length;
    if product > 0.0 && product < 2.0 {
        Ok(())
    } else {
        Err(MemoryError::Beta { beta, key_length, product, limit: 2.0 / (key_length * key_length) })
    }
}

/// Writes that bring a key of their own; the others write one of the first keys again.
pub(crate) fn different_keys(component: &Component) -> usize {
    let pairs = component.whole("pairs");
    pairs - (component.real("rewritten") * pairs as f64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use mnemoscope_core::Setting;

    fn with(settings: &[(&str, Setting)]) -> Component {
        settings.iter().fold(Component::new("association").unwrap(), |component, (name, value)| {
            component.with(name, value.clone()).unwrap()
        })
    }

    fn number(value: f64) -> Setting {
        Setting::Number(value)
    }

    #[test]
    fn the_delta_rule_is_refused_outside_its_bounds_and_only_there() {
        let delta = |beta, length| {
            check(&with(&[
                ("rule", Setting::Text("delta".to_owned())),
                ("beta", number(beta)),
                ("key_length", number(length)),
            ]))
        };
        assert_eq!(delta(1.0, 1.0), Ok(()));
        assert_eq!(delta(1.99, 1.0), Ok(()));
        for (beta, length) in [(0.0, 1.0), (2.0, 1.0), (0.5, 2.0)] {
            let error = delta(beta, length).unwrap_err();
            assert!(error.to_string().contains("0 < beta |k|^2 < 2"), "{error}");
        }
        let error = delta(1.0, 2.0).unwrap_err();
        assert!(error.to_string().ends_with("above 0 and below 0.5"), "{error}");
        assert_eq!(check(&with(&[("beta", number(0.0))])), Ok(()), "Hebb has no beta");
    }

    #[test]
    fn orthonormal_keys_are_refused_where_there_are_none() {
        let orthonormal = ("orthonormal", Setting::Switch(true));
        let few = with(&[orthonormal.clone(), ("pairs", number(8.0)), ("d_k", number(8.0))]);
        assert_eq!(check(&few), Ok(()));
        let many = few.clone().with("pairs", number(9.0)).unwrap();
        assert_eq!(check(&many), Err(MemoryError::TooManyOrthonormal { keys: 9, d_k: 8 }));
        let again = many.with("pairs", number(16.0)).unwrap().with("rewritten", number(0.5)).unwrap();
        assert_eq!(check(&again), Ok(()), "8 keys, each written twice");
        let correlated = few.with("correlation", number(0.5)).unwrap();
        assert_eq!(check(&correlated), Err(MemoryError::OrthonormalAndCorrelated { correlation: 0.5 }));
    }

    #[test]
    fn every_setting_is_explained() {
        for knob in &KNOBS {
            assert!(!knob.meaning.is_empty() && knob.live, "{}", knob.name);
        }
    }
}
