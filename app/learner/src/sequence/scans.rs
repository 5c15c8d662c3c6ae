//! Where a model's matrix memories are scanned: on a graphics card where its tensors lie on one, else on the processor.

use std::sync::{Arc, OnceLock};

use burn::tensor::Device;
use mnemoscope_memory::scan::{self, Backend, Form, Forward, Gradients, Inputs, Shape};
use mnemoscope_memory::{Gpu, GpuError};

/// Scans of one model, which its copies share.
#[derive(Debug, Clone, Default)]
pub(crate) struct Scans {
    backend: Backend,
    /// The first thing that a card refused; the processor computed that.
    refused: Arc<OnceLock<GpuError>>,
}

impl Scans {
    /// Scans for tensors on this device.
    pub(crate) fn on(device: &Device) -> Self {
        if *device == Device::flex() {
            return Self::default();
        }
        match Gpu::shared() {
            Ok(gpu) => Self::by(Backend::Gpu(gpu)),
            Err(error) => Self { backend: Backend::Cpu, refused: Arc::new(OnceLock::from(error)) },
        }
    }

    pub(crate) fn by(backend: Backend) -> Self {
        Self { backend, refused: Arc::default() }
    }

    /// Why the processor computed a scan in the card's place, if it did.
    pub(crate) fn refused(&self) -> Option<&GpuError> {
        self.refused.get()
    }

    /// As [`scan::forward`], and where it was computed: the way back must be computed there, too.
    pub(crate) fn forward(&self, form: Form, shape: Shape, inputs: &Inputs<'_>) -> (Forward, Backend) {
        match self.backend.forward(form, shape, inputs) {
            Ok(forward) => (forward, self.backend.clone()),
            Err(error) => {
                self.keep(error);
                (scan::forward(form, shape, inputs), Backend::Cpu)
            }
        }
    }

    /// As [`scan::backward`], of a scan that was computed on `backend`.
    pub(crate) fn backward(
        &self,
        backend: &Backend,
        form: Form,
        shape: Shape,
        inputs: &Inputs<'_>,
        forward: &Forward,
        d_out: &[f32],
    ) -> Gradients {
        backend.backward(form, shape, inputs, forward, d_out).unwrap_or_else(|error| {
            self.keep(error);
            scan::backward(form, shape, inputs, forward, d_out)
        })
    }

    fn keep(&self, error: GpuError) {
        // A second refusal changes nothing.
        let _ = self.refused.set(error);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::{card, numbers};

    /// The adapter keeps the matrix P of least squares in one workgroup, and this one is too large for any.
    #[test]
    fn what_a_card_refuses_the_processor_computes_and_the_reason_is_kept() {
        let Some(scans) = card() else { return };
        let form = Form::LeastSquares { ridge: 1.0 };
        let shape = Shape { lanes: 1, steps: 1, d_k: 2_000, d_v: 1, chunk: 1 };
        let (q, k) = (numbers(shape.d_k, 1), numbers(shape.d_k, 2));
        let inputs = Inputs { q: &q, k: &k, v: &[1.0], ..Inputs::default() };
        assert_eq!(scans.refused(), None);
        let (found, backend) = scans.forward(form, shape, &inputs);
        assert!(matches!(backend, Backend::Cpu));
        let expected = scan::forward(form, shape, &inputs);
        assert_eq!(found.out, expected.out);
        let slopes = scans.backward(&backend, form, shape, &inputs, &found, &[1.0]);
        assert_eq!(slopes, scan::backward(form, shape, &inputs, &expected, &[1.0]));
        // A copy of the model knows it, too.
        assert!(matches!(scans.clone().refused(), Some(GpuError::Together { rows: 2_000, .. })));
    }
}
