//! What a claim measures on a bench of the attention lab: one value for each draw, which is what a seed is there.
//!
//! Association: `recall_error`, `clean_error`, `decoded`, `signal`, `crosstalk`, each at the experiment's own number of
//! pairs or at another (`[load 0.5]`, `[pairs 24]`); `strength_at` (`[age 10]`), `kept`, `half_life`, `capacity`,
//! `memory_bytes`. Conditioning: `strength[A]` at the end, `strength[A, trial 10]` after ten single trials, `strength[D-B]` the difference of two cues. Depth:
//! `depth_error` after the last layer, `depth_error[layer 3]`.

use mnemoscope_core::{Setting, nearest};
use mnemoscope_memory::{
    Cues, MOST_CUES, MemoryError, Pairs, capacity, depth_errors, fit_forgetting, memory_width, quality, remember,
    strength_by_age,
};
use rayon::prelude::*;

use super::quantity::{QuantityError, Value};
use crate::experiment::Experiment;

/// What a claim measures on a bench.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct BenchQuantity {
    name: &'static str,
    spot: Spot,
}

/// Where it is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Spot {
    /// As the experiment stands.
    Own,
    /// At N = load d_k, in thousandths.
    Load(u32),
    /// At N pairs.
    Pairs(usize),
    Age(usize),
    /// Of a cue, less that of another where there is one, after so many single trials; none for all.
    Cue {
        cue: usize,
        less: Option<usize>,
        trial: Option<usize>,
    },
    /// From 1; none for the last.
    Layer(usize),
}

/// What can be measured at another number of pairs.
static AT_LOAD: [&str; 5] = ["recall_error", "clean_error", "decoded", "signal", "crosstalk"];
static OTHERS: [&str; 7] = ["strength_at", "kept", "half_life", "capacity", "memory_bytes", "strength", "depth_error"];

fn names() -> impl Iterator<Item = &'static str> {
    AT_LOAD.into_iter().chain(OTHERS)
}

fn places(name: &str) -> &'static str {
    match name {
        _ if AT_LOAD.contains(&name) => "a place is [load 0.5] or [pairs 24]",
        "strength_at" => "it needs an age, such as [age 10]; the newest pair has age 0",
        "strength" => "it needs a cue, such as [A], [A, trial 10] or the difference [A-B]",
        "depth_error" => "a place is [layer 3], counted from 1",
        _ => "it has no places",
    }
}

impl BenchQuantity {
    /// Reads a quantity as it stands in a claim of an attention experiment.
    ///
    /// # Errors
    /// When there is no such measure, or it has no such place.
    pub fn parse(text: &str) -> Result<Self, QuantityError> {
        let (word, place) = match text.split_once('[') {
            Some((word, place)) => (word, Some(place.strip_suffix(']').unwrap_or(place).trim())),
            None => (text, None),
        };
        let Some(name) = names().find(|name| *name == word) else {
            let hint = nearest(word, names());
            let all = names().collect::<Vec<_>>().join(", ");
            return Err(QuantityError::Unknown { name: word.to_owned(), hint, all });
        };
        let spot = spot(name, place).ok_or_else(|| QuantityError::Place {
            name,
            given: place.unwrap_or_default().to_owned(),
            places: places(name),
        })?;
        Ok(Self { name, spot })
    }

    /// The value of every draw, in order; draws are numbered as the population's seeds.
    pub fn of(&self, experiment: &Experiment) -> Vec<Value> {
        let first = experiment.population.whole("first") as u64;
        let seeds: Vec<u64> = (first..first + experiment.population.whole("seeds") as u64).collect();
        seeds.into_par_iter().map(|seed| Value { seed, value: self.of_draw(experiment, seed) }).collect()
    }

