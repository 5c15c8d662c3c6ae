//! The associative memory behind the association bench: computed when its settings change, and no sooner.

use std::sync::Arc;

use egui::Context;
use mnemoscope_core::{Component, Setting};
use mnemoscope_figure::Figure;
use mnemoscope_lab::figures;
use mnemoscope_memory::{Association, AssociationKinds, CapacityCurve, Composition, MemoryError, capacity_curve};

use super::work::Work;

/// Draws of keys and values behind each point of the error curve.
const DRAWS: usize = 6;

/// The memory, its figures, and the error curve that a thread of its own brings.
#[derive(Default)]
pub(crate) struct Memory {
    shown: Option<Shown>,
    /// The settings and choices that `shown` or `refused` answers.
    settings: Option<(Component<AssociationKinds>, Composition)>,
    refused: Option<MemoryError>,
    /// The error of the memory and of known ones over the load: it takes longer than a frame.
    curve: Work<(Component<AssociationKinds>, Vec<Composition>), Vec<CapacityCurve>>,
}

struct Shown {
    association: Association,
    /// The maps that were asked for since the last change.
    maps: Vec<(Map, Arc<Figure>)>,
    error: Arc<Figure>,
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
}

impl Map {
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
        }
    }

    fn figure(self, association: &Association) -> Figure {
        match self {
            Self::State => figures::memory_matrix(association),
            Self::Recall => figures::recall_matrix(association),
            Self::Added => figures::written_pair(association),
            Self::Similarity => figures::key_similarity(association),
            Self::Keys => figures::stored_keys(association),
            Self::Values => figures::stored_values(association),
            Self::Recalled => figures::recalled_values(association),
        }
    }
}

impl Memory {
    /// Takes the settings, if they changed, and the curve, if it came.
    pub(crate) fn update(&mut self, settings: &Component<AssociationKinds>, composition: &Composition, ctx: &Context) {
        if self.settings.as_ref().is_none_or(|(pairs, memory)| (pairs, memory) != (settings, composition)) {
            self.settings = Some((settings.clone(), composition.clone()));
            let answer = match self.shown.take() {
                Some(mut shown) => {
                    let answer = shown.association.change(settings.clone(), composition.clone());
                    let association = shown.association.clone();
                    answer.map(|()| association).map_err(|error| (error, Some(shown)))
                }
                None => Association::new(settings.clone(), composition.clone()).map_err(|error| (error, None)),
            };
            match answer {
                Ok(association) => {
                    self.refused = None;
                    self.show(association);
                }
                Err((error, before)) => {
                    self.refused = Some(error);
                    self.shown = before;
                }
            }
        }
        if let Some(shown) = &mut self.shown {
            let wanted = (common(shown.association.component()), compared(shown.association.composition()));
            let measure = |(settings, memories): &(Component<AssociationKinds>, Vec<Composition>)| {
                capacity_curve(settings, memories, &loads(settings), DRAWS).unwrap_or_default()
            };
            if self.curve.update(ctx, "capacity", wanted, measure) {
                shown.error = error_figure(&shown.association, self.curve.value());
            }
        }
    }

    fn show(&mut self, association: Association) {
        let error = error_figure(&association, self.curve.value());
        self.shown = Some(Shown { association, maps: Vec::new(), error });
    }

    /// Shows the memory after this many writes.
    pub(crate) fn step_to(&mut self, writes: usize) {
        let Some(mut shown) = self.shown.take() else { return };
        match shown.association.show(writes) {
            Ok(()) => self.show(shown.association),
            Err(error) => {
                self.refused = Some(error);
                self.shown = Some(shown);
            }
        }
    }

    /// The memory, if there is one.
    pub(crate) fn association(&self) -> Option<&Association> {
        self.shown.as_ref().map(|shown| &shown.association)
    }

    /// A map of the memory as it is shown, if there is a memory. Computed when it is first asked for.
    pub(crate) fn map(&mut self, map: Map) -> Option<Arc<Figure>> {
        let shown = self.shown.as_mut()?;
        if let Some((_, figure)) = shown.maps.iter().find(|(known, _)| *known == map) {
            return Some(figure.clone());
        }
        let figure = Arc::new(map.figure(&shown.association));
        shown.maps.push((map, figure.clone()));
        Some(figure)
    }

    /// Error against load, if there is a memory.
    pub(crate) fn error(&self) -> Option<Arc<Figure>> {
        self.shown.as_ref().map(|shown| shown.error.clone())
    }

    /// Why the settings are refused. The figures are then those of the last settings that were not.
    pub(crate) fn refused(&self) -> Option<&MemoryError> {
        self.refused.as_ref()
    }
}

fn error_figure(association: &Association, curves: Option<&Vec<CapacityCurve>>) -> Arc<Figure> {
    let d_k = association.component().whole("d_k");
    let snapshot = association.snapshot();
    let now = (snapshot.writes > 0).then(|| (snapshot.writes as f64 / d_k as f64, snapshot.quality.error));
    Arc::new(figures::error_curve(curves.map_or(&[], Vec::as_slice), DRAWS, d_k, now))
}

/// The known memories that every one is compared with.
const COMPARED: [&str; 3] = ["linear_attention", "delta_rule", "softmax_attention"];

/// The known memories, and the composed one unless it is one of them.
fn compared(composition: &Composition) -> Vec<Composition> {
    let known = Composition::named().iter().filter(|point| COMPARED.contains(&point.name));
    let mut all: Vec<Composition> = known.map(|point| point.composition()).collect();
    if !all.contains(composition) {
        all.push(composition.clone());
    }
    all
}

/// The settings without what no curve depends on: how many pairs are stored now, and what computes.
fn common(settings: &Component<AssociationKinds>) -> Component<AssociationKinds> {
    let mut common = settings.clone();
    for knob in settings.kind().knobs.iter().filter(|knob| ["pairs", "gpu"].contains(&knob.name)) {
        // A knob's own default lies in its domain.
        let _ = common.set(knob.name, knob.default());
    }
    if common.switch("orthonormal") {
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
        assert_eq!(memory.association().unwrap().snapshot().writes, 3);
        memory.update(&settings(&[]), &hebb, &ctx);
        assert_eq!(memory.association().unwrap().snapshot().writes, 3, "the same settings change nothing");
    }

    #[test]
    fn the_curve_does_not_depend_on_the_number_of_pairs() {
        let other = [("pairs", Setting::Number(7.0))];
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
