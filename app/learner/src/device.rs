//! Moving small things between the host and the device.

use burn::tensor::{Device, Tensor, TensorData};

/// A tensor's values, row-major. A device that fails to answer reads as NaN, which the divergence check then tells.
pub(crate) fn read<const D: usize>(tensor: &Tensor<D>) -> Vec<f32> {
    let values = tensor.try_to_data().ok().and_then(|data| data.try_to_vec::<f32>().ok());
    values.unwrap_or_else(|| vec![f32::NAN; tensor.dims().iter().product()])
}

/// One number per replica on the device, `[R, 1]`, sent again only when it changes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Column {
    values: Vec<f32>,
    tensor: Option<Tensor<2>>,
}

impl Column {
    /// The values as `[R, 1]`.
    pub(crate) fn of(&mut self, values: Vec<f32>, device: &Device) -> Tensor<2> {
        match &self.tensor {
            Some(tensor) if self.values == values => tensor.clone(),
            _ => {
                let shape = [values.len(), 1];
                let tensor = Tensor::from_data(TensorData::new(values.clone(), shape), device);
                self.values = values;
                self.tensor = Some(tensor.clone());
                tensor
            }
        }
    }
}
