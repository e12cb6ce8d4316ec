//! The two inner loops of every convolution here: tiles of products whose sums stay in registers.
//!
//! Rows are pixels, channels last. All is safe code: slices are cut to one length before a loop, which lets the compiler
//! drop the bounds checks and keep every sum in a register. No closure over vectors goes to a function that may stay a
//! function, such as an array's `map`: outside the code that is compiled for them, vectors are passed through memory.

use pulp::Simd;

use super::buffer::Buffer;

/// Channels are padded to whole vectors of the widest instructions.
pub(super) const BLOCK: usize = 16;

/// Values of a padded row.
pub(super) const fn padded(channels: usize) -> usize {
    channels.next_multiple_of(BLOCK)
}

/// Most vectors that a tile is wide: with 8 rows they fill 24 of AVX-512's 32 registers.
pub(super) const PANEL: usize = 3;

/// Vectors of the next panel where `left` are left. Four are two pairs: a panel of one vector has too few sums at a
/// time to keep the processor busy.
#[inline(always)]
pub(super) const fn panel_width(left: usize) -> usize {
    match left {
        4 => 2,
        _ if left < PANEL => left,
        _ => PANEL,
    }
}

/// A matrix `[inner, outer]` cut into panels of up to [`PANEL`] vectors, each panel row after row.
pub(super) struct Packed {
    values: Buffer<f32>,
    inner: usize,
    lanes: usize,
    /// Vectors in a row.
    pub(super) vectors: usize,
}

impl Packed {
    /// Packs `value(inner, outer)`; what pads the rows to whole vectors is 0.
    pub(super) fn new(lanes: usize, inner: usize, outer: usize, value: impl Fn(usize, usize) -> f32) -> Self {
        let vectors = padded(outer) / lanes;
        let mut values = Vec::with_capacity(inner * vectors * lanes);
        let mut first = 0;
        while first < vectors {
            let last = first + panel_width(vectors - first);
            for row in 0..inner {
                let columns = first * lanes..last * lanes;
                values.extend(columns.map(|column| if column < outer { value(row, column) } else { 0.0 }));
            }
            first = last;
        }
        Self {
            values: values.into(),
            inner,
            lanes,
            vectors,
        }
    }

    /// The panel of `width` vectors from vector `first` on, rows `rows`.
    #[inline(always)]
    pub(super) fn panel(&self, first: usize, width: usize, rows: std::ops::Range<usize>) -> &[f32] {
        let start = first * self.lanes * self.inner;
        let width = width * self.lanes;
        &self.values[start + rows.start * width..start + rows.end * width]
    }
}

/// Runs a block for every panel of this many vectors, with its first vector and its width as a constant.
macro_rules! for_panels {
    ($vectors:expr, |$first:ident, $width:ident| $body:block) => {{
        let vectors: usize = $vectors;
        let mut next = 0;
        while next < vectors {
            let $first = next;
            let width = $crate::kernels::tiles::panel_width(vectors - next);
            match width {
                1 => {
                    const $width: usize = 1;
                    $body
                }
                2 => {
                    const $width: usize = 2;
                    $body
                }
                _ => {
                    const $width: usize = $crate::kernels::tiles::PANEL;
                    $body
                }
            }
            next += width;
        }
    }};
}
pub(super) use for_panels;

/// Whether vectors are arrays that the compiler makes the best of, without instructions of their own.
#[inline(always)]
fn is_emulated<S: Simd>() -> bool {
    std::any::TypeId::of::<S>() == std::any::TypeId::of::<pulp::Scalar256b>()
}

/// The larger of a value and a floor. NaN stays NaN: a ReLU must not hide that a network diverges.
#[inline(always)]
pub(super) fn cut<S: Simd>(simd: S, floor: S::f32s, value: S::f32s) -> S::f32s {
    if is_emulated::<S>() {
        simd.select_f32s(simd.less_than_f32s(value, floor), floor, value)
    } else {
        // Where one of the two is NaN the instruction's result is its second operand.
        simd.max_f32s(floor, value)
    }
}

