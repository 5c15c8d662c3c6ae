//! The declaration of one number, choice or switch that a person may turn.

use crate::{Setting, SettingError};

/// How a slider spreads its range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// Equal steps.
    Linear,
    /// Equal ratios; a range that starts at 0 has its 0 at the left end.
    Log,
}

/// One option of a choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opt {
    /// As written in a file.
    pub name: &'static str,
    /// As shown in the window.
    pub label: &'static str,
    /// One sentence.
    pub meaning: &'static str,
}

/// What values a knob takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Domain {
    /// A real number in `min..=max`.
    Real {
        /// Smallest value.
        min: f64,
        /// Largest value.
        max: f64,
        /// Value where a file is silent.
        default: f64,
        /// Spread of the slider.
        scale: Scale,
    },
    /// A whole number in `min..=max`.
    Whole {
        /// Smallest value.
        min: u64,
        /// Largest value.
        max: u64,
        /// Value where a file is silent.
        default: u64,
        /// Spread of the slider.
        scale: Scale,
    },
    /// One of several named options.
    Choice {
        /// All options.
        options: &'static [Opt],
        /// The name of the default.
        default: &'static str,
    },
    /// Yes or no.
    Switch {
        /// Value where a file is silent.
        default: bool,
    },
    /// A list of whole numbers, each in `min..=max`, such as the widths of the hidden layers.
    List {
        /// Smallest entry.
        min: u64,
        /// Largest entry.
        max: u64,
        /// Most entries.
        longest: usize,
        /// Value where a file is silent.
        default: &'static [f64],
    },
    /// Free text, such as a path.
    Text {
        /// Value where a file is silent.
        default: &'static str,
    },
}

/// A declared value: its name, symbol, domain, meaning and source.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Knob {
    /// As written in a file and in `--set`.
    pub name: &'static str,
    /// As shown beside the slider.
    pub label: &'static str,
    /// As shown in equations; may be empty.
    pub symbol: &'static str,
    /// Unit, such as "steps" or "degrees"; may be empty.
    pub unit: &'static str,
    /// The values it takes.
    pub domain: Domain,
    /// One sentence.
    pub meaning: &'static str,
    /// Paper and equation, or what else the default rests on.
    pub source: &'static str,
    /// May change while a run is under way.
    pub live: bool,
    /// May differ between replicas of one population, and so be swept.
    pub sweep: bool,
    /// Only matters where this other choice of the component has this value.
    pub needs: Option<(&'static str, &'static str)>,
}

impl Knob {
    const fn new(name: &'static str, label: &'static str, symbol: &'static str, domain: Domain) -> Self {
        Self { name, label, symbol, unit: "", domain, meaning: "", source: "", live: false, sweep: false, needs: None }
    }

    /// A real number.
    pub const fn real(
        name: &'static str,
        label: &'static str,
        symbol: &'static str,
        min: f64,
        max: f64,
        default: f64,
        scale: Scale,
    ) -> Self {
        Self::new(name, label, symbol, Domain::Real { min, max, default, scale })
    }

    /// A whole number.
    pub const fn whole(
        name: &'static str,
        label: &'static str,
        symbol: &'static str,
        min: u64,
        max: u64,
        default: u64,
        scale: Scale,
    ) -> Self {
        Self::new(name, label, symbol, Domain::Whole { min, max, default, scale })
    }

    /// One of several options.
    pub const fn choice(
        name: &'static str,
        label: &'static str,
        options: &'static [Opt],
        default: &'static str,
    ) -> Self {
        Self::new(name, label, "", Domain::Choice { options, default })
    }

    /// Yes or no.
    pub const fn switch(name: &'static str, label: &'static str, default: bool) -> Self {
        Self::new(name, label, "", Domain::Switch { default })
    }

    /// A list of whole numbers.
    pub const fn list(
        name: &'static str,
        label: &'static str,
        min: u64,
        max: u64,
        longest: usize,
        default: &'static [f64],
    ) -> Self {
        Self::new(name, label, "", Domain::List { min, max, longest, default })
    }

    /// Free text.
    pub const fn text(name: &'static str, label: &'static str, default: &'static str) -> Self {
        Self::new(name, label, "", Domain::Text { default })
    }

    /// With its unit.
    pub const fn unit(mut self, unit: &'static str) -> Self {
        self.unit = unit;
        self
    }

