//! Which methods go together, and which data they ask for together: known from their names, before any learner exists.

use mnemoscope_core::Component;

use crate::{LearnerError, Methods, Scope};

impl Methods {
    /// The widest scope that any of the methods asks for.
    pub fn scope(methods: &[Component<Self>]) -> Scope {
        let names = || methods.iter().map(Component::name);
        if names().any(|name| name == "joint") {
            Scope::All
        } else if names().any(|name| name == "cumulative") {
            Scope::SoFar
        } else {
            Scope::Current
        }
    }

    /// Every pair of methods that contradict each other, with the reason.
    pub fn conflicts(methods: &[Component<Self>]) -> Vec<LearnerError> {
        let names: Vec<&str> = methods.iter().map(Component::name).collect();
        let mut found = Vec::new();
        for (position, second) in names.iter().enumerate() {
            for first in &names[..position] {
                if let Some(reason) = conflict(first, second) {
                    found.push(LearnerError::Conflict {
                        first: (*first).to_owned(),
                        second: (*second).to_owned(),
                        reason,
                    });
                }
            }
        }
        found
    }
}

/// Why two methods cannot be combined, if they cannot.
pub(crate) fn conflict(first: &str, second: &str) -> Option<&'static str> {
    let both = |a: &str, b: &str| (first == a && second == b) || (first == b && second == a);
    if first == second {
        Some("a method acts once")
    } else if both("cumulative", "joint") {
        Some("one trains on the tasks so far and the other on all tasks from the start")
    } else {
        None
    }
}
