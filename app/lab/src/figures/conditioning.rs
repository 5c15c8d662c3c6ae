//! Conditioning: what a memory predicts of every cue, trial by trial.

use mnemoscope_figure::{Axis, Body, Chart, Figure, LineKind, Mark, MarkKind, Series, SeriesColor};
use mnemoscope_memory::{Conditioning, Course, Cues};

/// More groups of trials than this are not labelled: the labels would lie on top of each other.
const MOST_LABELS: usize = 12;

/// Strength of every cue over trials, with a mark where the trials change and the present trial, if one is shown. `other`
/// is another memory's course, drawn thin: Hebb beside delta.
pub fn strengths(
    conditioning: &Conditioning,
    course: &Course,
    other: Option<(&str, &Course)>,
    now: Option<usize>,
) -> Figure {
    let lines = |course: &Course, cue: usize| -> Vec<[f64; 2]> {
        let trials = 0..=course.trials();
        trials.filter_map(|trial| Some([trial as f64, f64::from(course.strength(cue, trial)?)])).collect()
    };
    let mut chart = Chart::new(Axis::new("trial"), Axis::new("associative strength"));
    if let Some((name, other)) = other {
        for cue in 0..other.cues {
            let series =
                Series::new(format!("{} ({name})", Cues::letter(cue)), SeriesColor::Task(cue), lines(other, cue));
            chart.series.push(series.style(LineKind::Ghost));
        }
    }
    for cue in 0..course.cues {
        chart.series.push(Series::new(Cues::letter(cue).to_string(), SeriesColor::Task(cue), lines(course, cue)));
    }
    let mut start = 0;
    let labelled = conditioning.trials.len() <= MOST_LABELS;
    for trial in &conditioning.trials {
        if labelled {
            let mark =
                Mark { x: f64::from(start), label: trial.to_string(), color: SeriesColor::Dim, kind: MarkKind::Switch };
            chart.marks.push(mark);
        }
        start += trial.times;
    }
    if let Some(trial) = now {
        let mark = Mark { x: trial as f64, label: String::new(), color: SeriesColor::Accent, kind: MarkKind::Playhead };
        chart.marks.push(mark);
    }
    chart.legend = true;
    let caption = "what the memory predicts of each cue alone";
    Figure::new("strengths", "Associative strength", Body::Chart(chart)).caption(caption)
}

#[cfg(test)]
mod tests {
    use super::*;
    use mnemoscope_memory::{Classical, Composition};

    #[test]
    fn a_line_for_each_cue_and_a_mark_for_each_phase() {
        let conditioning = Conditioning::of(Classical::find("extinction").unwrap()).unwrap();
        let course = conditioning.course(&Composition::default(), 0).unwrap();
        let Body::Chart(chart) = strengths(&conditioning, &course, Some(("Hebb", &course)), Some(7)).body else {
            panic!("not a chart")
        };
        assert_eq!(chart.series.len(), 4);
        assert_eq!((chart.series[0].name.as_str(), chart.series[2].name.as_str()), ("A (Hebb)", "A"));
        assert_eq!(chart.series[2].points.len(), 41);
        let marks: Vec<(f64, &str)> = chart.marks.iter().map(|mark| (mark.x, mark.label.as_str())).collect();
        assert_eq!(marks, [(0.0, "A+ ×20"), (20.0, "A− ×20"), (7.0, "")]);
    }

    #[test]
    fn many_phases_have_no_labels() {
        let conditioning = Conditioning::of(Classical::find("overshadowing").unwrap()).unwrap();
        let course = conditioning.course(&Composition::default(), 0).unwrap();
        let Body::Chart(chart) = strengths(&conditioning, &course, None, None).body else { panic!("not a chart") };
        assert!(chart.marks.is_empty());
    }
}