    fn of_draw(&self, experiment: &Experiment, draw: u64) -> Result<f64, String> {
        let memory = &experiment.memory;
        match (self.name, self.spot) {
            ("strength", Spot::Cue { cue, less, trial }) => {
                let course = experiment.conditioning.course(memory, draw).map_err(|error| error.to_string())?;
                let trial = trial.unwrap_or(course.trials());
                let of = |cue| course.strength(cue, trial).map(f64::from);
                let less = less.map_or(Some(0.0), of);
                let strength = of(cue).zip(less).map(|(strength, less)| strength - less);
                strength.ok_or_else(|| "there is no such cue or trial".to_owned())
            }
            ("depth_error", spot) => {
                let errors = depth_errors(&experiment.depth, memory, draw).map_err(|error| error.to_string())?;
                let layer = if let Spot::Layer(layer) = spot { layer } else { errors.len() };
                let error = layer.checked_sub(1).and_then(|layer| errors.get(layer)).copied();
                error.ok_or_else(|| format!("there are {} layers", errors.len()))
            }
            _ => self.of_pairs(experiment, draw).unwrap_or_else(|error| Err(error.to_string())),
        }
    }

    fn of_pairs(&self, experiment: &Experiment, draw: u64) -> Result<Result<f64, String>, MemoryError> {
        let (memory, settings) = (&experiment.memory, &experiment.attention);
        let with = |pairs: f64| settings.clone().with("pairs", Setting::Number(pairs.round().max(1.0)));
        let settings = match self.spot {
            Spot::Load(thousandths) => with(f64::from(thousandths) / 1000.0 * memory_width(settings) as f64)?,
            Spot::Pairs(pairs) => with(pairs as f64)?,
            _ => settings.clone(),
        };
        Ok(match (self.name, self.spot) {
            ("capacity", _) => Ok(capacity(&settings, memory, draw)? as f64),
            ("memory_bytes", _) => Ok(remembered_bytes(&settings, memory, draw)? as f64),
            ("strength_at", Spot::Age(age)) => {
                let strengths = strength_by_age(&settings, memory, draw)?;
                strengths.get(age).copied().ok_or_else(|| format!("no pair has age {age}"))
            }
            ("kept" | "half_life", _) => match fit_forgetting(&strength_by_age(&settings, memory, draw)?) {
                None => Err("there are fewer than three ages".to_owned()),
                Some(fit) if self.name == "kept" => Ok(fit.kept()),
                Some(fit) => fit.half_life().ok_or_else(|| "nothing is forgotten".to_owned()),
            },
            (name, _) => {
                let quality = quality(&settings, memory, draw)?;
                Ok(match name {
                    "clean_error" => quality.clean_error,
                    "decoded" => quality.decoded,
                    "signal" => quality.signal,
                    "crosstalk" => quality.crosstalk,
                    _ => quality.error,
                })
            }
        })
    }
}

/// What stands between the brackets of a quantity; none where it is no place of that measure.
fn spot(name: &str, place: Option<&str>) -> Option<Spot> {
    let Some(place) = place else {
        // What has no sense without a place.
        return (!["strength", "strength_at"].contains(&name)).then_some(Spot::Own);
    };
    let (word, number) = place.split_once(' ').unwrap_or((place, ""));
    let number = number.trim();
    match (name, word) {
        ("strength", _) => {
            let (cue, trial) = place.split_once(',').unwrap_or((place, ""));
            let number = |letter: &str| (0..MOST_CUES).find(|known| letter.trim() == Cues::letter(*known).to_string());
            let (cue, less) = match cue.split_once('-') {
                Some((cue, less)) => (cue, Some(number(less)?)),
                None => (cue, None),
            };
            let cue = number(cue)?;
            let trial = match trial.trim() {
                "" => None,
                trial => Some(trial.strip_prefix("trial ")?.trim().parse().ok()?),
            };
            Some(Spot::Cue { cue, less, trial })
        }
        ("strength_at", "age") => Some(Spot::Age(number.parse().ok()?)),
        ("depth_error", "layer") => Some(Spot::Layer(number.parse().ok()?)),
        (_, "load") if AT_LOAD.contains(&name) => {
            let load: f64 = number.parse().ok()?;
            (load > 0.0 && load <= 1000.0).then(|| Spot::Load((load * 1000.0).round() as u32))
        }
        (_, "pairs") if AT_LOAD.contains(&name) => Some(Spot::Pairs(number.parse().ok()?)),
        _ => None,
    }
}

