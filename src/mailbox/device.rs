//! Devices: what each says of itself, what it may do, and what it was last asked for.

use std::collections::HashMap;

use rkyv::{Archive, Deserialize, Serialize};

use super::stored;
use super::{DEVICE_NOS, DeviceNo, Error, FolderId, Mailbox, used};
use crate::clock::UnixMs;
use crate::limits;
use crate::store::{Batch, Condition, Hint, Row, Scope, Seq, Write, keys};

const FORMAT: u8 = 1;

/// Whether a device may sync.
#[derive(Archive, Serialize, Deserialize, Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(u8)]
pub enum Access {
    /// It may.
    #[default]
    Allowed = 1,
    /// It waits for an administrator's word.
    Quarantined = 2,
    /// It may not.
    Blocked = 3,
}

/// How far a remote wipe is.
#[derive(Archive, Serialize, Deserialize, Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(u8)]
pub enum Wipe {
    /// None is wanted.
    #[default]
    None = 0,
    /// The whole device is to be wiped.
    Device = 1,
    /// Only what it has of this account.
    Account = 2,
    /// The device has said that it did it.
    Done = 3,
}

/// The record of a device.
#[derive(Archive, Serialize, Deserialize, Clone, PartialEq, Eq, Debug, Default)]
pub struct Device {
    /// DeviceId as the device spells it.
    pub id: String,
    /// DeviceType.
    pub kind: String,
    /// The latest User-Agent.
    pub user_agent: String,
    /// The protocol version of its latest request (`141` for 14.1).
    pub version: u16,
    /// Model.
    pub model: String,
    /// IMEI.
    pub imei: String,
    /// Friendly name.
    pub friendly_name: String,
    /// Operating system.
    pub os: String,
    /// Language of the operating system.
    pub os_language: String,
    /// Phone number.
    pub phone_number: String,
    /// Mobile operator.
    pub mobile_operator: String,
    /// It wants its outgoing SMS sent through the server.
    pub outbound_sms: bool,
    /// The policy key that it has to present; 0: none yet.
    pub policy_key: u32,
    /// The policy key that it was given and has not acknowledged; 0: none.
    pub policy_key_pending: u32,
    /// Names the policy that `policy_key` stands for: another one has to be fetched again.
    pub policy_hash: u64,
    /// Heartbeat of its latest Ping, seconds; 0: it never sent one.
    pub ping_heartbeat_s: u32,
    /// Folders of its latest Ping, with the class it gave for each (empty: none).
    pub ping_folders: Vec<(u32, String)>,
    /// Its latest full Sync request, for empty and partial ones. The protocol's own bytes; kept
    /// without SyncKeys, which [`Mailbox::current_key`] knows, it changes rarely.
    pub last_sync: Vec<u8>,
    /// Whether it may sync.
    pub access: Access,
    /// Remote wipe.
    pub wipe: Wipe,
    /// First request, Unix milliseconds.
    pub first_seen_ms: UnixMs,
    /// Latest request that was noted, Unix milliseconds.
    pub last_seen_ms: UnixMs,
    /// Syncs that were noted.
    pub syncs: u64,
}

/// A device with its number.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DeviceRow {
    /// Its number within the account.
    pub number: DeviceNo,
    /// The commit that changed the record last.
    pub version: Seq,
    /// The record.
    pub device: Device,
    /// The highest protocol version offered to it (`141` for 14.1); none: what holds for its account.
    pub version_ceiling: Option<u8>,
}

impl DeviceRow {
    fn of(row: &Row, version_ceiling: Option<u8>) -> Result<Self, Error> {
        let (_, number) = keys::parse_device(&row.key).ok_or(Error::Damaged("a device's key"))?;
        Ok(Self {
            number: DeviceNo(number),
            version: row.version,
            device: stored::read(FORMAT, row.value())?,
            version_ceiling,
        })
    }
}

/// What stands under a DeviceId: the number of the device, and the highest version offered to it, a
/// byte that is there only where somebody has set it. Here and not in the record: a request reads
/// both rows anyway, and the record keeps its format.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Named {
    number: u32,
    version_ceiling: Option<u8>,
}

impl Named {
    fn of(row: &Row) -> Result<Self, Error> {
        let (number, version_ceiling) = match *row.value() {
            [a, b, c, d] => ([a, b, c, d], None),
            [a, b, c, d, ceiling] => ([a, b, c, d], Some(ceiling)),
            _ => return Err(Error::Damaged("a device's number")),
        };
        Ok(Self {
            number: u32::from_be_bytes(number),
            version_ceiling,
        })
    }

