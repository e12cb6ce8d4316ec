//! The two kinds of numbers.

use std::ops::{Add, Div, Mul, Sub};

/// f32 or f64.
pub trait Real:
    Copy + PartialOrd + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> + Div<Output = Self>
{
    /// The nearest number of this kind.
    fn of(value: f64) -> Self;

    /// The same value.
    fn wide(self) -> f64;

    /// 0.
    fn zero() -> Self {
        Self::of(0.0)
    }
}

impl Real for f32 {
    fn of(value: f64) -> Self {
        value as f32
    }

    fn wide(self) -> f64 {
        f64::from(self)
    }
}

impl Real for f64 {
    fn of(value: f64) -> Self {
        value
    }

    fn wide(self) -> f64 {
        self
    }
}
