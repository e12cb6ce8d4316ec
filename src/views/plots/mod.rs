//! Plots as SVG, PNG and PDF.
//!
//! A plot is first laid out as a `Picture`, a list of lines, areas and labels in points, so that a test can ask the list
//! whether labels overlap; `render` then plays the list to plotters' SVG backend. PNG (`png`) and PDF (`pdf`) are that SVG
//! with its words as outlines (`outlined`), so that all three show the same. The layout knows the built-in font alone; a
//! letter that this lacks is drawn from a font of the machine (`extra_fonts`, `typeset`) or as its code point
//! (`code_point`, `missing_letters`). `style` says whether a plot is for a screen or for a column of a paper, `of_study`
//! which plots a study has. `figure` (title, legend, caption), `panel` (axes) and `palette` serve every plot.

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
mod flame;
mod flame_boxes;
mod font;
mod loss_curves;
mod missing_letters;
mod network;
mod of_study;
mod outlined;
mod palette;
mod panel;
mod pdf;
mod peers;
mod phases;
mod picture;
mod png;
mod point_names;
mod render;
mod scale;
mod scripts;
mod seed_curves;
mod series;
mod step_times;
mod style;
mod test_error;
mod typeset;
mod words;

pub use draw::{Drawn, NamedPicture, NotDrawn, draw, foreign_letters};
pub use extra_fonts::ExtraFonts;
pub use feature_reuse::of_feature_reuse;
pub use missing_letters::MissingLetters;
pub use network::network_svg;
pub use of_study::on_paper;
pub(super) use of_study::{errors_by_cost, of_batches, of_peers, of_profiles, of_seeds, of_steps, of_trials};
pub use render::{Plot, PlotError};
pub use style::Style;
