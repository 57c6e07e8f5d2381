//! Every maximum of the data model, each with its reason.

/// Bytes of one page's text. A URL longer than this is a mistake or an attack; browsers send up to 2 MiB.
pub const PAGE_BYTES: usize = 1_024;
/// Largest x of an event in CSS px: wider than any screen wall, and 11 bits of cell.
pub const X_PX: u32 = 16_383;
/// Largest y of an event in CSS px: a page of some 290 phone screens, and 15 bits of cell.
pub const Y_PX: u32 = 262_143;
/// Largest `n` of one event: a writer that pre-aggregates more should say it in several lines.
pub const EVENT_COUNT: u32 = 1_000_000;
/// Lines (events before aggregation) of one batch: a bulk request of 1 GiB has no more.
pub const BATCH_EVENTS: usize = 4_000_000;
/// Encoded bytes of one WAL record's payload; a larger batch spans several records under one commit record.
pub const WAL_RECORD_BYTES: usize = 4 << 20;
/// Repeated-batch window: this many ids ...
pub const BATCH_WINDOW_IDS: usize = 4_000_000;
/// ... or this long, whichever is shorter.
pub const BATCH_WINDOW_SECONDS: u64 = 600;
/// Idempotency keys remembered of one site ...
pub const IDEMPOTENCY_KEYS: usize = 100_000;
/// ... and for this long, whichever is shorter.
pub const IDEMPOTENCY_SECONDS: u64 = 24 * 3_600;
/// Bytes of the answer that is remembered with an idempotency key.
pub const IDEMPOTENCY_ANSWER_BYTES: usize = 1_024;
/// Bytes of memory for the idempotency keys of all sites; then the site with most of them loses its oldest.
pub const IDEMPOTENCY_BYTES: usize = 32 << 20;
/// Cell rows of one block: about 30 KiB compressed, read in some tens of microseconds.
pub const BLOCK_CELLS: usize = 16_384;
/// Detail rows of one block: a cell with very many (day, country) pairs must not make a block without bound.
pub const BLOCK_ROWS: usize = 65_536;
/// An extent larger than this starts on a memory page; smaller ones are packed.
pub const PACKED_EXTENT_BYTES: u64 = 64 << 10;
/// Pages that one query by pattern may match.
pub const PATTERN_PAGES: usize = 10_000;
/// Wildcards of one page pattern.
pub const PATTERN_WILDCARDS: usize = 8;
/// A view (and so a query) lives at most this long: a slow reader must not hold up a purge.
pub const VIEW_SECONDS: u64 = 60;
/// Fewest events of kind conversion in the asked days for converted_click to be answered.
pub const CONVERSIONS_SHOWN: u64 = 10;
/// Items of one page of a list that grows.
pub const LIST_ITEMS: usize = 10_000;
/// Days of one query: 100 years, the longest retention.
pub const QUERY_DAYS: u32 = 36_525;
/// Sites of one store: their names, settings and keys are in memory, some 400 bytes each.
pub const SITES: usize = 1_000_000;
/// Tokens of one store.
pub const TOKENS: usize = 200_000;
/// Sites of one token, and networks it is good from.
pub const TOKEN_ENTRIES: usize = 1_000;
/// Entries of one list among a site's settings: every event is compared with each of them.
pub const SETTING_ENTRIES: usize = 1_000;
/// Bytes of one such entry: those of a page.
pub const SETTING_BYTES: usize = PAGE_BYTES;
/// Longest retention in days: 100 years.
pub const RETENTION_DAYS: u32 = 36_500;
/// Snapshots of one store: one an hour for the longest time that one may be kept is 1,992.
pub const SNAPSHOTS: usize = 2_000;
/// Days for which the operator's evidence of a purge is kept: four years. Claims that it answers lapse three years after the
/// year in which they arose.
pub const EVIDENCE_DAYS: u32 = 1_461;
/// Days after which what expires or is erased has left every copy.
pub const GONE_DAYS: u32 = 90;
/// Most days that a snapshot or a backup is kept: what expires the day after it was made is gone `GONE_DAYS` later,
/// with a week for whatever keeps the copy from being deleted to be noticed and mended.
pub const COPY_DAYS: u32 = GONE_DAYS - 7;
