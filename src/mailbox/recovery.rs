//! Recovery passwords: what unlocks a device whose user has forgotten its own password. The device
//! chooses it; an operator reads it to the user. A row of its own, so that nothing that shows a
//! device shows it by accident.

use super::{By, DeviceNo, Error, Mailbox};
use crate::store::{Scope, Write, keys};

/// The first byte of the row; the password follows.
const FORMAT: u8 = 1;

fn key(scope: Scope, device: DeviceNo) -> Vec<u8> {
    let mut name = b"recovery ".to_vec();
    name.extend_from_slice(&device.0.to_be_bytes());
    keys::own(scope, &name)
}

/// The write that forgets it.
pub(super) fn forget(scope: Scope, device: DeviceNo) -> Write {
    Write::Delete(key(scope, device))
}

impl Mailbox {
    /// The recovery password of a device, if it has one.
    ///
    /// # Errors
    /// [`Error::Damaged`]; the store's.
    pub async fn recovery_password(
        &self,
        scope: Scope,
        device: DeviceNo,
    ) -> Result<Option<String>, Error> {
        let Some(row) = self.get(key(scope, device)).await? else {
            return Ok(None);
        };
        match row.value().split_first() {
            Some((&FORMAT, password)) => match std::str::from_utf8(password) {
                Ok(password) => Ok(Some(password.to_owned())),
                Err(_) => Err(Error::Damaged("a recovery password")),
            },
            _ => Err(Error::Damaged("a recovery password of an unknown format")),
        }
    }

    /// Keeps the recovery password of a device in place of an earlier one; an empty one: none.
    ///
    /// # Errors
    /// The store's.
    pub async fn set_recovery_password(
        &self,
        scope: Scope,
        device: DeviceNo,
        password: &str,
    ) -> Result<(), Error> {
        let before = self.recovery_password(scope, device).await?;
        if before.as_deref().unwrap_or_default() == password {
            return Ok(());
        }
        let mut tx = self.transaction(scope, By::default());
        if password.is_empty() {
            tx.write(forget(scope, device));
        } else {
            let value = [&[FORMAT], password.as_bytes()].concat();
            tx.write(Write::Put(key(scope, device), value));
        }
        tx.commit().await.map(drop)
    }
}

#[cfg(test)]
mod tests {

    use crate::mailbox::testing::{account, block_on, mailbox};

    #[test]
    fn it_goes_with_its_device() {
        block_on(async {
            let mailbox = mailbox();
            let scope = mailbox.add_account(&account("anna")).await.unwrap();
            let device = mailbox.get_or_add_device(scope, "ABC1", "Phone", "UA/1");
            let device = device.await.unwrap().number;
            let read = async || mailbox.recovery_password(scope, device).await.unwrap();
            let set = async |p: &str| {
                mailbox
                    .set_recovery_password(scope, device, p)
                    .await
                    .unwrap()
            };
            assert_eq!(read().await, None);
            set("pässword").await;
            assert_eq!(read().await.as_deref(), Some("pässword"));
            set("").await;
            assert_eq!(read().await, None);
            set("again").await;
            mailbox.remove_device(scope, device).await.unwrap();
            assert_eq!(read().await, None);
        });
    }
}
