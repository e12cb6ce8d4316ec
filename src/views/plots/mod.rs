//! Plots as SVG and PNG.
//!
//! A plot is first laid out as a `Picture`, a list of lines, areas and labels in points; `render` then plays
//! the list to plotters' SVG and bitmap backends, so that both show the same, and a test can ask the list whether
//! labels overlap. `figure` (title, legend, caption), `panel` (axes) and `palette` serve every plot.

mod batch_figure;
mod batch_panel;
mod batches;
mod cost;
mod draw;
mod figure;
mod font;
mod loss_curves;
mod palette;
mod panel;
mod peers;
mod phases;
mod picture;
mod render;
mod scale;
mod series;
mod test_error;
mod words;

pub use draw::{Drawn, NamedPicture, NotDrawn, draw};
pub(super) use draw::{of_batches, of_peers, of_trials};
pub use render::{Plot, PlotError};
