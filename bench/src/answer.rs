//! A page of a Sync answer: items straight from stored bytes into WBXML, as the server does it.

use roost::eas::classes::{Context, Fetched, encode};
use roost::eas::options::{BodyPreference, Options};
use roost::eas::quirks::Quirks;
use roost::eas::version::Version;
use roost::pim::{BodyKind, RecordRef};
use roost::wbxml::tags::airsync;
use roost::wbxml::{Mark, Writer};

/// The version that is spoken.
pub const VERSION: Version = Version::V14_1;

/// Room for any of the documents.
pub const DOCUMENT_BYTES: usize = 256 * 1024;

/// Plain text, cut at 4 KiB.
#[must_use]
pub fn options() -> Options {
    let mut options = Options::default();
    options.bodies[0] = Some(BodyPreference {
        kind: BodyKind::Text,
        limit: Some(4096),
        all_or_none: false,
        preview: None,
    });
    options
}

/// Writes pages one after the other into the same buffer.
pub struct Page {
    w: Writer,
    start: Mark,
    folder: u32,
    options: Options,
    fetched: Fetched,
}

impl Page {
    /// Pages of this folder's items.
    #[must_use]
    pub fn new(folder: u32) -> Self {
        let w = Writer::with_capacity(DOCUMENT_BYTES);
        Self {
            start: w.mark(),
            w,
            folder,
            options: options(),
            fetched: Fetched::default(),
        }
    }

    /// Begins a page; what was there is gone.
    pub fn begin(&mut self) {
        let w = &mut self.w;
        w.rewind(self.start);
        w.open(airsync::SYNC);
        w.open(airsync::COLLECTIONS);
        w.open(airsync::COLLECTION);
        w.num(airsync::SYNC_KEY, 2);
        w.num(airsync::COLLECTION_ID, self.folder);
        w.num(airsync::STATUS, 1);
        w.open(airsync::COMMANDS);
    }

    /// One more item, from its stored form.
    pub fn add(&mut self, item: u32, stored: &[u8]) {
        let (record, _) = crate::must(RecordRef::read(stored));
        self.add_record(item, record);
    }

    /// One more item.
    pub fn add_record(&mut self, item: u32, record: RecordRef<'_>) {
        let ctx = Context {
            version: VERSION,
            options: &self.options,
            item: (self.folder, item),
            fetched: &self.fetched,
            quirks: Quirks::default(),
        };
        self.w.open(airsync::ADD);
        self.w.pair(airsync::SERVER_ID, self.folder, item);
        self.w.open(airsync::APPLICATION_DATA);
        encode(&mut self.w, record, &ctx);
        self.w.close();
        self.w.close();
    }

    /// Ends the page; returns its bytes.
    pub fn end(&mut self) -> usize {
        for _ in 0..4 {
            self.w.close();
        }
        self.w.len()
    }

    /// A copy of the document that was ended last.
    #[must_use]
    pub fn document(&self) -> Vec<u8> {
        self.w.clone().finish()
    }
}

/// Only the check of a stored record; returns its bytes.
///
/// # Panics
/// For bytes that are no record.
#[must_use]
pub fn access(stored: &[u8]) -> usize {
    let (record, date_ms) = crate::must(RecordRef::read(stored));
    std::hint::black_box((record, date_ms));
    stored.len()
}

/// The document of a page of stored items, numbered from 0.
#[must_use]
pub fn document(folder: u32, stored: &[Vec<u8>]) -> Vec<u8> {
    let mut page = Page::new(folder);
    page.begin();
    for (item, stored) in (0..).zip(stored) {
        page.add(item, stored);
    }
    page.end();
    page.document()
}
