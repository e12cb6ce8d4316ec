//! The scaling of the loss, by which gradients of 16-bit floating point do not underflow (Micikevicius et al. 2018, arXiv
//! 1710.03740, section 3.2): the loss is multiplied before the backward pass, and the gradients are divided after it. A step
//! with a gradient that is not finite is skipped, and the scale halved; it is doubled after steps enough without.

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;

use crate::formats::loss_scale::LossScale;
use crate::model::Model;

/// The factors of PyTorch's `GradScaler`.
const GROWTH: f64 = 2.0;
const BACKOFF: f64 = 0.5;
/// Steps without a gradient that is not finite, after which the scale grows.
const STEPS_BETWEEN_GROWTHS: usize = 2000;
/// The largest scale of 32 bits; the loss is of f32.
const LARGEST: f64 = f32::MAX as f64;

/// Brings the scale one step further, by the rule of PyTorch's `_amp_update_scale_`.
pub(super) fn follow(scale: &mut LossScale, is_finite: bool) {
    if !is_finite {
        scale.scale *= BACKOFF;
        scale.steps = 0;
        scale.skipped += 1;
        return;
    }
    scale.steps += 1;
    if scale.steps == STEPS_BETWEEN_GROWTHS {
        if scale.scale * GROWTH <= LARGEST {
            scale.scale *= GROWTH;
        }
        scale.steps = 0;
    }
}

/// Divides every gradient by the scale; whether all are finite, for which it waits for the device.
pub(super) fn unscale(model: &Model, gradients: &mut GradientsParams, scale: f64) -> bool {
    let mut unscale = Unscale {
        gradients,
        factor: 1.0 / scale,
        sums: Vec::new(),
    };
    model.parameters().visit(&mut unscale);
    if unscale.sums.is_empty() {
        return true;
    }
    let sum = Tensor::cat(unscale.sums, 0).sum().into_data();
    sum.iter::<f32>().all(|value| value == 0.0)
}

struct Unscale<'a> {
    gradients: &'a mut GradientsParams,
    factor: f64,
    /// Of each gradient 0, or NaN where a value of it is not finite, `[1]`.
    sums: Vec<Tensor<1>>,
}

impl ModuleVisitor for Unscale<'_> {
    fn visit_float<const D: usize>(&mut self, parameter: &Param<Tensor<D>>) {
        let Some(gradient) = self.gradients.remove::<D>(parameter.id) else {
            return;
        };
        let gradient = gradient.mul_scalar(self.factor);
        self.sums.push(gradient.clone().mul_scalar(0.0).sum());
        self.gradients.register(parameter.id, gradient);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scale_is_halved_by_a_step_that_is_not_finite_and_doubled_after_two_thousand_that_are() {
        let mut scale = LossScale::default();
        assert_eq!((scale.scale, scale.steps, scale.skipped), (65536.0, 0, 0));
        follow(&mut scale, true);
        assert_eq!((scale.scale, scale.steps), (65536.0, 1));
        follow(&mut scale, false);
        assert_eq!((scale.scale, scale.steps, scale.skipped), (32768.0, 0, 1));
        for step in 1..2000 {
            follow(&mut scale, true);
            assert_eq!((scale.scale, scale.steps), (32768.0, step));
        }
        follow(&mut scale, true);
        assert_eq!((scale.scale, scale.steps, scale.skipped), (65536.0, 0, 1));
    }

    #[test]
    fn the_scale_never_becomes_infinite() {
        let mut scale = LossScale {
            scale: f64::from(f32::MAX) * 0.75,
            ..LossScale::default()
        };
        for _ in 0..2000 {
            follow(&mut scale, true);
        }
        assert_eq!((scale.scale, scale.steps), (f64::from(f32::MAX) * 0.75, 0));
    }
}
