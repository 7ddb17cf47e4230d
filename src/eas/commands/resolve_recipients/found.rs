//! Who is meant by a name: people of the address list, and then the user's contacts.

use crate::eas::context::Context;
use crate::eas::people::{self, Names};
use crate::eas::status::Failure;
use crate::limits;
use crate::mailbox::{ItemRow, Person};
use crate::pim::body::BlobRef;
use crate::pim::{Class, ContactField, Record, RecordRef};
use std::collections::HashSet;
use std::rc::Rc;

/// Contacts that are read at a time.
const PAGE: usize = 200;

/// Somebody who may be meant.
#[derive(Clone, Debug)]
pub(super) enum Recipient {
    /// Of the address list.
    Person(Rc<Person>),
    /// A contact, with one of its addresses.
    Contact {
        /// Its name.
        name: String,
        /// The address.
        address: String,
        /// Its photo.
        photo: Option<BlobRef>,
    },
}

impl Recipient {
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Person(person) => people::shown_name(&person.account),
            Self::Contact { name, .. } => name,
        }
    }

    pub(super) fn address(&self) -> &str {
        match self {
            Self::Person(person) => person.account.address(),
            Self::Contact { address, .. } => address,
        }
    }

    pub(super) fn photo(&self) -> Option<BlobRef> {
        match self {
            Self::Person(person) => person.details.photo,
            Self::Contact { photo, .. } => *photo,
        }
    }
}

/// A name that is looked up.
struct Search {
    /// In lower case, without what stands around an address.
    query: String,
    /// Who it may be; who it is, once `is_settled`.
    found: Vec<Recipient>,
    /// Those of whom it is a whole name.
    exact: Vec<Recipient>,
    /// It is somebody's address.
    is_settled: bool,
}

impl Search {
    fn new(name: &str) -> Self {
        let query = bare(name).to_lowercase();
        Self {
            found: Vec::new(),
            exact: Vec::new(),
            // Everybody's name begins with nothing.
            is_settled: query.is_empty(),
            query,
        }
    }

    fn take(&mut self, recipient: Recipient, names: &Names) {
        if names.has_address(&self.query) {
            self.found = vec![recipient];
            self.is_settled = true;
        } else if names.begin_with(&self.query) {
            if names.has_name(&self.query) {
                self.exact.push(recipient.clone());
            }
            self.found.push(recipient);
        }
    }

    /// A whole name that only one has is meant, though others go on after it.
    fn outcome(mut self) -> Vec<Recipient> {
        for all in [&mut self.found, &mut self.exact] {
            let mut known = HashSet::new();
            all.retain(|r| known.insert(r.address().to_lowercase()));
        }
        if !self.is_settled && self.exact.len() == 1 {
            return self.exact;
        }
        self.found
    }
}

/// Whom each of these names leads to.
///
/// # Errors
/// The store's.
pub(super) async fn all(
    ctx: &Context<'_>,
    names: &[String],
) -> Result<Vec<Vec<Recipient>>, Failure> {
    let mut searches: Vec<_> = names.iter().map(|name| Search::new(name)).collect();
    let list = people::list(ctx, |account, details| {
        // Who has no address is nobody's recipient.
        let names = Names::of(account, details);
        let fits = |s: &Search| !s.is_settled && names.begin_with(&s.query);
        !account.addresses.is_empty() && searches.iter().any(fits)
    });
    for person in list.await? {
        let names = Names::of(&person.account, &person.details);
        let person = Rc::new(person);
        for search in searches.iter_mut().filter(|s| !s.is_settled) {
            search.take(Recipient::Person(Rc::clone(&person)), &names);
        }
    }
    if searches.iter().any(|search| !search.is_settled) {
        contacts(ctx, &mut searches).await?;
    }
    Ok(searches.into_iter().map(Search::outcome).collect())
}

/// Looks the user's contacts through.
async fn contacts(ctx: &Context<'_>, searches: &mut [Search]) -> Result<(), Failure> {
    let (mailbox, scope) = (ctx.mailbox(), ctx.scope());
    let mut left = limits::RESOLVE_CONTACTS_MAX;
    for folder in mailbox.folders(scope).await? {
        if folder.folder.kind.class() != Some(Class::Contacts) {
            continue;
        }
        let mut from = None;
        while left > 0 {
            let page = mailbox.list_items(scope, folder.id, from, PAGE.min(left));
            let page = Box::pin(page).await?;
            left = left.saturating_sub(page.items.len().max(1));
            page.items.iter().for_each(|row| contact(row, searches));
            from = page.next;
            if from.is_none() {
                break;
            }
        }
    }
    Ok(())
}

/// Holds a contact against what is looked up. One that cannot be read is nobody.
fn contact(row: &ItemRow, searches: &mut [Search]) {
    let Ok(RecordRef::Contact(contact)) = row.record() else {
        return;
    };
    let (mut first, mut last) = ("", "");
    let mut texts = Vec::new();
    let mut addresses = Vec::new();
    for field in contact.fields.iter() {
        let text = field.1.as_str();
        match ContactField::from(field.0) {
            ContactField::FirstName => first = text,
            ContactField::LastName => last = text,
            ContactField::FileAs | ContactField::Alias | ContactField::NickName => texts.push(text),
            ContactField::Email1Address
            | ContactField::Email2Address
            | ContactField::Email3Address => addresses.push(bare(text)),
            _ => {}
        }
    }
    addresses.retain(|address| address.contains('@'));
    if addresses.is_empty() {
        return;
    }
    let full = format!("{first} {last}");
    texts.extend([full.trim(), last]);
    let names = Names::of_texts(texts.into_iter());
    let by_address: Vec<_> = addresses.iter().map(|a| Names::of_address(a)).collect();
    let fits = |s: &Search| {
        let begins = |names: &Names| names.begin_with(&s.query);
        !s.is_settled && (begins(&names) || by_address.iter().any(begins))
    };
    if !searches.iter().any(fits) {
        return;
    }
    let Ok(Record::Contact(whole)) = row.to_record() else {
        return;
    };
    let shown = [full.trim(), whole.get(ContactField::FileAs)];
    let shown = shown.into_iter().find(|name| !name.is_empty());
    for (address, own) in addresses.iter().zip(&by_address) {
        let recipient = Recipient::Contact {
            name: shown.unwrap_or(address).to_owned(),
            address: (*address).to_owned(),
            photo: whole.picture,
        };
        let names = names.clone().with(own);
        for search in searches.iter_mut().filter(|s| !s.is_settled) {
            search.take(recipient.clone(), &names);
        }
    }
}

/// The address of `"Ada Long" <ada@example.org>`; else the text as it is.
fn bare(text: &str) -> &str {
    let text = text.trim();
    let inside = text.strip_suffix('>').and_then(|t| t.rsplit_once('<'));
    inside.map_or(text, |(_, address)| address.trim())
}

#[cfg(test)]
mod tests {
    use super::bare;

    #[test]
    fn an_address_is_found_within_its_brackets() {
        let check = |text: &str, expect: &str| assert_eq!(bare(text), expect, "{text}");
        check(" ada@x.example ", "ada@x.example");
        check("\"Ada Long\" <ada@x.example>", "ada@x.example");
        check("Ada > Long", "Ada > Long");
        check(">", ">");
        check("<>", "");
    }
}
