//! A named part of an experiment with its settings, written `ewc(lambda: 500.0)` in a file.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{self, DeserializeSeed, EnumAccess, MapAccess, VariantAccess, Visitor};
use serde::ser::SerializeStructVariant as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

use crate::{Knob, Setting, SettingError, nearest};

/// One kind of component: a method, a stream, a model ...
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Kind {
    /// As written in a file.
    pub name: &'static str,
    /// As shown in the window.
    pub label: &'static str,
    /// One sentence.
    pub meaning: &'static str,
    /// Paper, year, equation.
    pub source: &'static str,
    /// Its declared values.
    pub knobs: &'static [Knob],
}

impl Kind {
    /// The declaration of the knob called `name`.
    pub fn knob(&self, name: &str) -> Option<&'static Knob> {
        self.knobs.iter().find(|knob| knob.name == name)
    }
}

/// A family of kinds that may stand in one place of an experiment.
pub trait Registry: 'static {
    /// What one kind is called in messages, such as "method".
    const NOUN: &'static str;

    /// All kinds, in the order in which lists show them.
    fn kinds() -> &'static [Kind];

    /// The kind called `name`.
    fn find(name: &str) -> Option<&'static Kind> {
        Self::kinds().iter().find(|kind| kind.name == name)
    }
}

/// A kind and a checked value for each of its knobs.
pub struct Component<R> {
    kind: &'static Kind,
    settings: BTreeMap<&'static str, Setting>,
    registry: PhantomData<fn() -> R>,
}

/// Why a component or a change to it was refused.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum ComponentError {
    /// No such kind.
    #[error("there is no {noun} \"{name}\"{}", did_you_mean(hint.as_deref(), all))]
    UnknownKind {
        /// What was looked for.
        noun: &'static str,
        /// What was given.
        name: String,
        /// The nearest name.
        hint: Option<&'static str>,
        /// All names.
        all: String,
    },
    /// No such knob.
    #[error("{noun} {kind} has no setting \"{name}\"{}", did_you_mean(hint.as_deref(), all))]
    UnknownKnob {
        /// What the component is.
        noun: &'static str,
        /// Its kind.
        kind: &'static str,
        /// What was given.
        name: String,
        /// The nearest name.
        hint: Option<&'static str>,
        /// All names.
        all: String,
    },
    /// A value outside its domain.
    #[error("{noun} {kind}: {error}")]
    Setting {
        /// What the component is.
        noun: &'static str,
        /// Its kind.
        kind: &'static str,
        /// What is wrong.
        error: SettingError,
    },
}

fn did_you_mean(hint: Option<&str>, all: &str) -> String {
    match hint {
        Some(hint) => format!("; did you mean \"{hint}\"?"),
        None if all.is_empty() => "; it has none".to_owned(),
        None => format!("; there is: {all}"),
    }
}

impl<R: Registry> Component<R> {
    /// The kind called `name` with every knob at its default.
    ///
    /// # Errors
    /// When the registry has no such kind.
    pub fn new(name: &str) -> Result<Self, ComponentError> {
        let kind = R::find(name).ok_or_else(|| {
            let names = || R::kinds().iter().map(|kind| kind.name);
            ComponentError::UnknownKind {
                noun: R::NOUN,
                name: name.to_owned(),
                hint: nearest(name, names()),
                all: names().collect::<Vec<_>>().join(", "),
            }
        })?;
        Ok(Self::of(kind))
    }

    /// This kind with every knob at its default.
    pub fn of(kind: &'static Kind) -> Self {
        let settings = kind.knobs.iter().map(|knob| (knob.name, knob.default())).collect();
        Self { kind, settings, registry: PhantomData }
    }

