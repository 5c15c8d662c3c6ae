//! The embedded font files, once for all who draw with them: the window, exported pictures, and the glyphs that a stream
//! of tasks is made of. Their licences stand beside them in `assets/fonts`.

/// Inter Regular.
pub static REGULAR: &[u8] = include_bytes!("../../../assets/fonts/Inter-Regular.otf");
/// Inter Medium.
pub static MEDIUM: &[u8] = include_bytes!("../../../assets/fonts/Inter-Medium.otf");
/// Inter SemiBold.
pub static SEMIBOLD: &[u8] = include_bytes!("../../../assets/fonts/Inter-SemiBold.otf");
/// DejaVu Sans, with the signs that Inter lacks.
pub static SANS: &[u8] = include_bytes!("../../../assets/fonts/DejaVuSans.ttf");
/// DejaVu Sans Mono, for files and messages with columns.
pub static MONO: &[u8] = include_bytes!("../../../assets/fonts/DejaVuSansMono.ttf");
/// DejaVu Serif, for equations.
pub static SERIF: &[u8] = include_bytes!("../../../assets/fonts/DejaVuSerif.ttf");
