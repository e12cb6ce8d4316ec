//! A drawing of a network from its graph: its stages from top to bottom (`stages`), in each what stands one behind the other,
//! side by side and several times (`elements`), laid out on a page (`boxes`, `drawing`).

mod boxes;
mod drawing;
mod elements;
mod operations;
mod stages;

pub use drawing::network_svg;
