//! Orders about devices: what each says and holds, and where waiting connections are cut.

use super::desk::{Desk, ceiling, done, shown_name, version_of};
use super::order::{DeviceRow, HeartbeatRow, HeldRow};
use super::{Refusal, Reply};
use crate::eas::advisor::{Finding, Path};
use crate::eas::commands::sync;
use crate::eas::quirks::Traits;
use crate::eas::version::Version;
use crate::mailbox::{self, AccountRow};
use std::net::IpAddr;

impl Desk {
    pub(super) async fn device_set(
        &self,
        user: &str,
        device: &str,
        version_max: &str,
    ) -> Result<Reply, Refusal> {
        let (row, found) = self.device(user, device).await?;
        let ceiling = ceiling(version_max)?.map(Version::tens);
        let (scope, number) = (row.scope, found.number);
        Box::pin(self.mailbox.set_version_ceiling(scope, number, ceiling)).await?;
        done(format!("changed {device}"))
    }

    pub(super) async fn device_resync(&self, user: &str, device: &str) -> Result<Reply, Refusal> {
        let (row, found) = self.device(user, device).await?;
        self.mailbox
            .forget_sync(row.scope, found.number, None)
            .await?;
        done(format!(
            "{device} fetches everything again when it next syncs"
        ))
    }

    pub(super) async fn device_show(
        &self,
        user: &str,
        device: &str,
        with_recovery: bool,
    ) -> Result<Reply, Refusal> {
        let (row, device) = self.device(user, device).await?;
        let mut shown = device_row(&row, &device);
        if with_recovery {
            let kept = self.mailbox.recovery_password(row.scope, device.number);
            shown.recovery_password = kept.await?;
        }
        shown.broken = self.broken(row.scope, device.number).await?;
        if let Some(advisor) = &self.advisor {
            let now_ms = self.mailbox.clock().now_ms();
            let (held_s, cut) = advisor.device(row.scope, device.number.0, now_ms);
            shown.held_s = held_s;
            shown.cut = cut.map(|f| {
                let own = || format!("{} {}", shown.user, shown.id);
                heartbeat_row(network_name(f.path).unwrap_or_else(own), &f)
            });
        }
        if let (Some(quirks), Some(version)) = (&self.quirks, version_of(device.device.version)) {
            shown.quirks = quirks.names(Traits::of(&device.device), version);
        }
        if let Some(storm) = &self.storm {
            let now_ms = self.mailbox.clock().mono_ms();
            let held = storm.held(row.scope, &shown.id, now_ms);
            shown.held_back = held.map(|held| HeldRow {
                times: held.times,
                last_ms: held.last_ms,
                is_held: held.is_held,
            });
        }
        Ok(Reply::Devices {
            devices: vec![shown],
        })
    }

    pub(super) fn findings(&self) -> Vec<Finding> {
        let now_ms = self.mailbox.clock().now_ms();
        self.advisor
            .as_ref()
            .map_or_else(Vec::new, |advisor| advisor.findings(now_ms))
    }

    pub(super) async fn heartbeats(&self) -> Result<Reply, Refusal> {
        if self.advisor.is_none() {
            return Err(Refusal::Wrong(
                "heartbeats are learnt by a running appliance, and none runs on this data".into(),
            ));
        }
        let mut heartbeats = Vec::new();
        for finding in self.findings() {
            let path = match finding.path {
                path @ Path::Network(_) => network_name(path).unwrap_or_default(),
                Path::Device(scope, number) => {
                    let account = self.mailbox.account(scope).await;
                    let device = self.mailbox.device(scope, mailbox::DeviceNo(number)).await;
                    match (account, device) {
                        (Ok(a), Ok(d)) => format!("{} {}", shown_name(&a.account), d.device.id),
                        // It was removed since.
                        _ => continue,
                    }
                }
            };
            heartbeats.push(heartbeat_row(path, &finding));
        }
        Ok(Reply::Heartbeats { heartbeats })
    }

    pub(super) async fn device_list(&self, user: Option<&str>) -> Result<Reply, Refusal> {
        let rows = match user {
            Some(user) => vec![self.user(user).await?],
            None => self.mailbox.accounts().await?,
        };
        let mut devices = Vec::new();
        for row in &rows {
            devices.extend(self.devices_of(row).await?);
        }
        devices.sort_by_key(|d| std::cmp::Reverse(d.last_seen_ms));
        Ok(Reply::Devices { devices })
    }

    pub(super) async fn devices_of(&self, row: &AccountRow) -> Result<Vec<DeviceRow>, Refusal> {
        let devices = self.mailbox.devices(row.scope).await?;
        let mut rows: Vec<_> = devices.iter().map(|d| device_row(row, d)).collect();
        rows.sort_by_key(|d| std::cmp::Reverse(d.last_seen_ms));
        Ok(rows)
    }

    pub(super) async fn device(
        &self,
        user: &str,
        id: &str,
    ) -> Result<(AccountRow, mailbox::DeviceRow), Refusal> {
        let row = self.user(user).await?;
        let device = self.mailbox.find_device(row.scope, id).await?;
        Ok((row, device.ok_or_else(|| Refusal::NoDevice(id.to_owned()))?))
    }
}

fn device_row(row: &AccountRow, found: &mailbox::DeviceRow) -> DeviceRow {
    let d = &found.device;
    let says = [
        ("user agent", &d.user_agent),
        ("model", &d.model),
        ("friendly name", &d.friendly_name),
        ("system", &d.os),
        ("language", &d.os_language),
        ("imei", &d.imei),
        ("phone number", &d.phone_number),
        ("operator", &d.mobile_operator),
    ];
    let said = says.into_iter().filter(|(_, v)| !v.is_empty());
    DeviceRow {
        user: shown_name(&row.account),
        id: d.id.clone(),
        kind: d.kind.clone(),
        describes_itself: said.map(|(k, v)| (k.to_owned(), v.clone())).collect(),
        version: version_of(d.version).map_or_else(String::new, |v| v.to_string()),
        first_seen_ms: d.first_seen_ms,
        last_seen_ms: d.last_seen_ms,
        heartbeat_s: match d.ping_heartbeat_s {
            0 => sync::stored_wait_s(&d.last_sync).unwrap_or(0),
            heartbeat_s => heartbeat_s,
        },
        held_s: 0,
        cut: None,
        held_back: None,
        broken: Vec::new(),
        recovery_password: None,
        quirks: Vec::new(),
        version_max: found
            .version_ceiling
            .and_then(|tens| version_of(tens.into()))
            .map(|v| v.to_string()),
    }
}

fn network_name(path: Path) -> Option<String> {
    match path {
        Path::Network(ip @ IpAddr::V4(_)) => Some(format!("{ip}/24")),
        Path::Network(ip) => Some(format!("{ip}/64")),
        Path::Device(..) => None,
    }
}

fn heartbeat_row(path: String, finding: &Finding) -> HeartbeatRow {
    HeartbeatRow {
        path,
        cut_s: finding.cut_s,
        proposal_s: finding.proposal_s,
        held_s: finding.held_s,
        seen: finding.seen,
    }
}