    fn to_value(self) -> Vec<u8> {
        let mut value = self.number.to_be_bytes().to_vec();
        value.extend(self.version_ceiling);
        value
    }
}

impl Mailbox {
    /// The device with this DeviceId, or `None`.
    ///
    /// # Errors
    /// The store's.
    pub async fn find_device(&self, scope: Scope, id: &str) -> Result<Option<DeviceRow>, Error> {
        let Some(row) = self.get(keys::device_id(scope, id)).await? else {
            return Ok(None);
        };
        let named = Named::of(&row)?;
        let row = self.get(keys::device(scope, named.number)).await?;
        row.map(|row| DeviceRow::of(&row, named.version_ceiling))
            .transpose()
    }

    /// The device with this number.
    ///
    /// # Errors
    /// [`Error::NotFound`]; the store's.
    pub async fn device(&self, scope: Scope, number: DeviceNo) -> Result<DeviceRow, Error> {
        let row = self.get(keys::device(scope, number.0)).await?;
        let found = DeviceRow::of(&row.ok_or(Error::NotFound)?, None)?;
        let named = self.get(keys::device_id(scope, &found.device.id)).await?;
        let version_ceiling = match named.as_ref().map(Named::of).transpose()? {
            Some(named) if named.number == number.0 => named.version_ceiling,
            _ => None,
        };
        Ok(DeviceRow {
            version_ceiling,
            ..found
        })
    }

    /// All devices of the account.
    ///
    /// # Errors
    /// The store's.
    pub async fn devices(&self, scope: Scope) -> Result<Vec<DeviceRow>, Error> {
        let ids = self
            .all(keys::Span::prefix(keys::device_id(scope, "")))
            .await?;
        let ceilings = ids.iter().filter_map(|row| {
            let named = Named::of(row).ok()?;
            Some((named.number, named.version_ceiling?))
        });
        let ceilings: HashMap<u32, u8> = ceilings.collect();
        let rows = self.all(keys::devices(scope)).await?;
        let of = |row: &Row| {
            let found = DeviceRow::of(row, None)?;
            Ok(DeviceRow {
                version_ceiling: ceilings.get(&found.number.0).copied(),
                ..found
            })
        };
        rows.iter().map(of).collect()
    }

    /// Sets the highest protocol version that is offered to a device (`141` for 14.1); none: what
    /// holds for its account.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Conflict`]; the store's.
    pub async fn set_version_ceiling(
        &self,
        scope: Scope,
        number: DeviceNo,
        version_ceiling: Option<u8>,
    ) -> Result<(), Error> {
        let row = self.device(scope, number).await?;
        let id_key = keys::device_id(scope, &row.device.id);
        let named = self.get(id_key.clone()).await?.ok_or(Error::NotFound)?;
        let value = Named {
            number: number.0,
            version_ceiling,
        };
        let mut batch = Batch::new(scope);
        let conditions = [
            Condition::Equals(keys::device(scope, number.0), row.version),
            Condition::Equals(id_key.clone(), named.version),
        ];
        batch.conditions.extend(conditions);
        batch.writes.push(Write::Put(id_key, value.to_value()));
        self.commit(batch).await.map(drop)
    }

    /// The device with this DeviceId; a new one is noted, and where the account has
    /// [`limits::DEVICES_MAX`] already, the one unseen for longest gives way.
    ///
    /// # Errors
    /// [`Error::BadName`] for an id that is empty, too long or not printable ASCII;
    /// [`Error::Conflict`]; the store's.
    pub async fn get_or_add_device(
        &self,
        scope: Scope,
        id: &str,
        kind: &str,
        user_agent: &str,
    ) -> Result<DeviceRow, Error> {
        if let Some(row) = self.find_device(scope, id).await? {
            return Ok(row);
        }
        let printable = id.bytes().all(|b| b.is_ascii_graphic());
        if id.is_empty() || id.len() > limits::DEVICE_ID_CHARS_MAX || !printable {
            return Err(Error::BadName);
        }
        self.make_room_for_device(scope).await?;
        let now_ms = self.clock().now_ms();
        let device = Device {
            id: id.to_owned(),
            kind: kind.to_owned(),
            user_agent: user_agent.to_owned(),
            first_seen_ms: now_ms,
            last_seen_ms: now_ms,
            ..Device::default()
        };
        let number = self.allocate(scope, DEVICE_NOS, 1).await?;
        let (id_key, key) = (keys::device_id(scope, id), keys::device(scope, number));
        let mut batch = Batch::new(scope);
        batch.conditions.push(Condition::Absent(id_key.clone()));
        batch.conditions.push(Condition::Absent(key.clone()));
        let named = Named {
            number,
            version_ceiling: None,
        };
        batch.writes.push(Write::Put(id_key, named.to_value()));
        let value = stored::write(FORMAT, &device)?;
        batch.writes.push(Write::Put(key, value));
        batch.writes.push(used(scope, DEVICE_NOS, number));
        Ok(DeviceRow {
            number: DeviceNo(number),
            version: self.commit(batch).await?,
            device,
            version_ceiling: None,
        })
    }

