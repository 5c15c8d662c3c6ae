//! Every metric with its formula, and its difference to a pinned run.

use mnemoscope_measure::{Better, Estimate, MetricInfo, paired_difference};

use super::View;
use super::course::{over_seeds, pairs, steps_text};
use crate::snapshot::{MetricValue, Snapshot};

/// One line of the metric table.
#[derive(Debug, Clone)]
pub struct MetricRow {
    /// Name, formula, meaning, source.
    pub info: MetricInfo,
    /// As shown: the metric's label, with what sets it apart where the metric stands more than once.
    pub label: String,
    /// The part of the data it is measured on.
    pub part: &'static str,
    /// Mean and 95 % t-interval over seeds, or why there is none.
    pub value: Result<Estimate, String>,
    /// This run minus the pinned one, paired by seed; none without a pinned run or without a pair.
    pub difference: Option<Estimate>,
}

impl MetricRow {
    /// Whether the whole interval of the difference lies on the better side of 0 (`true`) or on the worse one; none where
    /// it holds 0, there is no interval, or neither direction is better.
    pub fn verdict(&self) -> Option<bool> {
        let difference = self.difference?;
        let clear = difference.mean.abs() > difference.half_width?;
        let rises = difference.mean > 0.0;
        match self.info.better {
            Better::Higher => clear.then_some(rises),
            Better::Lower => clear.then_some(!rises),
            Better::Neither => None,
        }
    }
}

/// The metrics of the shown variant, in the catalogue's order.
pub fn metric_rows(snapshot: &Snapshot, view: &View) -> Vec<MetricRow> {
    let variant = view.variant(snapshot);
    let difference = |metric: &MetricValue| {
        let pinned = view.pinned.as_deref()?;
        let other = pinned.metrics.iter().find(|other| {
            (other.info.name, &other.label, other.part) == (metric.info.name, &metric.label, metric.part)
        })?;
        let (a, b): (Vec<f64>, Vec<f64>) = pairs(snapshot, pinned, view)
            .into_iter()
            .filter_map(|(i, j)| Some((*metric.replicas.get(i)?, *other.replicas.get(j)?)))
            .unzip();
        paired_difference(&a, &b)
    };
    snapshot
        .metrics
        .iter()
        .map(|metric| MetricRow {
            info: metric.info,
            label: metric.label.clone(),
            part: metric.part,
            value: metric.variants.get(variant).cloned().unwrap_or_else(|| Err("not measured yet".to_owned())),
            difference: difference(metric),
        })
        .collect()
}

/// A metric's value as text, in digits and unit that suit it: "0.807 ± 0.011", "46 ± 4 steps".
pub fn metric_text(info: &MetricInfo, value: &Estimate) -> String {
    match info.unit {
        "steps" => steps_text(value),
        unit if unit.contains("steps") => format!("{value:.1}"),
        _ => format!("{value:.3}"),
    }
}

/// What the intervals of the table stand on: "mean and 95 % interval over 5 seeds".
pub fn interval_text(snapshot: &Snapshot, view: &View) -> String {
    over_seeds(snapshot, view, "interval")
}

/// The metric table as CSV, with full precision: what the table exports.
pub fn metric_table(snapshot: &Snapshot, view: &View) -> String {
    let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
    let mut out =
        "metric,label,part,mean,half_width_95,seeds,of,difference,difference_half_width_95,formula,undefined\n"
            .to_owned();
    for row in metric_rows(snapshot, view) {
        let (value, reason) = match &row.value {
            Ok(value) => (Some(*value), ""),
            Err(reason) => (None, reason.as_str()),
        };
        let cell = |number: Option<f64>| number.map_or(String::new(), |number| number.to_string());
        let fields = [
            row.info.name.to_owned(),
            quoted(&row.label),
            row.part.to_owned(),
            cell(value.map(|value| value.mean)),
            cell(value.and_then(|value| value.half_width)),
            value.map_or(String::new(), |value| value.count.to_string()),
            value.map_or(String::new(), |value| value.of.to_string()),
            cell(row.difference.map(|difference| difference.mean)),
            cell(row.difference.and_then(|difference| difference.half_width)),
            quoted(row.info.formula),
            quoted(reason),
        ];
        out += &fields.join(",");
        out.push('\n');
    }
    out + "# " + &interval_text(snapshot, view) + "\n"
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::figures::sample;

    fn row(snapshot: &Snapshot, view: &View, name: &str) -> MetricRow {
        metric_rows(snapshot, view).into_iter().find(|row| row.info.name == name).unwrap()
    }

    #[test]
    fn differences_are_paired_and_judged_by_the_metric_s_own_direction() {
        let snapshot = sample::finished();
        let mut other = sample::finished();
        let mut metrics = (*other.metrics).clone();
        for metric in &mut metrics {
            for (replica, value) in metric.replicas.iter_mut().enumerate() {
                *value -= 0.1 + 0.001 * replica as f64;
            }
        }
        other.metrics = Arc::new(metrics);
        let view = View { pinned: Some(Arc::new(other)), ..View::default() };
        let acc = row(&snapshot, &view, "acc");
        assert!((acc.difference.unwrap().mean - 0.101).abs() < 1e-12);
        assert_eq!(acc.verdict(), Some(true), "more accuracy is better");
        assert_eq!(row(&snapshot, &view, "forgetting").verdict(), Some(false), "more forgetting is worse");
        assert_eq!(row(&snapshot, &View::default(), "acc").verdict(), None);
    }

    #[test]
    fn the_table_has_a_line_for_every_metric_and_its_numbers() {
        let snapshot = sample::finished();
        let table = metric_table(&snapshot, &View::default());
        let lines: Vec<&str> = table.lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(lines.len(), 1 + snapshot.metrics.len());
        let acc = row(&snapshot, &View::default(), "acc").value.unwrap();
        let fields: Vec<&str> = lines.iter().find(|line| line.starts_with("acc,")).unwrap().split(',').collect();
        assert_eq!(fields[3].parse::<f64>().unwrap(), acc.mean);
        assert_eq!(fields[4].parse::<f64>().unwrap(), acc.half_width.unwrap());
    }
}
