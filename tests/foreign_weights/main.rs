//! Weights as people have them: under other programs' names, behind prefixes, in other types of floats. What is
//! unambiguous gives the same network; what is not is refused, with what the difference looks like.

mod floats;
mod names;
mod refused;
mod stored;
