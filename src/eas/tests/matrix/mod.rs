//! Every property of every class, set by a device of one version and read by devices of all: the
//! value is the same, or the loss stands in one table with its reason.
//!
//! The properties are those of the table of tags, so that none is forgotten; [`shapes`] says what each
//! may hold. Mail is different: see [`mail`].

mod letters;
mod lives;
mod mail;
mod mail_shapes;
mod series;
mod shapes;
mod zones;

use crate::eas::options::class_name;
use crate::eas::testing::{House, Phone, wbxml};
use crate::eas::version::Version;
use crate::pim::Class;
use crate::wbxml::tags::{airsync, airsyncbase, calendar, contacts, notes, tasks};
use crate::wbxml::{Reader, Tag, Writer};
use shapes::{Shape, spelt};
use std::collections::{BTreeMap, BTreeSet};

/// Items that one request adds or changes.
const PAGE: usize = 100;

/// A value that a client sets.
#[derive(Clone)]
struct Property {
    /// Its elements, in the oldest spelling.
    path: Vec<Tag>,
    value: String,
    company: Vec<(Vec<Tag>, String)>,
}

/// A loss that is known, and why: the property (its last element), who wrote it, who read it, and the
/// value, where it is not all of them.
type Loss = (
    Tag,
    fn(Version) -> bool,
    fn(Version) -> bool,
    &'static [&'static str],
    &'static str,
);

fn any(_: Version) -> bool {
    true
}

/// What is lost between a writer and a reader.
const LOSSES: &[Loss] = &[(
    calendar::BUSY_STATUS,
    any,
    any,
    &["4"],
    "the schemas end at 3: working elsewhere is told as busy",
)];

/// What is lost when somebody else changes the item in between.
const LOSSES_OF_CHANGES: &[Loss] = &[];

// ---- documents ---------------------------------------------------------------------------------

/// An element with what is in it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Node {
    pub(super) tag: Tag,
    pub(super) text: String,
    pub(super) children: Vec<Self>,
}

impl Node {
    fn new(tag: Tag) -> Self {
        Self {
            tag,
            text: String::new(),
            children: Vec::new(),
        }
    }

    pub(super) fn parse(document: &[u8]) -> Self {
        let mut r = Reader::new(document).unwrap();
        let root = r.root().unwrap();
        Self::content(&mut r, root)
    }

    fn content(r: &mut Reader<'_>, tag: Tag) -> Self {
        let mut node = Self::new(tag);
        let mut as_leaf = r.clone();
        if let Ok(bytes) = as_leaf.bytes() {
            node.text = match std::str::from_utf8(bytes) {
                Ok(text) => text.to_owned(),
                Err(_) => format!("{bytes:?}"),
            };
            *r = as_leaf;
            return node;
        }
        while let Some(tag) = r.child().unwrap() {
            node.children.push(Self::content(r, tag));
        }
        node
    }

    /// Puts a value at the end of a path.
    fn put(&mut self, path: &[Tag], value: &str) {
        let Some((first, rest)) = path.split_first() else {
            value.clone_into(&mut self.text);
            return;
        };
        let at = self.children.iter().position(|c| c.tag == *first);
        let at = at.unwrap_or_else(|| {
            self.children.push(Self::new(*first));
            self.children.len() - 1
        });
        self.children[at].put(rest, value);
    }

    /// The texts at the end of a path.
    pub(super) fn at(&self, path: &[Tag]) -> Vec<&str> {
        match path.split_first() {
            None => vec![&self.text],
            Some((first, rest)) => {
                let fitting = self.children.iter().filter(|c| c.tag == *first);
                fitting.flat_map(|c| c.at(rest)).collect()
            }
        }
    }

    pub(super) fn all(&self, path: &[Tag]) -> Vec<&Self> {
        match path.split_first() {
            None => vec![self],
            Some((first, rest)) => {
                let fitting = self.children.iter().filter(|c| c.tag == *first);
                fitting.flat_map(|c| c.all(rest)).collect()
            }
        }
    }

    fn write(&self, w: &mut Writer) {
        if self.children.is_empty() {
            return w.text(self.tag, &self.text);
        }
        w.open(self.tag);
        self.children.iter().for_each(|c| c.write(w));
        w.close();
    }

    pub(super) fn written(&self) -> String {
        let name = match self.tag.page() {
            0 => self.tag.name().to_owned(),
            _ => format!("{}:{}", self.tag.prefix(), self.tag.name()),
        };
        if self.children.is_empty() && self.text.is_empty() {
            return format!("<{name}/>");
        }
        let inner: String = self.children.iter().map(Self::written).collect();
        format!("<{name}>{}{inner}</{name}>", self.text)
    }
}