/// Bytes that the memory keeps when all pairs are stored.
fn remembered_bytes(
    settings: &mnemoscope_memory::Component,
    memory: &mnemoscope_memory::Composition,
    draw: u64,
) -> Result<usize, MemoryError> {
    let pairs = Pairs::draw_nth(settings, draw)?;
    Ok(remember(memory, &pairs, pairs.len(), draw)?.bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Bench;

    fn experiment(of: &[(&str, &str)]) -> Experiment {
        let mut experiment = Experiment { bench: Bench::Association, ..Experiment::default() };
        for (path, value) in of.iter().chain(&[("population.seeds", "3")]) {
            crate::path::set(&mut experiment, path, value).unwrap();
        }
        experiment
    }

    fn values(text: &str, experiment: &Experiment) -> Vec<f64> {
        BenchQuantity::parse(text).unwrap().of(experiment).into_iter().map(|value| value.value.unwrap()).collect()
    }

    #[test]
    fn a_quantity_is_read_with_its_place() {
        let spot = |text| BenchQuantity::parse(text).unwrap().spot;
        assert_eq!(spot("recall_error"), Spot::Own);
        assert_eq!(spot("recall_error[load 0.5]"), Spot::Load(500));
        assert_eq!(spot("decoded[pairs 24]"), Spot::Pairs(24));
        assert_eq!(spot("strength_at[age 10]"), Spot::Age(10));
        assert_eq!(spot("strength[B]"), Spot::Cue { cue: 1, less: None, trial: None });
        assert_eq!(spot("strength[D-B, trial 20]"), Spot::Cue { cue: 3, less: Some(1), trial: Some(20) });
        assert_eq!(spot("depth_error[layer 3]"), Spot::Layer(3));
    }

    #[test]
    fn slips_name_what_is_there() {
        let error = |text| BenchQuantity::parse(text).unwrap_err().to_string();
        assert_eq!(error("recal_error"), "there is no measure \"recal_error\"; did you mean \"recall_error\"?");
        assert!(error("acc").contains("there is: recall_error, "));
        for text in ["strength", "strength[J]", "strength_at", "kept[load 1]", "recall_error[load 0]", "depth_error[3]"]
        {
            assert!(error(text).contains("place"), "{text}");
        }
    }

    #[test]
    fn draws_are_the_seeds_and_a_load_is_a_number_of_pairs() {
        let base = experiment(&[("attention.d_k", "16"), ("attention.d_v", "8")]);
        assert_eq!(values("recall_error[load 0.5]", &base), values("recall_error[pairs 8]", &base));
        let first = BenchQuantity::parse("recall_error").unwrap().of(&base);
        assert_eq!(first.iter().map(|value| value.seed).collect::<Vec<_>>(), [0, 1, 2]);
        assert_ne!(first[0].value, first[1].value);
        let later = experiment(&[("attention.d_k", "16"), ("attention.d_v", "8"), ("population.first", "1")]);
        assert_eq!(BenchQuantity::parse("recall_error").unwrap().of(&later)[0], first[1]);
    }

    #[test]
    fn every_bench_is_measured() {
        let base = experiment(&[("attention.pairs", "12"), ("depth.layers", "2")]);
        // Blocking under linear attention, the default memory: A is paired 40 times at salience 0.2.
        assert!(values("strength[A]", &base).iter().all(|strength| (strength - 8.0).abs() < 1e-4));
        assert_eq!(values("strength[A, trial 0]", &base), [0.0; 3]);
        assert!(values("strength[A-B]", &base).iter().all(|difference| (difference - 4.0).abs() < 1e-4));
        assert_eq!(values("depth_error", &base), values("depth_error[layer 2]", &base));
        assert_eq!(values("memory_bytes", &base), [64.0 * 64.0 * 4.0; 3]);
        assert!(values("kept", &base).iter().all(|kept| *kept > 0.9));
        let missing = BenchQuantity::parse("depth_error[layer 9]").unwrap().of(&base);
        assert_eq!(missing[0].value, Err("there are 2 layers".to_owned()));
    }
}
