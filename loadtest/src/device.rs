//! The phone: turns operations into requests and takes the answers in.
//!
//! One request at a time, as a phone's sync engine does; a device that also waits on a Ping is the
//! business of the transport, which simply gives the answer of the request that counts. An answer
//! that never came changes nothing here: [`Device::repeat`] gives the same bytes again.

use crate::check;
use crate::commands::{
    folders, items, lookup, mail, ping, provision, search, sync_answer, sync_request,
};
use crate::message::{Answer, Request};
use crate::operation::{Operation, Outcome, Sync, SyncCollection, SyncForm, SyncOptions};
use crate::profile::Profile;
use crate::query::{Command, Query, QueryForm};
use crate::state::{Class, Collection, Folder, Policy};
use crate::tree::Node;
use crate::version::Version;
use crate::violation::Violation;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::collections::{BTreeMap, BTreeSet};

/// Who the device is and how it speaks.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The log-in name, as typed.
    pub user: String,
    /// The password.
    pub password: String,
    /// The device's id.
    pub device_id: String,
    /// The version it speaks.
    pub version: Version,
    /// How it writes the query. Below 12.1 there is only the plain form.
    pub form: QueryForm,
    /// Its family.
    pub profile: Profile,
}

/// A phone with its database.
#[derive(Clone, Debug)]
pub struct Device {
    /// Who it is.
    pub identity: Identity,
    /// Versions that the server listed, ascending; empty before OPTIONS.
    pub versions: Vec<Version>,
    /// Commands that the server listed.
    pub commands: Vec<String>,
    /// The policy.
    pub policy: Policy,
    /// The key of the folder hierarchy.
    pub folder_key: String,
    /// The hierarchy has to be asked for again.
    pub folders_stale: bool,
    /// The folders by id.
    pub folders: BTreeMap<String, Folder>,
    /// The collections that are synced, by folder id.
    pub collections: BTreeMap<String, Collection>,
    /// What [`Device::next`] wants of each collection.
    pub options: SyncOptions,
    /// The server orders a wipe.
    pub wipe: bool,
    /// It goes on over a [`Violation`] where a phone would, and notes it in `breaches`; else every one is
    /// an error.
    pub tolerant: bool,
    /// What a tolerant device went on over, until somebody takes it out.
    pub breaches: Vec<Violation>,
    pub(crate) described: bool,
    /// Folders that went with one that it deleted: the server may not know that they are gone here.
    pub(crate) gone_below: BTreeSet<String>,
    pub(crate) last_sync: Option<Sync>,
    pending: Option<(Operation, Request)>,
}

impl Device {
    /// A phone out of the box.
    #[must_use]
    pub fn new(mut identity: Identity) -> Self {
        if identity.version < Version::V12_1 {
            identity.form = QueryForm::Plain;
        }
        let policy = if identity.profile.provision_first {
            Policy::Wanted
        } else {
            Policy::None
        };
        Self {
            identity,
            versions: Vec::new(),
            commands: Vec::new(),
            policy,
            folder_key: "0".to_owned(),
            folders_stale: true,
            folders: BTreeMap::new(),
            collections: BTreeMap::new(),
            options: SyncOptions::TEXT,
            wipe: false,
            tolerant: false,
            breaches: Vec::new(),
            described: false,
            gone_below: BTreeSet::new(),
            last_sync: None,
            pending: None,
        }
    }

    /// A breach that phones get over.
    pub(crate) fn bears(&mut self, breach: Violation) -> Result<(), Violation> {
        if !self.tolerant {
            return Err(breach);
        }
        self.breaches.push(breach);
        Ok(())
    }

    /// The same, of a check.
    pub(crate) fn bears_if(&mut self, checked: Result<(), Violation>) -> Result<(), Violation> {
        checked.or_else(|breach| self.bears(breach))
    }

    /// The version it speaks.
    #[must_use]
    pub fn version(&self) -> Version {
        self.identity.version
    }

    /// The request for an operation. What was asked before is no longer waited for.
    pub fn request(&mut self, operation: Operation) -> Request {
        self.doubt();
        let request = self.compose(&operation);
        self.pending = Some((operation, request.clone()));
        request
    }

    /// The same request again, byte for byte: its answer was lost.
    #[must_use]
    pub fn repeat(&mut self) -> Option<Request> {
        self.doubt();
        self.pending.as_ref().map(|(_, request)| request.clone())
    }

    /// The answer to this operation comes next: it was asked earlier, on a connection of its own, and
    /// other things since.
    pub fn expects(&mut self, operation: Operation) {
        let request = Request {
            method: "POST",
            target: String::new(),
            headers: Vec::new(),
            body: Vec::new(),
        };
        self.pending = Some((operation, request));
    }

