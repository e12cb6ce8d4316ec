//! Speed and memory at each batch size, apart from training: every number comes from a process of its own.

mod cells;
#[cfg(feature = "burn")]
mod child;
mod counters;
mod disturbance;
mod folder;
#[cfg(feature = "burn")]
mod inputs;
mod largest;
mod loading;
mod origin;
mod profile_rows;
#[cfg(feature = "burn")]
mod profiler;
#[cfg(feature = "burn")]
mod rates;
mod ratios;
mod record;
#[cfg(feature = "burn")]
mod recorder;
mod rounds;
mod rows;
mod step_profile;
mod timer;
#[cfg(feature = "burn")]
mod workload;

pub use cells::{Cells, count_measurements, measurements, profiled, profiles, searches};
#[cfg(feature = "burn")]
pub use child::measure;
pub use counters::{Counted, StepCounters};
pub use folder::Measurements;
#[cfg(feature = "burn")]
pub use inputs::write_inputs;
pub use largest::{Attempt, Boundary, find_largest};
pub use loading::{LoadingPass, time_pass};
pub use origin::Origin;
#[cfg(feature = "burn")]
pub use rates::device_rates;
pub use record::{MeasurementRecord, Phases, Rates, RoundResult, RoundSpec};
pub use rounds::{Round, Turn, run_rounds};
pub use step_profile::{Passes as ProfiledPasses, ProfiledPart, StepProfile};
pub use timer::{Clock, Counters, MonotonicClock, Passes, Phase, Timed, WarmUp, Workload, time};
