//! What is stored of a device, damaged: it is found out, and never believed halfway or a panic.

use roost::eas::version::Version;
use roost::store::{Batch, Write, keys};
use roost::wbxml::Writer;
use roost::wbxml::tags::airsync;
use roost::work::block_on;

use super::house::{FOLDERS, House};
use super::input::Input;

/// Which folder, where its state is changed, and into what.
pub(crate) fn state(data: &[u8]) {
    let mut input = Input::new(data);
    let house = House::new();
    let folder = house.folder(*input.pick(&FOLDERS));
    let rows: Vec<(Vec<u8>, Vec<u8>)> = house
        .memory
        .rows()
        .into_iter()
        .filter(|(key, _)| {
            let head = keys::sync(house.scope, 1, folder);
            key.starts_with(&head)
        })
        .collect();
    let mut batch = Batch::new(house.scope);
    for (key, stored) in rows {
        // The version stands in front.
        let mut value = stored.get(8..).unwrap_or_default().to_vec();
        damage(&mut input, &mut value);
        batch.writes.push(Write::Put(key, value));
    }
    assert!(!batch.writes.is_empty(), "no state of folder {folder}");
    let _ = block_on(roost::store::Engine::commit(&house.memory, batch));
    for key in ["2", "1", "3"] {
        let mut w = Writer::new();
        w.open(airsync::SYNC);
        w.open(airsync::COLLECTIONS);
        w.open(airsync::COLLECTION);
        w.text(airsync::SYNC_KEY, key);
        w.num(airsync::COLLECTION_ID, folder);
        w.close();
        w.close();
        w.close();
        house.ask_damaged("Sync", "", Version::V14_1, &w.finish());
    }
}

fn damage(input: &mut Input<'_>, value: &mut Vec<u8>) {
    match input.below(4) {
        0 => {}
        1 => value.truncate(usize::from(input.u16()) % (value.len() + 1)),
        2 => {
            for _ in 0..=input.below(8) {
                let at = usize::from(input.u16()) % value.len().max(1);
                if let Some(byte) = value.get_mut(at) {
                    *byte = input.byte();
                }
            }
        }
        _ => {
            let n = usize::from(input.u16());
            *value = input.take(n).to_vec();
        }
    }
}
