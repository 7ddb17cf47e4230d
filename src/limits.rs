//! Every bound of the appliance in one file, each with its unit and its reason.
//!
//! A bound that an operator may change lives in `config`; its default stands here.

// ---- wbxml: what a request body may look like before it is refused -------------------------

/// Nesting depth of a WBXML document. The deepest legal request has 12 levels.
pub const WBXML_DEPTH_MAX: usize = 32;
/// Tokens in one document: 200 changes with 100 properties each stay far below.
pub const WBXML_TOKENS_MAX: usize = 400_000;
/// Bytes of one inline string or opaque value.
pub const WBXML_VALUE_BYTES_MAX: usize = 32 * 1024 * 1024;

// ---- http ------------------------------------------------------------------------------------

/// Bytes of a request head (line and headers).
pub const HTTP_HEAD_BYTES_MAX: usize = 16 * 1024;
/// Headers in a request head.
pub const HTTP_HEADERS_MAX: usize = 64;
/// Bytes of a request body, as sent and also when inflated. The largest mail an account may send.
pub const HTTP_BODY_BYTES_MAX: usize = 32 * 1024 * 1024;
/// Empty lines before a request line that are ignored (RFC 9112 2.2).
pub const HTTP_BLANK_LINES_MAX: u8 = 4;
/// Bytes of all chunk extensions and trailers of one body; they mean nothing to us.
pub const HTTP_CHUNK_EXTRA_BYTES_MAX: usize = 16 * 1024;
/// Seconds until the head has to be complete.
pub const HTTP_HEAD_DEADLINE_S: u64 = 10;
/// Seconds that [`PROGRESS_BYTES`] of a body may take to arrive.
pub const HTTP_BODY_DEADLINE_S: u64 = 120;
/// Seconds that an idle keep-alive connection is kept.
pub const HTTP_IDLE_S: u64 = 75;
/// Seconds that [`PROGRESS_BYTES`] of an answer may take to be read by the peer.
pub const HTTP_WRITE_DEADLINE_S: u64 = 120;
/// The deadlines of body and answer are renewed with so many bytes, so that a large mail may
/// cross a slow network and a peer that trickles may not (546 bytes per second are enough).
pub const PROGRESS_BYTES: usize = 64 * 1024;
/// Answers below this size are not worth a gzip header.
pub const GZIP_BYTES_MIN: usize = 860;
/// Answers above this size are sent as they are: compressing would hold the core for too long.
pub const GZIP_BYTES_MAX: usize = 4 * 1024 * 1024;

// ---- connections -------------------------------------------------------------------------------

/// Connections from one address (an IPv6 /64 counts as one), all together.
pub const CONNECTIONS_PER_ADDRESS_MAX: usize = 4_096;
/// Connections in total; also bounded by the descriptor limit of the process.
pub const CONNECTIONS_MAX: usize = 1_000_000;

/// Descriptors that are kept for the store, logs and the admin socket.
pub const DESCRIPTORS_RESERVED: usize = 512;
/// Bytes of request bodies and messages that are held at one time by all connections; what goes
/// beyond is refused with "busy". Bodies below [`PROGRESS_BYTES`] do not count.
pub const BODIES_BYTES_MAX: usize = 512 * 1024 * 1024;
/// Bytes that are read and dropped after a refusal, so that the peer sees the answer and not a
/// reset.
pub const LINGER_BYTES_MAX: usize = 256 * 1024;
/// Seconds that this may take.
pub const LINGER_S: u64 = 2;
/// Refused connections of a core that are told so at one time; more are closed without a word.
pub const LINGER_MAX: usize = 64;
/// Requests, or reads of a body, of one connection before the others of its core have a turn.
pub const TURN_MAX: u32 = 16;
/// Seconds of silence after which the kernel asks whether the peer is still there. Not shorter:
/// each probe wakes a phone's radio.
pub const KEEPALIVE_IDLE_S: u64 = 900;
/// Seconds between probes that stay unanswered.
pub const KEEPALIVE_INTERVAL_S: u64 = 60;
/// Unanswered probes after which the connection is gone.
pub const KEEPALIVE_PROBES: u32 = 4;
/// Seconds after which data that nobody acknowledges ends a connection.
pub const USER_TIMEOUT_S: u64 = 180;
/// TLS handshakes that begin each second, over all cores: each costs about 0.15 ms, so this leaves
/// most of a small machine to the requests that follow.
pub const HANDSHAKES_PER_S: u64 = 2_000;
/// Handshakes of a core that wait for their turn; beyond it nothing is accepted.
pub const HANDSHAKES_WAITING_MAX: usize = 1_024;
/// Connections of a core beyond a cap that are told so behind their handshake at one time; more are
/// closed without a word.
pub const TURNED_AWAY_MAX: usize = 64;
/// Seconds after which whoever was turned away shall come back.
pub const TURNED_AWAY_S: u32 = 30;
/// Connections that wait to be accepted.
pub const BACKLOG: i32 = 4_096;