    /// Lets go of what only a repeat of the last request would need.
    pub(crate) fn forget_request(&mut self) {
        self.pending = None;
        self.last_sync = None;
    }

    /// The answer to the last request did not come: what it told is not known here.
    fn doubt(&mut self) {
        let Some((Operation::Sync(sync), _)) = &self.pending else {
            return;
        };
        for asked in &sync.collections {
            if let Some(collection) = self.collections.get_mut(&asked.id) {
                collection.doubtful = true;
            }
        }
    }

    /// A request of earlier has reached the server again, and its answer nobody: what that told is not
    /// known here.
    pub fn doubt_all(&mut self) {
        for collection in self.collections.values_mut() {
            collection.doubtful = true;
        }
    }

    /// Takes in the answer to the last request.
    ///
    /// # Errors
    /// What the server did wrong. The device's state is undefined afterwards.
    pub fn answer(&mut self, answer: &Answer) -> Result<Outcome, Violation> {
        let (operation, _) = self.pending.take().ok_or(Violation::Unasked)?;
        let Some(command) = command_of(&operation) else {
            return self.options(answer);
        };
        let mut outcome = Outcome {
            command: Some(command),
            http: answer.status,
            ..Outcome::default()
        };
        if answer.status == 449 {
            self.policy = Policy::Wanted;
        }
        if answer.status != 200 {
            return Ok(outcome);
        }
        let tree = check::decode(command, answer, &mut outcome)?;
        if let Some(root) = &tree {
            self.bears_if(check::nodes(self.version(), root))?;
            outcome.status = root.number(check::status_tag(command));
        }
        outcome.tree.clone_from(&tree);
        match outcome.status {
            Some(140) => self.wipe = true,
            Some(142..=144) => self.policy = Policy::Wanted,
            // Another common failure says all that there is to say.
            Some(101..) => {}
            _ => {
                let taken = self.take(&operation, tree.as_ref(), &mut outcome);
                // Of a chain of keys that broke, nothing is known any more.
                match keeps_keys(command) {
                    true => taken?,
                    false => self.bears_if(taken)?,
                }
            }
        }
        Ok(outcome)
    }

    /// What a phone does next by itself until it is up to date; `None` when it would wait.
    #[must_use]
    pub fn next(&self) -> Option<Operation> {
        if self.versions.is_empty() {
            return Some(Operation::Options);
        }
        if matches!(self.policy, Policy::Wanted | Policy::Offered(_)) {
            return Some(Operation::Provision);
        }
        let settings = (Version::V12_0..Version::V14_1).contains(&self.version());
        if settings && self.identity.profile.settings_early && !self.described {
            return Some(Operation::SetDevice);
        }
        if self.folders_stale {
            return Some(Operation::FolderSync);
        }
        let behind = |c: &&Collection| c.key == "0" || c.more || c.stale;
        let (id, found) = self.collections.iter().find(|(_, c)| behind(c))?;
        let collection = SyncCollection {
            id: id.clone(),
            options: (found.key != "0").then_some(self.options),
            ..SyncCollection::default()
        };
        Some(Operation::Sync(Sync {
            collections: vec![collection],
            ..Sync::default()
        }))
    }

    /// Looks at everything again: whatever is known to be up to date may not be any more.
    pub fn refresh(&mut self) {
        self.folders_stale = true;
        for collection in self.collections.values_mut() {
            collection.stale = true;
        }
    }

    /// The folder of a type; the first if there are several.
    #[must_use]
    pub fn folder(&self, kind: u32) -> Option<&Folder> {
        self.folders.values().find(|folder| folder.kind == kind)
    }

    /// Items of all collections of a class.
    #[must_use]
    pub fn count(&self, class: Class) -> usize {
        self.collections
            .values()
            .filter(|c| c.class == class)
            .map(|c| c.items.len())
            .sum()
    }

