//! Search ([MS-ASCMD] 2.2.1.16): the address list, which is the accounts of the appliance.
//!
//! Deliberately absent: search of mailboxes and of document libraries (their store answers that it
//! is not there), pictures (nobody has one).

use crate::eas::context::{Context, Done, Reply};
use crate::eas::status::{Common, Failure};
use crate::eas::value;
use crate::limits::SEARCH_RESULTS_MAX;
use crate::mailbox::{Account, AccountStatus};
use crate::wbxml::tags::{gal, search as tags};
use crate::wbxml::{Reader, Writer};

const DONE: u16 = 1;
const INVALID: u16 = 2;
const NOT_FOUND: u16 = 6;
const RANGE_TOO_FAR: u16 = 12;
const NO_PICTURE: u16 = 173;

#[derive(Default)]
struct Asked {
    store: String,
    query: String,
    range: Option<(u64, u64)>,
    picture: bool,
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
    let status = match asked.store.as_str() {
        "GAL" | "gal" if asked.query.is_empty() => INVALID,
        "GAL" | "gal" => DONE,
        "Mailbox" | "DocumentLibrary" => NOT_FOUND,
        _ => INVALID,
    };
    if status != DONE {
        return Ok(store(status).into());
    }
    let max = SEARCH_RESULTS_MAX as u64;
    let (from, to) = asked.range.unwrap_or((0, max - 1));
    if from >= max {
        return Ok(store(RANGE_TOO_FAR).into());
    }
    let found = find(ctx, &asked.query).await?;
    let from = usize::try_from(from).unwrap_or(usize::MAX);
    let count = usize::try_from(to.min(max - 1)).unwrap_or(0) + 1 - from;
    Ok(write(&found, from, count, asked.picture).into())
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
                // The query of a mailbox has children, and is not looked at.
                tags::QUERY if asked.store.eq_ignore_ascii_case("gal") => {
                    r.text()?.trim().clone_into(&mut asked.query);
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
                r.skip()?;
                asked.picture = true;
            }
            _ => r.skip()?,
        }
    }
    Ok(())
}

/// The accounts of which some name begins with `query`, by display name. Those of other domains of
/// log-in names are other people's address list.
async fn find(ctx: &Context<'_>, query: &str) -> Result<Vec<Account>, Failure> {
    let query = query.to_lowercase();
    let domain = &ctx.account.account.domain;
    let accounts = ctx.mailbox().accounts().await?;
    let mut found: Vec<Account> = accounts
        .into_iter()
        .map(|row| row.account)
        .filter(|a| a.status == AccountStatus::Active && a.domain == *domain)
        .filter(|a| matches(a, &query))
        .collect();
    found.sort_by_cached_key(|a| (shown_name(a).to_lowercase(), a.login.clone()));
    Ok(found)
}

fn matches(account: &Account, query: &str) -> bool {
    let name = account.display_name.to_lowercase();
    let begins = |text: &str| text.starts_with(query);
    begins(&name)
        || name.split_whitespace().any(begins)
        || begins(&account.login.to_lowercase())
        || account.addresses.iter().any(|a| begins(&a.to_lowercase()))
}

fn shown_name(account: &Account) -> &str {
    match account.display_name.as_str() {
        "" => &account.login,
        name => name,
    }
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

fn write(found: &[Account], from: usize, count: usize, picture: bool) -> Reply {
    let mut w = Writer::new();
    open(&mut w, DONE);
    let page: Vec<_> = found.iter().skip(from).take(count).collect();
    for account in &page {
        result(&mut w, account, picture);
    }
    if page.is_empty() {
        w.empty(tags::RESULT);
    } else {
        let last = from + page.len() - 1;
        w.text(tags::RANGE, &format!("{from}-{last}"));
        w.num(tags::TOTAL, i64::try_from(found.len()).unwrap_or(i64::MAX));
    }
    close(w, DONE).with_changes(page.len())
}

/// FirstName stands there even if it is empty: Nokia's clients show no entry without it.
fn result(w: &mut Writer, account: &Account, picture: bool) {
    let name = shown_name(account);
    let (first, last) = match account.display_name.rsplit_once(' ') {
        Some((first, last)) => (first, last),
        None => ("", account.display_name.as_str()),
    };
    w.open(tags::RESULT);
    w.open(tags::PROPERTIES);
    w.text(gal::DISPLAY_NAME, name);
    w.text(gal::ALIAS, &account.login);
    w.text(gal::FIRST_NAME, first);
    w.text_if(gal::LAST_NAME, last);
    w.text_if(gal::EMAIL_ADDRESS, account.address());
    if picture {
        w.open(gal::PICTURE);
        w.num(gal::STATUS, NO_PICTURE);
        w.close();
    }
    w.close();
    w.close();
}
