//! Numbers that stay on a graphics card.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::fresh;

/// Why numbers on a graphics card cannot be shown or read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GpuViewError {
    /// The buffer ends before the last cell.
    #[error(
        "a buffer of {held} numbers is too short for a view that ends at number {needed}: check offset and strides"
    )]
    Short {
        /// Numbers in the buffer.
        held: u64,
        /// Numbers up to the end of the last cell.
        needed: u64,
    },
    /// The buffer may not be bound by a shader, or not be copied from.
    #[error("a buffer to look at needs the usages STORAGE and COPY_SRC; this one has {usage:?}")]
    Usage {
        /// What it has.
        usage: wgpu::BufferUsages,
    },
    /// The card did not hand the numbers over.
    #[error("the graphics card did not hand a heat map's numbers over: {message}")]
    Read {
        /// What the driver says.
        message: String,
    },
}

/// Where the cells of a table lie in a buffer, counted in numbers of 4 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Strides {
    /// Number of rows.
    pub rows: usize,
    /// Number of columns.
    pub cols: usize,
    /// Where the first cell is.
    pub offset: usize,
    /// From a row to the next.
    pub row: usize,
    /// From a column to the next.
    pub col: usize,
}

impl Strides {
    /// Rows one after the other from the buffer's start.
    pub fn row_major(rows: usize, cols: usize) -> Self {
        Self { rows, cols, offset: 0, row: cols, col: 1 }
    }

    /// Numbers from the buffer's start to the end of the last cell.
    fn end(self) -> u64 {
        if self.rows == 0 || self.cols == 0 {
            return self.offset as u64;
        }
        (self.offset + (self.rows - 1) * self.row + (self.cols - 1) * self.col + 1) as u64
    }
}

/// A view of a table of `f32` in a storage buffer: a device, a buffer, and where the cells lie. What wrote them need not
/// have finished: a queue keeps its order.
///
/// Make a new one with [`GpuView::rewritten`] when the numbers have changed.
#[derive(Clone, Debug)]
pub struct GpuView {
    device: wgpu::Device,
    queue: wgpu::Queue,
    buffer: wgpu::Buffer,
    strides: Strides,
    /// The window's card whose device this is, if it is one's.
    card: Option<u64>,
    /// A number that no other content has.
    id: u64,
    reader: Arc<Mutex<Reader>>,
}

/// What was read back of a buffer, and what is under way.
#[derive(Debug, Default)]
struct Reader {
    /// The content's number and its cells, row-major.
    known: Option<(u64, Arc<[f32]>)>,
    under_way: Option<(u64, Strides, wgpu::Buffer, Arc<Mutex<Answer>>)>,
}

/// The driver's answer, once it has come.
type Answer = Option<Result<(), wgpu::BufferAsyncError>>;

impl PartialEq for GpuView {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id && self.strides == other.strides
    }
}

impl GpuView {
    /// A view of a buffer of this device; of the window's own use [`HeatCard::view`](crate::HeatCard::view).
    ///
    /// # Errors
    /// When the buffer is too short for it, or may not be bound as storage and copied from.
    pub fn new(
        device: &wgpu::Device,
        queue: &wgpu::Queue,
        buffer: wgpu::Buffer,
        strides: Strides,
    ) -> Result<Self, GpuViewError> {
        let (held, needed) = (buffer.size() / 4, strides.end());
        if needed > held {
            return Err(GpuViewError::Short { held, needed });
        }
        let usage = buffer.usage();
        if !usage.contains(wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC) {
            return Err(GpuViewError::Usage { usage });
        }
        let (device, queue) = (device.clone(), queue.clone());
        Ok(Self { device, queue, buffer, strides, card: None, id: fresh(), reader: Arc::default() })
    }

    /// The same, known to lie on the device of this card. (wgpu's own equality of devices tells two apart only within one
    /// instance.)
    pub(crate) fn of_card(self, card: u64) -> Self {
        Self { card: Some(card), ..self }
    }

