//! Photos in answers: the bounds that a client sets, and what becomes of each
//! ([MS-ASCMD] 2.2.3.131, Picture).

use crate::eas::context::{Context, blob};
use crate::eas::status::{Common, Failure};
use crate::eas::value;
use crate::limits;
use crate::pim::body::BlobRef;
use crate::wbxml::{Reader, Tag, Writer};

const SENT: u16 = 1;
const NONE: u16 = 173;
const TOO_LARGE: u16 = 174;
const ENOUGH: u16 = 175;

/// What a client wants of photos.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Asked {
    /// Bytes of the largest one that it takes.
    pub bytes_max: Option<u32>,
    /// How many it takes.
    pub photos_max: Option<u32>,
}

impl Asked {
    /// Reads a Picture element, whose children are `MaxSize` and `MaxPictures` of the command's page.
    ///
    /// # Errors
    /// [`Common::InvalidXml`] for anything else in it; a document that cannot be read.
    pub fn read(r: &mut Reader<'_>, size: Tag, pictures: Tag) -> Result<Self, Failure> {
        let mut asked = Self::default();
        while let Some(tag) = r.child()? {
            let bound = if tag == size {
                &mut asked.bytes_max
            } else if tag == pictures {
                &mut asked.photos_max
            } else {
                return Err(Common::InvalidXml.into());
            };
            *bound = Some(value::number(r)?.ok_or(Common::InvalidXml)?);
        }
        Ok(asked)
    }
}

/// What an answer may still carry of photos.
#[derive(Debug)]
pub struct Room {
    asked: Asked,
    photos: u32,
    bytes: usize,
}

impl Room {
    /// An answer without photos so far.
    #[must_use]
    pub fn new(asked: Asked) -> Self {
        Self {
            photos: asked.photos_max.unwrap_or(u32::MAX),
            bytes: limits::PHOTOS_BYTES_MAX,
            asked,
        }
    }

    /// The photo of somebody, if it fits.
    ///
    /// # Errors
    /// The store's.
    pub async fn take(
        &mut self,
        ctx: &Context<'_>,
        photo: Option<BlobRef>,
    ) -> Result<Shown, Failure> {
        let Some(photo) = photo else {
            return Ok(Shown::none());
        };
        if self
            .asked
            .bytes_max
            .is_some_and(|max| photo.bytes > max.into())
        {
            return Ok(Shown::without(TOO_LARGE));
        }
        let bytes = usize::try_from(photo.bytes).unwrap_or(usize::MAX);
        if self.photos == 0 || bytes > self.bytes {
            return Ok(Shown::without(ENOUGH));
        }
        let data = blob(ctx.eas, photo, photo.bytes).await?;
        if data.is_empty() {
            return Ok(Shown::none());
        }
        self.photos -= 1;
        self.bytes -= bytes;
        Ok(Shown { status: SENT, data })
    }
}

/// What is said of somebody's photo.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Shown {
    status: u16,
    data: Vec<u8>,
}

impl Shown {
    fn without(status: u16) -> Self {
        Self {
            status,
            data: Vec::new(),
        }
    }

    /// There is none.
    #[must_use]
    pub fn none() -> Self {
        Self::without(NONE)
    }

    /// Writes it, with the tags of the command's page: the picture, its status, its data.
    pub fn write(&self, w: &mut Writer, (picture, status, data): (Tag, Tag, Tag)) {
        w.open(picture);
        w.num(status, self.status);
        if self.status == SENT {
            w.opaque(data, &self.data);
        }
        w.close();
    }
}
