//! The associative memory behind the association bench: computed when its settings change, and no sooner; on a thread
//! where that takes longer than a frame.

use std::sync::Arc;

use egui::Context;
use mnemoscope_core::{Component, Setting};
use mnemoscope_figure::Figure;
use mnemoscope_lab::figures;
use mnemoscope_memory::{
    Association, AssociationKinds, CapacityCurve, Composition, MemoryError, age_curve, association_cost,
    capacity_curve, capacity_sweep, longest_key,
};

use super::shared::{self, Shared};
use super::work::Work;

/// Draws of keys and values behind each point of the error curve.
const DRAWS: usize = 6;
/// Draws behind recall against age.
const AGE_DRAWS: usize = 24;
/// Draws behind each capacity.
const CAPACITY_DRAWS: usize = 4;
/// Key sizes whose capacities are compared.
const SIZES: [usize; 4] = [8, 16, 32, 64];

/// The memory, its figures, and the error curve that a thread of its own brings.
#[derive(Default)]
pub(crate) struct Memory {
    shown: Option<Shown>,
    /// Writes that are to be shown; none means all.
    at: Option<usize>,
    /// The settings, choices and writes that were wanted last.
    wanted: Option<Wanted>,
    /// Whether they are answered within a frame.
    quick: bool,
    answers: Work<Wanted, Result<Shown, MemoryError>>,
    refused: Option<MemoryError>,
    /// The error of the memory and of known ones over the load: it takes longer than a frame.
    loads: Work<Question, Vec<CapacityCurve>>,
    /// The chart of it, with the memory as it is shown.
    error: Option<Arc<Figure>>,
    /// Recall against age, and capacity against key size: measured where they are looked at.
    ages: Work<Question, Arc<Figure>>,
    capacities: Work<Question, Arc<Figure>>,
    shared: Shared,
}

/// Settings of the pairs, the memory that they are written into, and how many are; all of them where none is said.
type Wanted = (Component<AssociationKinds>, Composition, Option<usize>);

/// Settings of the pairs, and the memories that they are written into.
type Question = (Component<AssociationKinds>, Vec<Composition>);

#[derive(Clone)]
struct Shown {
    association: Arc<Association>,
    /// The maps that were asked for since the last change.
    maps: Vec<(Map, Arc<Figure>)>,
}

/// A heat map of the bench.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Map {
    /// S; of a memory that keeps the pairs its weights.
    State,
    /// Query by stored value.
    Recall,
    /// What the last write added.
    Added,
    /// Key by key.
    Similarity,
    /// The keys.
    Keys,
    /// The values.
    Values,
    /// What the queries recall.
    Recalled,
    /// S, drawn from the buffer that a shader wrote it into.
    Shared,
}

/// A chart of the bench.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Curve {
    /// Error against load.
    Error,
    /// Recall against age.
    Age,
    /// Capacity against key size.
    Capacity,
}

impl Curve {
    /// Every chart, in the order of the list.
    pub(crate) const ALL: [Self; 3] = [Self::Error, Self::Age, Self::Capacity];

    /// As shown where charts are chosen.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Error => "Recall error",
            Self::Age => "Recall against age",
            Self::Capacity => "Capacity",
        }
    }
}

impl Map {
    /// Every map that a thread can prepare.
    const PREPARED: [Self; 7] =
        [Self::State, Self::Recall, Self::Added, Self::Similarity, Self::Keys, Self::Values, Self::Recalled];

    /// As shown where maps are chosen.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::State => "Memory S",
            Self::Recall => "Recall",
            Self::Added => "Added last",
            Self::Similarity => "Key similarity",
            Self::Keys => "Keys",
            Self::Values => "Values",
            Self::Recalled => "Recalled values",
            Self::Shared => shared::TITLE,
        }
    }

    /// The map; none of a buffer on the card, which the window alone can draw.
    fn figure(self, association: &Association) -> Option<Arc<Figure>> {
        let figure = match self {
            Self::State => figures::memory_matrix(association),
            Self::Recall => figures::recall_matrix(association),
            Self::Added => figures::written_pair(association),
            Self::Similarity => figures::key_similarity(association),
            Self::Keys => figures::stored_keys(association),
            Self::Values => figures::stored_values(association),
            Self::Recalled => figures::recalled_values(association),
            Self::Shared => return None,
        };
        Some(Arc::new(figure))
    }
}

