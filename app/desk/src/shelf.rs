//! The data set of the session, loaded beside it for the pictures of wrong samples.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};

use mnemoscope_core::Component;
use mnemoscope_stream::{DataSources, Dataset};

/// One data set, the latest that was asked for.
#[derive(Default)]
pub struct Shelf {
    source: Option<Component<DataSources>>,
    loading: Option<Receiver<Option<Dataset>>>,
    data: Option<Arc<Dataset>>,
}

impl Shelf {
    /// The data of `source`, once they are loaded. `wake` is called when they are.
    pub fn get(
        &mut self,
        source: &Component<DataSources>,
        wake: impl FnOnce() + Send + 'static,
    ) -> Option<Arc<Dataset>> {
        if self.source.as_ref() != Some(source) {
            self.source = Some(source.clone());
            self.data = None;
            self.load(source.clone(), wake);
        }
        if let Some(loading) = &self.loading {
            match loading.try_recv() {
                Ok(data) => {
                    self.data = data.map(Arc::new);
                    self.loading = None;
                }
                Err(TryRecvError::Empty) => {}
                Err(TryRecvError::Disconnected) => self.loading = None,
            }
        }
        self.data.clone()
    }

    fn load(&mut self, source: Component<DataSources>, wake: impl FnOnce() + Send + 'static) {
        let (sender, receiver) = sync_channel(1);
        let work = move || {
            // The session reads the same file and tells what is wrong with it.
            sender.send(Dataset::load(&source).ok()).ok();
            wake();
        };
        match std::thread::Builder::new().name("data".to_owned()).spawn(work) {
            Ok(_) => self.loading = Some(receiver),
            Err(error) => log::warn!("pictures of wrong samples are not available: {error}"),
        }
    }
}
