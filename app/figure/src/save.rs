//! Figures as files: rendered, then written beside the target and renamed, so that no half file is ever seen.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{self, fontdb};

use crate::figure::{Body, Figure};
use crate::font;
use crate::heat::GpuViewError;
use crate::npy;
use crate::theme::Theme;

/// Why a figure was not written.
#[derive(Debug, thiserror::Error)]
pub enum FigureError {
    /// The file's name ends in nothing that we write.
    #[error("{} is not a kind of picture this program writes: end the name in .svg, .png, .csv or .npy", path.display())]
    Extension {
        /// The file that was asked for.
        path: PathBuf,
    },
    /// The size is not positive, not finite, or more than a picture can hold.
    #[error("a picture of {width} x {height} pixels cannot be made: choose sides between 1 and 16,384 pixels")]
    Size {
        /// Asked-for width in pixels.
        width: f32,
        /// Asked-for height in pixels.
        height: f32,
    },
    /// The SVG could not be read back; a fault of this program.
    #[error("figure {id}: the SVG that was made for the PNG does not parse; please report this")]
    Svg {
        /// The figure.
        id: String,
        /// What the parser says.
        source: usvg::Error,
    },
    /// The PNG could not be encoded.
    #[error("figure {id}: the PNG could not be encoded ({message})")]
    Png {
        /// The figure.
        id: String,
        /// What the encoder says.
        message: String,
    },
    /// Lines and surfaces are no table of numbers.
    #[error("figure {id}: only a heat map or a matrix can be written as a .npy array; choose .csv instead")]
    NoArray {
        /// The figure.
        id: String,
    },
    /// A graphics card has the numbers.
    #[error(transparent)]
    Card(#[from] GpuViewError),
    /// The file could not be written.
    #[error("could not write {}: check that the folder exists and may be written to", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
}

/// A file format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// Vector picture.
    Svg,
    /// Pixel picture, two pixels per point.
    Png,
    /// The plotted numbers.
    Csv,
    /// The numbers of a heat map as a NumPy array.
    Npy,
}

impl Format {
    /// Every format, in the order of a menu.
    pub const ALL: [Self; 4] = [Self::Svg, Self::Png, Self::Csv, Self::Npy];

    /// What a menu calls it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Svg => "SVG",
            Self::Png => "PNG",
            Self::Csv => "CSV",
            Self::Npy => "NumPy array",
        }
    }

    /// By the file's extension, in any case.
    pub fn of(path: &Path) -> Result<Self, FigureError> {
        let extension = path.extension().map(|extension| extension.to_string_lossy().to_lowercase());
        Self::ALL
            .into_iter()
            .find(|format| extension.as_deref() == Some(format.extension()))
            .ok_or_else(|| FigureError::Extension { path: path.to_owned() })
    }

    /// The extension, without a dot.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Svg => "svg",
            Self::Png => "png",
            Self::Csv => "csv",
            Self::Npy => "npy",
        }
    }
}

/// Pixels per point of a saved PNG.
const SCALE: f32 = 2.0;
/// The longest side of a PNG, in pixels.
const LONGEST: f32 = 16_384.0;

impl Figure {
    /// The figure as a PNG of `size` points at `scale` pixels per point. Only the embedded fonts are used.
    pub fn png(&self, theme: &Theme, size: (f32, f32), scale: f32) -> Result<Vec<u8>, FigureError> {
        let (width, height) = ((size.0 * scale).round(), (size.1 * scale).round());
        if !(1.0..=LONGEST).contains(&width) || !(1.0..=LONGEST).contains(&height) {
            return Err(FigureError::Size { width, height });
        }
        let options =
            usvg::Options { font_family: "Inter".to_owned(), fontdb: font_files(), ..usvg::Options::default() };
        let tree = usvg::Tree::from_str(&self.svg(theme, size), &options)
            .map_err(|source| FigureError::Svg { id: self.id.clone(), source })?;
        let mut pixels = Pixmap::new(width as u32, height as u32).ok_or(FigureError::Size { width, height })?;
        resvg::render(&tree, Transform::from_scale(scale, scale), &mut pixels.as_mut());
        pixels.encode_png().map_err(|error| FigureError::Png { id: self.id.clone(), message: error.to_string() })
    }

    /// The formats that this figure can be written in, in the order of a menu: an array only where there is a table.
    pub fn formats(&self) -> &'static [Format] {
        match self.body {
            Body::Heat(_) | Body::Matrix(_) => &Format::ALL,
            _ => &Format::ALL[..3],
        }
    }

    /// The cells of a heat map or matrix as a NumPy array `[rows, cols]` of `f32`; what is not known is NaN.
    pub fn npy(&self) -> Result<Vec<u8>, FigureError> {
        match &self.body {
            Body::Heat(heat) => Ok(npy::array(heat.rows(), heat.cols(), &heat.cells()?)),
            Body::Matrix(matrix) => {
                let values: Vec<f32> =
                    matrix.values.iter().map(|value| value.map_or(f32::NAN, |value| value as f32)).collect();
                Ok(npy::array(matrix.rows, matrix.cols, &values))
            }
            _ => Err(FigureError::NoArray { id: self.id.clone() }),
        }
    }

    /// Save as what the path's extension says (`.svg`, `.png`, `.csv`, `.npy`); `size` in points.
    pub fn save(&self, path: &Path, theme: &Theme, size: (f32, f32)) -> Result<(), FigureError> {
        self.save_as(path, Format::of(path)?, theme, size)
    }

    /// Save in this format, whatever the path's extension; `size` in points. The file is replaced whole or not at all.
    pub fn save_as(&self, path: &Path, format: Format, theme: &Theme, size: (f32, f32)) -> Result<(), FigureError> {
        let fetched;
        let figure = match &self.body {
            Body::Heat(heat) => {
                fetched = Self { body: Body::Heat(heat.fetched()?), ..self.clone() };
                &fetched
            }
            _ => self,
        };
        let bytes = match format {
            Format::Svg => figure.svg(theme, size).into_bytes(),
            Format::Png => figure.png(theme, size, SCALE)?,
            Format::Csv => figure.csv().into_bytes(),
            Format::Npy => figure.npy()?,
        };
        write_whole(path, &bytes).map_err(|source| FigureError::Write { path: path.to_owned(), source })
    }
}

/// Write a temporary file in the same folder, then rename it over `path`.
fn write_whole(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new().prefix(".figure-").tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    // Temporary files are private; a picture is as readable as any other file of its folder.
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        file.as_file().set_permissions(std::fs::Permissions::from_mode(0o644))?;
    }
    file.persist(path)?;
    Ok(())
}

/// The embedded fonts, parsed once.
fn font_files() -> Arc<fontdb::Database> {
    static FONTS: OnceLock<Arc<fontdb::Database>> = OnceLock::new();
    let load = || {
        let mut fonts = fontdb::Database::new();
        for file in font::files() {
            fonts.load_font_data(file.to_vec());
        }
        fonts.set_sans_serif_family("Inter");
        Arc::new(fonts)
    };
    Arc::clone(FONTS.get_or_init(load))
}
