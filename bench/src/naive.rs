//! The usual way to a Sync answer, to compare with: deserialize the record, build a tree of
//! elements, serialize the tree. Says the same as `answer`, for the sample records.

use roost::eas::classes::date;
use roost::pim::{Contact, ContactField, Message, Record, RecordRef};
use roost::wbxml::tags::{airsync, airsyncbase, contacts, email, email2};
use roost::wbxml::{Tag, Writer};

/// An element and what is in it.
pub struct Node {
    tag: Tag,
    content: Content,
}

enum Content {
    Text(String),
    Bytes(Vec<u8>),
    Nodes(Vec<Node>),
}

fn text(tag: Tag, text: impl ToString) -> Node {
    let content = Content::Text(text.to_string());
    Node { tag, content }
}

fn bytes(tag: Tag, bytes: &[u8]) -> Node {
    let content = Content::Bytes(bytes.to_vec());
    Node { tag, content }
}

fn nodes(tag: Tag, nodes: Vec<Node>) -> Node {
    let content = Content::Nodes(nodes);
    Node { tag, content }
}

/// Writes the document of a page of stored items, numbered from 0. The writer is the server's, and
/// used again and again as `answer` does.
pub fn write_document(w: &mut Writer, folder: u32, stored: &[Vec<u8>]) {
    let mut items = Vec::new();
    for (item, stored) in (0u32..).zip(stored) {
        let (record, _) = crate::must(RecordRef::read(stored));
        let record = crate::must(record.to_owned());
        items.push(nodes(
            airsync::ADD,
            vec![
                text(airsync::SERVER_ID, format!("{folder}:{item}")),
                nodes(airsync::APPLICATION_DATA, properties(&record)),
            ],
        ));
    }
    let collection = vec![
        text(airsync::SYNC_KEY, 2),
        text(airsync::COLLECTION_ID, folder),
        text(airsync::STATUS, 1),
        nodes(airsync::COMMANDS, items),
    ];
    let collections = vec![nodes(airsync::COLLECTION, collection)];
    let root = nodes(
        airsync::SYNC,
        vec![nodes(airsync::COLLECTIONS, collections)],
    );
    write(w, &root);
}

fn write(w: &mut Writer, node: &Node) {
    match &node.content {
        Content::Text(text) => w.text(node.tag, text),
        Content::Bytes(bytes) => w.opaque(node.tag, bytes),
        Content::Nodes(nodes) => {
            w.open(node.tag);
            nodes.iter().for_each(|node| write(w, node));
            w.close();
        }
    }
}

fn properties(record: &Record) -> Vec<Node> {
    match record {
        Record::Message(m) => mail(m),
        Record::Contact(c) => contact(c),
        _ => Vec::new(),
    }
}

fn contact(c: &Contact) -> Vec<Node> {
    let fields = c.fields.iter();
    let mut all: Vec<_> = fields.map(|(f, value)| text(tag_of(*f), value)).collect();
    all.push(body(0, None));
    all
}

fn mail(m: &Message) -> Vec<Node> {
    vec![
        text(email::TO, &m.to),
        text(email::FROM, &m.from),
        text(email::SUBJECT, &m.subject),
        text(email::DATE_RECEIVED, &*date::dashed(m.received_ms)),
        text(email::DISPLAY_TO, &m.display_to),
        text(email::THREAD_TOPIC, &m.topic),
        text(email::IMPORTANCE, m.importance),
        text(email::READ, u8::from(m.read)),
        body(m.text_bytes, Some(&m.text_head)),
        text(airsyncbase::NATIVE_BODY_TYPE, 1),
        text(email::MESSAGE_CLASS, &m.message_class),
        text(email::INTERNET_CPID, m.code_page),
        nodes(email::FLAG, Vec::new()),
        text(email::CONTENT_CLASS, "urn:content-classes:message"),
        bytes(email2::CONVERSATION_ID, &m.conversation_id),
        bytes(email2::CONVERSATION_INDEX, &m.conversation_index),
        nodes(email::CATEGORIES, Vec::new()),
        text(email2::LAST_VERB_EXECUTED, m.last_verb),
    ]
}

fn body(size: u32, data: Option<&str>) -> Node {
    nodes(
        airsyncbase::BODY,
        vec![
            text(airsyncbase::TYPE, 1),
            text(airsyncbase::ESTIMATED_DATA_SIZE, size),
            text(airsyncbase::DATA, data.unwrap_or_default()),
        ],
    )
}

/// The tags of the properties that the sample contacts have.
fn tag_of(field: ContactField) -> Tag {
    match field {
        ContactField::FirstName => contacts::FIRST_NAME,
        ContactField::LastName => contacts::LAST_NAME,
        ContactField::Email1Address => contacts::EMAIL1_ADDRESS,
        ContactField::Email2Address => contacts::EMAIL2_ADDRESS,
        ContactField::CompanyName => contacts::COMPANY_NAME,
        ContactField::Department => contacts::DEPARTMENT,
        ContactField::JobTitle => contacts::JOB_TITLE,
        ContactField::MobilePhoneNumber => contacts::MOBILE_PHONE_NUMBER,
        ContactField::BusinessPhoneNumber => contacts::BUSINESS_PHONE_NUMBER,
        ContactField::HomePhoneNumber => contacts::HOME_PHONE_NUMBER,
        ContactField::BusinessAddressStreet => contacts::BUSINESS_ADDRESS_STREET,
        ContactField::BusinessAddressCity => contacts::BUSINESS_ADDRESS_CITY,
        ContactField::BusinessAddressPostalCode => contacts::BUSINESS_ADDRESS_POSTAL_CODE,
        ContactField::BusinessAddressCountry => contacts::BUSINESS_ADDRESS_COUNTRY,
        ContactField::WebPage => contacts::WEB_PAGE,
        _ => contacts::FILE_AS,
    }
}

#[cfg(test)]
mod tests {
    use crate::{answer, sample};
    use roost::pim::Class;
    use roost::wbxml::Writer;
    use roost::wbxml::xml::dump;

    /// The elements of a document, in any order: the order of an item's properties is free.
    fn elements(document: &[u8]) -> Vec<String> {
        let text = dump(document).unwrap();
        let mut lines: Vec<_> = text.lines().map(|line| line.trim().to_owned()).collect();
        lines.sort_unstable();
        lines
    }

    #[test]
    fn it_says_what_the_server_says() {
        for class in [Class::Contacts, Class::Email] {
            let stored = sample::stored(class, 1);
            let mut w = Writer::new();
            super::write_document(&mut w, 9, &stored);
            let (naive, server) = (w.finish(), answer::document(9, &stored));
            assert_eq!(elements(&naive), elements(&server), "{class:?}");
        }
    }
}