impl Memory {
    /// Takes the settings, if they changed, and what came of threads.
    pub(crate) fn update(&mut self, settings: &Component<AssociationKinds>, composition: &Composition, ctx: &Context) {
        self.shared.update(ctx);
        let same = |wanted: &Wanted| (&wanted.0, &wanted.1, wanted.2) == (settings, composition, self.at);
        if !self.wanted.as_ref().is_some_and(same) {
            // All stays all, as pairs come and go.
            self.at = self.at.filter(|at| *at < settings.whole("pairs"));
            let wanted = (settings.clone(), composition.clone(), self.at);
            self.quick = quick(&wanted);
            self.wanted = Some(wanted);
        }
        if let Some(wanted) = &self.wanted {
            let quick = self.quick;
            let before = self.shown.as_ref().map(|shown| shown.association.clone());
            let compute = move |wanted: &Wanted| shown(wanted, before.as_deref(), !quick);
            if self.answers.answer(ctx, "memory", wanted.clone(), quick, compute) {
                self.error = None;
                match self.answers.value() {
                    Some(Ok(shown)) => (self.shown, self.refused) = (Some(shown.clone()), None),
                    Some(Err(error)) => self.refused = Some(error.clone()),
                    None => {}
                }
            }
        }
        if let Some(shown) = &self.shown {
            let pairs = without(shown.association.component(), &["pairs", "gpu"]);
            let memories = compared(shown.association.composition(), &pairs);
            let wanted = (pairs, memories);
            let measure = |(settings, memories): &Question| {
                capacity_curve(settings, memories, &loads(settings), DRAWS).unwrap_or_default()
            };
            if self.loads.update(ctx, "loads", wanted, measure) {
                self.error = None;
            }
        }
    }

    /// Whether what is shown is about to be replaced.
    pub(crate) fn computing(&self) -> bool {
        self.answers.behind()
    }

    /// Shows the memory after this many writes.
    pub(crate) fn step_to(&mut self, writes: usize) {
        let all = self.place().map_or(0, |(_, all)| all);
        self.at = (writes < all).then_some(writes);
    }

    /// Writes that are to be shown, and all of them. What is shown follows as it is computed.
    pub(crate) fn place(&self) -> Option<(usize, usize)> {
        let (settings, ..) = self.wanted.as_ref()?;
        let all = settings.whole("pairs");
        Some((self.at.unwrap_or(all).min(all), all))
    }

    /// The memory, if there is one.
    pub(crate) fn association(&self) -> Option<&Association> {
        self.shown.as_ref().map(|shown| &*shown.association)
    }

    /// A map of the memory as it is shown, if there is a memory. Made when it is first asked for, unless it came with the
    /// memory.
    pub(crate) fn map(&mut self, map: Map) -> Option<Arc<Figure>> {
        let Some(shown) = self.shown.as_mut() else {
            let waiting = || Arc::new(Figure::empty("waiting", map.title(), "Being computed…"));
            return self.answers.behind().then(waiting);
        };
        if let Some((_, figure)) = shown.maps.iter().find(|(known, _)| *known == map) {
            return Some(figure.clone());
        }
        let figure = map.figure(&shown.association).unwrap_or_else(|| Arc::new(self.shared.figure(&shown.association)));
        shown.maps.push((map, figure.clone()));
        Some(figure)
    }