// ---- devices -----------------------------------------------------------------------------------

fn folder(class: Class) -> &'static str {
    match class {
        Class::Email => "2",
        Class::Tasks => "7",
        Class::Calendar => "8",
        Class::Contacts => "9",
        Class::Notes => "10",
    }
}

/// A device that syncs one folder.
pub(super) struct Client<'a> {
    pub(super) phone: Phone<'a>,
    class: Class,
    folder: &'static str,
    key: String,
    options: &'static str,
}

impl<'a> Client<'a> {
    pub(super) fn of(house: &'a House, name: &str, class: Class, version: Version) -> Self {
        Self::with(house, name, (class, folder(class)), version, "")
    }

    pub(super) fn with(
        house: &'a House,
        name: &str,
        (class, folder): (Class, &'static str),
        version: Version,
        options: &'static str,
    ) -> Self {
        let mut phone = house.phone(version);
        phone.device = format!("{name}{}", version.tens());
        let mut client = Self {
            phone,
            class,
            folder,
            key: "0".to_owned(),
            options,
        };
        client.sync(&[]);
        client
    }

    fn version(&self) -> Version {
        self.phone.version
    }

    /// One round; the collection of the answer.
    pub(super) fn sync(&mut self, commands: &[Node]) -> Node {
        let class = match self.version() < Version::V14_0 {
            true => format!("<Class>{}</Class>", class_name(self.class)),
            false => String::new(),
        };
        let options = match (self.options, self.version()) {
            ("", Version::V2_5) => "",
            ("", _) => {
                "<Options><airsyncbase:BodyPreference><airsyncbase:Type>1</airsyncbase:Type></airsyncbase:BodyPreference></Options>"
            }
            (options, _) => options,
        };
        let changes = match self.key == "0" {
            true => "",
            false => "<GetChanges>1</GetChanges><WindowSize>512</WindowSize>",
        };
        let ask = format!(
            "<Sync><Collections><Collection>{class}<SyncKey>{}</SyncKey><CollectionId>{}</CollectionId>{changes}{options}</Collection></Collections></Sync>",
            self.key, self.folder
        );
        let mut ask = Node::parse(&wbxml(&ask));
        if !commands.is_empty() {
            let mut all = Node::new(airsync::COMMANDS);
            all.children.extend_from_slice(commands);
            ask.children[0].children[0].children.push(all);
        }
        let mut w = Writer::new();
        ask.write(&mut w);
        let (answer, ask) = (self.phone.answer("Sync", &w.finish()), ask.written());
        assert_eq!(answer.status, 200, "{ask}");
        if answer.body.is_empty() {
            return Node::new(airsync::COLLECTION);
        }
        let sync = Node::parse(&answer.body);
        let found = sync.all(&[airsync::COLLECTIONS, airsync::COLLECTION]);
        let collection = (*found
            .first()
            .unwrap_or_else(|| panic!("{}", sync.written())))
        .clone();
        assert_eq!(collection.at(&[airsync::STATUS]), ["1"], "{ask}");
        collection.at(&[airsync::SYNC_KEY])[0].clone_into(&mut self.key);
        collection
    }

    /// What it is told until there is no more: by ServerId.
    pub(super) fn fetch(&mut self) -> BTreeMap<String, Node> {
        let mut all = BTreeMap::new();
        loop {
            let told = self.sync(&[]);
            for tag in [airsync::ADD, airsync::CHANGE] {
                for item in told.all(&[airsync::COMMANDS, tag]) {
                    let id = item.at(&[airsync::SERVER_ID])[0].to_owned();
                    let data = item.all(&[airsync::APPLICATION_DATA])[0].clone();
                    all.insert(id, data);
                }
            }
            if told.all(&[airsync::MORE_AVAILABLE]).is_empty() {
                return all;
            }
        }
    }

    /// Adds items; their ServerIds, in order. Whoever is refused is named.
    pub(super) fn add(&mut self, items: &[Node]) -> Vec<String> {
        let mut ids = Vec::new();
        for page in items.chunks(PAGE) {
            let command = |(n, item): (usize, &Node)| {
                let mut add = Node::new(airsync::ADD);
                add.put(&[airsync::CLIENT_ID], &n.to_string());
                add.children.push(item.clone());
                add
            };
            let commands: Vec<_> = (0..).zip(page).map(command).collect();
            let told = self.sync(&commands);
            let done = told.all(&[airsync::RESPONSES, airsync::ADD]);
            assert_eq!(done.len(), page.len());
            for (added, item) in done.iter().zip(page) {
                let (version, item) = (self.version(), item.written());
                assert_eq!(added.at(&[airsync::STATUS]), ["1"], "{version} {item}");
                ids.push(added.at(&[airsync::SERVER_ID])[0].to_owned());
            }
        }
        ids
    }

    /// Changes items.
    fn change(&mut self, items: &[(&String, Node)]) {
        for page in items.chunks(PAGE) {
            let command = |(id, item): &(&String, Node)| {
                let mut change = Node::new(airsync::CHANGE);
                change.put(&[airsync::SERVER_ID], id);
                change.children.push(item.clone());
                change
            };
            let commands: Vec<_> = page.iter().map(command).collect();
            let told = self.sync(&commands);
            let failed = told.all(&[airsync::RESPONSES, airsync::CHANGE]);
            let failed: Vec<_> = failed.iter().map(|n| n.written()).collect();
            assert!(failed.is_empty(), "{}: {failed:?}", self.version());
        }
    }
}

// ---- the matrix --------------------------------------------------------------------------------

/// Every value of every property that a client may set.
fn properties(class: Class) -> Vec<Property> {
    let mut all = Vec::new();
    let mut take = |tag, shape| match shape {
        Shape::Property {
            within,
            values,
            company,
        } => {
            let path: Vec<_> = within.iter().chain([&tag]).copied().collect();
            all.extend(values.into_iter().map(|value| Property {
                path: path.clone(),
                value,
                company: company.clone(),
            }));
        }
        Shape::Server(why) | Shape::Absent(why) => assert!(!why.is_empty(), "{tag}"),
        Shape::Container => {}
    };
    let pages = shapes::pages(class);
    for tag in Tag::all().filter(|t| pages.contains(&t.page())) {
        take(tag, shapes::shape(class, tag));
    }
    if class == Class::Calendar {
        for tag in shapes::OF_OCCURRENCES {
            take(tag, shapes::exception(tag));
        }
    }
    all
}

fn versions(class: Class) -> impl Iterator<Item = Version> {
    Version::ALL
        .into_iter()
        .filter(move |v| class != Class::Notes || *v >= Version::V14_0)
}

/// The item that sets a property in a version, if the version can say it.
fn item(p: &Property, version: Version) -> Option<Node> {
    let mut data = Node::new(airsync::APPLICATION_DATA);
    for (path, value) in &p.company {
        data.put(&spelt(path, version)?, value);
    }
    let path = new_spelling(&p.path, version)?;
    data.put(&path, &p.value);
    if path.contains(&airsyncbase::BODY) {
        let (body, _) = path.split_at(path.len() - 1);
        let kind: Vec<Tag> = body.iter().copied().chain([airsyncbase::TYPE]).collect();
        data.put(&kind, "1");
    }
    Some(data)
}

/// How a version spells a property of an item that is new.
fn new_spelling(path: &[Tag], version: Version) -> Option<Vec<Tag>> {
    match path {
        [calendar::UID] if version >= Version::V16_0 => Some(vec![calendar::CLIENT_UID]),
        path => spelt(path, version),
    }
}

fn is_known(losses: &[Loss], p: &Property, writer: Version, reader: Version) -> bool {
    losses.iter().any(|(tag, by, to, values, _)| {
        p.path.last() == Some(tag)
            && by(writer)
            && to(reader)
            && (values.is_empty() || values.contains(&p.value.as_str()))
    })
}

/// Holds what a reader was told against what was written; true if it is the same.
fn same(data: Option<&Node>, p: &Property, reader: Version) -> Result<(), String> {
    let Some(path) = spelt(&p.path, reader) else {
        return Ok(());
    };
    let Some(data) = data else {
        return Err("no such item".to_owned());
    };
    match data.at(&path).as_slice() {
        [value] if *value == p.value => Ok(()),
        other => Err(format!("{other:?}")),
    }
}

/// What was lost, by property.
#[derive(Default)]
struct Report(BTreeMap<String, BTreeSet<String>>);

impl Report {
    fn add(&mut self, path: &[Tag], value: &str, (writer, other): (Version, Version), got: &str) {
        let line = format!("{writer} -> {other}: {value:?} became {got}");
        self.0.entry(name(path)).or_default().insert(line);
    }

