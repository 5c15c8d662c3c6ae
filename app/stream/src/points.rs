//! 2-D point sets, whose decision surface can be drawn. Coordinates lie in about [-1, 1].

use std::f64::consts::{PI, TAU};

use mnemoscope_core::{Component, Kind, Knob, Scale, random};
use rand::{Rng, RngExt as _};

use crate::dataset::{DataSources, Dataset, Pixels, Shape, numbered};

const SAMPLES: Knob = Knob::whole("samples", "samples", "N", 20, 100_000, 1000, Scale::Log)
    .meaning("Points in all, shared evenly by the classes.")
    .source("lab default");
const NOISE: Knob = Knob::real("noise", "noise", "σ", 0.0, 1.0, 0.08, Scale::Linear)
    .meaning("Standard deviation of the Gaussian noise on each coordinate.")
    .source("lab default");
const CLASSES: Knob = Knob::whole("classes", "classes", "C", 2, 10, 2, Scale::Linear)
    .meaning("Number of classes; more than two let a point set be split into tasks.")
    .source("lab default");
const SEED: Knob = Knob::whole("seed", "seed of the points", "", 0, 1_000_000, 1, Scale::Linear)
    .meaning("Which points are drawn.")
    .source("lab default");

pub(crate) const MOONS: Kind = Kind {
    name: "moons",
    label: "Two moons",
    meaning: "Two half circles that reach into each other.",
    source: "Zhou et al. 2003, Learning with local and global consistency; scikit-learn's make_moons",
    knobs: &[SAMPLES, NOISE, SEED],
};
pub(crate) const RINGS: Kind = Kind {
    name: "rings",
    label: "Rings",
    meaning: "Circles about one centre, one class each.",
    source: "scikit-learn's make_circles",
    knobs: &[SAMPLES, NOISE, CLASSES, SEED],
};
pub(crate) const SPIRALS: Kind = Kind {
    name: "spirals",
    label: "Spirals",
    meaning: "Arms of a spiral with one and a quarter turns, one class each.",
    source: "Lang and Witbrock 1988, Learning to tell two spirals apart (three turns there)",
    knobs: &[SAMPLES, NOISE, CLASSES, SEED],
};
pub(crate) const BLOBS: Kind = Kind {
    name: "blobs",
    label: "Blobs",
    meaning: "Gaussian clouds on a circle, one class each; noise is their width.",
    source: "scikit-learn's make_blobs",
    knobs: &[SAMPLES, NOISE, CLASSES, SEED],
};
pub(crate) const XOR: Kind = Kind {
    name: "xor",
    label: "XOR",
    meaning: "Four squares; opposite ones share a class.",
    source: "Minsky and Papert 1969",
    knobs: &[SAMPLES, NOISE, SEED],
};

/// The form of a point set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PointSet {
    /// Two half circles.
    Moons,
    /// Circles about one centre.
    Rings,
    /// Arms of a spiral.
    Spirals,
    /// Gaussian clouds on a circle.
    Blobs,
    /// Four squares, two classes.
    Xor,
}

impl PointSet {
    /// All forms.
    pub const ALL: [Self; 5] = [Self::Moons, Self::Rings, Self::Spirals, Self::Blobs, Self::Xor];

    /// As written in a file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Moons => "moons",
            Self::Rings => "rings",
            Self::Spirals => "spirals",
            Self::Blobs => "blobs",
            Self::Xor => "xor",
        }
    }

    /// The form called `name`.
    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|set| set.name() == name)
    }

    /// A point of `class` without noise.
    fn point(self, class: usize, classes: usize, rng: &mut impl Rng) -> [f64; 2] {
        let u: f64 = rng.random();
        let v: f64 = rng.random();
        let part = class as f64 / classes as f64;
        match self {
            // The two unit half circles of make_moons, moved to their centre (0.5, 0.25) and shrunk to fit.
            Self::Moons => {
                let (sin, cos) = (PI * u).sin_cos();
                let (x, y) = if class == 0 { (cos, sin) } else { (1.0 - cos, 0.5 - sin) };
                [(x - 0.5) / 1.5, (y - 0.25) / 1.5]
            }
            Self::Rings => polar((class + 1) as f64 / classes as f64, TAU * u),
            // Points spread evenly along the arm: its length grows with the square of the radius.
            Self::Spirals => {
                let radius = 0.1 + 0.9 * u.sqrt();
                polar(radius, TAU * (1.25 * radius + part))
            }
            Self::Blobs => polar(0.7, TAU * part),
            Self::Xor => {
                let (x, y) = (2.0 * u - 1.0, v);
                [x, if (x > 0.0) == (class == 0) { y } else { -y }]
            }
        }
    }
}

fn polar(radius: f64, angle: f64) -> [f64; 2] {
    let (sin, cos) = angle.sin_cos();
    [radius * cos, radius * sin]
}

/// A point set with all that decides its points.
#[derive(Debug, Clone, PartialEq)]
pub struct PointSource {
    /// The form.
    pub set: PointSet,
    /// Points in all.
    pub samples: usize,
    /// Standard deviation of the noise on each coordinate.
    pub noise: f64,
    /// Number of classes; moons and xor always have two.
    pub classes: usize,
    /// Which points are drawn.
    pub seed: u64,
}