// ---- lmtp --------------------------------------------------------------------------------------

/// Bytes of one LMTP command line (RFC 5321 4.5.3.1.4, with room for long paths).
pub const LMTP_LINE_BYTES_MAX: usize = 4_096;
/// Errors after which an LMTP session is ended.
pub const LMTP_ERRORS_MAX: u32 = 20;
/// Bytes of a mail address with its quotes (RFC 5321 4.5.3.1.3 allows for 254).
pub const ADDRESS_BYTES_MAX: usize = 512;
/// LMTP sessions at one time: each may hold a whole message.
pub const LMTP_SESSIONS_MAX: usize = 64;
/// Recipients of one transaction.
pub const LMTP_RECIPIENTS_MAX: usize = 1_000;
/// Bytes of one message, announced by SIZE.
pub const MESSAGE_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Seconds of silence after which an LMTP session ends (RFC 5321 4.5.3.2 asks for 5 minutes).
pub const LMTP_IDLE_S: u64 = 300;

// ---- store -------------------------------------------------------------------------------------

/// Bytes of a key (the strictest engine behind the interface allows 2,704).
pub const KEY_BYTES_MAX: usize = 1024;
/// Bytes of a value; what is larger goes into a blob.
pub const VALUE_BYTES_MAX: usize = 64 * 1024;
/// Bytes of all keys and values of one batch.
pub const BATCH_BYTES_MAX: usize = 512 * 1024;
/// Writes in one batch, change-log entries included.
pub const BATCH_WRITES_MAX: usize = 500;
/// Conditions of one batch.
pub const BATCH_CONDITIONS_MAX: usize = 500;
/// Rows that the range deletions of one batch may remove: what the committer does in one go.
pub const DELETE_RANGE_ROWS_MAX: usize = 65_536;
/// Questions of one read.
pub const READS_MAX: usize = 1_024;
/// Rows of one range answer.
pub const RANGE_ROWS_MAX: usize = 1_000;
/// Bytes of one range answer.
pub const RANGE_BYTES_MAX: usize = 1024 * 1024;
/// Batches that may wait for the committer; more is back-pressure.
pub const COMMIT_QUEUE_MAX: usize = 4_096;
/// Bytes of batches and blobs that may wait for the committer.
pub const COMMIT_QUEUE_BYTES_MAX: usize = 256 * 1024 * 1024;
/// Batches that the committer merges into one durable write.
pub const COMMIT_GROUP_MAX: usize = 1_024;
/// Bytes of batches that the committer merges into one durable write.
pub const COMMIT_GROUP_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Batch ids that the head of a scope remembers, so that a retry is recognised also when others
/// have committed since.
pub const BATCH_IDS_KEPT: usize = 8;
/// Wakes that may wait for one subscriber; what is beyond becomes one "gap".
pub const WAKE_QUEUE_MAX: usize = 8_192;
/// Bytes of a blob: the largest message, with room for what a server adds to it.
pub const BLOB_BYTES_MAX: usize = 80 * 1024 * 1024;
/// Bytes that must remain free on the disk, or nothing is written: journals and merges of the
/// engine need room, and an engine that has run out of it fails for good.
pub const DISK_RESERVE_BYTES: u64 = 256 * 1024 * 1024;
/// Bytes of one row of a blob, the unit in which ranges of it are read.
pub const BLOB_CHUNK_BYTES: usize = 1024 * 1024;
/// How often a conflicting change is computed again before it is answered with "busy".
pub const CONFLICT_RETRIES_MAX: u32 = 8;

