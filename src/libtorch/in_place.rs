//! The updates of a training step in place, all tensors at once.
#![expect(
    unsafe_code,
    reason = "tch exposes no operation on lists of tensors in place; in_place.cpp does"
)]

use std::ffi::{c_char, c_int};

use burn::module::ParamId;
use burn::optim::GradientsParams;
use burn::tensor::{Int, Tensor as BurnTensorOf, TensorData};
use tch::{Device, Kind, Tensor};

use super::native_error::checked;
use super::tensors::{Backend, BurnTensor, from_tch, to_tch};
use crate::model::{BatchNorm, InPlace, Model, SgdRule, gradient_primitive, primitive_of};

unsafe extern "C" {
    fn densenet_bench_sgd(
        parameters: *const *const Handle,
        gradients: *const *const Handle,
        velocities: *const *const Handle,
        count: usize,
        rate: *const Handle,
        momentum: f64,
        weight_decay: f64,
        nesterov: bool,
        is_first: bool,
        error: *mut c_char,
        room: usize,
    ) -> c_int;
    fn densenet_bench_follow(
        running: *const *const Handle,
        observed: *const *const Handle,
        count: usize,
        momentum: f64,
        error: *mut c_char,
        room: usize,
    ) -> c_int;
}

/// tch's name of an `at::Tensor` behind a pointer.
type Handle = torch_sys::C_tensor;

/// A network's tensors, shared with it, and what is updated beside them.
pub struct InPlaceTensors {
    parameters: Vec<Trained>,
    running: Vec<Tensor>,
    /// Of each group of parameters the factor of its learning rate, and the rate itself, a scalar on the device.
    groups: Vec<(f64, Tensor)>,
    /// As Burn's tensors, so that Burn sees that what it gets of them is shared, and does not write into it.
    inputs: Option<[BurnTensor; 2]>,
    rule: SgdRule,
    is_first: bool,
}

/// A parameter that is trained.
struct Trained {
    id: ParamId,
    rank: usize,
    tensor: Tensor,
    velocity: Option<Tensor>,
    group: usize,
}

impl InPlaceTensors {
    /// Those of a network on a device of libtorch's.
    pub fn new(model: &Model, rule: SgdRule) -> Self {
        // As Burn has them.
        let rule = SgdRule {
            momentum: f64::from(rule.momentum as f32),
            weight_decay: f64::from(rule.weight_decay as f32),
            ..rule
        };
        let mut groups: Vec<(f64, Tensor)> = Vec::new();
        let mut parameters = Vec::new();
        for trained in model.trained_primitives::<Backend>() {
            let tensor = to_tch(&trained.tensor);
            let factor = rule.factors.get(&trained.id).copied().unwrap_or(1.0);
            let group = groups
                .iter()
                .position(|(other, _)| *other == factor)
                .unwrap_or_else(|| {
                    groups.push((factor, Tensor::zeros([0i64; 0], (Kind::Float, tensor.device()))));
                    groups.len() - 1
                });
            parameters.push(Trained {
                id: trained.id,
                rank: trained.rank,
                velocity: (rule.momentum > 0.0).then(|| tensor.zeros_like()),
                tensor,
                group,
            });
        }
        let running = model.running_primitives::<Backend>();
        Self {
            parameters,
            running: running.iter().flat_map(|pair| pair.each_ref().map(to_tch)).collect(),
            groups,
            inputs: None,
            rule,
            is_first: true,
        }
    }

    fn update_group(&self, group: usize, gradients: &[Option<Tensor>]) {
        let of_group = self
            .parameters
            .iter()
            .zip(gradients)
            .filter_map(|(parameter, gradient)| {
                let gradient = gradient.as_ref()?;
                (parameter.group == group).then_some((parameter, gradient))
            });
        let (parameters, gradients): (Vec<&Trained>, Vec<&Tensor>) = of_group.unzip();
        let velocities = pointers(parameters.iter().filter_map(|parameter| parameter.velocity.as_ref()));
        let tensors = pointers(parameters.iter().map(|parameter| &parameter.tensor));
        let gradients = pointers(gradients.into_iter());
        // SAFETY: every pointer is that of a tensor that outlives the call; the lists have `count` tensors each, the
        // velocities only where there is a momentum, without which they are not read; at most `room` bytes go to `error`,
        // which `checked` provides; no exception gets out. Burn shares the tensors and computes nothing meanwhile.
        let called = checked(|error, room| unsafe {
            densenet_bench_sgd(
                tensors.as_ptr(),
                gradients.as_ptr(),
                velocities.as_ptr(),
                tensors.len(),
                self.groups[group].1.as_ptr(),
                self.rule.momentum,
                self.rule.weight_decay,
                self.rule.nesterov,
                self.is_first,
                error,
                room,
            )
        });
        called.unwrap_or_else(|error| panic!("{error}"));
    }
}

