//! What the tables must hold to that is written elsewhere.

mod documentation;