// ---- pim ---------------------------------------------------------------------------------------

/// Bytes of a mail's plain text that its record carries, so that most Syncs never open the MIME.
pub const TEXT_HEAD_BYTES: usize = 4_096;
/// Bytes of a note's, contact's, event's or task's body inside its record; a longer one is a blob.
pub const BODY_INLINE_BYTES_MAX: usize = 16 * 1024;
/// MIME parts that are looked at in one message.
pub const MIME_PARTS_MAX: usize = 1_000;
/// Nesting of multiparts that is looked at.
pub const MIME_DEPTH_MAX: usize = 64;
/// Bytes of one header block that are read; a list of ten thousand recipients fits.
pub const MIME_HEADER_BYTES_MAX: usize = 512 * 1024;
/// Bytes of each address list (`To`, `Cc`, ...) that a mail's record carries: three of them, the
/// text head and the attachments have to fit into one value of the store.
pub const ADDRESS_LIST_BYTES_MAX: usize = 8 * 1024;
/// Bytes of any other header field in a mail's record.
pub const HEADER_FIELD_BYTES_MAX: usize = 1_000;
/// Bytes that a mail's record spends on its list of attachments; more of them stay unlisted.
pub const ATTACHMENT_LIST_BYTES_MAX: usize = 16 * 1024;
/// Bytes of HTML that are converted to text; the rest is cut.
pub const HTML_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Occurrences that an expansion of a series may visit.
pub const OCCURRENCES_MAX: usize = 5_000;
/// Attendees of an event.
pub const ATTENDEES_MAX: usize = 1_000;
/// Exceptions of a series.
pub const EXCEPTIONS_MAX: usize = 1_000;
/// Bytes of one calendar file or part: ten thousand appointments.
pub const ICAL_BYTES_MAX: usize = 32 * 1024 * 1024;
/// Components of one calendar file, alarms included.
pub const ICAL_COMPONENTS_MAX: usize = 100_000;
/// Appointments that one series becomes which the protocol cannot say.
pub const SINGLE_INSTANCES_MAX: usize = 200;
/// Bytes of one file of cards: ten thousand of them with small photos.
pub const VCARD_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Attendees that a mail's record keeps of the invitation in it: the record has to stay below
/// [`VALUE_BYTES_MAX`], and the mail has all of them.
pub const MEETING_ATTENDEES_MAX: usize = 50;
/// Exceptions that a mail's record keeps of the invitation in it.
pub const MEETING_EXCEPTIONS_MAX: usize = 30;
/// Bytes of a line of text (subject, place, name) that it keeps.
pub const MEETING_LINE_BYTES_MAX: usize = 1_000;
/// Messages about single occurrences that one change of a series makes; a change of more of them is
/// told as a whole.
pub const NOTICES_MAX: usize = 20;
/// Bytes of a message to attendees while it waits: a value of the store.
pub const NOTICE_BYTES_MAX: usize = VALUE_BYTES_MAX;
/// Bytes of the messages of one change: they go into its commit.
pub const NOTICES_BYTES_MAX: usize = 2 * NOTICE_BYTES_MAX;
/// Appointments of one UID that are looked at: a series, or occurrences of one that is not there.
pub const LONE_OCCURRENCES_MAX: usize = 50;
/// Categories of one item.
pub const CATEGORIES_MAX: usize = 300;

// ---- search ----------------------------------------------------------------------------------

/// Bytes of a word in the index; what it has more is cut off, of a word that is looked for as well.
pub const WORD_BYTES_MAX: usize = 40;
/// Bytes of the words of one item: some two thousand different ones.
pub const WORDS_BYTES_MAX: usize = 16 * 1024;
/// Bytes of them that subject, addresses and names of files may take, so that the text has its share.
pub const WORDS_HEADER_BYTES_MAX: usize = 8 * 1024;
/// Bytes of a text whose words are taken: a long one has said by then what it is about.
pub const WORDS_TEXT_BYTES_MAX: usize = 256 * 1024;