    /// The kind.
    pub fn kind(&self) -> &'static Kind {
        self.kind
    }

    /// The kind's name.
    pub fn name(&self) -> &'static str {
        self.kind.name
    }

    /// The value of the knob called `name`.
    ///
    /// # Panics
    /// When the kind declares no such knob: the caller and the declaration stand in the same file.
    pub fn get(&self, name: &str) -> &Setting {
        match self.settings.get(name) {
            Some(setting) => setting,
            None => panic!("{} {} declares no knob {name}", R::NOUN, self.kind.name),
        }
    }

    /// All knobs with their values, in the order of their declaration.
    pub fn settings(&self) -> impl Iterator<Item = (&'static Knob, &Setting)> {
        self.kind.knobs.iter().map(|knob| (knob, self.get(knob.name)))
    }

    /// What a knob that does not matter as things stand waits for: the other knob, and the option it needs.
    pub fn waits_for(&self, knob: &Knob) -> Option<(&'static Knob, &'static str)> {
        let (name, value) = knob.needs?;
        let other = self.kind.knob(name)?;
        (self.get(name) != &Setting::Text(value.to_owned())).then_some((other, value))
    }

    /// Sets a knob.
    ///
    /// # Errors
    /// When there is no such knob, or the value lies outside its domain.
    pub fn set(&mut self, name: &str, value: Setting) -> Result<(), ComponentError> {
        let knob = self.kind.knob(name).ok_or_else(|| self.unknown_knob(name))?;
        knob.check(&value).map_err(|error| ComponentError::Setting { noun: R::NOUN, kind: self.kind.name, error })?;
        self.settings.insert(knob.name, value);
        Ok(())
    }

    /// The same component with one knob set; for tests and tables.
    ///
    /// # Errors
    /// As [`Component::set`].
    pub fn with(mut self, name: &str, value: Setting) -> Result<Self, ComponentError> {
        self.set(name, value)?;
        Ok(self)
    }

    fn unknown_knob(&self, name: &str) -> ComponentError {
        let names = || self.kind.knobs.iter().map(|knob| knob.name);
        ComponentError::UnknownKnob {
            noun: R::NOUN,
            kind: self.kind.name,
            name: name.to_owned(),
            hint: nearest(name, names()),
            all: names().collect::<Vec<_>>().join(", "),
        }
    }

    /// A real number; of a sweep the first value.
    ///
    /// # Panics
    /// When the knob is not a number.
    pub fn real(&self, name: &str) -> f64 {
        match self.get(name) {
            Setting::Number(value) => *value,
            Setting::Sweep(sweep) => sweep.values().ok().and_then(|v| v.first().copied()).unwrap_or(f64::NAN),
            other => panic!("{name} is not a number but {}", other.describe()),
        }
    }

    /// A whole number.
    ///
    /// # Panics
    /// When the knob is not a number.
    pub fn whole(&self, name: &str) -> usize {
        self.real(name) as usize
    }

    /// A choice's name, or text.
    ///
    /// # Panics
    /// When the knob is neither.
    pub fn text(&self, name: &str) -> &str {
        match self.get(name) {
            Setting::Text(text) => text,
            other => panic!("{name} is not text but {}", other.describe()),
        }
    }

    /// Yes or no.
    ///
    /// # Panics
    /// When the knob is not a switch.
    pub fn switch(&self, name: &str) -> bool {
        match self.get(name) {
            Setting::Switch(value) => *value,
            other => panic!("{name} is not a switch but {}", other.describe()),
        }
    }

    /// A list of whole numbers.
    ///
    /// # Panics
    /// When the knob is not a list.
    pub fn list(&self, name: &str) -> Vec<usize> {
        match self.get(name) {
            Setting::List(list) => list.iter().map(|value| *value as usize).collect(),
            other => panic!("{name} is not a list but {}", other.describe()),
        }
    }
}

impl<R> Clone for Component<R> {
    fn clone(&self) -> Self {
        Self { kind: self.kind, settings: self.settings.clone(), registry: PhantomData }
    }
}

impl<R> PartialEq for Component<R> {
    fn eq(&self, other: &Self) -> bool {
        self.kind.name == other.kind.name && self.settings == other.settings
    }
}

impl<R> fmt::Debug for Component<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{:?}", self.kind.name, self.settings)
    }
}

/// What serialisers take for the name of the enum; a noun may have two words, which no identifier has.
const SERDE_NAME: &str = "Component";

impl<R: Registry> Serialize for Component<R> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let index = R::kinds().iter().position(|kind| kind.name == self.kind.name).unwrap_or(0);
        let count = self.kind.knobs.len();
        let mut out = serializer.serialize_struct_variant(SERDE_NAME, index as u32, self.kind.name, count)?;
        for (knob, setting) in self.settings() {
            // Whole numbers are written as such: `seeds: 5`, not `seeds: 5.0`.
            match setting {
                Setting::Number(value) if matches!(knob.domain, crate::Domain::Whole { .. }) => {
                    out.serialize_field(knob.name, &(*value as u64))?;
                }
                Setting::List(list) => {
                    out.serialize_field(knob.name, &list.iter().map(|v| *v as u64).collect::<Vec<_>>())?;
                }
                other => out.serialize_field(knob.name, other)?,
            }
        }
        out.end()
    }
}

impl<'de, R: Registry> Deserialize<'de> for Component<R> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_enum(SERDE_NAME, &[], WholeVisitor(PhantomData::<fn() -> R>))
    }
}

struct WholeVisitor<R>(PhantomData<fn() -> R>);

impl<'de, R: Registry> Visitor<'de> for WholeVisitor<R> {
    type Value = Component<R>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a {} with its settings, such as {}()", R::NOUN, R::kinds().first().map_or("", |kind| kind.name))
    }

    fn visit_enum<A: EnumAccess<'de>>(self, data: A) -> Result<Self::Value, A::Error> {
        let (component, variant) = data.variant_seed(NameSeed::<R>(PhantomData))?;
        variant.struct_variant(&[], KnobsVisitor(component))
    }
}

/// Reads the kind's name and answers with its defaults.
struct NameSeed<R>(PhantomData<fn() -> R>);

impl<'de, R: Registry> DeserializeSeed<'de> for NameSeed<R> {
    type Value = Component<R>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl<R: Registry> Visitor<'_> for NameSeed<R> {
    type Value = Component<R>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the name of a {}", R::NOUN)
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<Self::Value, E> {
        Component::new(name).map_err(E::custom)
    }
}

struct KnobsVisitor<R>(Component<R>);

