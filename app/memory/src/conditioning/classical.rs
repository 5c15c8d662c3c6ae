//! The classical experiments of conditioning as sequences of trials.

use super::{Cues, Trial};

/// A classical experiment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Classical {
    /// As a link or a test calls it.
    pub name: &'static str,
    /// As shown in the window.
    pub label: &'static str,
    /// What is done and what animals do.
    pub meaning: &'static str,
    /// Who found it.
    pub source: &'static str,
    /// Settings of the bench by name that it wants other than the defaults.
    pub settings: &'static [(&'static str, f64)],
    /// Rounds, and what is shown in each: cues, strength of the stimulus, cues that follow instead, times in a row.
    sections: &'static [(u32, &'static [Phase])],
}

type Phase = (&'static str, f32, &'static str, u32);

impl Classical {
    /// Its trials.
    pub fn trials(&self) -> Vec<Trial> {
        let cues = |letters: &str| {
            let numbers = letters.bytes().map(|letter| usize::from(letter - b'A'));
            numbers.fold(Cues::NONE, Cues::toggled)
        };
        let trial =
            |(shown, us, then, times): &Phase| Trial { cues: cues(shown), us: *us, then: cues(then), times: *times };
        let sections = self.sections.iter();
        sections.flat_map(|(rounds, phases)| (0..*rounds).flat_map(move |_| phases.iter().map(trial))).collect()
    }

    /// All of them, in the order in which a course teaches them.
    pub fn all() -> &'static [Self] {
        &CLASSICAL
    }

    /// The one called `name`.
    pub fn find(name: &str) -> Option<&'static Self> {
        CLASSICAL.iter().find(|one| one.name == name)
    }
}

const PAVLOV: &str = "Pavlov 1927, Conditioned Reflexes";

static CLASSICAL: [Classical; 8] = [
    Classical {
        name: "acquisition",
        label: "Acquisition",
        meaning: "A cue is followed by the stimulus again and again: it comes to predict it, ever more slowly.",
        source: PAVLOV,
        settings: &[("cues", 2.0)],
        sections: &[(1, &[("A", 1.0, "", 20)])],
    },
    Classical {
        name: "extinction",
        label: "Extinction",
        meaning: "After acquisition the cue is shown alone: it stops predicting the stimulus.",
        source: PAVLOV,
        settings: &[("cues", 2.0)],
        sections: &[(1, &[("A", 1.0, "", 20), ("A", 0.0, "", 20)])],
    },
    Classical {
        name: "spontaneous_recovery",
        label: "Spontaneous recovery",
        meaning: "After acquisition, a pause and extinction, time alone brings part of the answer back. It takes a memory \
                  that forgets some channels faster than others (retention: gate): what extinction wrote is in the fast \
                  ones, too, and goes first. One rate for all never changes the sign of what is left.",
        source: "Pavlov 1927; two rates: Smith, Ghazizadeh and Shadmehr 2006, Interacting adaptive processes",
        settings: &[("cues", 2.0)],
        sections: &[(1, &[("A", 1.0, "", 40), ("", 0.0, "", 10), ("A", 0.0, "", 15), ("", 0.0, "", 30)])],
    },
    Classical {
        name: "blocking",
        label: "Blocking",
        meaning: "A already predicts the stimulus when A and B are shown together: B is hardly learned. C and D, \
                  together from the start, are the control: they share the stimulus.",
        source: "Kamin 1969, Predictability, surprise, attention and conditioning",
        settings: &[("cues", 4.0)],
        sections: &[(1, &[("A", 1.0, "", 20), ("AB", 1.0, "", 20), ("CD", 1.0, "", 20)])],
    },
    Classical {
        name: "overshadowing",
        label: "Overshadowing",
        meaning: "A and B are shown together: each ends weaker than C, which is shown alone.",
        source: PAVLOV,
        settings: &[("cues", 3.0)],
        sections: &[(20, &[("AB", 1.0, "", 1), ("C", 1.0, "", 1)])],
    },
    Classical {
        name: "conditioned_inhibition",
        label: "Conditioned inhibition",
        meaning: "A is followed by the stimulus, A and B together are not: B comes to predict its absence.",
        source: "Pavlov 1927; Rescorla 1969, Pavlovian conditioned inhibition",
        settings: &[("cues", 2.0)],
        sections: &[(60, &[("A", 1.0, "", 1), ("AB", 0.0, "", 1)])],
    },
    Classical {
        name: "second_order",
        label: "Second-order conditioning",
        meaning: "A comes to predict the stimulus; then B is followed by A, and A by nothing. B learns from what A \
                  predicts, and loses it again as A does.",
        source: "Pavlov 1927; as a value that stands in for the stimulus: Sutton and Barto 1990, Time-derivative models",
        settings: &[("cues", 2.0)],
        sections: &[(1, &[("A", 1.0, "", 20)]), (20, &[("B", 0.0, "A", 1), ("A", 0.0, "", 1)])],
    },
    Classical {
        name: "generalisation",
        label: "Generalisation",
        meaning: "Only A is trained, and every next cue is less like it: what they predict falls off with the likeness.",
        source: "Guttman and Kalish 1956; exponential: Shepard 1987, Toward a universal law of generalization",
        settings: &[("cues", 8.0), ("likeness", 0.7)],
        sections: &[(1, &[("A", 1.0, "", 20)])],
    },
];