    async fn make_room_for_device(&self, scope: Scope) -> Result<(), Error> {
        let devices = self.devices(scope).await?;
        if devices.len() < limits::DEVICES_MAX {
            return Ok(());
        }
        // A wipe that waits for its device is not forgotten for the sake of a new one.
        let free = devices.iter().filter(|row| row.device.wipe == Wipe::None);
        let oldest = free.min_by_key(|row| row.device.last_seen_ms);
        let oldest = oldest.ok_or(Error::Limit)?;
        self.remove_device(scope, oldest.number).await
    }

    /// Replaces the record of a device, if it is still as it was read; returns it as it is then.
    ///
    /// # Errors
    /// [`Error::Conflict`], [`Error::TooLarge`]; the store's.
    pub async fn update_device(
        &self,
        scope: Scope,
        row: &DeviceRow,
        device: Device,
    ) -> Result<DeviceRow, Error> {
        let key = keys::device(scope, row.number.0);
        let mut batch = Batch::new(scope);
        let same = Condition::Equals(key.clone(), row.version);
        batch.conditions.push(same);
        let value = stored::write(FORMAT, &device)?;
        batch.writes.push(Write::Put(key, value));
        let access = |d: &Device| (d.access, d.wipe, d.policy_key, d.policy_hash);
        if access(&device) != access(&row.device) {
            // What it waits for may not be its business any more.
            batch.tell.push(about(row.number));
        }
        Ok(DeviceRow {
            number: row.number,
            version: self.commit(batch).await?,
            device,
            version_ceiling: row.version_ceiling,
        })
    }

    /// Changes the record of a device with `change`, again if somebody else changes it meanwhile.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Conflict`] after many tries; the store's.
    pub async fn change_device(
        &self,
        scope: Scope,
        number: DeviceNo,
        change: impl Fn(&mut Device),
    ) -> Result<DeviceRow, Error> {
        for _ in 0..limits::CONFLICT_RETRIES_MAX {
            let row = self.device(scope, number).await?;
            let mut device = row.device.clone();
            change(&mut device);
            if device == row.device {
                return Ok(row);
            }
            match Box::pin(self.update_device(scope, &row, device)).await {
                Err(Error::Conflict) => {}
                done => return done,
            }
        }
        Err(Error::Conflict)
    }

    /// Forgets a device with all it holds.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Conflict`]; the store's.
    pub async fn remove_device(&self, scope: Scope, number: DeviceNo) -> Result<(), Error> {
        let row = self.device(scope, number).await?;
        let key = keys::device(scope, number.0);
        let mut batch = Batch::new(scope);
        let same = Condition::Equals(key.clone(), row.version);
        batch.conditions.push(same);
        batch.writes.push(Write::Delete(key));
        let id_key = keys::device_id(scope, &row.device.id);
        batch.writes.push(Write::Delete(id_key));
        batch.writes.push(keys::syncs(scope, number.0).delete());
        batch.writes.push(keys::sents(scope, number.0).delete());
        batch.writes.push(super::recovery::forget(scope, number));
        batch.tell.push(about(number));
        self.commit(batch).await.map(drop)
    }

    /// Forgets what a device holds: of one folder, or of all (`None`). It has to begin with key 0.
    ///
    /// # Errors
    /// The store's.
    pub async fn forget_sync(
        &self,
        scope: Scope,
        device: DeviceNo,
        folder: Option<FolderId>,
    ) -> Result<(), Error> {
        let mut batch = Batch::new(scope);
        let span = match folder {
            Some(folder) => keys::Span::prefix(keys::sync(scope, device.0, folder.0)),
            None => keys::syncs(scope, device.0),
        };
        batch.writes.push(span.delete());
        batch.tell.push(about(device));
        self.commit(batch).await.map(drop)
    }
}