impl<'de, R: Registry> Visitor<'de> for KnobsVisitor<R> {
    type Value = Component<R>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the settings of {} {}", R::NOUN, self.0.kind.name)
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut seen = Vec::new();
        while let Some(knob) = map.next_key_seed(KnobSeed(&self.0))? {
            if seen.contains(&knob.name) {
                return Err(de::Error::custom(format!("{} is set twice", knob.name)));
            }
            seen.push(knob.name);
            let setting: Setting = map.next_value()?;
            self.0.set(knob.name, setting).map_err(de::Error::custom)?;
        }
        Ok(self.0)
    }
}

/// Reads a knob's name, so that a slip is reported at its own place in the file.
struct KnobSeed<'a, R>(&'a Component<R>);

impl<'de, R: Registry> DeserializeSeed<'de> for KnobSeed<'_, R> {
    type Value = &'static Knob;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl<R: Registry> Visitor<'_> for KnobSeed<'_, R> {
    type Value = &'static Knob;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the name of a setting of {}", self.0.kind.name)
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<Self::Value, E> {
        self.0.kind.knob(name).ok_or_else(|| E::custom(self.0.unknown_knob(name)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Opt, Scale, Sweep};

    struct Parts;
    static MODES: [Opt; 2] = [
        Opt { name: "online", label: "online", meaning: "one running sum" },
        Opt { name: "separate", label: "separate", meaning: "one per task" },
    ];
    static KNOBS: [Knob; 5] = [
        Knob::real("lambda", "strength", "λ", 0.0, 1e6, 100.0, Scale::Log).live().swept(),
        Knob::whole("samples", "samples", "N", 1, 1000, 64, Scale::Linear),
        Knob::choice("mode", "mode", &MODES, "separate"),
        Knob::real("gamma", "decay", "γ", 0.0, 1.0, 1.0, Scale::Linear).when("mode", "online"),
        Knob::list("widths", "widths", 1, 512, 4, &[100.0, 100.0]),
    ];
    static KINDS: [Kind; 1] = [Kind { name: "ewc", label: "EWC", meaning: "", source: "", knobs: &KNOBS }];
    impl Registry for Parts {
        // Two words, as in "data set".
        const NOUN: &'static str = "kind of method";
        fn kinds() -> &'static [Kind] {
            &KINDS
        }
    }

    fn read(text: &str) -> Result<Component<Parts>, String> {
        ron::from_str(text).map_err(|error| error.to_string())
    }

    #[test]
    fn silence_means_default_and_a_round_trip_changes_nothing() {
        let parsed = read("ewc(lambda: Log(1.0, 1e4, 3), widths: [7])").unwrap();
        assert_eq!(parsed.whole("samples"), 64);
        assert_eq!(parsed.list("widths"), [7]);
        assert_eq!(parsed.get("lambda"), &Setting::Sweep(Sweep::Log(1.0, 1e4, 3)));
        let written = ron::to_string(&parsed).unwrap();
        assert_eq!(read(&written).unwrap(), parsed);
        assert!(written.contains("samples:64"), "{written}");
    }

    #[test]
    fn slips_are_named_with_their_place_and_the_nearest_name() {
        let error = read("ewc(\n  lamda: 5.0)").unwrap_err();
        assert!(error.starts_with("2:") && error.contains("did you mean \"lambda\"?"), "{error}");
        let error = read("ewx()").unwrap_err();
        assert!(error.contains("did you mean \"ewc\"?"), "{error}");
        let error = read("ewc(lambda: -1.0)").unwrap_err();
        assert!(error.contains("outside its range 0 to 1000000"), "{error}");
        let error = read("ewc(mode: \"onlin\")").unwrap_err();
        assert!(error.contains("did you mean \"online\"?"), "{error}");
        let error = read("ewc(samples: 1.5)").unwrap_err();
        assert!(error.contains("whole number"), "{error}");
        let error = read("ewc(samples: Each([1, 2]))").unwrap_err();
        assert!(error.contains("cannot be swept"), "{error}");
        let error = read("ewc(lambda: 1.0, lambda: 2.0)").unwrap_err();
        assert!(error.contains("twice"), "{error}");
    }

    #[test]
    fn a_knob_says_what_it_waits_for() {
        let gamma = KINDS[0].knob("gamma").unwrap();
        let separate = read("ewc()").unwrap();
        assert_eq!(separate.waits_for(gamma).map(|(knob, value)| (knob.name, value)), Some(("mode", "online")));
        assert_eq!(read("ewc(mode: \"online\")").unwrap().waits_for(gamma), None);
    }

    #[test]
    fn a_log_sweep_has_equal_ratios_and_exact_ends() {
        let values = Sweep::Log(1.0, 1e4, 5).values().unwrap();
        assert_eq!((values[0], values[4]), (1.0, 1e4));
        for pair in values.windows(2) {
            assert!((pair[1] / pair[0] - 10.0).abs() < 1e-9);
        }
        assert!(Sweep::Log(0.0, 1.0, 3).values().is_err());
        assert!(Sweep::Each(vec![]).values().is_err());
    }
}
