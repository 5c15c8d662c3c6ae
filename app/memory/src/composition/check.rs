//! Which choices go together, and why others do not.

use super::{Composition, Place};
use crate::MemoryError;

fn refuse(place: Place, reason: impl Into<String>) -> Result<(), MemoryError> {
    Err(MemoryError::Together { place: place.path(), reason: reason.into() })
}

pub(super) fn check(composition: &Composition) -> Result<(), MemoryError> {
    match composition.architecture.name() {
        "key_value_list" => list(composition),
        _ => weights(composition),
    }
}

fn list(composition: &Composition) -> Result<(), MemoryError> {
    if composition.rule.name() != "local_regression" {
        return refuse(
            Place::Rule,
            "a list keeps the pairs themselves and has no weights to step: choose local regression, or another \
             architecture",
        );
    }
    if composition.bias.name() != "squared_error" {
        return refuse(
            Place::Bias,
            "local regression minimises a weighted squared error, and other objectives have no closed form: choose \
             squared error",
        );
    }
    if !["none", "decay", "bounded_cache"].contains(&composition.retention.name()) {
        return refuse(
            Place::Retention,
            "a list has no cells to fade or shrink: choose none, decay (of the weights with age) or a bounded cache",
        );
    }
    Ok(())
}

fn weights(composition: &Composition) -> Result<(), MemoryError> {
    let [bias, retention, rule] =
        [Place::Bias, Place::Retention, Place::Rule].map(|place| composition.kind(place).name);
    if retention == "bounded_cache" {
        return refuse(
            Place::Retention,
            "a bounded cache evicts pairs, and this architecture keeps none: choose the list of pairs, or another \
             retention",
        );
    }
    match rule {
        "local_regression" => refuse(
            Place::Rule,
            "local regression fits the stored pairs anew for each query, and this architecture keeps none: choose \
             the list of pairs, or another rule",
        ),
        "outer_product" if bias != "dot_product" => refuse(
            Place::Rule,
            "the outer product of value and key is a step on the dot product alone: choose that bias, or a gradient \
             step",
        ),
        "least_squares" if bias != "squared_error" => {
            refuse(Place::Bias, "least squares minimises the squared error: choose that bias, or another rule")
        }
        "least_squares" if retention != "none" => {
            refuse(Place::Retention, "least squares forgets by its own forgetting factor: choose none, or another rule")
        }
        "several_steps" if ["shrinkage", "kl"].contains(&retention) => refuse(
            Place::Retention,
            "shrinkage and KL are part of each step, and several steps would shrink several times: choose none, \
             decay or a gate, or the rule gradient step",
        ),
        _ => Ok(()),
    }
}

pub(super) fn sizes(_composition: &Composition, d_k: usize, d_v: usize) -> Result<(), MemoryError> {
    if d_k == 0 || d_v == 0 {
        return Err(MemoryError::Sizes { reason: format!("d_k = {d_k} and d_v = {d_v} must be above 0") });
    }
    Ok(())
}

pub(super) fn keys(composition: &Composition, key_length: f64) -> Result<(), MemoryError> {
    let steps = ["gradient_step", "several_steps"].contains(&composition.rule.name());
    if composition.architecture.name() != "matrix" || composition.bias.name() != "squared_error" || !steps {
        return Ok(());
    }
    let beta = composition.rule.real("beta");
    let product = beta * key_length * key_length;
    if product > 0.0 && product < 2.0 {
        Ok(())
    } else {
        Err(MemoryError::Beta { beta, key_length, product, limit: 2.0 / (key_length * key_length) })
    }
}
