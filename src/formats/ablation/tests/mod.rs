//! Files that keep every rule.

mod meaning;
mod repository;
mod schema;
