//! Findings as a person reads them, and as another program does.

use std::fmt::Write as _;

use mnemoscope_lab::claim::{Claim, Finding, Verdict, own_text};
use mnemoscope_lab::{Experiment, Outcomes, Study};
use mnemoscope_measure::Estimate;
use serde_json::{Value, json};

/// A preset's claims, each with its verdict first.
pub fn preset(name: &str, experiment: &Experiment, study: &Study, outcomes: &Outcomes) -> String {
    let mut out = format!("\n{name}: {}\n", experiment.title);
    for (claim, finding) in study.claims().zip(study.findings(outcomes)) {
        // Writing to a String cannot fail.
        let _ = write_claim(&mut out, claim, finding.as_ref());
    }
    out
}

fn write_claim(out: &mut String, claim: &Claim, finding: Option<&Finding>) -> std::fmt::Result {
    let Some(finding) = finding else {
        return writeln!(out, "\n  not run        {}", claim.says);
    };
    writeln!(out, "\n  {:<14} {}", finding.verdict.word(), claim.says)?;
    let rank = finding.rank.map_or_else(String::new, |rank| format!("; rank correlation {rank:.2}"));
    writeln!(
        out,
        "      {}: {} = {} over {} seeds, wanted {}{rank}",
        claim.measure,
        claim.test.effect(),
        finding.effect_text(claim),
        finding.seeds_text(),
        claim.wanted(),
    )?;
    if finding.arms.len() > 1 {
        let own = |(name, estimate): &(String, Option<Estimate>)| format!("{name}: {}", own_text(*estimate));
        writeln!(out, "      {}", finding.arms.iter().map(own).collect::<Vec<_>>().join("; "))?;
    }
    if let Verdict::NotClear(reason) = &finding.verdict {
        writeln!(out, "      not clear: {reason}")?;
    }
    if finding.verdict != Verdict::Holds && !claim.because.is_empty() {
        writeln!(out, "      likely reason: {}", claim.because)?;
    }
    writeln!(out, "      [{}]", claim.source)
}

/// The same for other programs; a claim whose arms were not run has no verdict.
pub fn json(name: &str, experiment: &Experiment, study: &Study, outcomes: &Outcomes) -> Value {
    let claims: Vec<Value> = study
        .claims()
        .zip(study.findings(outcomes))
        .map(|(claim, finding)| {
            let mut value = json!({
                "says": claim.says,
                "source": claim.source,
                "measure": claim.measure,
                "wanted": format!("{} {}", claim.test.effect(), claim.wanted()),
                "margin": claim.margin,
                "because": claim.because,
            });
            if let Some(finding) = finding {
                value["verdict"] = json!(finding.verdict.word());
                if let Verdict::NotClear(reason) = &finding.verdict {
                    value["reason"] = json!(reason);
                }
                value["effect"] = json!(finding.effect);
                value["rank_correlation"] = json!(finding.rank);
                let arms = finding.arms.iter().map(|(name, own)| json!({ "name": name, "estimate": own }));
                value["arms"] = arms.collect();
            }
            value
        })
        .collect();
    json!({ "preset": name, "title": experiment.title, "claims": claims })
}
