//! The address list, which is the accounts of the appliance ([MS-ASCMD] 2.2.3.178, Store "GAL").
//!
//! Deliberately absent: pictures (nobody has one).

use crate::eas::commands::search::{DONE, close, open};
use crate::eas::context::{Context, Reply};
use crate::eas::status::Failure;
use crate::mailbox::{Account, AccountStatus};
use crate::wbxml::Writer;
use crate::wbxml::tags::{gal, search as tags};

const NO_PICTURE: u16 = 173;

/// The accounts of which some name begins with `query`, by display name. Those of other domains of
/// log-in names are other people's address list.
///
/// # Errors
/// The store's.
pub async fn find(ctx: &Context<'_>, query: &str) -> Result<Vec<Account>, Failure> {
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

/// An answer with `count` of them from the `from`th on.
#[must_use]
pub fn write(found: &[Account], from: usize, count: usize, picture: bool) -> Reply {
    let mut w = Writer::new();
    open(&mut w, DONE);
    let page: Vec<_> = found.iter().skip(from).take(count).collect();
    for account in &page {
        w.open(tags::RESULT);
        w.open(tags::PROPERTIES);
        properties(&mut w, account, picture);
        w.close();
        w.close();
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

/// The properties of a result. FirstName stands there even if it is empty: Nokia's clients show no
/// entry without it.
pub fn properties(w: &mut Writer, account: &Account, picture: bool) {
    let name = shown_name(account);
    let (first, last) = match account.display_name.rsplit_once(' ') {
        Some((first, last)) => (first, last),
        None => ("", account.display_name.as_str()),
    };
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
}