/// Rows of the index that one search looks at.
pub const SEARCH_ROWS_MAX: usize = 1_000_000;
/// Bytes of them: a second or two of work. What was found by then is the result.
pub const SEARCH_BYTES_MAX: usize = 1024 * 1024 * 1024;
/// Milliseconds that a search may take; phones wait for half a minute.
pub const SEARCH_MS_MAX: u64 = 10_000;
/// Items that one search reads because their words alone do not tell: for phrases, and for marks.
pub const SEARCH_RECORDS_MAX: usize = 5_000;
/// Mails that one search takes apart, for phrases in long texts.
pub const SEARCH_TEXTS_MAX: usize = 200;
/// Bytes of such a mail; of a larger one the beginning of its text is looked at.
pub const SEARCH_TEXT_BYTES_MAX: u64 = 4 * 1024 * 1024;

// ---- import ----------------------------------------------------------------------------------

/// Directories below a path that is imported.
pub const IMPORT_DEPTH_MAX: usize = 64;

// ---- eas ---------------------------------------------------------------------------------------

/// Add, Change, Delete and Fetch in one Sync request of 14.1 and later ([MS-ASCMD] 3.1.5.11).
pub const SYNC_COMMANDS_MAX: usize = 200;
/// The same up to 14.0, where clients know of no limit and would repeat for ever what is refused. The
/// outcomes of all of them have to fit into one value of the store, with ids of 64 bytes.
pub const SYNC_COMMANDS_OLD_MAX: usize = 500;
/// Bytes of items after which the Fetch commands of one Sync request bring no more.
pub const SYNC_FETCH_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Collections of one Sync request; above it Status 15 with this Limit.
pub const SYNC_COLLECTIONS_MAX: usize = 100;
/// `WindowSize` where the client names none ([MS-ASCMD] 2.2.3.199).
pub const WINDOW_SIZE_DEFAULT: u32 = 100;
/// The largest `WindowSize`; 0 or more means this.
pub const WINDOW_SIZE_MAX: u32 = 512;
/// Bytes after which a Sync answer ends with `MoreAvailable`.
pub const SYNC_ANSWER_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Collections of one GetItemEstimate request.
pub const ESTIMATE_COLLECTIONS_MAX: usize = 1_000;
/// Operations of one ItemOperations request.
pub const ITEM_OPERATIONS_MAX: usize = 100;
/// Bytes of attachments and bodies in one answer to ItemOperations.
pub const ITEM_OPERATIONS_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Answers of one MeetingResponse request ([MS-ASCMD] 3.1.5.11).
pub const MEETING_RESPONSES_MAX: usize = 100;
/// Bytes of what a user writes to an organizer with an answer; the rest is cut.
pub const MEETING_WORDS_BYTES_MAX: usize = 256 * 1024;
/// Moves of one MoveItems request.
pub const MOVES_MAX: usize = 1_000;
/// Folders of one Ping; above it Status 6 with this `MaxFolders`.
pub const PING_FOLDERS_MAX: usize = 300;
/// Requests of one user that are served at one time; those that wait do not count. A hundred devices
/// that are woken at once come back one after the other.
pub const REQUESTS_PER_USER_MAX: u32 = 128;
/// Requests of one device that are served at one time: phones send one or two.
pub const REQUESTS_PER_DEVICE_MAX: u32 = 8;
/// Times that a device may send the same request again within a minute, and at once: a phone that is
/// woken every second is below, a loop is above.
pub const REPEATS_PER_MIN_MAX: u32 = 90;
/// Times that a device may ask again for an answer before its items are told one by one; and for an
/// answer with one item before it gets a stand-in for that.
pub const STRIKES_MAX: u8 = 3;
/// Items of which it is remembered that their answers were asked for again; some 8 MiB.
pub const STRIKES_KEPT: usize = 100_000;
/// Items of a folder that a device has stand-ins of.
pub const BROKEN_MAX: usize = 64;
/// Seconds after which an item that a device refused is tried again by itself, and then once more: what
/// looked like a refusal may have been a bad network.
pub const BROKEN_RETRIES_S: [u32; 2] = [3_600, 86_400];
/// The shortest heartbeat, in seconds ([MS-ASCMD] 2.2.3.79.1).
pub const HEARTBEAT_S_MIN: u32 = 60;
/// The longest heartbeat, in seconds.
pub const HEARTBEAT_S_MAX: u32 = 3_540;
/// Cuts, and lost answers, that are remembered of a path.
pub const HEARTBEAT_CUTS_KEPT: usize = 8;
/// Networks on which cuts are remembered: some 1 MiB.
pub const HEARTBEAT_NETWORKS_MAX: usize = 10_000;
/// Devices of which it is remembered how their waits ended: some 20 MiB.
pub const HEARTBEAT_DEVICES_MAX: usize = 100_000;
/// Characters of an id (ServerId, CollectionId, SyncKey, ClientId of an item).
pub const ID_CHARS_MAX: usize = 64;
/// Characters of the ClientId of a mail to send.
pub const CLIENT_ID_CHARS_MAX: usize = 40;
/// Characters of a DeviceId.
pub const DEVICE_ID_CHARS_MAX: usize = 32;
/// Bytes of an absence note: the three of an account have to fit into one value of the store.
pub const ABSENCE_NOTE_BYTES_MAX: usize = 20 * 1024;
/// Days after which somebody who writes again to the same absent user is told again (RFC 3834 2).
pub const ABSENCE_TOLD_DAYS: u32 = 7;
/// Contacts that are looked through for whether an absent user knows a sender.
pub const ABSENCE_CONTACTS_MAX: usize = 5_000;
/// Bytes of the subject that an automatic answer repeats.
pub const ABSENCE_SUBJECT_BYTES_MAX: usize = 500;
/// Messages of a thread that an automatic answer names, beside the one that it answers.
pub const ASKER_REFERENCES_MAX: usize = 40;
/// Characters of a recovery password ([MS-ASCMD] 2.2.3.130.2).
pub const RECOVERY_PASSWORD_CHARS_MAX: usize = 255;
/// Conversations of an account whose future mail goes elsewhere than to the Inbox; the oldest gives
/// way. They are one value of the store, which every delivery reads.
pub const CONVERSATIONS_MOVED_MAX: usize = 200;
/// Bytes of a property of `DeviceInformation` that are kept.
pub const DEVICE_INFORMATION_BYTES_MAX: usize = 1_024;
/// Bytes of a `User-Agent` that are kept.
pub const USER_AGENT_BYTES_MAX: usize = 256;
/// Bytes of a file of client quirks.
pub const QUIRK_FILE_BYTES_MAX: u64 = 256 * 1024;
/// Clients in such a file. Each is held against a device once.
pub const QUIRK_CLIENTS_MAX: usize = 500;
/// Patterns of one of them.
pub const QUIRK_PATTERNS_MAX: usize = 32;
/// Bytes of one pattern.
pub const QUIRK_PATTERN_BYTES_MAX: usize = 128;
/// Devices of which it is remembered which quirks they have, each in each version that it speaks; some
/// 1 MiB.
pub const QUIRK_CACHE_MAX: usize = 16_384;
/// Folders of one account.
pub const FOLDERS_MAX: usize = 10_000;
/// Devices of one account; the one unseen for longest gives way.
pub const DEVICES_MAX: usize = 100;
/// Characters of a folder's name.
pub const FOLDER_NAME_CHARS_MAX: usize = 256;
/// Groups of 65,536 item numbers that one Sync may change in the set of what a device holds: each
/// is a row of up to 8 KiB, and they go into one batch with the commands.
pub const SYNC_PARTS_MAX: usize = 20;
/// Days that a tombstone is kept for devices that have not seen it.
pub const TOMBSTONES_KEPT_DAYS: u32 = 60;
/// Days that a delivery is remembered, to recognise its repetition (RFC 5321 4.5.4.1: senders give
/// up after four to five days).
pub const DELIVERED_KEPT_DAYS: u32 = 7;
/// Days that the outcome of a sent mail is remembered by its ClientId.
pub const SENT_KEPT_DAYS: u32 = 7;
/// Results of one Search answer (Range 0-99).
pub const SEARCH_RESULTS_MAX: usize = 100;
/// Items of a mailbox that a search finds at most, the newest; Find shows them all (Range 0-999).
pub const SEARCH_HITS_MAX: usize = 1_000;
/// Bytes after which an answer to Search or Find brings no more results.
pub const SEARCH_ANSWER_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Characters of the text that is looked for in a mailbox.
pub const SEARCH_TEXT_CHARS_MAX: usize = 1_024;
/// Words, phrases and other conditions of one query.
pub const SEARCH_TERMS_MAX: usize = 50;
/// Seconds that a result is kept for its further pages.
pub const SEARCH_KEPT_S: u64 = 900;
/// Results that are kept, of all devices: some 16 MiB.
pub const SEARCHES_KEPT: usize = 2_000;
/// Searches of mailboxes of one account at one time: each reads all of its words.
pub const SEARCHES_PER_USER_MAX: u32 = 4;
/// Recipients of one outgoing mail.
pub const RECIPIENTS_MAX: usize = 1_000;

