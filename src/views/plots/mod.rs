//! Plots as SVG and PNG.
//!
//! A plot is first laid out as a `Picture`, a list of lines, areas and labels in points; `render` then plays
//! the list to plotters' SVG and bitmap backends, so that both show the same, and a test can ask the list whether
//! labels overlap. The layout knows the built-in font alone; a letter that this lacks is drawn from a font of the machine
//! (`extra_fonts`, `typeset`) or as its code point (`code_point`, `missing_letters`). `figure` (title, legend, caption), `panel` (axes) and `palette` serve every plot.

mod batch_figure;
mod batch_panel;
mod batches;
mod built_in;
mod code_point;
mod cost;
mod draw;
mod extra_fonts;
mod feature_reuse;
mod figure;
mod font;
mod loss_curves;
mod missing_letters;
mod network;
mod palette;
mod panel;
mod peers;
mod phases;
mod picture;
mod render;
mod scale;
mod scripts;
mod seed_curves;
mod series;
mod step_times;
mod test_error;
mod typeset;
mod words;

pub use draw::{Drawn, NamedPicture, NotDrawn, draw, foreign_letters};
pub(super) use draw::{errors_by_cost, of_batches, of_peers, of_seeds, of_steps, of_trials};
pub use extra_fonts::ExtraFonts;
pub use feature_reuse::of_feature_reuse;
pub use missing_letters::MissingLetters;
pub use network::network_svg;
pub use render::{Plot, PlotError};
