//! S drawn straight from the buffer that the shader wrote it into: an option, because work on the window's own device can
//! make the window wait, and nothing needs it for small maps.

use egui::Context;
use mnemoscope_figure::{Body, Figure, Heat, HeatCard, Map, Strides};
use mnemoscope_memory::{Association, Gpu, GpuError, Kernel, StateOnCard};

/// Title of the map.
pub(super) const TITLE: &str = "Memory S on the card";

/// The memory's shader on the window's device, opened when it is first asked for.
#[derive(Default)]
pub(super) struct Shared {
    card: Option<HeatCard>,
    gpu: Option<Result<Gpu, GpuError>>,
}

impl Shared {
    /// Takes the window's card, if it has one that draws heat maps.
    pub(super) fn update(&mut self, ctx: &Context) {
        if self.card.is_none() {
            self.card = HeatCard::of(ctx);
        }
    }

    /// S after the writes shown; nothing is read back for it. Without a card, or for a memory that the shader does not
    /// know, it says so.
    pub(super) fn figure(&mut self, association: &Association) -> Figure {
        let empty = |message: String| Figure::empty("memory-on-card", TITLE, message);
        let Some(card) = &self.card else {
            return empty("This window is not drawn by a graphics card that can show heat maps.".to_owned());
        };
        let (kernel, decay) = match Kernel::of(association.composition()) {
            Ok((Kernel::Softmax { .. }, _)) => return empty("Softmax attention keeps pairs and no S.".to_owned()),
            Ok(known) => known,
            Err(error) => return empty(error.to_string()),
        };
        let open = || {
            let (device, queue) = card.device();
            Gpu::on_device(device.clone(), queue.clone())
        };
        let gpu = match self.gpu.get_or_insert_with(open) {
            Ok(gpu) => gpu,
            Err(error) => return empty(error.to_string()),
        };
        let (pairs, snapshot) = (association.pairs(), association.snapshot());
        let state = match gpu.state_on_card(kernel, decay, pairs, snapshot.writes) {
            Ok(Some(state)) => state,
            Ok(None) => return empty("No pair is written yet: step forward.".to_owned()),
            Err(error) => return empty(error.to_string()),
        };
        let StateOnCard { buffer, rows, columns, row_stride } = state;
        let view = match card.view(buffer, Strides { rows, cols: columns, offset: 0, row: row_stride, col: 1 }) {
            Ok(view) => view,
            Err(error) => return empty(error.to_string()),
        };
        // The processor's twin says what range the colours need.
        let largest = snapshot.memory.values.iter().fold(0.0f32, |largest, value| largest.max(value.abs()));
        let range = (largest > 0.0).then(|| (-f64::from(largest), f64::from(largest)));
        let heat = Heat::on_card(view).titles("value dimension", "key dimension").map(Map::Diverging, range);
        let caption = format!("drawn from the buffer on {}; read back only to tell a value", gpu.name());
        Figure::new("memory-on-card", TITLE, Body::Heat(heat)).caption(caption)
    }
}

#[cfg(test)]
mod tests {
    use egui_kittest::wgpu::{create_render_state, default_wgpu_setup};
    use mnemoscope_core::Component;
    use mnemoscope_memory::Composition;

    use super::*;

    fn association(name: &str) -> Association {
        let point = Composition::named().iter().find(|point| point.name == name).unwrap();
        Association::new(Component::new("association").unwrap(), point.composition()).unwrap()
    }

    #[test]
    fn without_a_card_it_says_so() {
        let figure = Shared::default().figure(&association("delta_rule"));
        assert!(matches!(&figure.body, Body::Empty { message } if message.contains("graphics card")));
    }

    #[test]
    fn the_buffer_holds_what_the_processor_computed() {
        if Gpu::shared().is_err() {
            let required = std::env::var_os("MNEMOSCOPE_REQUIRE_GPU").is_some_and(|value| value == "1");
            assert!(!required, "MNEMOSCOPE_REQUIRE_GPU=1, and there is no adapter");
            println!("SKIPPED: no wgpu adapter");
            return;
        }
        let state = create_render_state(default_wgpu_setup(), eframe::egui_wgpu::RendererOptions::PREDICTABLE);
        let ctx = Context::default();
        HeatCard::install(&ctx, &state.device, &state.queue, state.target_format, &mut state.renderer.write());
        let mut shared = Shared::default();
        shared.update(&ctx);
        let association = association("delta_rule");
        let Body::Heat(heat) = shared.figure(&association).body else { panic!("no heat map") };
        assert_eq!(heat.value(0, 0), None, "nothing was read back");
        let (there, here) = (heat.cells().unwrap(), &association.snapshot().memory.values);
        assert_eq!(there.len(), here.len());
        assert!(there.iter().zip(here).all(|(a, b)| (a - b).abs() <= 1e-4));
    }
}
