//! Conditioning without a window: strengths trial by trial.

use std::fmt::Write as _;
use std::path::Path;

use mnemoscope_lab::{Experiment, export, figures, file};
use mnemoscope_measure::estimate;
use mnemoscope_memory::{Course, Cues};

use super::table;

/// Trains the memory on the trials of every draw and writes `strengths.csv` and the figure. Returns a table of what each
/// group of trials left.
pub(super) fn measure(experiment: &Experiment, draws: usize, folder: &Path) -> anyhow::Result<String> {
    let conditioning = &experiment.conditioning;
    let courses: Vec<Course> =
        (0..draws as u64).map(|draw| conditioning.course(&experiment.memory, draw)).collect::<Result<_, _>>()?;
    let rows = courses.iter().enumerate().flat_map(|(draw, course)| {
        (0..=course.trials()).flat_map(move |trial| {
            (0..course.cues).filter_map(move |cue| {
                let strength = course.strength(cue, trial)?;
                Some(vec![draw.to_string(), trial.to_string(), Cues::letter(cue).to_string(), strength.to_string()])
            })
        })
    });
    let header = ["draw", "trial", "cue", "strength"];
    file::write_bytes(&folder.join("strengths.csv"), &table(&header, rows)?)?;
    if let Some(first) = courses.first() {
        export::write_figure(&figures::strengths(conditioning, first, None, None), folder)?;
    }
    Ok(text(experiment, &courses)?)
}

/// A row for each group of trials: what it is, and the strength of every cue after it.
fn text(experiment: &Experiment, courses: &[Course]) -> Result<String, std::fmt::Error> {
    let conditioning = &experiment.conditioning;
    let cues = courses.first().map_or(0, |course| course.cues);
    let mut out = format!("{}: strength of each cue, mean over {} draws\n", super::name(experiment), courses.len());
    let width = conditioning.trials.iter().map(|trial| trial.to_string().chars().count()).max().unwrap_or(0).max(6);
    write!(out, "{:>6}  {:<width$}", "trial", "")?;
    for cue in 0..cues {
        write!(out, " {:>9}", Cues::letter(cue))?;
    }
    writeln!(out)?;
    let mut trial = 0;
    for group in &conditioning.trials {
        trial += group.times as usize;
        write!(out, "{trial:>6}  {:<width$}", group.to_string())?;
        for cue in 0..cues {
            let values: Vec<f64> =
                courses.iter().filter_map(|course| course.strength(cue, trial)).map(f64::from).collect();
            let mean = estimate(&values, values.len()).map_or(f64::NAN, |estimate| estimate.mean);
            write!(out, " {mean:>9.4}")?;
        }
        writeln!(out)?;
    }
    Ok(out)
}
