//! Families of clients: what each sends beyond the commands, from `User-Agent` to its habits.
//!
//! Only what changes bytes on the wire; the values are those that the clients of that name send.

/// A family of clients.
#[derive(Clone, Debug)]
pub struct Profile {
    /// `DeviceType` of the query.
    pub device_type: &'static str,
    /// `User-Agent`; "" sends none.
    pub user_agent: &'static str,
    /// Further headers of every request.
    pub headers: &'static [(&'static str, &'static str)],
    /// Sends `X-MS-PolicyKey: 0` before it was ever provisioned; others send none.
    pub key_zero: bool,
    /// Provisions before anything else, not only when told to.
    pub provision_first: bool,
    /// Sends Settings with its DeviceInformation before the first FolderSync, where it is not part
    /// of Provision (12.0 to 14.0).
    pub settings_early: bool,
    /// Writes true flags as empty elements (`<GetChanges/>`).
    pub flags_empty: bool,
    /// `WindowSize` of each collection.
    pub window: u32,
    /// Puts what it moves into its new place by itself, where it has synced that before.
    pub keeps_moved: bool,
}

/// Nothing beyond the specification.
pub const PLAIN: Profile = Profile {
    device_type: "Roost",
    user_agent: "roost-load/0.1",
    headers: &[],
    key_zero: false,
    provision_first: false,
    settings_early: false,
    flags_empty: false,
    window: 100,
    keeps_moved: false,
};

/// Apple's Mail.
pub const IPHONE: Profile = Profile {
    device_type: "iPhone",
    user_agent: "Apple-iPhone11C8/2007.75",
    headers: &[
        ("Accept", "*/*"),
        ("Accept-Language", "de-de"),
        ("Accept-Encoding", "gzip, deflate"),
    ],
    key_zero: true,
    window: 25,
    ..PLAIN
};

/// The Exchange client of Android and what descends from it.
pub const ANDROID: Profile = Profile {
    device_type: "Android",
    user_agent: "Android/4.0.4-EAS-1.3",
    headers: &[("Accept-Encoding", "gzip")],
    key_zero: true,
    settings_early: true,
    window: 10,
    ..PLAIN
};

/// Thunderbird with TbSync.
pub const TBSYNC: Profile = Profile {
    device_type: "TbSync",
    user_agent: "Thunderbird ActiveSync",
    headers: &[
        ("Origin", "null"),
        ("Sec-Fetch-Mode", "cors"),
        ("Accept-Language", "en-US,en;q=0.5"),
        ("Accept-Encoding", "gzip, deflate, br, zstd"),
    ],
    settings_early: true,
    flags_empty: true,
    window: 50,
    ..PLAIN
};

/// Windows Mobile 6.
pub const WINDOWS_MOBILE: Profile = Profile {
    device_type: "PocketPC",
    user_agent: "MSFT-PPC/5.2.5079",
    headers: &[("Accept-Language", "en-us")],
    key_zero: true,
    ..PLAIN
};

/// Outlook's own client for ActiveSync accounts.
pub const OUTLOOK: Profile = Profile {
    device_type: "WindowsOutlook",
    user_agent: "Outlook/16.0 (16.0.7167.6539; C2R; x86)",
    window: 512,
    keeps_moved: true,
    ..PLAIN
};

/// One of each.
pub const ALL: [&Profile; 6] = [
    &PLAIN,
    &IPHONE,
    &ANDROID,
    &TBSYNC,
    &WINDOWS_MOBILE,
    &OUTLOOK,
];
