//! What a run is compared with: one pinned run, and finished runs of the reference methods.

use std::sync::Arc;

use egui::{Color32, RichText, Ui};
use mnemoscope_figure::Theme;
use mnemoscope_lab::figures::{Known, View};
use mnemoscope_lab::{Experiment, Snapshot, Status};

use crate::icon::{self, Icon};
use crate::tiles::Action;

/// Most reference results that are remembered; the oldest goes first.
const MOST: usize = 32;

/// The pinned run, and the results of reference methods since the program was started.
#[derive(Default)]
pub struct Compare {
    pinned: Option<Arc<Snapshot>>,
    known: Vec<(Experiment, Known)>,
}

impl Compare {
    /// Keeps this run for comparison.
    pub fn pin(&mut self, snapshot: Arc<Snapshot>) {
        self.pinned = Some(snapshot);
    }

    /// Lets go of the pinned run.
    pub fn unpin(&mut self) {
        self.pinned = None;
    }

    /// The pinned run.
    pub fn pinned(&self) -> Option<&Arc<Snapshot>> {
        self.pinned.as_ref()
    }

    /// Looks at the latest picture of a run: a finished run of fine-tuning, cumulative or joint training becomes a
    /// reference line for every run on the same stream and network.
    pub fn observe(&mut self, snapshot: &Snapshot) {
        if snapshot.status != Status::Finished {
            return;
        }
        let (Some(label), Some(accuracy)) = (reference(&snapshot.experiment), final_accuracy(snapshot)) else { return };
        let ground = ground(&snapshot.experiment);
        let known = Known { label: label.to_owned(), accuracy };
        self.known.retain(|(other, old)| old.label != known.label || *other != ground);
        self.known.push((ground, known));
        if self.known.len() > MOST {
            self.known.remove(0);
        }
    }

    /// Puts the pinned run, and what is known for this stream and network, into the view. The run itself is no reference
    /// to itself.
    pub fn apply(&self, view: &mut View, snapshot: Option<&Snapshot>) {
        view.pinned.clone_from(&self.pinned);
        view.known = snapshot.map_or_else(Vec::new, |snapshot| {
            let (ground, own) = (ground(&snapshot.experiment), reference(&snapshot.experiment));
            let others =
                self.known.iter().filter(|(other, known)| *other == ground && Some(known.label.as_str()) != own);
            others.map(|(_, known)| known.clone()).collect()
        });
    }

    /// The button that pins a finished run, or the pinned run's name with the button that lets it go.
    pub fn ui(&self, ui: &mut Ui, theme: &Theme, snapshot: Option<&Arc<Snapshot>>, actions: &mut Vec<Action>) {
        let finished = snapshot.filter(|snapshot| snapshot.status == Status::Finished);
        if let Some(pinned) = &self.pinned {
            egui::Frame::new()
                .fill(theme.raised.into())
                .corner_radius(12.0)
                .inner_margin(egui::Margin { left: 10, right: 4, top: 2, bottom: 2 })
                .show(ui, |ui| {
                    ui.spacing_mut().item_spacing.x = 4.0;
                    let (place, _) = ui.allocate_exact_size(egui::vec2(12.0, 18.0), egui::Sense::hover());
                    Icon::Pin.paint(ui.painter(), place.center(), 11.0, Color32::from(theme.accent));
                    let name = RichText::new(short(&pinned.experiment.title)).size(12.0).color(theme.text);
                    ui.label(name).on_hover_ui(|ui| {
                        ui.label(format!("Compared with: {}", pinned.experiment.title));
                        ui.label(RichText::new(methods(&pinned.experiment)).small().color(theme.text_dim));
                        ui.label("Its curves stand behind this run's, the matrix and the metrics show the difference.");
                    });
                    if icon::small(ui, Icon::Close, "Unpin", 18.0).on_hover_text("Let go of the pinned run").clicked() {
                        actions.push(Action::Unpin);
                    }
                });
        }
        let same = |run: &Arc<Snapshot>| self.pinned.as_ref().is_some_and(|pinned| Arc::ptr_eq(pinned, run));
        if let Some(run) = finished
            && !same(run)
        {
            let response = icon::button(ui, Icon::Pin, "Pin", None, true);
            if response.on_hover_text("Keep this run, and compare the next one with it").clicked() {
                actions.push(Action::Pin);
            }
        }
    }
}

