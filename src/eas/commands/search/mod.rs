//! Search ([MS-ASCMD] 2.2.1.16): one store per file.
//!
//! Deliberately absent: search of document libraries (their store answers that it is not there).

pub mod gal;
pub(in crate::eas::commands) mod mailbox;
mod query;

use crate::eas::context::{Context, Done, Reply};
use crate::eas::options::OptionsError;
use crate::eas::people::photos;
use crate::eas::status::{Common, Failure};
use crate::eas::value;
use crate::eas::version::Version;
use crate::limits::SEARCH_RESULTS_MAX;
use crate::wbxml::tags::{airsync, airsyncbase, rightsmanagement, search as tags};
use crate::wbxml::{Reader, Tag, Writer};
use query::Wanted;

const DONE: u16 = 1;
const INVALID: u16 = 2;
const NOT_FOUND: u16 = 6;
const TOO_COMPLEX: u16 = 8;
const TIMED_OUT: u16 = 10;
const OUT_OF_DATE: u16 = 11;
const RANGE_TOO_FAR: u16 = 12;

#[derive(Default)]
struct Asked {
    store: String,
    query: String,
    /// The query of a mailbox, or the status of one that is refused.
    wanted: Option<Result<Wanted, u16>>,
    mailbox: mailbox::Asked,
    deep: bool,
    range: Option<(u64, u64)>,
    photos: Option<photos::Asked>,
}

/// Carries out the command.
///
/// # Errors
/// A document that cannot be read; the store's.
pub async fn run(ctx: &Context<'_>) -> Result<Done, Failure> {
    let mut r = ctx.document(tags::SEARCH)?;
    let asked = match read(&mut r, ctx) {
        Ok(asked) => asked,
        Err(Failure::Common(Common::InvalidXml)) => return Ok(store(INVALID).into()),
        Err(e) => return Err(e),
    };
    let is = |name: &str| asked.store.eq_ignore_ascii_case(name);
    let is_new = ctx.version() >= Version::V12_0;
    if is("mailbox") && is_new {
        return Ok(in_mailbox(ctx, asked).await?.into());
    }
    let status = match is("gal") {
        true if asked.query.is_empty() => INVALID,
        true => DONE,
        false if is("documentlibrary") && is_new => NOT_FOUND,
        false => INVALID,
    };
    if status != DONE {
        return Ok(store(status).into());
    }
    let max = SEARCH_RESULTS_MAX as u64;
    let (from, to) = asked.range.unwrap_or((0, max - 1));
    if from >= max {
        return Ok(store(RANGE_TOO_FAR).into());
    }
    let found = gal::find(ctx, &asked.query).await?;
    let from = usize::try_from(from).unwrap_or(usize::MAX);
    let count = usize::try_from(to.min(max - 1)).unwrap_or(0) + 1 - from;
    let reply = gal::write(ctx, &found, from, count, asked.photos).await?;
    Ok(reply.into())
}

async fn in_mailbox(ctx: &Context<'_>, asked: Asked) -> Result<Reply, Failure> {
    let mut wanted = match asked.wanted {
        Some(Ok(wanted)) => wanted,
        Some(Err(status)) => return Ok(store(status)),
        None => return Ok(store(INVALID)),
    };
    wanted.deep = asked.deep;
    let mut mailbox = asked.mailbox;
    mailbox.range = asked.range;
    Box::pin(mailbox::run(ctx, &wanted, &mailbox)).await
}

fn read(r: &mut Reader<'_>, ctx: &Context<'_>) -> Result<Asked, Failure> {
    let mut asked = Asked::default();
    while let Some(tag) = r.child()? {
        if tag != tags::STORE {
            return Err(Common::InvalidXml.into());
        }
        while let Some(tag) = r.child()? {
            match tag {
                tags::NAME => asked.store = r.text()?.into_owned(),
                tags::QUERY if asked.store.eq_ignore_ascii_case("gal") => {
                    r.text()?.trim().clone_into(&mut asked.query);
                }
                tags::QUERY if asked.store.eq_ignore_ascii_case("mailbox") => {
                    asked.wanted = Some(query::read(r, ctx.version())?);
                }
                tags::QUERY => r.skip()?,
                tags::OPTIONS => options(r, ctx, &mut asked)?,
                _ => return Err(Common::InvalidXml.into()),
            }
        }
    }
    Ok(asked)
}

fn options(r: &mut Reader<'_>, ctx: &Context<'_>, asked: &mut Asked) -> Result<(), Failure> {
    while let Some(tag) = r.child()? {
        if ctx.version().too_old_for(tag) {
            return Err(Common::InvalidXml.into());
        }
        match tag {
            tags::RANGE => {
                let range = value::range(&r.text()?);
                asked.range = Some(range.ok_or(Common::InvalidXml)?);
            }
            tags::PICTURE => {
                let photos = photos::Asked::read(r, tags::MAX_SIZE, tags::MAX_PICTURES)?;
                asked.photos = Some(photos);
            }
            tags::DEEP_TRAVERSAL => asked.deep = value::flag(r)?,
            tags::REBUILD_RESULTS => asked.mailbox.rebuild = value::flag(r)?,
            tag if is_form(tag) => {
                let taken = asked.mailbox.options.element(r, tag, ctx.version());
                taken.map_err(|e| match e {
                    OptionsError::Wbxml(e) => Failure::from(e),
                    OptionsError::Invalid(_) => Common::InvalidXml.into(),
                    OptionsError::BodyPartType => Common::BodyPartPreferenceTypeNotSupported.into(),
                })?;
            }
            _ => r.skip()?,
        }
    }
    Ok(())
}

/// Whether an option is about the form of the results.
fn is_form(tag: Tag) -> bool {
    matches!(
        tag,
        airsync::MIME_SUPPORT
            | airsyncbase::BODY_PREFERENCE
            | airsyncbase::BODY_PART_PREFERENCE
            | rightsmanagement::RIGHTS_MANAGEMENT_SUPPORT
    )
}

fn store(status: u16) -> Reply {
    let mut w = Writer::new();
    open(&mut w, status);
    close(w, status)
}

fn open(w: &mut Writer, status: u16) {
    w.open(tags::SEARCH);
    w.num(tags::STATUS, DONE);
    w.open(tags::RESPONSE);
    w.open(tags::STORE);
    w.num(tags::STATUS, status);
}

fn close(mut w: Writer, status: u16) -> Reply {
    w.close();
    w.close();
    w.close();
    Reply::document(w, status)
}