    #[track_caller]
    fn show(self) {
        let lines: Vec<_> = self
            .0
            .iter()
            .map(|(path, all)| {
                let some: Vec<_> = all.iter().take(8).map(String::as_str).collect();
                format!("{path}: {} losses\n    {}", all.len(), some.join("\n    "))
            })
            .collect();
        assert!(lines.is_empty(), "\n{}", lines.join("\n"));
    }
}

fn name(path: &[Tag]) -> String {
    let names: Vec<_> = path.iter().map(ToString::to_string).collect();
    names.join("/")
}

#[test]
fn what_a_device_of_one_version_writes_devices_of_all_versions_read() {
    let mut wrong = Report::default();
    for class in shapes::CLASSES {
        let house = House::new();
        let properties = properties(class);
        let mut written = Vec::new();
        for writer in versions(class) {
            let said: Vec<_> = properties
                .iter()
                .filter_map(|p| Some((p, item(p, writer)?)))
                .collect();
            let items: Vec<_> = said.iter().map(|(_, item)| item.clone()).collect();
            let ids = Client::of(&house, "w", class, writer).add(&items);
            let said = said.into_iter().map(|(p, _)| p);
            written.extend(said.zip(ids).map(|(p, id)| (writer, p, id)));
        }
        assert!(written.len() > 10);
        for reader in versions(class) {
            let told = Client::of(&house, "r", class, reader).fetch();
            assert_eq!(told.len(), written.len(), "{class:?} {reader}");
            for (writer, p, id) in &written {
                let result = same(told.get(id), p, reader);
                let known = is_known(LOSSES, p, *writer, reader);
                match result {
                    Err(got) if !known => wrong.add(&p.path, &p.value, (*writer, reader), &got),
                    _ => {}
                }
            }
        }
    }
    wrong.show();
}

/// The item as a client sends it back that has changed nothing: what it was told, less what is the
/// server's.
fn sent_back(told: &Node, version: Version) -> Node {
    let server = [
        airsyncbase::ESTIMATED_DATA_SIZE,
        airsyncbase::TRUNCATED,
        airsyncbase::NATIVE_BODY_TYPE,
        contacts::BODY_SIZE,
        contacts::BODY_TRUNCATED,
        calendar::BODY_TRUNCATED,
        tasks::BODY_SIZE,
        tasks::BODY_TRUNCATED,
        notes::LAST_MODIFIED_DATE,
        calendar::RESPONSE_TYPE,
        calendar::APPOINTMENT_REPLY_TIME,
    ];
    // From 16.0 on the UID and the occurrences are not sent with the series.
    let new = [calendar::UID, calendar::EXCEPTIONS];
    let stays =
        |tag: Tag| !server.contains(&tag) && (version < Version::V16_0 || !new.contains(&tag));
    let children = told.children.iter().filter(|c| stays(c.tag));
    Node {
        children: children.map(|c| sent_back(c, version)).collect(),
        ..told.clone()
    }
}

#[test]
fn what_an_older_or_newer_device_sends_back_unchanged_costs_nothing() {
    let mut wrong = Report::default();
    for class in shapes::CLASSES {
        // The last value of each: it is enough to see whether the property is kept.
        let mut properties = properties(class);
        properties.reverse();
        let mut seen = BTreeSet::new();
        properties.retain(|p| seen.insert(p.path.clone()));
        let pairs = versions(class).flat_map(|w| versions(class).map(move |e| (w, e)));
        for (writer, editor) in pairs {
            let house = House::new();
            let said: Vec<_> = properties
                .iter()
                .filter_map(|p| Some((p, item(p, writer)?)))
                .collect();
            let items: Vec<_> = said.iter().map(|(_, item)| item.clone()).collect();
            let mut author = Client::of(&house, "w", class, writer);
            let ids = author.add(&items);
            let mut client = Client::of(&house, "e", class, editor);
            let told = client.fetch();
            let back: Vec<_> = told
                .iter()
                .map(|(id, data)| (id, sent_back(data, editor)))
                .collect();
            client.change(&back);
            let now = Client::of(&house, "r", class, writer).fetch();
            for ((p, _), id) in said.iter().zip(&ids) {
                let result = same(now.get(id), p, writer);
                let known = is_known(LOSSES, p, writer, writer)
                    || is_known(LOSSES_OF_CHANGES, p, writer, editor);
                match result {
                    Err(got) if !known => wrong.add(&p.path, &p.value, (writer, editor), &got),
                    _ => {}
                }
            }
        }
    }
    wrong.show();
}