    /// A chart, if there is a memory. What takes longer than a frame is measured on a thread, once it is looked at.
    pub(crate) fn curve(&mut self, curve: Curve, ctx: &Context) -> Option<Arc<Figure>> {
        let shown = self.shown.as_ref()?;
        let (settings, memory) = (shown.association.component(), shown.association.composition());
        let figure = match curve {
            Curve::Error => {
                let make = || error_figure(&shown.association, self.loads.value());
                Some(self.error.get_or_insert_with(make).clone())
            }
            Curve::Age => {
                let wanted = (without(settings, &["gpu"]), vec![memory.clone()]);
                self.ages.update(ctx, "ages", wanted, ages);
                self.ages.value().cloned()
            }
            Curve::Capacity => {
                let wanted = (without(settings, &["pairs", "d_k", "gpu"]), compared(memory, settings));
                self.capacities.update(ctx, "capacities", wanted, capacities);
                self.capacities.value().cloned()
            }
        };
        let waiting = || Arc::new(Figure::empty("waiting", curve.title(), "Being measured…"));
        Some(figure.unwrap_or_else(waiting))
    }

    /// Why the settings are refused. The figures are then those of the last settings that were not.
    pub(crate) fn refused(&self) -> Option<&MemoryError> {
        self.refused.as_ref()
    }
}

/// Whether this is answered within a frame. The graphics card is waited for, however little there is to do.
fn quick((settings, composition, at): &Wanted) -> bool {
    let writes = at.unwrap_or(usize::MAX);
    !settings.switch("gpu") && association_cost(settings, composition, writes).within_a_frame()
}

/// The memory with so many writes; from the one `before` where only their number changed. With `prepare` the maps come too.
fn shown(
    (settings, composition, at): &Wanted,
    before: Option<&Association>,
    prepare: bool,
) -> Result<Shown, MemoryError> {
    let writes = at.unwrap_or(usize::MAX);
    let before = before.filter(|before| before.component() == settings && before.composition() == composition);
    let association = Arc::new(match before {
        Some(before) => before.after(writes)?,
        None => Association::with_writes(settings.clone(), composition.clone(), writes)?,
    });
    let map = |map: &Map| Some((*map, map.figure(&association)?));
    let maps = if prepare { Map::PREPARED.iter().filter_map(map).collect() } else { Vec::new() };
    Ok(Shown { association, maps })
}

fn error_figure(association: &Association, curves: Option<&Vec<CapacityCurve>>) -> Arc<Figure> {
    let d_k = association.component().whole("d_k");
    let snapshot = association.snapshot();
    let now = (snapshot.writes > 0).then(|| (snapshot.writes as f64 / d_k as f64, snapshot.quality.error));
    Arc::new(figures::error_curve(curves.map_or(&[], Vec::as_slice), DRAWS, d_k, now))
}

/// The known memories that every one is compared with.
const COMPARED: [&str; 3] = ["linear_attention", "delta_rule", "softmax_attention"];

/// The known memories that converge on such keys, and the composed one unless it is one of them.
fn compared(composition: &Composition, settings: &Component<AssociationKinds>) -> Vec<Composition> {
    let longest = longest_key(settings);
    let known = Composition::named().iter().filter(|point| COMPARED.contains(&point.name));
    let known = known.map(|point| point.composition()).filter(|memory| memory.check_keys(longest).is_ok());
    let mut all: Vec<Composition> = known.collect();
    if !all.contains(composition) {
        all.push(composition.clone());
    }
    all
}

fn ages((settings, memories): &Question) -> Arc<Figure> {
    let measured = memories.first().map(|memory| age_curve(settings, memory, AGE_DRAWS));
    Arc::new(match measured {
        Some(Ok(curve)) => figures::forgetting_curve(&curve, AGE_DRAWS),
        Some(Err(error)) => Figure::empty("forgetting", Curve::Age.title(), error.to_string()),
        None => Figure::empty("forgetting", Curve::Age.title(), "There is no memory."),
    })
}

fn capacities((settings, memories): &Question) -> Arc<Figure> {
    Arc::new(match capacity_sweep(settings, memories, &SIZES, false, CAPACITY_DRAWS) {
        Ok(held) => {
            let named: Vec<_> = memories.iter().map(figures::memory_name).zip(held).collect();
            figures::capacity_curve(&named, CAPACITY_DRAWS)
        }
        Err(error) => Figure::empty("capacity", Curve::Capacity.title(), error.to_string()),
    })
}