    /// With its one-sentence meaning.
    pub const fn meaning(mut self, meaning: &'static str) -> Self {
        self.meaning = meaning;
        self
    }

    /// With its source.
    pub const fn source(mut self, source: &'static str) -> Self {
        self.source = source;
        self
    }

    /// May change while a run is under way.
    pub const fn live(mut self) -> Self {
        self.live = true;
        self
    }

    /// Only matters where the choice `knob` of the same component is `value`.
    pub const fn when(mut self, knob: &'static str, value: &'static str) -> Self {
        self.needs = Some((knob, value));
        self
    }

    /// May differ between replicas.
    pub const fn swept(mut self) -> Self {
        self.sweep = true;
        self
    }

    /// The value where a file is silent.
    pub fn default(&self) -> Setting {
        match self.domain {
            Domain::Real { default, .. } => Setting::Number(default),
            Domain::Whole { default, .. } => Setting::Number(default as f64),
            Domain::Choice { default, .. } | Domain::Text { default } => Setting::Text(default.to_owned()),
            Domain::Switch { default } => Setting::Switch(default),
            Domain::List { default, .. } => Setting::List(default.to_vec()),
        }
    }

    /// Whether the setting lies in the knob's domain.
    ///
    /// # Errors
    /// Says what is wrong with the value and what would be right.
    pub fn check(&self, setting: &Setting) -> Result<(), SettingError> {
        let number = |value: f64| self.check_number(value);
        match (self.domain, setting) {
            (Domain::Real { .. } | Domain::Whole { .. }, Setting::Number(value)) => number(*value),
            (Domain::Real { .. } | Domain::Whole { .. }, Setting::Sweep(sweep)) => {
                if !self.sweep {
                    return Err(SettingError::NotSwept { knob: self.name });
                }
                let values = sweep.values().map_err(|problem| SettingError::BadSweep { knob: self.name, problem })?;
                values.into_iter().try_for_each(number)
            }
            (Domain::Choice { options, .. }, Setting::Text(text)) => {
                if options.iter().any(|option| option.name == text) {
                    return Ok(());
                }
                let names: Vec<_> = options.iter().map(|option| option.name).collect();
                Err(SettingError::UnknownOption {
                    knob: self.name,
                    value: text.clone(),
                    hint: crate::nearest(text, names.iter().copied()).map(str::to_owned),
                    options: names.join(", "),
                })
            }
            (Domain::Switch { .. }, Setting::Switch(_)) | (Domain::Text { .. }, Setting::Text(_)) => Ok(()),
            (Domain::List { longest, .. }, Setting::List(list)) => {
                if list.len() > longest {
                    return Err(SettingError::TooLong { knob: self.name, count: list.len(), longest });
                }
                list.iter().copied().try_for_each(number)
            }
            _ => Err(SettingError::WrongType { knob: self.name, wanted: self.domain_text(), got: setting.describe() }),
        }
    }

    fn check_number(&self, value: f64) -> Result<(), SettingError> {
        let (min, max, whole) = match self.domain {
            Domain::Real { min, max, .. } => (min, max, false),
            Domain::Whole { min, max, .. } | Domain::List { min, max, .. } => (min as f64, max as f64, true),
            _ => return Ok(()),
        };
        if !value.is_finite() || value < min || value > max {
            return Err(SettingError::OutOfRange { knob: self.name, value, min, max });
        }
        if whole && value.fract() != 0.0 {
            return Err(SettingError::NotWhole { knob: self.name, value });
        }
        Ok(())
    }

    /// The domain in words, for messages and lists: "0 to 1000000", "relu, tanh, gelu", "yes or no".
    pub fn domain_text(&self) -> String {
        match self.domain {
            Domain::Real { min, max, scale, .. } => {
                format!("{min} to {max}{}", if scale == Scale::Log { ", logarithmic" } else { "" })
            }
            Domain::Whole { min, max, scale, .. } => {
                format!("whole number, {min} to {max}{}", if scale == Scale::Log { ", logarithmic" } else { "" })
            }
            Domain::Choice { options, .. } => options.iter().map(|option| option.name).collect::<Vec<_>>().join(", "),
            Domain::Switch { .. } => "true or false".to_owned(),
            Domain::List { min, max, longest, .. } => {
                format!("list of at most {longest} whole numbers, each {min} to {max}")
            }
            Domain::Text { .. } => "text".to_owned(),
        }
    }
}
