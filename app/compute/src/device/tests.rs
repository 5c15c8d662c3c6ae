use super::*;
use crate::adapters::AdapterKind;

/// Stands in for a card: what matters to the choice is only the probe's answer.
#[expect(clippy::unnecessary_wraps, reason = "it stands in for the start of a real adapter")]
fn pretend(_: &Adapter) -> Result<Device, DeviceError> {
    Ok(Device::flex())
}

fn adapter(name: &str, kind: AdapterKind) -> Adapter {
    Adapter::pretend(name, kind)
}

fn card() -> Adapter {
    adapter("card", AdapterKind::Discrete)
}

fn llvmpipe() -> Adapter {
    adapter("llvmpipe", AdapterKind::Software)
}

/// Answers the times in order; cards are measured before the processor.
fn times(seconds: &'static [f64]) -> impl FnMut(&Device) -> f64 {
    let mut left = seconds.iter();
    move |_| *left.next().expect("measured more devices than expected")
}

fn auto(adapters: &[Adapter], seconds: &'static [f64]) -> Chosen {
    choose_among(Wanted::Auto, adapters, &mut pretend, &mut times(seconds)).unwrap()
}

#[test]
fn auto_takes_the_faster_and_says_both_times() {
    let chosen = auto(&[card()], &[0.001, 0.004]);
    assert_eq!((chosen.kind, chosen.name.as_str()), (CpuOrGpu::Gpu, "card"));
    assert!(chosen.reason.contains("4.00 ms per step on the processor, 1.00 ms per step on card"), "{}", chosen.reason);
    let chosen = auto(&[card()], &[0.004, 0.001]);
    assert_eq!(chosen.kind, CpuOrGpu::Cpu);
    let chosen = auto(&[card(), adapter("second", AdapterKind::Discrete)], &[0.003, 0.002, 0.004]);
    assert_eq!(chosen.name, "second");
}

#[test]
fn auto_never_measures_or_takes_software() {
    let chosen = auto(&[llvmpipe()], &[]);
    assert_eq!(chosen.kind, CpuOrGpu::Cpu);
    assert!(chosen.reason.contains("llvmpipe, is software"), "{}", chosen.reason);
    assert!(auto(&[], &[]).reason.contains("no graphics adapter was found"));
}

#[test]
fn a_card_that_fails_loses_to_the_processor_with_the_reason() {
    let mut broken = |adapter: &Adapter| {
        Err(DeviceError::NotStarted { name: adapter.name.clone(), problem: "out of memory".to_owned() })
    };
    let chosen = choose_among(Wanted::Auto, &[card()], &mut broken, &mut times(&[])).unwrap();
    assert_eq!(chosen.kind, CpuOrGpu::Cpu);
    assert!(chosen.reason.contains("card does not start: out of memory"), "{}", chosen.reason);
    let chosen = auto(&[card()], &[f64::NAN]);
    assert!(chosen.kind == CpuOrGpu::Cpu && chosen.reason.contains("card failed the measurement"), "{}", chosen.reason);
}

#[test]
fn a_wanted_card_is_real_if_there_is_one_and_refused_if_there_is_none() {
    let chosen = |adapters: &[Adapter]| choose_among(Wanted::Gpu, adapters, &mut pretend, &mut times(&[]));
    assert_eq!(chosen(&[llvmpipe(), card()]).unwrap().name, "card");
    let software = chosen(&[llvmpipe()]).unwrap();
    assert!(software.software && software.reason.contains("software, so slow"), "{}", software.reason);
    let error = chosen(&[]).unwrap_err();
    assert_eq!(error, DeviceError::NoAdapter);
    assert!(error.to_string().contains("install a Vulkan driver"), "{error}");
}

#[test]
fn the_processor_is_there_without_a_look_at_adapters() {
    let mut never = |_: &Adapter| -> Result<Device, DeviceError> { panic!("no adapter may be started") };
    let chosen = choose_among(Wanted::Cpu, &[card()], &mut never, &mut times(&[])).unwrap();
    assert_eq!((chosen.name.as_str(), chosen.software), ("CPU (Flex)", false));
}

#[test]
fn a_device_is_written_as_it_is_read() {
    for wanted in [Wanted::Auto, Wanted::Cpu, Wanted::Gpu] {
        assert_eq!(wanted.to_string().parse(), Ok(wanted));
    }
    let error = "tpu".parse::<Wanted>().unwrap_err();
    assert_eq!(error.to_string(), "there is no device \"tpu\"; there is: auto, cpu, gpu");
}

#[test]
fn this_machine_gives_a_device_that_computes() {
    for wanted in [Wanted::Auto, Wanted::Gpu, Wanted::Gpu] {
        match choose(wanted) {
            Ok(chosen) => {
                let twice = Tensor::<1>::from_floats([1.0, 2.0], &chosen.device) * 2.0;
                assert_eq!(twice.into_data().try_to_vec::<f32>().unwrap(), [2.0, 4.0], "{}", chosen.name);
                assert!(wanted == Wanted::Gpu || !chosen.software, "{}", chosen.reason);
            }
            Err(error) => {
                assert!(wanted == Wanted::Gpu && adapters().is_empty(), "{error}");
                let required = std::env::var_os("MNEMOSCOPE_REQUIRE_GPU").is_some_and(|value| value == "1");
                assert!(!required, "MNEMOSCOPE_REQUIRE_GPU=1, and {error}");
                println!("SKIPPED: no Vulkan adapter");
            }
        }
    }
}
