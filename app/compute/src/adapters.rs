//! The graphics adapters of this machine.

use std::sync::OnceLock;

use burn::tensor::DeviceKind;

/// What sort of adapter it is, as its driver says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AdapterKind {
    /// A graphics card with memory of its own.
    Discrete,
    /// Graphics that share the processor's memory.
    Integrated,
    /// A card passed through to a virtual machine.
    Virtual,
    /// Drawn and computed by the processor, such as llvmpipe.
    Software,
    /// The driver does not say.
    Other,
}

/// One adapter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adapter {
    /// The name that the driver gives.
    pub name: String,
    /// What sort of adapter it is.
    pub kind: AdapterKind,
    /// Whether the processor does its work: right for checking shaders, slow for everything else.
    pub software: bool,
    /// The graphics interface, such as "vulkan".
    pub backend: String,
    /// Its number among the adapters of its kind; burn counts each kind from 0.
    nth: usize,
}

impl Adapter {
    #[cfg(test)]
    pub(crate) fn pretend(name: &str, kind: AdapterKind) -> Self {
        let software = kind == AdapterKind::Software;
        Self { name: name.to_owned(), kind, software, backend: "vulkan".to_owned(), nth: 0 }
    }

    /// How burn is asked for this adapter; `None` where burn cannot name it.
    pub(crate) fn device_kind(&self) -> Option<DeviceKind> {
        match self.kind {
            AdapterKind::Discrete => Some(DeviceKind::DiscreteGpu(self.nth)),
            AdapterKind::Integrated => Some(DeviceKind::IntegratedGpu(self.nth)),
            AdapterKind::Virtual => Some(DeviceKind::VirtualGpu(self.nth)),
            // burn takes the first software adapter, and has no word for "other" but its own default.
            AdapterKind::Software => (self.nth == 0).then_some(DeviceKind::Cpu),
            AdapterKind::Other => (self.nth == 0).then_some(DeviceKind::DefaultDevice),
        }
    }
}

/// The adapters that burn can reach, best kind first; empty where there is no driver.
///
/// They are looked up once per process: making graphics instances on several threads at once crashes some loaders.
pub fn adapters() -> &'static [Adapter] {
    static FOUND: OnceLock<Vec<Adapter>> = OnceLock::new();
    FOUND.get_or_init(enumerate)
}

/// The first interface with a real adapter, or else the first with any: burn settles on one in the same way, and
/// numbers the adapters of that one only. OpenGL is left out: its compute is partial, and looking for it prints
/// complaints on a machine without a display.
fn enumerate() -> Vec<Adapter> {
    let mut software_only = Vec::new();
    for backend in [wgpu::Backend::Metal, wgpu::Backend::Vulkan, wgpu::Backend::Dx12] {
        if !wgpu::Instance::enabled_backend_features().contains(backend.into()) {
            continue;
        }
        let instance = wgpu::Instance::new(wgpu::InstanceDescriptor {
            backends: backend.into(),
            ..wgpu::InstanceDescriptor::new_without_display_handle()
        });
        let found = pollster::block_on(instance.enumerate_adapters(backend.into()));
        let found = describe(found.iter().map(wgpu::Adapter::get_info));
        if found.iter().any(|adapter| !adapter.software) {
            return found;
        }
        if software_only.is_empty() {
            software_only = found;
        }
    }
    software_only
}

fn describe(infos: impl Iterator<Item = wgpu::AdapterInfo>) -> Vec<Adapter> {
    let mut found: Vec<Adapter> = Vec::new();
    for info in infos {
        let kind = match info.device_type {
            wgpu::DeviceType::DiscreteGpu => AdapterKind::Discrete,
            wgpu::DeviceType::IntegratedGpu => AdapterKind::Integrated,
            wgpu::DeviceType::VirtualGpu => AdapterKind::Virtual,
            wgpu::DeviceType::Cpu => AdapterKind::Software,
            wgpu::DeviceType::Other => AdapterKind::Other,
        };
        let nth = found.iter().filter(|adapter| adapter.kind == kind).count();
        let software = kind == AdapterKind::Software || named_like_software(&info.name);
        found.push(Adapter { name: info.name, kind, software, backend: info.backend.to_string(), nth });
    }
    // A stable sort: within a kind the driver's order, which burn counts by, stays.
    found.sort_by_key(|adapter| match adapter.kind {
        AdapterKind::Discrete => 0,
        AdapterKind::Integrated => 1,
        AdapterKind::Virtual => 2,
        AdapterKind::Other => 3,
        AdapterKind::Software => 4,
    });
    found
}

/// Some OpenGL drivers report a software renderer as "other".
fn named_like_software(name: &str) -> bool {
    let name = name.to_lowercase();
    ["llvmpipe", "softpipe", "swiftshader", "basic render"].iter().any(|part| name.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(name: &str, device_type: wgpu::DeviceType) -> wgpu::AdapterInfo {
        wgpu::AdapterInfo { name: name.to_owned(), ..wgpu::AdapterInfo::new(device_type, wgpu::Backend::Vulkan) }
    }

    #[test]
    fn each_kind_is_counted_from_zero_and_the_best_kind_comes_first() {
        let found = describe(
            [
                info("llvmpipe (LLVM 19)", wgpu::DeviceType::Cpu),
                info("inside", wgpu::DeviceType::IntegratedGpu),
                info("card a", wgpu::DeviceType::DiscreteGpu),
                info("card b", wgpu::DeviceType::DiscreteGpu),
            ]
            .into_iter(),
        );
        let names: Vec<_> = found.iter().map(|adapter| adapter.name.as_str()).collect();
        assert_eq!(names, ["card a", "card b", "inside", "llvmpipe (LLVM 19)"]);
        let kinds: Vec<_> = found.iter().map(|adapter| adapter.device_kind().unwrap()).collect();
        assert_eq!(
            kinds,
            [DeviceKind::DiscreteGpu(0), DeviceKind::DiscreteGpu(1), DeviceKind::IntegratedGpu(0), DeviceKind::Cpu]
        );
        assert_eq!(found.iter().map(|adapter| adapter.software).collect::<Vec<_>>(), [false, false, false, true]);
    }

    #[test]
    fn a_software_renderer_is_known_by_its_name_too() {
        let found = describe([info("llvmpipe (LLVM 15.0.7, 256 bits)", wgpu::DeviceType::Other)].into_iter());
        assert!(found[0].software);
        assert_eq!(found[0].kind, AdapterKind::Other);
    }

    #[test]
    fn looking_for_adapters_never_panics_and_repeats() {
        assert_eq!(adapters(), adapters());
    }
}
