//! The file of the registry: entries with patterns, versions and what they do.

use super::glob::Glob;
use super::{Quirk, Quirks, Traits};
use crate::eas::version::Version;
use crate::limits::{QUIRK_CLIENTS_MAX, QUIRK_FILE_BYTES_MAX, QUIRK_PATTERNS_MAX};
use serde::Deserialize;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// What is built in.
const BUILT_IN: &str = include_str!("registry.toml");

/// All entries.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Registry {
    /// In no particular order: a client has the quirks of every entry that fits.
    #[serde(default, rename = "client")]
    clients: Vec<Client>,
}

/// One entry.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Client {
    /// Which clients these are, for people.
    pub name: String,
    /// How they are recognised: one of these has to fit.
    #[serde(rename = "match")]
    patterns: Vec<Pattern>,
    /// In which versions of the protocol.
    #[serde(default)]
    versions: Span,
    /// What is done differently.
    does: Vec<Quirk>,
    /// Why.
    #[serde(default)]
    pub why: String,
    /// Who says so.
    #[serde(default)]
    pub source: String,
    /// The names of the tests that show it.
    #[serde(default)]
    pub tests: Vec<String>,
}

/// All that is given has to fit, and something has to be given.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, try_from = "Given")]
struct Pattern(Given);

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Given {
    agent: Option<Glob>,
    kind: Option<Glob>,
    id: Option<Glob>,
    os: Option<Glob>,
}

/// Versions from one to another, both included: `"12.1-14.1"`, or one alone.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(try_from = "String")]
pub struct Span {
    from: Version,
    to: Version,
}

/// Why a registry cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read.
    #[error("cannot read {path}: {why}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        why: std::io::Error,
    },
    /// It says something that nobody understands.
    #[error("{path}: {why}")]
    Invalid {
        /// The file.
        path: PathBuf,
        /// Line, column, and what would be understood.
        why: String,
    },
}

impl TryFrom<Given> for Pattern {
    type Error = &'static str;

    fn try_from(given: Given) -> Result<Self, Self::Error> {
        match &given {
            Given {
                agent: None,
                kind: None,
                id: None,
                os: None,
            } => Err("a match names at least one of agent, kind, id and os"),
            _ => Ok(Self(given)),
        }
    }
}

impl Default for Span {
    fn default() -> Self {
        Self {
            from: Version::V2_5,
            to: Version::V16_1,
        }
    }
}

impl TryFrom<String> for Span {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let (from, to) = text.split_once('-').unwrap_or((&text, &text));
        match (Version::parse(from), Version::parse(to)) {
            (Some(from), Some(to)) if from <= to => Ok(Self { from, to }),
            _ => Err(format!(
                "\"{text}\" are no versions: two of {}, the lower first, with a hyphen between",
                Version::ALL.map(Version::text).join(", ")
            )),
        }
    }
}

impl Registry {
    /// What is built in.
    #[must_use]
    pub fn built_in() -> Self {
        match Self::parse(BUILT_IN) {
            Ok(registry) => registry,
            // A test reads it as well, so this is never seen.
            Err(why) => {
                tracing::error!(why, "the registry of client quirks cannot be read");
                Self::default()
            }
        }
    }

    /// The registry of a file.
    ///
    /// # Errors
    /// As [`Error`]: its text names file, line and what is known.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let invalid = |why: String| Error::Invalid {
            path: path.to_owned(),
            why,
        };
        let mut text = String::new();
        let file = File::open(path);
        let read = file.and_then(|f| f.take(QUIRK_FILE_BYTES_MAX + 1).read_to_string(&mut text));
        read.map_err(|why| Error::Unreadable {
            path: path.to_owned(),
            why,
        })?;
        if text.len() as u64 > QUIRK_FILE_BYTES_MAX {
            return Err(invalid(format!("more than {QUIRK_FILE_BYTES_MAX} bytes")));
        }
        Self::parse(&text).map_err(invalid)
    }

    /// Reads the text of a file. The error says where it is wrong.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let registry: Self =
            toml::from_str(text).map_err(|e| e.to_string().trim_end().to_owned())?;
        if registry.clients.len() > QUIRK_CLIENTS_MAX {
            return Err(format!("more than {QUIRK_CLIENTS_MAX} clients"));
        }
        let many = registry
            .clients
            .iter()
            .find(|c| c.patterns.is_empty() || c.patterns.len() > QUIRK_PATTERNS_MAX);
        if let Some(client) = many {
            return Err(format!(
                "\"{}\" has between 1 and {QUIRK_PATTERNS_MAX} patterns",
                client.name
            ));
        }
        Ok(registry)
    }

    /// Every entry.
    #[must_use]
    pub fn clients(&self) -> &[Client] {
        &self.clients
    }

    /// The entries that a client falls under in this version.
    pub(super) fn fitting<'a>(
        &'a self,
        client: Traits<'a>,
        version: Version,
    ) -> impl Iterator<Item = &'a Client> {
        let fits = move |c: &&Client| c.fits(client, version);
        self.clients.iter().filter(fits)
    }

    /// The quirks of a client in this version.
    #[must_use]
    pub fn quirks(&self, client: Traits<'_>, version: Version) -> Quirks {
        self.fitting(client, version)
            .flat_map(|c| c.does.iter().copied())
            .fold(Quirks::default(), Quirks::with)
    }
}

impl Client {
    fn fits(&self, client: Traits<'_>, version: Version) -> bool {
        (self.versions.from..=self.versions.to).contains(&version)
            && self.patterns.iter().any(|p| p.fits(client))
    }

    /// What it does.
    #[must_use]
    pub fn does(&self) -> &[Quirk] {
        &self.does
    }
}

impl Pattern {
    fn fits(&self, client: Traits<'_>) -> bool {
        let Given {
            agent,
            kind,
            id,
            os,
        } = &self.0;
        let pairs = [
            (agent, client.agent),
            (kind, client.kind),
            (id, client.id),
            (os, client.os),
        ];
        pairs
            .into_iter()
            .all(|(glob, text)| glob.as_ref().is_none_or(|glob| glob.fits(text)))
    }
}