/// What a reference method is called in the plot; none for other runs, and for sweeps, which are several runs.
fn reference(experiment: &Experiment) -> Option<&'static str> {
    let names: Vec<&str> =
        experiment.methods.iter().map(|method| method.name()).filter(|name| *name != "fine_tuning").collect();
    match names[..] {
        [] => Some("fine-tuning"),
        ["cumulative"] => Some("cumulative"),
        ["joint"] => Some("joint"),
        _ => None,
    }
}

/// The experiment without its methods and without what changes no figure: equal grounds make comparable accuracies.
fn ground(experiment: &Experiment) -> Experiment {
    let blank = Experiment::default();
    Experiment {
        title: String::new(),
        look_for: String::new(),
        note: String::new(),
        expected_seconds: 0.0,
        methods: Vec::new(),
        pace: blank.pace,
        memory: if experiment.model.name() == "sequence" { experiment.memory.clone() } else { blank.memory },
        bench: blank.bench,
        attention: blank.attention,
        conditioning: blank.conditioning,
        depth: blank.depth,
        ..experiment.without_history()
    }
}

/// Mean over tasks and replicas at the last evaluated step; none where several variants were trained at once, or a knob was
/// changed on the way.
fn final_accuracy(snapshot: &Snapshot) -> Option<f64> {
    let record = &snapshot.record;
    let row = record.len().checked_sub(1)?;
    let cells = record.groups() * record.replicas();
    if snapshot.layout.variants().len() != 1 || !snapshot.events.is_empty() || cells == 0 {
        return None;
    }
    let sum: f64 = (0..record.groups())
        .flat_map(|group| (0..record.replicas()).map(move |replica| (group, replica)))
        .map(|(group, replica)| record.accuracy(row, group, replica))
        .sum();
    Some(sum / cells as f64)
}

/// "Experience replay + EWC", or "fine-tuning".
fn methods(experiment: &Experiment) -> String {
    let labels: Vec<&str> = experiment.methods.iter().map(|method| method.kind().label).collect();
    if labels.is_empty() { "fine-tuning".to_owned() } else { labels.join(" + ") }
}

/// At most 24 characters of a title.
fn short(title: &str) -> String {
    if title.chars().count() <= 24 {
        return title.to_owned();
    }
    title.chars().take(23).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use mnemoscope_core::{Component, Setting};

    use super::*;

    #[test]
    fn only_plain_reference_methods_are_references() {
        let with = |names: &[&str]| Experiment {
            methods: names.iter().map(|name| Component::new(name).unwrap()).collect(),
            ..Experiment::default()
        };
        assert_eq!(reference(&with(&[])), Some("fine-tuning"));
        assert_eq!(reference(&with(&["fine_tuning"])), Some("fine-tuning"));
        assert_eq!(reference(&with(&["joint"])), Some("joint"));
        assert_eq!(reference(&with(&["cumulative", "ewc"])), None);
        assert_eq!(methods(&with(&[])), "fine-tuning");
    }

    #[test]
    fn a_ground_knows_stream_and_network_and_no_method() {
        let plain = Experiment::default();
        let mut other = Experiment { title: "Other".to_owned(), ..Experiment::default() };
        other.methods.push(Component::new("ewc").unwrap());
        assert_eq!(ground(&plain), ground(&other));
        other.optimiser.set("rate", Setting::Number(0.2)).unwrap();
        assert_ne!(ground(&plain), ground(&other));
    }
}
