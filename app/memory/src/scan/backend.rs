//! Where a scan is computed.

use std::sync::Arc;

use super::{Form, Forward, Gradients, Inputs, Shape, Trace, around};
use crate::{Gpu, GpuError};

/// Where a scan is computed: the same numbers up to rounding.
#[derive(Debug, Clone, Default)]
pub enum Backend {
    /// On the processor's cores: [`super::forward`] and [`super::backward`].
    #[default]
    Cpu,
    /// On a graphics card, by `shaders/scan.wgsl`; the states stay there for the way back.
    Gpu(Arc<Gpu>),
}

impl Backend {
    /// As [`super::forward`].
    ///
    /// # Errors
    /// When the graphics adapter fails, or the scan is too large for it.
    ///
    /// # Panics
    /// When an input has not the length that `shape` says.
    pub fn forward(&self, form: Form, shape: Shape, inputs: &Inputs<'_>) -> Result<Forward, GpuError> {
        match self {
            Self::Cpu => Ok(super::forward(form, shape, inputs)),
            Self::Gpu(gpu) => {
                inputs.check(shape, form.takes());
                around::forward(form, shape, inputs, |form, shape, inputs| {
                    let (out, held) = gpu.scan_forward(form, shape, inputs)?;
                    Ok(Forward { out, trace: Trace::Gpu(held) })
                })
            }
        }
    }

    /// As [`super::backward`]. What `forward` found elsewhere is computed once more here.
    ///
    /// # Errors
    /// When the graphics adapter fails, or the scan is too large for it.
    ///
    /// # Panics
    /// When an input or `d_out` has not the length that `shape` says.
    pub fn backward(
        &self,
        form: Form,
        shape: Shape,
        inputs: &Inputs<'_>,
        forward: &Forward,
        d_out: &[f32],
    ) -> Result<Gradients, GpuError> {
        match (self, &forward.trace) {
            (Self::Cpu, _) => Ok(super::backward(form, shape, inputs, forward, d_out)),
            (Self::Gpu(gpu), Trace::Gpu(held)) => {
                inputs.check(shape, form.takes());
                around::backward(form, shape, inputs, forward, d_out, |form, shape, inputs, d_out| {
                    gpu.scan_backward(form, shape, inputs, held, d_out)
                })
            }
            (Self::Gpu(_), Trace::Cpu { .. }) => {
                let here = self.forward(form, shape, inputs)?;
                self.backward(form, shape, inputs, &here, d_out)
            }
        }
    }
}
