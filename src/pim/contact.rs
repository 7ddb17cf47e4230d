//! A contact: a sorted list of the text properties that it has, and the few that are not text.

use super::body::{BlobRef, Body};
use rkyv::{Archive, Deserialize, Serialize};

macro_rules! fields {
    ($($(#[$doc:meta])* $name:ident = $n:literal,)*) => {
        /// A text property of a contact ([MS-ASCNTC] 2.2.2). The numbers are stored: never reuse one.
        #[derive(Archive, Serialize, Deserialize, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        #[rkyv(derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug))]
        #[repr(u8)]
        #[allow(missing_docs, reason = "named as in the specification")]
        pub enum ContactField { $($(#[$doc])* $name = $n,)* }
        impl ContactField {
            /// Every field, in the order of the numbers.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];
        }
        impl From<ArchivedContactField> for ContactField {
            fn from(a: ArchivedContactField) -> Self {
                match a { $(ArchivedContactField::$name => Self::$name,)* }
            }
        }
    };
}

fields! {
    FileAs = 0,
    FirstName = 1,
    MiddleName = 2,
    LastName = 3,
    Title = 4,
    Suffix = 5,
    Alias = 6,
    CompanyName = 7,
    Department = 8,
    JobTitle = 9,
    OfficeLocation = 10,
    AssistantName = 11,
    ManagerName = 12,
    Spouse = 13,
    NickName = 14,
    Email1Address = 20,
    Email2Address = 21,
    Email3Address = 22,
    ImAddress = 23,
    ImAddress2 = 24,
    ImAddress3 = 25,
    WebPage = 26,
    BusinessPhoneNumber = 30,
    Business2PhoneNumber = 31,
    BusinessFaxNumber = 32,
    HomePhoneNumber = 33,
    Home2PhoneNumber = 34,
    HomeFaxNumber = 35,
    MobilePhoneNumber = 36,
    CarPhoneNumber = 37,
    RadioPhoneNumber = 38,
    PagerNumber = 39,
    AssistantPhoneNumber = 40,
    CompanyMainPhone = 41,
    Mms = 42,
    BusinessAddressStreet = 50,
    BusinessAddressCity = 51,
    BusinessAddressState = 52,
    BusinessAddressPostalCode = 53,
    BusinessAddressCountry = 54,
    HomeAddressStreet = 55,
    HomeAddressCity = 56,
    HomeAddressState = 57,
    HomeAddressPostalCode = 58,
    HomeAddressCountry = 59,
    OtherAddressStreet = 60,
    OtherAddressCity = 61,
    OtherAddressState = 62,
    OtherAddressPostalCode = 63,
    OtherAddressCountry = 64,
    YomiFirstName = 70,
    YomiLastName = 71,
    YomiCompanyName = 72,
    CustomerId = 80,
    GovernmentId = 81,
    AccountName = 82,
    WeightedRank = 83,
}

/// A contact.
#[derive(Archive, Serialize, Deserialize, Clone, PartialEq, Debug, Default)]
pub struct Contact {
    /// The text properties that it has, sorted by field, each once, none empty.
    pub fields: Vec<(ContactField, String)>,
    /// Birthday, Unix milliseconds as the client sent it.
    pub birthday_ms: Option<i64>,
    /// Anniversary, Unix milliseconds as the client sent it.
    pub anniversary_ms: Option<i64>,
    /// Categories.
    pub categories: Vec<String>,
    /// Names of children.
    pub children: Vec<String>,
    /// The photo (JPEG or PNG bytes; the protocol caps it at 48 KB of base64).
    pub picture: Option<BlobRef>,
    /// The notes.
    pub body: Body,
    /// `UID` of the vCard it came from, or empty.
    pub uid: String,
    /// When it was created here, Unix milliseconds.
    pub created_ms: i64,
}

impl Contact {
    /// The value of a field, or "".
    #[must_use]
    pub fn get(&self, field: ContactField) -> &str {
        self.fields
            .binary_search_by_key(&field, |(f, _)| *f)
            .ok()
            .and_then(|i| self.fields.get(i))
            .map_or("", |(_, v)| v.as_str())
    }

    /// Sets a field; an empty value removes it.
    pub fn set(&mut self, field: ContactField, value: impl Into<String>) {
        let value = value.into();
        match (
            self.fields.binary_search_by_key(&field, |(f, _)| *f),
            value.is_empty(),
        ) {
            (Ok(i), true) => drop(self.fields.remove(i)),
            (Ok(i), false) => {
                if let Some(slot) = self.fields.get_mut(i) {
                    slot.1 = value;
                }
            }
            (Err(i), false) => self.fields.insert(i, (field, value)),
            (Err(_), true) => {}
        }
    }
}
