//! `report.html`: studies as one page that needs no network, opens from disk, and shows text from files as text alone.
//!
//! A study becomes pieces (`piece`), section by section in the order of `page`; `markup` writes them as HTML.

mod again;
mod answer;
mod assets;
mod contrasts;
mod costs;
mod curves;
mod document;
mod environment;
mod failures;
mod live;
mod markup;
mod measured;
mod page;
mod piece;
mod policy;
mod sections;
mod sort_key;
mod steps;
mod studied;
mod tables;
mod variants;

pub use again::quoted;
pub use document::document;
pub use page::page;
pub use studied::Reported;
pub use tables::{ANSWER, Extract, TABLES, Tables};