impl PointSource {
    /// What the component of a point set asks for.
    ///
    /// # Panics
    /// When the component is not a point set.
    pub(crate) fn of(source: &Component<DataSources>) -> Self {
        let Some(set) = PointSet::find(source.name()) else { panic!("{} is not a point set", source.name()) };
        let classes = if source.kind().knob("classes").is_some() { source.whole("classes") } else { 2 };
        Self {
            set,
            samples: source.whole("samples"),
            noise: source.real("noise"),
            classes,
            seed: source.real("seed") as u64,
        }
    }

    /// Draws the points as a data set; class k has the samples k, k + C, k + 2C, ...
    pub fn draw(&self) -> Dataset {
        let mut rng = random::stream(self.seed, self.set.name(), &[]);
        let (mut floats, mut labels) = (Vec::with_capacity(2 * self.samples), Vec::with_capacity(self.samples));
        for sample in 0..self.samples {
            let class = sample % self.classes;
            let point = self.set.point(class, self.classes, &mut rng);
            let noise = gaussian_pair(&mut rng);
            floats.extend([0, 1].map(|axis| (point[axis] + self.noise * noise[axis]) as f32));
            labels.push(class as u16);
        }
        let name = self.set.name().to_owned();
        let mut data = Dataset::new(name, Shape::Points, numbered(self.classes), Pixels::Floats(floats), labels);
        data.points = Some(self.clone());
        data
    }
}

/// Two independent standard normal numbers (Box and Muller 1958).
pub(crate) fn gaussian_pair(rng: &mut impl Rng) -> [f64; 2] {
    // 1 - u lies in (0, 1], where the logarithm is finite.
    let u: f64 = 1.0 - rng.random::<f64>();
    let v: f64 = rng.random();
    polar((-2.0 * u.ln()).sqrt(), TAU * v)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draw(set: PointSet, noise: f64, classes: usize) -> Vec<([f32; 2], u16)> {
        let data = PointSource { set, samples: 600, noise, classes, seed: 3 }.draw();
        let mut row = [0.0; 2];
        (0..data.len())
            .map(|i| {
                data.row_into(i, &mut row);
                (row, data.labels[i])
            })
            .collect()
    }

    #[test]
    fn without_noise_the_points_lie_on_their_curves() {
        for ([x, y], class) in draw(PointSet::Rings, 0.0, 3) {
            assert!((x.hypot(y) - (f32::from(class) + 1.0) / 3.0).abs() < 1e-6);
        }
        for ([x, y], class) in draw(PointSet::Xor, 0.0, 2) {
            assert_eq!(u16::from((x > 0.0) != (y > 0.0)), class);
        }
        for ([x, y], class) in draw(PointSet::Moons, 0.0, 2) {
            // Back in the coordinates of make_moons.
            let (x, y) = (1.5 * x + 0.5, 1.5 * y + 0.25);
            let distance = if class == 0 { x.hypot(y) } else { (x - 1.0).hypot(y - 0.5) };
            assert!((distance - 1.0).abs() < 1e-5);
            assert!(if class == 0 { y > -1e-5 } else { y < 0.50001 });
        }
        for ([x, y], class) in draw(PointSet::Spirals, 0.0, 2) {
            let turn = f64::from(y).atan2(f64::from(x)) / TAU;
            let along = 1.25 * f64::from(x.hypot(y)) + f64::from(class) / 2.0 - turn;
            assert!((along - along.round()).abs() < 1e-4);
        }
        for ([x, y], class) in draw(PointSet::Blobs, 0.0, 4) {
            let angle = f64::from(class) * TAU / 4.0;
            assert!((f64::from(x) - 0.7 * angle.cos()).abs() < 1e-6 && (f64::from(y) - 0.7 * angle.sin()).abs() < 1e-6);
        }
    }

    #[test]
    fn all_sets_are_balanced_in_range_and_repeat() {
        for set in PointSet::ALL {
            let points = draw(set, 0.0, 2);
            assert!(points.iter().flat_map(|(p, _)| p).all(|v| v.abs() <= 1.0 + 1e-6), "{set:?}");
            assert_eq!(points.iter().filter(|(_, class)| *class == 1).count(), 300);
            assert_eq!(points, draw(set, 0.0, 2));
        }
    }

    #[test]
    fn noise_has_the_stated_deviation() {
        let clean = draw(PointSet::Blobs, 0.0, 2);
        let noisy = draw(PointSet::Blobs, 0.2, 2);
        let squares: f64 = clean
            .iter()
            .zip(&noisy)
            .flat_map(|((a, _), (b, _))| [a[0] - b[0], a[1] - b[1]])
            .map(|d| f64::from(d).powi(2))
            .sum();
        // 1200 draws: the deviation of the estimate is 2 % of σ; 5 of them are allowed.
        assert!(((squares / 1200.0).sqrt() - 0.2).abs() < 0.2 * 0.1);
    }

    #[test]
    fn components_name_point_sets() {
        for set in PointSet::ALL {
            let source = Component::<DataSources>::new(set.name()).unwrap();
            assert_eq!(PointSource::of(&source).set, set);
            let data = Dataset::load(&source).unwrap();
            assert_eq!((data.len(), data.classes, data.name.as_str()), (1000, 2, set.name()));
        }
    }
}
