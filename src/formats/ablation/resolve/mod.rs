//! From the values that a file gives to every setting of a variant: defaults, and the rules that join several keys.

mod compare;
mod data;
mod measure;
mod model;
mod reader;
mod train;
mod whole;

pub(super) use compare::primary;
pub(super) use whole::{name, question, settings};

pub(super) use reader::Reader;