/// The settings without what a measure does not depend on, such as how many pairs are stored now or what computes.
fn without(settings: &Component<AssociationKinds>, names: &[&str]) -> Component<AssociationKinds> {
    let mut common = settings.clone();
    for knob in settings.kind().knobs.iter().filter(|knob| names.contains(&knob.name)) {
        // A knob's own default lies in its domain.
        let _ = common.set(knob.name, knob.default());
    }
    if common.switch("orthonormal") && names.contains(&"pairs") {
        let _ = common.set("pairs", Setting::Number(1.0));
    }
    common
}

/// Numbers of pairs from an eighth of d_k to twice d_k; orthonormal keys end at d_k.
fn loads(settings: &Component<AssociationKinds>) -> Vec<usize> {
    let d_k = settings.whole("d_k");
    let most = if settings.switch("orthonormal") { d_k } else { (2 * d_k).min(512) };
    let mut loads: Vec<usize> =
        [1, 2, 4, 6, 8, 10, 12, 14, 16].map(|eighths| (d_k * eighths / 8).clamp(1, most)).into();
    loads.dedup();
    loads
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(changes: &[(&str, Setting)]) -> Component<AssociationKinds> {
        let plain = Component::<AssociationKinds>::new("association").unwrap();
        changes.iter().fold(plain, |settings, (name, value)| settings.with(name, value.clone()).unwrap())
    }

    #[test]
    fn refused_settings_leave_the_last_figures_and_say_why() {
        let ctx = Context::default();
        let (mut memory, hebb) = (Memory::default(), Composition::default());
        memory.update(&settings(&[]), &hebb, &ctx);
        let before = memory.map(Map::Recall).unwrap();
        let mut wild = Composition::named().iter().find(|point| point.name == "delta_rule").unwrap().composition();
        wild.rule.set("beta", Setting::Number(0.0)).unwrap();
        memory.update(&settings(&[]), &wild, &ctx);
        assert!(memory.refused().unwrap().to_string().contains("beta"));
        assert!(Arc::ptr_eq(&before, &memory.map(Map::Recall).unwrap()));
        memory.update(&settings(&[("noise", Setting::Number(0.5))]), &hebb, &ctx);
        assert!(memory.refused().is_none());
        assert!(!Arc::ptr_eq(&before, &memory.map(Map::Recall).unwrap()));
    }

    #[test]
    fn stepping_keeps_the_settings_and_changes_the_state() {
        let ctx = Context::default();
        let (mut memory, hebb) = (Memory::default(), Composition::default());
        memory.update(&settings(&[]), &hebb, &ctx);
        memory.step_to(3);
        memory.update(&settings(&[]), &hebb, &ctx);
        assert_eq!(memory.association().unwrap().snapshot().writes, 3);
        memory.update(&settings(&[]), &hebb, &ctx);
        assert_eq!(memory.association().unwrap().snapshot().writes, 3, "the same settings change nothing");
    }

    #[test]
    fn the_curve_does_not_depend_on_the_number_of_pairs() {
        let other = [("pairs", Setting::Number(7.0))];
        let common = |settings: &_| without(settings, &["pairs", "gpu"]);
        assert_eq!(common(&settings(&other)), common(&settings(&[])));
        assert_ne!(common(&settings(&[("d_k", Setting::Number(8.0))])), common(&settings(&[])));
    }

    #[test]
    fn loads_lie_in_range() {
        assert_eq!(loads(&settings(&[("d_k", Setting::Number(2.0))])), [1, 2, 3, 4]);
        assert_eq!(*loads(&settings(&[("d_k", Setting::Number(128.0))])).last().unwrap(), 256);
        let orthonormal = settings(&[
            ("d_k", Setting::Number(16.0)),
            ("pairs", Setting::Number(4.0)),
            ("orthonormal", Setting::Switch(true)),
        ]);
        assert_eq!(*loads(&orthonormal).last().unwrap(), 16);
    }
}