/// The hint that a device is not what it was.
fn about(device: DeviceNo) -> Hint {
    Hint {
        folder: Hint::DEVICE,
        device: device.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mailbox::testing::{account, block_on, mailbox};

    #[test]
    fn a_device_is_added_once_and_found_by_id_and_number() {
        block_on(async {
            let mailbox = mailbox();
            let scope = mailbox.add_account(&account("anna")).await.unwrap();
            let new = mailbox.get_or_add_device(scope, "ABC1", "Phone", "UA/1");
            let new = new.await.unwrap();
            let again = mailbox.get_or_add_device(scope, "ABC1", "x", "y");
            assert_eq!(again.await.unwrap(), new);
            assert_eq!(mailbox.device(scope, new.number).await.unwrap(), new);
            let other = mailbox.get_or_add_device(scope, "abc1", "x", "y");
            assert_ne!(other.await.unwrap().number, new.number);
            for bad in ["", "a b", "é", &"x".repeat(33)] {
                let added = mailbox.get_or_add_device(scope, bad, "x", "y").await;
                assert_eq!(added, Err(Error::BadName));
            }
        });
    }

    #[test]
    fn a_device_may_have_a_ceiling_and_keeps_it() {
        block_on(async {
            let mailbox = mailbox();
            let scope = mailbox.add_account(&account("anna")).await.unwrap();
            let add = async |id| {
                mailbox
                    .get_or_add_device(scope, id, "x", "y")
                    .await
                    .unwrap()
            };
            let (row, other) = (add("ABC1").await, add("ABC2").await);
            let set = async |to| mailbox.set_version_ceiling(scope, row.number, to).await;
            set(Some(141)).await.unwrap();
            assert_eq!(add("ABC1").await.version_ceiling, Some(141));
            let change = |d: &mut Device| d.policy_key = 7;
            let changed = mailbox.change_device(scope, row.number, change);
            assert_eq!(changed.await.unwrap().version_ceiling, Some(141));
            let all = mailbox.devices(scope).await.unwrap();
            let all: Vec<_> = all.iter().map(|d| (d.number, d.version_ceiling)).collect();
            assert_eq!(all, [(row.number, Some(141)), (other.number, None)]);
            set(None).await.unwrap();
            assert_eq!(add("ABC1").await.version_ceiling, None);
            let nobody = mailbox.set_version_ceiling(scope, DeviceNo(99), None);
            assert_eq!(nobody.await, Err(Error::NotFound));
        });
    }

    #[test]
    fn the_device_unseen_for_longest_gives_way() {
        block_on(async {
            let mailbox = mailbox();
            let scope = mailbox.add_account(&account("anna")).await.unwrap();
            for n in 0..=limits::DEVICES_MAX {
                let id = format!("D{n}");
                mailbox.clock().advance(1_000);
                let row = mailbox.get_or_add_device(scope, &id, "x", "y");
                let row = row.await.unwrap();
                if n == 0 {
                    let wanted = |d: &mut Device| d.wipe = Wipe::Account;
                    let wiped = mailbox.change_device(scope, row.number, wanted);
                    wiped.await.unwrap();
                }
            }
            let devices = mailbox.devices(scope).await.unwrap();
            assert_eq!(devices.len(), limits::DEVICES_MAX);
            // The one that waits for its wipe stays.
            assert!(mailbox.find_device(scope, "D0").await.unwrap().is_some());
            assert_eq!(mailbox.find_device(scope, "D1").await.unwrap(), None);
        });
    }

    #[test]
    fn a_record_read_before_another_change_does_not_overwrite_it() {
        block_on(async {
            let mailbox = mailbox();
            let scope = mailbox.add_account(&account("anna")).await.unwrap();
            let row = mailbox.get_or_add_device(scope, "ABC1", "Phone", "UA/1");
            let row = row.await.unwrap();
            let change = |d: &mut Device| d.policy_key = 7;
            mailbox
                .change_device(scope, row.number, change)
                .await
                .unwrap();
            let stale = mailbox.update_device(scope, &row, row.device.clone());
            assert_eq!(stale.await, Err(Error::Conflict));
            mailbox.remove_device(scope, row.number).await.unwrap();
            let gone = mailbox.device(scope, row.number).await;
            assert_eq!(gone, Err(Error::NotFound));
        });
    }
}