    fn compose(&mut self, operation: &Operation) -> Request {
        let Some(command) = command_of(operation) else {
            return Request {
                method: "OPTIONS",
                target: "/Microsoft-Server-ActiveSync".to_owned(),
                headers: self.common_headers(),
                body: Vec::new(),
            };
        };
        let body = self.body(operation);
        let is_mail = matches!(
            operation,
            Operation::SendMail { .. } | Operation::Smart { .. }
        );
        let mime = is_mail && self.version() < Version::V14_0;
        let save = matches!(
            operation,
            Operation::SendMail { save: true, .. } | Operation::Smart { save: true, .. }
        );
        let original = match operation {
            Operation::Smart { of, .. } if mime => Some((of.0.as_str(), of.1.as_str())),
            _ => None,
        };
        let multipart = matches!(
            operation,
            Operation::Fetch {
                multipart: true,
                ..
            }
        );
        let mut headers = self.common_headers();
        if !body.is_empty() {
            let kind = if mime { "message/rfc822" } else { check::WBXML };
            headers.push(("Content-Type".to_owned(), kind.to_owned()));
        }
        if self.identity.form == QueryForm::Plain {
            let version = self.version().text().to_owned();
            headers.push(("MS-ASProtocolVersion".to_owned(), version));
            // Android sends no key with Ping, and nothing may depend on it there.
            if let Some(key) = self.key_to_send().filter(|_| command != Command::Ping) {
                headers.push(("X-MS-PolicyKey".to_owned(), key.to_string()));
            }
            if multipart {
                headers.push(("MS-ASAcceptMultiPart".to_owned(), "T".to_owned()));
            }
        }
        let query = Query {
            command,
            version: self.version(),
            user: &self.identity.user,
            device_id: &self.identity.device_id,
            device_type: self.identity.profile.device_type,
            policy_key: self.key_to_send(),
            save_in_sent: save && mime,
            original,
            multipart,
        };
        Request {
            method: "POST",
            target: query.target(self.identity.form),
            headers,
            body,
        }
    }

    fn key_to_send(&self) -> Option<u32> {
        self.policy
            .key()
            .or_else(|| self.identity.profile.key_zero.then_some(0))
    }

    fn common_headers(&self) -> Vec<(String, String)> {
        let profile = &self.identity.profile;
        let login = STANDARD.encode(format!("{}:{}", self.identity.user, self.identity.password));
        let mut headers = vec![("Authorization".to_owned(), format!("Basic {login}"))];
        if !profile.user_agent.is_empty() {
            headers.push(("User-Agent".to_owned(), profile.user_agent.to_owned()));
        }
        headers.extend(
            profile
                .headers
                .iter()
                .map(|(n, v)| ((*n).to_owned(), (*v).to_owned())),
        );
        headers
    }

    fn body(&self, operation: &Operation) -> Vec<u8> {
        let tree = match operation {
            Operation::Options => None,
            Operation::Provision => Some(provision::request(self)),
            Operation::AcknowledgeWipe(status) => Some(provision::acknowledge_wipe(*status)),
            Operation::FolderSync
            | Operation::FolderCreate { .. }
            | Operation::FolderUpdate { .. }
            | Operation::FolderDelete { .. } => folders::request(&self.folder_key, operation),
            Operation::Sync(sync) if sync.form == SyncForm::Empty => None,
            Operation::Sync(sync) => Some(sync_request::request(self, sync)),
            Operation::Ping { folders, .. } if folders.is_empty() => None,
            Operation::Ping {
                folders,
                heartbeat_s,
            } => Some(ping::request(self, folders, *heartbeat_s)),
            Operation::Estimate(ids) => Some(items::estimate_request(self, ids)),
            Operation::Move(moves) => Some(items::move_request(moves)),
            Operation::Fetch { what, .. } => Some(items::fetch_request(what)),
            Operation::EmptyFolder { id, subfolders } => {
                Some(items::empty_request(id, *subfolders))
            }
            Operation::SendMail {
                client_id,
                mime,
                save,
            } => {
                if self.version() < Version::V14_0 {
                    return mime.clone();
                }
                Some(mail::request(client_id, mime, *save))
            }
            Operation::Smart {
                forward,
                of,
                client_id,
                mime,
                save,
            } => {
                if self.version() < Version::V14_0 {
                    return mime.clone();
                }
                Some(mail::smart_request(*forward, of, client_id, mime, *save))
            }
            Operation::SetDevice => Some(lookup::set_device_request(self)),
            Operation::UserInformation => Some(lookup::user_information_request()),
            Operation::SearchGal { query, range } => Some(lookup::search_request(query, *range)),
            Operation::Ask { document, .. } => document.clone(),
            Operation::SearchMailbox { query, range } => Some(search::request(query, *range)),
            Operation::Find { id, query, range } => Some(search::find_request(id, query, *range)),
        };
        tree.map(|root| root.encode()).unwrap_or_default()
    }