fn pointers<'a>(tensors: impl Iterator<Item = &'a Tensor>) -> Vec<*const Handle> {
    tensors.map(Tensor::as_ptr).collect()
}

impl InPlace for InPlaceTensors {
    fn load(
        &mut self,
        images: &BurnTensorOf<4>,
        labels: &BurnTensorOf<1, Int>,
    ) -> Option<(BurnTensorOf<4>, BurnTensorOf<1, Int>)> {
        let given = [
            to_tch(&primitive_of::<Backend, 4>(images.clone())),
            to_tch(&int_primitive(labels.clone())),
        ];
        match &mut self.inputs {
            None => self.inputs = Some(given.each_ref().map(|given| from_tch(given.copy()))),
            Some(own)
                if own
                    .iter()
                    .zip(&given)
                    .all(|(own, given)| to_tch(own).size() == given.size()) =>
            {
                for (own, given) in own.iter().zip(&given) {
                    to_tch(own).copy_(given);
                }
            }
            Some(_) => return None,
        }
        let [images, labels] = self.inputs.clone()?;
        Some((
            BurnTensorOf::from_primitive::<Backend>(images),
            BurnTensorOf::from_primitive::<Backend>(labels),
        ))
    }

    fn set_rate(&mut self, rate: f64) {
        for (factor, tensor) in &mut self.groups {
            let _ = tensor.fill_(rate * *factor);
        }
    }

    fn update(&mut self, mut gradients: GradientsParams) {
        let gradients: Vec<Option<Tensor>> = self
            .parameters
            .iter()
            .map(|parameter| gradient_primitive::<Backend>(&mut gradients, parameter.id, parameter.rank))
            .map(|gradient| gradient.as_ref().map(to_tch))
            .collect();
        for group in 0..self.groups.len() {
            self.update_group(group, &gradients);
        }
        self.is_first = false;
    }

    fn follow(&mut self, statistics: Vec<[BurnTensorOf<1>; 2]>) {
        let observed = statistics.into_iter().flatten();
        let observed: Vec<Tensor> = observed
            .map(|tensor| to_tch(&primitive_of::<Backend, 1>(tensor)))
            .collect();
        assert_eq!(
            observed.len(),
            self.running.len(),
            "every normalisation has seen the batch once"
        );
        let (running, observed) = (pointers(self.running.iter()), pointers(observed.iter()));
        // SAFETY: as above.
        let called = checked(|error, room| unsafe {
            densenet_bench_follow(
                running.as_ptr(),
                observed.as_ptr(),
                running.len(),
                BatchNorm::MOMENTUM,
                error,
                room,
            )
        });
        called.unwrap_or_else(|error| panic!("{error}"));
    }

    fn velocity(&self, id: ParamId) -> Option<TensorData> {
        let parameter = self.parameters.iter().find(|parameter| parameter.id == id)?;
        let velocity = parameter.velocity.as_ref().filter(|_| !self.is_first)?;
        let shape: Vec<usize> = velocity.size().iter().map(|&size| size as usize).collect();
        let values = Vec::<f32>::try_from(velocity.to_device(Device::Cpu).contiguous().view(-1)).ok()?;
        Some(TensorData::new(values, shape))
    }

    fn restore(&mut self, velocities: Vec<(ParamId, TensorData)>) {
        for (id, data) in velocities {
            let own = self.parameters.iter_mut().find(|parameter| parameter.id == id);
            if let Some(velocity) = own.and_then(|parameter| parameter.velocity.as_mut()) {
                let values: Vec<f32> = data.iter::<f32>().collect();
                let size = velocity.size();
                velocity.copy_(&Tensor::from_slice(&values).view(&size[..]));
                self.is_first = false;
            }
        }
    }

    fn addresses(&self) -> Vec<usize> {
        let parameters = self.parameters.iter().flat_map(|parameter| {
            let velocity = parameter.velocity.iter();
            std::iter::once(&parameter.tensor).chain(velocity)
        });
        let inputs: Vec<_> = self.inputs.iter().flatten().map(to_tch).collect();
        let rates = self.groups.iter().map(|(_, rate)| rate);
        let all = parameters.chain(&self.running).chain(&inputs).chain(rates);
        all.map(|tensor| tensor.data_ptr() as usize).collect()
    }
}

fn int_primitive(labels: BurnTensorOf<1, Int>) -> BurnTensor {
    let primitive = labels.without_autodiff().try_into_primitive::<Backend>();
    primitive.expect("labels are on the device of their network")
}
