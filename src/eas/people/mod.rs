//! The address list, which is the accounts of the appliance: who is found, and what is shown of them.
//! What the commands that look people up share.

pub mod photos;

use crate::eas::context::Context;
use crate::eas::status::Failure;
use crate::limits;
use crate::mailbox::{Account, AccountStatus, Details, Mailbox, Person};
use crate::wbxml::Writer;
use crate::wbxml::tags::gal;
use photos::Room;

/// Those of the caller's address list that are `wanted`, by display name. Accounts of other domains of
/// log-in names are other people's address list.
///
/// # Errors
/// The store's.
pub async fn list(
    ctx: &Context<'_>,
    mut wanted: impl FnMut(&Account, &Details) -> bool,
) -> Result<Vec<Person>, Failure> {
    let domain = &ctx.account.account.domain;
    let is_in = |a: &Account| a.status == AccountStatus::Active && a.domain == *domain;
    let people = ctx.mailbox().people(|a, d| is_in(a) && wanted(a, d));
    let mut found = Box::pin(people).await?;
    found.sort_by_cached_key(|p| {
        (
            shown_name(&p.account).to_lowercase(),
            p.account.login.clone(),
        )
    });
    Ok(found)
}

/// The names by which somebody is looked up, in lower case.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Names {
    whole: Vec<String>,
    /// Where the further words of them begin: which name, and which byte of it.
    words: Vec<(usize, usize)>,
    addresses: Vec<String>,
}

impl Names {
    /// Of an account.
    #[must_use]
    pub fn of(account: &Account, details: &Details) -> Self {
        let (first, last) = details.names(account);
        let names = [&account.display_name, &account.login, first, last];
        let mut own = Self::of_texts(names.into_iter());
        let addresses = account.addresses.iter().map(|a| a.to_lowercase());
        own.addresses = addresses.collect();
        own
    }

    /// Of these texts.
    pub fn of_texts<'a>(texts: impl Iterator<Item = &'a str>) -> Self {
        let mut own = Self::default();
        for text in texts.map(str::trim).filter(|text| !text.is_empty()) {
            let name = text.to_lowercase();
            let blanks = name.match_indices(char::is_whitespace);
            let words = blanks.map(|(at, blank)| (own.whole.len(), at + blank.len()));
            own.words.extend(words);
            own.whole.push(name);
        }
        own
    }

    /// Of an address.
    #[must_use]
    pub fn of_address(address: &str) -> Self {
        Self {
            addresses: vec![address.to_lowercase()],
            ..Self::default()
        }
    }

    /// The same with the addresses of others.
    #[must_use]
    pub fn with(mut self, others: &Self) -> Self {
        self.addresses.extend_from_slice(&others.addresses);
        self
    }

    /// Whether a name, a word of a name or an address begins with `query`, which is in lower case.
    #[must_use]
    pub fn begin_with(&self, query: &str) -> bool {
        let mut names = self.whole.iter().chain(&self.addresses);
        let mut words = self.words.iter();
        names.any(|name| name.starts_with(query))
            || words.any(|(name, at)| {
                let name = self.whole.get(*name);
                let word = name.and_then(|name| name.get(*at..));
                word.is_some_and(|word| word.starts_with(query))
            })
    }

    /// Whether `query`, which is in lower case, is one of the names as a whole.
    #[must_use]
    pub fn has_name(&self, query: &str) -> bool {
        self.whole.iter().any(|name| name == query)
    }

    /// Whether `query`, which is in lower case, is one of the addresses.
    #[must_use]
    pub fn has_address(&self, query: &str) -> bool {
        self.addresses.iter().any(|address| address == query)
    }
}

/// The display name, or the log-in name where there is none.
#[must_use]
pub fn shown_name(account: &Account) -> &str {
    match account.display_name.as_str() {
        "" => &account.login,
        name => name,
    }
}

/// Writes what is shown of a person, into an open `Properties` ([MS-ASCMD] 2.2.3.137); with the photo,
/// where there is `room` for any.
///
/// # Errors
/// The store's.
pub async fn show(
    ctx: &Context<'_>,
    w: &mut Writer,
    person: &Person,
    room: &mut Option<Room>,
) -> Result<(), Failure> {
    properties(w, person);
    if let Some(room) = room {
        let photo = room.take(ctx, person.details.photo).await?;
        photo.write(w, (gal::PICTURE, gal::STATUS, gal::DATA));
    }
    Ok(())
}

/// FirstName stands there even if it is empty: Nokia's clients show no entry without it.
fn properties(w: &mut Writer, person: &Person) {
    let (account, details) = (&person.account, &person.details);
    let (first, last) = details.names(account);
    w.text(gal::DISPLAY_NAME, shown_name(account));
    w.text_if(gal::PHONE, &details.phone);
    w.text_if(gal::OFFICE, &details.office);
    w.text_if(gal::TITLE, &details.title);
    w.text_if(gal::COMPANY, &details.company);
    w.text(gal::ALIAS, &account.login);
    w.text(gal::FIRST_NAME, first);
    w.text_if(gal::LAST_NAME, last);
    w.text_if(gal::HOME_PHONE, &details.home_phone);
    w.text_if(gal::MOBILE_PHONE, &details.mobile_phone);
    w.text_if(gal::EMAIL_ADDRESS, account.address());
}

/// The certificates of a person that are of use for mail at this moment (Unix seconds), DER.
///
/// # Errors
/// The store's.
pub async fn certificates(
    mailbox: &Mailbox,
    person: &Person,
    now_s: i64,
) -> Result<Vec<Vec<u8>>, Failure> {
    let mut all = mailbox.certificates(person.scope).await?;
    all.truncate(limits::CERTIFICATES_MAX);
    all.retain(|der| {
        crate::smime::Certificate::from_der(der).is_ok_and(|c| c.for_mail && c.is_in_time(now_s))
    });
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_by_their_beginnings_whatever_the_case() {
        let account = Account {
            login: "zoe".into(),
            display_name: "Zoë  van Dyck".into(),
            addresses: vec!["Zoe.Dyck@example.org".into()],
            ..Account::default()
        };
        let details = Details {
            first_name: "Zoë".into(),
            last_name: "van Dyck".into(),
            ..Details::default()
        };
        let names = Names::of(&account, &details);
        for query in [
            "z",
            "zoë",
            "zoë  v",
            "van d",
            "dyck",
            "zoe",
            "zoe.dyck@example.org",
        ] {
            assert!(names.begin_with(query), "{query}");
        }
        for query in ["yck", "an dyck", "example.org", "zoë van dyck"] {
            assert!(!names.begin_with(query), "{query}");
        }
        assert!(names.has_name("van dyck") && !names.has_name("dyck"));
        assert!(names.has_address("zoe.dyck@example.org") && !names.has_address("zoe"));
    }
}