/// Bytes of a person's photo in the address list: phones show it in the size of a thumb, and an answer
/// may carry a hundred.
pub const PHOTO_BYTES_MAX: usize = 100 * 1024;
/// Bytes of photos in one answer; who asks again gets the others.
pub const PHOTOS_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Characters of each detail (title, phone number, ...) of a person in the address list.
pub const DETAIL_CHARS_MAX: usize = 256;
/// Bytes of one certificate: those with the new keys that withstand quantum computers take 8 KiB.
pub const CERTIFICATE_BYTES_MAX: usize = 32 * 1024;
/// Certificates of one account, and of one ResolveRecipients recipient.
pub const CERTIFICATES_MAX: usize = 8;
/// Bytes of the certificates of one account: they are one value of the store.
pub const CERTIFICATES_BYTES_MAX: usize = 60 * 1024;
/// Certificates of one ValidateCert request, and as many that help ([MS-ASCMD] 3.1.5.11).
pub const VALIDATE_CERTIFICATES_MAX: usize = 100;
/// Milliseconds after which no further certificate of a ValidateCert request is looked at: a chain can
/// be made so that it takes a second to be refused.
pub const VALIDATE_MS_MAX: u64 = 5_000;
/// Certificates of one name that help to judge others.
pub const CERTIFICATE_NAMESAKES_MAX: usize = 4;
/// Files with trusted roots, and files with revocation lists.
pub const TRUST_FILES_MAX: usize = 2_000;
/// Bytes of all of them, of each sort: lists of large issuers have some MiB.
pub const TRUST_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Names of one ResolveRecipients request ([MS-ASCMD] 3.1.5.11).
pub const RESOLVE_NAMES_MAX: usize = 100;
/// Characters of such a name ([MS-ASCMD] 2.2.3.180.2).
pub const RESOLVE_NAME_CHARS_MAX: usize = 256;
/// Suggestions for one name that leads to several people, where the client sets no lower bound.
pub const RESOLVE_SUGGESTIONS_MAX: usize = 100;
/// Contacts that are looked through for one ResolveRecipients request.
pub const RESOLVE_CONTACTS_MAX: usize = 20_000;
/// Days that free and busy times may be asked for ([MS-ASCMD] 2.2.3.61.1).
pub const FREE_BUSY_DAYS_MAX: i64 = 42;
/// Slots of free and busy times: 32 KB of digits ([MS-ASCMD] 2.2.3.112).
pub const FREE_BUSY_SLOTS_MAX: usize = 32 * 1024;
/// Occurrences of one series within a span of [`FREE_BUSY_DAYS_MAX`]: one a day, and all its exceptions.
pub const BUSY_OCCURRENCES_MAX: usize = 42 + EXCEPTIONS_MAX;
/// Appointments of one person that are looked at for free and busy times: those that end after the span
/// begins.
pub const BUSY_EVENTS_MAX: usize = 10_000;
/// The same of all people of one request.
pub const FREE_BUSY_EVENTS_MAX: usize = 50_000;
/// Milliseconds after which a request reads no further calendar for free and busy times.
pub const FREE_BUSY_MS_MAX: u64 = 3_000;

