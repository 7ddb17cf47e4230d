//! What the operator demands of phones: nothing goes on before it was acknowledged, in any version.

use super::house::House;
use super::phone::Phone;
use super::wire;
use roost_load::{Operation, Policy, QueryForm, Version, profile};

const ALICE: &str = "alice@example.org";
const POLICY: &str = "\
[eas.policy]
DevicePasswordEnabled = true
MinDevicePasswordLength = 6
MaxEmailBodyTruncationSize = -1
";

#[test]
fn phones_acknowledge_what_is_demanded_before_they_sync() {
    let mut house = House::configured(&[ALICE], POLICY);
    for version in Version::ALL {
        let id = format!("DEMANDED{}", version.byte());
        let mut phone = Phone::new(
            &house,
            ALICE,
            &id,
            version,
            QueryForm::Plain,
            &profile::PLAIN,
        );
        let first = phone.ask(Operation::FolderSync);
        assert!(first.provision_demanded(), "{version}: {first:?}");
        phone.catch_up();
        let acknowledged = matches!(phone.device.policy, Policy::Final(_));
        assert!(acknowledged, "{version}: {:?}", phone.device.policy);
        assert!(phone.device.folder(2).is_some(), "{version}");
        wire::check(&phone.seen);
    }
    house.assert_well();
}
