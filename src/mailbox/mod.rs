//! Accounts, folders, items, the change log, devices and what each of them holds.