/// a * b + c, rounded once: with every set of instructions the same value.
#[inline(always)]
pub(super) fn multiply_add<S: Simd>(simd: S, a: S::f32s, b: S::f32s, c: S::f32s) -> S::f32s {
    if is_emulated::<S>() && cfg!(all(target_arch = "x86_64", not(target_feature = "fma"))) {
        let lanes = S::F32_LANES;
        let [mut left, mut right, mut sums] = [[0.0; BLOCK]; 3];
        for (stored, vector) in [(&mut left, a), (&mut right, b), (&mut sums, c)] {
            simd.partial_store_f32s(&mut stored[..lanes], vector);
        }
        for lane in 0..lanes {
            sums[lane] = multiply_add_once(left[lane], right[lane], sums[lane]);
        }
        simd.partial_load_f32s(&sums[..lanes])
    } else {
        simd.mul_add_f32s(a, b, c)
    }
}

/// a * b + c, rounded once, by operations that every processor has; the mathematics library's `fmaf` is a call for each
/// value, and slow where the processor lacks the instruction.
///
/// The product of two f32 is exact in f64. Its sum with c, rounded to odd in f64 and then to nearest in f32, is the exact
/// sum rounded to nearest (Boldo and Melquiond 2008, "Emulation of a FMA and correctly rounded sums"): what f64 lost is
/// known from Knuth's two-sum.
#[inline(always)]
pub(super) fn multiply_add_once(a: f32, b: f32, c: f32) -> f32 {
    let (product, c) = (f64::from(a) * f64::from(b), f64::from(c));
    let sum = product + c;
    let of_c = sum - product;
    let lost = (product - (sum - of_c)) + (c - of_c);
    // Of an exact sum, an infinity and a NaN nothing is to be turned: `lost` is 0 or NaN.
    let is_inexact = (lost > 0.0) | (lost < 0.0);
    let is_even = sum.to_bits() & 1 == 0;
    let is_away_from_zero = (lost > 0.0) == (sum > 0.0);
    let step = if is_away_from_zero { 1 } else { u64::MAX };
    let turned = if is_inexact & is_even { step } else { 0 };
    f64::from_bits(sum.to_bits().wrapping_add(turned)) as f32
}

/// The vectors of a slice that starts at one.
#[inline(always)]
pub(super) fn vectors<S: Simd>(values: &[f32]) -> &[S::f32s] {
    S::as_simd_f32s(values).0
}

/// The vectors of a slice that starts at one.
#[inline(always)]
pub(super) fn vectors_mut<S: Simd>(values: &mut [f32]) -> &mut [S::f32s] {
    S::as_mut_simd_f32s(values).0
}

/// `M` rows from row `first` on, `stride` values apart and cut to `inner`; the last again where there are fewer, whose results
/// are not to be taken.
#[inline(always)]
pub(super) fn tile_rows<const M: usize>(
    values: &[f32],
    stride: usize,
    first: usize,
    count: usize,
    inner: usize,
) -> [&[f32]; M] {
    std::array::from_fn(|m| &values[(first + m).min(count - 1) * stride..][..inner])
}

/// sums[m][v] += sum over k of rows[m][k] * panel[k][v]; a panel has a row for each value of the rows.
#[inline(always)]
pub(super) fn add_products<S: Simd, const M: usize, const V: usize>(
    simd: S,
    mut rows: [&[f32]; M],
    panel: &[f32],
    mut sums: [[S::f32s; V]; M],
) -> [[S::f32s; V]; M] {
    let (panel, _) = vectors::<S>(panel).as_chunks::<V>();
    for row in &mut rows {
        *row = &row[..panel.len()];
    }
    for (k, weights) in panel.iter().enumerate() {
        for m in 0..M {
            let value = simd.splat_f32s(rows[m][k]);
            for v in 0..V {
                sums[m][v] = multiply_add(simd, value, weights[v], sums[m][v]);
            }
        }
    }
    sums
}

/// sums[j][v] += sum over pairs of left[j] * right[v]: what a weight's gradient is made of.
#[inline(always)]
pub(super) fn add_outer_products<'a, S: Simd, const J: usize, const V: usize>(
    simd: S,
    pairs: impl Iterator<Item = (&'a [f32], &'a [f32])>,
    mut sums: [[S::f32s; V]; J],
) -> [[S::f32s; V]; J] {
    for (left, right) in pairs {
        let left = &left[..J];
        let right = &vectors::<S>(&right[..V * S::F32_LANES])[..V];
        for j in 0..J {
            let value = simd.splat_f32s(left[j]);
            for v in 0..V {
                sums[j][v] = multiply_add(simd, value, right[v], sums[j][v]);
            }
        }
    }
    sums
}
