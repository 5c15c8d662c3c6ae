//! Where the lab computes: the processor (burn's Flex backend, always there) or a graphics card (wgpu), and how many
//! threads the processor may take.
//!
//! Nothing here fails because a driver is missing: adapters are looked up before burn is asked for one.
//!
//! ```
//! use mnemoscope_compute::{CpuOrGpu, Wanted, choose};
//!
//! let wanted: Wanted = "cpu".parse().unwrap();
//! let chosen = choose(wanted).unwrap();
//! assert_eq!(chosen.kind, CpuOrGpu::Cpu);
//! assert_eq!(chosen.name, "CPU (Flex)");
//! ```

mod adapters;
mod device;
mod threads;

pub use adapters::{Adapter, AdapterKind, adapters};
pub use device::{Chosen, CpuOrGpu, DeviceError, UnknownDevice, Wanted, choose, choose_by};
pub use threads::{ThreadsError, cores, limit_threads, threads_beside_window};
