//! Moving small things between the host and the device.

use burn::tensor::{Device, Tensor, TensorData};

/// Asks the allocator to keep freed memory for the next step instead of giving it back to the system.
///
/// A step allocates and frees arrays of some megabytes. glibc returns such memory at once and takes it anew, page fault
/// by page fault, which made steps of eight small networks three times as long. It raises its limits (mmap and trim
/// threshold) to the largest mapped block freed so far, up to 32 MiB, so one such block is freed here. Other allocators
/// are not affected.
pub(crate) fn keep_freed_memory() {
    drop(std::hint::black_box(Vec::<u8>::with_capacity(31 << 20)));
}

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
