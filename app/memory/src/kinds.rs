//! The pairs of the association bench, declared once.

use mnemoscope_core::{Kind, Knob, Registry, Scale};

use crate::features::MAPS;
use crate::{Component, MemoryError};

/// The family of associations to be stored.
#[derive(Debug, Clone, Copy)]
pub struct AssociationKinds;

impl Registry for AssociationKinds {
    const NOUN: &'static str = "association bench";

    fn kinds() -> &'static [Kind] {
        &KINDS
    }
}

static KINDS: [Kind; 1] = [Kind {
    name: "association",
    label: "association bench",
    meaning: "Pairs of key and value are written one after another, and every key is asked for again.",
    source: "Kohonen 1972, Correlation Matrix Memories",
    knobs: &KNOBS,
}];

static KNOBS: [Knob; 18] = [
    Knob::whole("pairs", "pairs", "N", 1, MOST_PAIRS, 32, Scale::Log).meaning("number of pairs written").live(),
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
    Knob::switch("distributions", "distributions", false)
        .meaning("keys, queries and values are none below 0 and sum to 1, as KL memories want them: softmax of 2 √d x")
        .live(),
    Knob::real("key_length", "key length", "|k|", 0.25, 2.0, 1.0, Scale::Log).meaning("length of every key").live(),
    Knob::real("key_jitter", "spread of lengths", "", 0.0, 1.0, 0.0, Scale::Linear)
        .meaning("standard deviation of the logarithm of the keys' lengths, cut at two of them")
        .live(),
    Knob::choice("features", "feature map", &MAPS, "identity")
        .meaning("what the memory is given instead of keys and queries, scaled to their length")
        .source("Katharopoulos et al. 2020; Rahimi and Recht 2007")
        .live(),
    Knob::whole("feature_count", "features", "D", 2, 512, 128, Scale::Log)
        .meaning("number of random features")
        .when("features", "random")
        .live(),
    Knob::real("kernel_width", "kernel width", "σ", 0.05, 4.0, 0.5, Scale::Log)
        .meaning("width of the Gaussian kernel that random features come near, in lengths of a unit key")
        .when("features", "random")
        .live(),
    Knob::whole("codebook", "codebook", "M", 0, 512, 0, Scale::Log)
        .meaning("values are drawn from this many codes, and the nearest code is the answer; 0 gives each pair its own")
        .live(),
    Knob::real("outliers", "outliers", "", 0.0, 0.5, 0.0, Scale::Linear)
        .meaning("chance that a value is an outlier")
        .live(),
    Knob::real("magnitude", "size of outliers", "", 1.0, 100.0, 10.0, Scale::Log)
        .meaning("factor on a value that is an outlier")
        .live(),
    Knob::real("rewritten", "rewritten keys", "", 0.0, 0.5, 0.0, Scale::Linear)
        .meaning("share of the writes, the last ones, that give the first keys a new value")
        .live(),
    Knob::whole("seed", "seed", "", 0, 1_000_000, 1, Scale::Linear).meaning("of keys, values and noise").live(),
    Knob::switch("gpu", "on the graphics card", false)
        .meaning(
            "the shader writes and reads once more, and its answers are the ones shown; they agree to 1e-4; for linear \
                  attention, the delta rule and softmax attention",
        )
        .live(),
];

/// The most pairs that are written.
pub(crate) const MOST_PAIRS: u64 = 512;

/// The most entries of a mapped key: 528 are the products of 32.
const MOST_FEATURES: usize = 528;

/// Settings that are each in range and do not go together are refused.
///
/// # Errors
/// When there are not so many orthonormal keys, or they should be correlated.
pub fn check(component: &Component) -> Result<(), MemoryError> {
    let (d_k, features) = (component.whole("d_k"), memory_width(component));
    if component.text("features") == "polynomial" && features > MOST_FEATURES {
        return Err(MemoryError::TooManyFeatures { features, d_k });
    }
    if component.switch("distributions") && component.real("outliers") > 0.0 {
        return Err(MemoryError::Distributions { setting: "outliers" });
    }
    if component.switch("orthonormal") {
        let (keys, d_k) = (different_keys(component), component.whole("d_k"));
        if keys > d_k {
            return Err(MemoryError::TooManyOrthonormal { keys, d_k });
        }
        if component.switch("distributions") {
            return Err(MemoryError::Distributions { setting: "orthonormal" });
        }
        let correlation = component.real("correlation");
        if correlation > 0.0 {
            return Err(MemoryError::OrthonormalAndCorrelated { correlation });
        }
    }
    Ok(())
}

/// Whether keys are unit vectors without a common direction, each written once and asked for as it is: where closed forms
/// are known.
pub(crate) fn plain(component: &Component) -> bool {
    let is = |name: &str, value: f64| component.real(name) == value;
    is("correlation", 0.0)
        && is("noise", 0.0)
        && is("rewritten", 0.0)
        && is("key_length", 1.0)
        && is("key_jitter", 0.0)
        && !component.switch("distributions")
        && component.text("features") == "identity"
}

/// Entries of a key as the memory gets it, after the feature map.
pub fn memory_width(component: &Component) -> usize {
    let d_k = component.whole("d_k");
    match component.text("features") {
        "random" => component.whole("feature_count"),
        "polynomial" => d_k * (d_k + 1) / 2,
        _ => d_k,
    }
}

/// The longest key that can be drawn: lengths spread to two deviations.
pub fn longest_key(component: &Component) -> f64 {
    component.real("key_length") * (2.0 * component.real("key_jitter")).exp()
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
    fn distributions_cannot_be_stretched_or_at_right_angles() {
        let distributions = with(&[("distributions", Setting::Switch(true)), ("pairs", number(4.0))]);
        assert_eq!(check(&distributions), Ok(()));
        let loud = check(&distributions.clone().with("outliers", number(0.1)).unwrap()).unwrap_err().to_string();
        assert!(loud.contains("distributions and outliers"), "{loud}");
        let square = check(&distributions.with("orthonormal", Setting::Switch(true)).unwrap()).unwrap_err().to_string();
        assert!(square.contains("distributions and orthonormal"), "{square}");
    }

    #[test]
    fn products_of_too_many_entries_are_refused() {
        let products =
            |d_k| check(&with(&[("features", Setting::Text("polynomial".to_owned())), ("d_k", number(d_k))]));
        assert_eq!(products(32.0), Ok(()));
        let error = products(33.0).unwrap_err().to_string();
        assert!(error.contains("561 products") && error.contains("lower d_k to 32"), "{error}");
    }

    #[test]
    fn every_setting_is_explained() {
        for knob in &KNOBS {
            assert!(!knob.meaning.is_empty() && knob.live, "{}", knob.name);
        }
    }
}