    pub(crate) fn card(&self) -> Option<u64> {
        self.card
    }

    /// The same view after its buffer was written again.
    pub fn rewritten(&self) -> Self {
        Self { id: fresh(), ..self.clone() }
    }

    /// Where the cells lie.
    pub fn strides(&self) -> Strides {
        self.strides
    }

    pub(crate) fn buffer(&self) -> &wgpu::Buffer {
        &self.buffer
    }

    /// The latest numbers that were read back, of this content or of one before; none before the first.
    pub(crate) fn known(&self) -> Option<Arc<[f32]>> {
        open(&self.reader).known.as_ref().map(|(_, cells)| Arc::clone(cells))
    }

    /// The number of the content that [`GpuView::known`] answers.
    pub(crate) fn known_id(&self) -> Option<u64> {
        open(&self.reader).known.as_ref().map(|(id, _)| *id)
    }

    /// Asks for the numbers without waiting; `true` once [`GpuView::known`] has those of this content. Until then ask
    /// again in the next frame.
    pub(crate) fn look(&self) -> Result<bool, GpuViewError> {
        let mut reader = open(&self.reader);
        if reader.under_way.is_some() {
            self.device.poll(wgpu::PollType::Poll).map_err(|error| failed(&error))?;
            finish(&mut reader)?;
        }
        let known = reader.known.as_ref().is_some_and(|(id, _)| *id == self.id);
        if !known && reader.under_way.is_none() {
            self.start(&mut reader);
        }
        Ok(known)
    }

    /// The numbers, row-major; waits for the card.
    pub(crate) fn read(&self) -> Result<Arc<[f32]>, GpuViewError> {
        // An older content may be under way: it ends first, then this one is asked for.
        while !self.look()? {
            self.device.poll(wgpu::PollType::wait_indefinitely()).map_err(|error| failed(&error))?;
        }
        self.known().ok_or_else(|| failed(&"nothing came"))
    }

    fn start(&self, reader: &mut Reader) {
        let from = self.strides.offset as u64 * 4;
        let size = self.strides.end() * 4 - from;
        let (usage, label) = (wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST, Some("heat map, read back"));
        // Nothing to map is an error of wgpu's: an empty table gets one unused number.
        let size_held = size.max(4);
        let back = self.device.create_buffer(&wgpu::BufferDescriptor {
            label,
            size: size_held,
            usage,
            mapped_at_creation: false,
        });
        let mut encoder = self.device.create_command_encoder(&wgpu::CommandEncoderDescriptor { label });
        if size > 0 {
            encoder.copy_buffer_to_buffer(&self.buffer, from, &back, 0, size);
        }
        self.queue.submit([encoder.finish()]);
        let answer: Arc<Mutex<Answer>> = Arc::default();
        let sink = Arc::clone(&answer);
        back.map_async(wgpu::MapMode::Read, .., move |result| *open(&sink) = Some(result));
        reader.under_way = Some((self.id, self.strides, back, answer));
    }
}

/// Takes the cells out of a buffer that has been mapped, if it has.
fn finish(reader: &mut Reader) -> Result<(), GpuViewError> {
    let Some(answer) = reader.under_way.as_ref().and_then(|(.., answer)| open(answer).take()) else { return Ok(()) };
    let Some((id, strides, back, _)) = reader.under_way.take() else { return Ok(()) };
    answer.map_err(|error| failed(&error))?;
    let bytes = back.get_mapped_range(..).map_err(|error| failed(&error))?;
    let numbers: Vec<f32> = bytemuck::pod_collect_to_vec(&bytes);
    let cell = |row: usize, col: usize| numbers[row * strides.row + col * strides.col];
    let cells = (0..strides.rows).flat_map(|row| (0..strides.cols).map(move |col| cell(row, col))).collect();
    reader.known = Some((id, cells));
    Ok(())
}

/// Nothing here panics while it holds a lock.
fn open<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

fn failed(error: &impl std::fmt::Display) -> GpuViewError {
    GpuViewError::Read { message: error.to_string() }
}