// ---- auth --------------------------------------------------------------------------------------

/// Characters of a user name or password.
pub const CREDENTIAL_CHARS_MAX: usize = 256;
/// Seconds that a checked credential is believed without another argon2.
pub const CREDENTIAL_CACHE_S: u64 = 600;
/// Credentials remembered per core.
pub const CREDENTIAL_CACHE_MAX: usize = 100_000;
/// Jobs that may wait for the worker pool; more is back-pressure.
pub const WORK_QUEUE_MAX: usize = 1_024;

// ---- autodiscover ------------------------------------------------------------------------------

/// Bytes of an Autodiscover request; a real one has some hundred.
pub const DISCOVER_BYTES_MAX: usize = 64 * 1024;
/// Nesting depth of an Autodiscover request; a real one has three.
pub const DISCOVER_DEPTH_MAX: usize = 16;
/// Bytes of a `Host` header that may stand in an answer (RFC 1035: a name has up to 255).
pub const HOST_BYTES_MAX: usize = 261;

// ---- outgoing mail -----------------------------------------------------------------------------

/// Bytes of one line of a server's reply (RFC 5321 4.5.3.1.5 allows for 512, servers for more).
pub const SMTP_LINE_BYTES_MAX: usize = 4_096;
/// Lines of one reply.
pub const SMTP_REPLY_LINES_MAX: usize = 128;
/// Bytes of a reply that are kept, for people: those for the recipients of one mail have to fit into one
/// batch of the store, with the addresses.
pub const SMTP_REPLY_KEPT_BYTES: usize = 256;
/// Bytes of the name of a server that are kept with each.
pub const SERVER_NAME_KEPT_BYTES: usize = 64;
/// Commands that are said before their replies are heard: more replies than these might fill the buffers
/// of both sides while both of them write.
pub const SMTP_PIPELINE_MAX: usize = 50;
/// Recipients of which a sender is told in one bounce, for the same reason.
pub const BOUNCED_TOGETHER_MAX: usize = 40;
/// Rows of the queue that are read at one time.
pub const QUEUE_PAGE: usize = 100;
/// Bytes of the header of a mail that go back with a bounce.
pub const BOUNCED_HEADER_BYTES_MAX: usize = 32 * 1024;
/// Connections to one server at one time that may be configured.
pub const OUTGOING_CONNECTIONS_MAX: usize = 16;
/// Routes of outgoing mail: each has threads of its own.
pub const ROUTES_MAX: usize = 64;
/// Mails that wait for a connection to their server; the others wait in the store.
pub const OUTGOING_WAITING_MAX: usize = 64;
/// Seconds that a connection to a server may take to come about, TLS included for each step.
pub const SMTP_CONNECT_S: u64 = 30;
/// Seconds that a reply may take (RFC 5321 4.5.3.2 asks for 2 to 5 minutes).
pub const SMTP_REPLY_S: u64 = 300;
/// Seconds that the reply to the last dot may take (RFC 5321 4.5.3.2.6): whoever gives up early sends twice.
pub const SMTP_ACCEPT_S: u64 = 600;
/// Seconds that [`PROGRESS_BYTES`] of a mail may take to be taken by the server.
pub const SMTP_WRITE_S: u64 = 180;
/// Seconds that an open connection waits for the next mail.
pub const SMTP_IDLE_S: u64 = 5;
/// Mails over one connection; many servers allow for a hundred.
pub const SMTP_MAILS_MAX: u32 = 100;
/// Seconds between two looks for a server that cannot be reached, at most.
pub const SERVER_DOWN_S_MAX: u32 = 300;
/// Seconds after which a mail that no server takes is looked at again.
pub const NO_ROUTE_S: i64 = 600;
/// Seconds that a stop waits for the reply to a mail that was sent.
pub const SMTP_STOP_S: u64 = 5;
/// Bytes of a row of the queue that are kept free for what attempts come to.
pub const QUEUE_ROW_ROOM_BYTES: usize = 1_024;