    fn take(
        &mut self,
        operation: &Operation,
        tree: Option<&Node>,
        outcome: &mut Outcome,
    ) -> Result<(), Violation> {
        match operation {
            Operation::Sync(sync) => return sync_answer::take(self, sync, tree, outcome),
            Operation::SendMail { .. } | Operation::Smart { .. } => {
                return mail::take(self.version(), tree, outcome);
            }
            _ => {}
        }
        let command = command_of(operation).ok_or(Violation::Unasked)?;
        let root = tree.ok_or(Violation::EmptyAnswer(command))?;
        match operation {
            Operation::Provision => provision::take(self, root, outcome),
            Operation::AcknowledgeWipe(_) => provision::take_wiped(self, root),
            Operation::FolderSync => folders::take_sync(self, root, outcome),
            Operation::FolderCreate { parent, name, kind } => {
                folders::take_create(self, root, parent, name, *kind)
            }
            Operation::FolderUpdate { id, parent, name } => {
                folders::take_update(self, root, id, parent, name)
            }
            Operation::FolderDelete { id } => folders::take_delete(self, root, id),
            Operation::Ping { folders, .. } => ping::take(self, folders, root, outcome),
            Operation::Estimate(ids) => items::take_estimate(self, ids, root, outcome),
            Operation::Move(moves) => items::take_move(self, moves, root, outcome),
            Operation::Fetch { what, multipart } => {
                items::take_fetch(what, *multipart, root, outcome)
            }
            Operation::EmptyFolder { id, .. } => items::take_empty(id, root, outcome),
            Operation::SetDevice => lookup::take_set_device(self, root),
            Operation::UserInformation => lookup::take_user_information(self, root, outcome),
            Operation::SearchGal { .. } => lookup::take_search(root, outcome),
            Operation::SearchMailbox { .. } => search::take(root, outcome),
            Operation::Find { .. } => search::take_find(root, outcome),
            Operation::Options
            | Operation::Sync(_)
            | Operation::SendMail { .. }
            | Operation::Smart { .. }
            | Operation::Ask { .. } => Ok(()),
        }
    }

    /// The answer to OPTIONS ([MS-ASHTTP] 2.2.4).
    fn options(&mut self, answer: &Answer) -> Result<Outcome, Violation> {
        let outcome = Outcome {
            http: answer.status,
            ..Outcome::default()
        };
        if answer.status != 200 {
            return Ok(outcome);
        }
        let listed = |name: &'static str| {
            let value = answer.header(name);
            value
                .filter(|v| !v.is_empty())
                .ok_or(Violation::Header(name, None))
        };
        let pieces =
            |list: &str| -> Vec<String> { list.split(',').map(|p| p.trim().to_owned()).collect() };
        let (versions, commands) = (
            listed("MS-ASProtocolVersions")?,
            listed("MS-ASProtocolCommands")?,
        );
        let wrong = |name, list: &str| Violation::Header(name, Some(list.to_owned()));
        let mut known: Vec<Version> = pieces(versions)
            .iter()
            .filter_map(|v| Version::parse(v))
            .collect();
        if known.is_empty() {
            return Err(wrong("MS-ASProtocolVersions", versions));
        }
        // Android takes the last one that it knows for the best, and some clients compare the pieces
        // between commas exactly.
        if !known.is_sorted() || versions.contains(' ') {
            self.bears(wrong("MS-ASProtocolVersions", versions))?;
            known.sort_unstable();
        }
        if commands.contains(' ') {
            self.bears(wrong("MS-ASProtocolCommands", commands))?;
        }
        self.commands = pieces(commands);
        self.versions = known;
        if !answer.body.is_empty() {
            self.bears(wrong("Content-Length", &answer.body.len().to_string()))?;
        }
        Ok(outcome)
    }
}

/// Whether a command's answer moves a key that the next one builds on.
fn keeps_keys(command: Command) -> bool {
    matches!(
        command,
        Command::Sync
            | Command::FolderSync
            | Command::FolderCreate
            | Command::FolderDelete
            | Command::FolderUpdate
            | Command::Provision
    )
}

/// The command that carries an operation; OPTIONS has none.
fn command_of(operation: &Operation) -> Option<Command> {
    Some(match operation {
        Operation::Options => return None,
        Operation::Provision | Operation::AcknowledgeWipe(_) => Command::Provision,
        Operation::FolderSync => Command::FolderSync,
        Operation::FolderCreate { .. } => Command::FolderCreate,
        Operation::FolderUpdate { .. } => Command::FolderUpdate,
        Operation::FolderDelete { .. } => Command::FolderDelete,
        Operation::Sync(_) => Command::Sync,
        Operation::Ping { .. } => Command::Ping,
        Operation::Estimate(_) => Command::GetItemEstimate,
        Operation::Move(_) => Command::MoveItems,
        Operation::Fetch { .. } | Operation::EmptyFolder { .. } => Command::ItemOperations,
        Operation::SendMail { .. } => Command::SendMail,
        Operation::Smart { forward: true, .. } => Command::SmartForward,
        Operation::Smart { forward: false, .. } => Command::SmartReply,
        Operation::SetDevice | Operation::UserInformation => Command::Settings,
        Operation::SearchGal { .. } | Operation::SearchMailbox { .. } => Command::Search,
        Operation::Find { .. } => Command::Find,
        Operation::Ask { command, .. } => *command,
    })
}
