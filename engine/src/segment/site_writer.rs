//! Makes one site's extent out of sorted rows; reused from site to site.

use crate::format::block::{BlockBuilder, BlockEntry};
use crate::format::columns::Packer;
use crate::format::detail::{CellRow, CodedRows};
use crate::format::extent::{ExtentHeader, PagesBuilder, Section, put_countries};
use crate::format::frame::{FormatError, crc32};
use crate::format::hours::HoursBuilder;
use crate::format::rollups::RollupBuilder;
use crate::format::segment::IndexEntry;
use crate::format::strips::{PageStrips, Position, Strip, StripBuilder, StripsBuilder};
use crate::format::summary::{CodedPiece, Piece};
use crate::model::limits::{BLOCK_ROWS, PACKED_EXTENT_BYTES};
use crate::model::{Cell, Country, HourRow, Layer, Month, SiteId};

use super::SegmentError;
use super::output::Output;
use super::scan::StripPart;

/// Where extents that are not packed begin: a page of memory.
pub(super) const EXTENT_ALIGNMENT: u64 = 4_096;
/// Bits of a cell's code in a place.
const CELL_BITS: u32 = 26;
/// The index of a country that the site does not have yet.
const NO_INDEX: u16 = u16::MAX;

pub(super) struct SiteWriter {
    month: Month,
    packer: Packer,
    /// Bytes of the extent that are not in the output yet, and how many are.
    bytes: Vec<u8>,
    spilled: u64,
    /// Where the extent begins, once that is known.
    start: Option<u64>,
    header: ExtentHeader,
    block: BlockBuilder,
    block_index: Vec<u8>,
    pages: PagesBuilder,
    strips: StripsBuilder,
    hours: HoursBuilder,
    rollups: RollupBuilder,
    /// Whether the roll-ups are known already, and cells add nothing to them.
    sums_known: bool,
    countries: Vec<Country>,
    /// By code: its place in `countries`.
    country_index: Box<[u16]>,
    page: OpenPage,
    last_page: String,
    strip: StripBuilder,
    /// Layer and cell of the last row, as in the upper bits of its key.
    place: Option<u64>,
    /// Rows of that cell: day, country's code, count, as 5 + 10 + 32 bits.
    cell_rows: Vec<u64>,
    /// Cells of the present strip in the present block.
    piece: Vec<u32>,
    /// The present cell's rows, sorted and summed.
    summed: Vec<CellRow>,
}

#[derive(Default)]
struct OpenPage {
    /// Empty between pages.
    text: String,
    strips: PageStrips,
    has_cells: bool,
    hours: Vec<HourRow>,
}

impl SiteWriter {
    pub(super) fn new(month: Month) -> SiteWriter {
        SiteWriter {
            month,
            packer: Packer::new(),
            bytes: Vec::new(),
            spilled: 0,
            start: None,
            header: ExtentHeader::default(),
            block: BlockBuilder::default(),
            block_index: Vec::new(),
            pages: PagesBuilder::default(),
            strips: StripsBuilder::default(),
            hours: HoursBuilder::default(),
            rollups: RollupBuilder::default(),
            sums_known: false,
            countries: Vec::new(),
            country_index: vec![NO_INDEX; usize::from(Country::CODES)].into(),
            page: OpenPage::default(),
            last_page: String::new(),
            strip: StripBuilder::default(),
            place: None,
            cell_rows: Vec::new(),
            piece: Vec::new(),
            summed: Vec::new(),
        }
    }

    /// The page that rows and hours are now of.
    pub(super) fn begin_page(&mut self, text: &str) {
        assert!(self.page.text.is_empty() && !text.is_empty(), "a page has a text, and ends before the next");
        assert!(*text > *self.last_page, "pages come in ascending order of text");
        self.last_page.clear();
        self.last_page.push_str(text);
        self.page.text.push_str(text);
    }

    /// Adds a row. `place` is layer and cell, as in the upper bits of a row's key, and must not descend; within
    /// one place rows may come in any order and repeat.
    #[inline]
    pub(super) fn add(
        &mut self,
        place: u64,
        day: u8,
        country: Country,
        count: u32,
        output: &mut Output<'_>,
    ) -> Result<(), SegmentError> {
        if self.place != Some(place) {
            self.end_cell(output)?;
            self.begin_cell(place);
        } else if self.cell_rows.len() == BLOCK_ROWS {
            // Only sums that overflowed again and again can do this: the cell then stands in two blocks.
            self.end_cell(output)?;
        }
        self.cell_rows.push(u64::from(day) << 42 | u64::from(country.code()) << 32 | u64::from(count));
        Ok(())
    }

    /// Adds hour totals of the page, in any order.
    pub(super) fn add_hours(&mut self, hours: &[HourRow]) {
        self.page.hours.extend_from_slice(hours);
    }

    fn begin_cell(&mut self, place: u64) {
        let ascends = self.place.is_none_or(|before| before < place);
        assert!(ascends, "rows come in ascending order of layer and cell");
        self.begin_layer(layer_of(place));
        self.place = Some(place);
    }

    fn end_cell(&mut self, output: &mut Output<'_>) -> Result<(), SegmentError> {
        let (Some(place), false) = (self.place, self.cell_rows.is_empty()) else { return Ok(()) };
        let total = self.sum_rows();
        self.make_room(1, self.summed.len(), output)?;
        self.start_page();
        self.block.push_cell(total, &self.summed);
        self.piece.push((place & u64::from(Cell::CODES - 1)) as u32);
        let layer = layer_of(place);
        if !self.sums_known {
            self.rollups.add(layer.kind(), layer.viewport().device(), &self.summed);
        }
        self.strip.cells += 1;
        self.strip.rows += self.summed.len() as u64;
        for row in &self.summed {
            self.strip.day_totals[usize::from(row.day)] += u64::from(row.count);
        }
        Ok(())
    }

    /// Ends the block unless it has room for so many cells and rows.
    fn make_room(&mut self, cells: usize, rows: usize, output: &mut Output<'_>) -> Result<(), SegmentError> {
        if self.block.has_room(cells, rows) {
            return Ok(());
        }
        self.end_piece();
        self.seal_block(output)
    }

    /// Remembers where the page's first cell will be.
    fn start_page(&mut self) {
        if !self.page.has_cells {
            self.page.has_cells = true;
            self.page.strips.start = Position {
                block: self.header.blocks,
                cell: self.block.cells() as u32,
                low_byte: self.block.low_bytes() as u32,
            };
        }
    }

    /// Sorts and sums the rows of the cell into `summed`. A sum that would overflow stays in two rows.
    fn sum_rows(&mut self) -> u64 {
        if !self.cell_rows.is_sorted() {
            self.cell_rows.sort_unstable();
        }
        self.summed.clear();
        let (mut total, mut before) = (0, u64::MAX);
        for row in self.cell_rows.drain(..) {
            let (key, count) = (row >> 32, row as u32);
            total += u64::from(count);
            if key == before
                && let Some(last) = self.summed.last_mut()
                && let Some(sum) = last.count.checked_add(count)
            {
                last.count = sum;
                continue;
            }
            let index = &mut self.country_index[(key & 0x3ff) as usize];
            if *index == NO_INDEX {
                *index = self.countries.len() as u16;
                self.countries.extend(Country::from_code((key & 0x3ff) as u16));
            }
            self.summed.push(CellRow { day: (key >> 10) as u8, country: *index, count });
            before = key;
        }
        total
    }

    fn end_piece(&mut self) {
        if !self.piece.is_empty() {
            self.strip.pieces.push(self.block.place_piece(&self.piece));
            self.piece.clear();
        }
    }

    fn end_strip(&mut self) {
        let Some(place) = self.place else { return };
        self.end_piece();
        self.header.cells += self.strip.cells;
        self.header.rows += self.strip.rows;
        for (day, total) in self.strip.day_totals.iter().enumerate() {
            self.header.days |= u32::from(*total > 0) << day;
            self.header.events += total;
        }
        self.strip.end(layer_of(place), &mut self.page.strips);
    }

    /// Blocks of another extent of the site will be copied or taken over, whose rows name its countries in this order.
    /// Nobody adds up what is in them: the roll-ups are said with `know_sums`.
    pub(super) fn expect_blocks(&mut self, countries: impl IntoIterator<Item = Country>) {
        assert!(self.countries.is_empty() && self.place.is_none(), "before the first row of the site");
        for country in countries {
            self.country_index[usize::from(country.code())] = self.countries.len() as u16;
            self.countries.push(country);
        }
        self.sums_known = true;
    }

    /// Says the roll-ups of the site, before it ends.
    pub(super) fn know_sums(&mut self, sums: RollupBuilder) {
        assert!(self.sums_known, "blocks are expected");
        self.rollups = sums;
    }

    /// Takes over all rows of some cells of another block of the site, which they number from 0 on. The cells follow with
    /// `take_cells`, all of them before anything else.
    pub(super) fn take_rows(
        &mut self,
        layer: Layer,
        cells: usize,
        rows: &CodedRows,
        output: &mut Output<'_>,
    ) -> Result<(), SegmentError> {
        assert!(self.sums_known, "blocks are expected");
        self.end_cell(output)?;
        self.begin_layer(layer);
        self.make_room(cells, rows.rows(), output)?;
        self.block.push_detail(rows);
        Ok(())
    }

    /// Adds a strip whose rows `take_rows` has brought: its cells as they stand in another block.
    pub(super) fn take_piece(
        &mut self,
        layer: Layer,
        piece: Piece,
        coded: &CodedPiece<'_>,
    ) -> Result<(), FormatError> {
        self.begin_layer(layer);
        self.start_page();
        self.block.push_coded(piece, coded)?;
        self.strip.pieces.push(piece);
        self.place = Some(place_of(layer, 0));
        Ok(())
    }

    /// Adds cells whose rows `take_rows` has brought: their codes, ascending, and totals.
    pub(super) fn take_cells(&mut self, layer: Layer, codes: &[u32], totals: &[u64]) {
        self.begin_layer(layer);
        self.start_page();
        self.block.push_totals(totals);
        self.piece.extend_from_slice(codes);
        self.place = codes.last().map(|code| place_of(layer, *code)).or(self.place);
    }

    /// Ends the strip before, if it is of another layer.
    fn begin_layer(&mut self, layer: Layer) {
        if self.place.is_some_and(|before| layer_of(before) != layer) {
            self.end_strip();
        }
    }

    /// Adds what a strip has in one block, as it stands there. With the first part of a block comes its `block`: the
    /// other parts of it follow, all of them.
    pub(super) fn copy_part(
        &mut self,
        layer: Layer,
        part: &StripPart,
        block: Option<[&[u8]; 2]>,
        output: &mut Output<'_>,
    ) -> Result<(), SegmentError> {
        assert!(self.sums_known, "blocks are expected");
        self.end_cell(output)?;
        self.begin_layer(layer);
        self.end_piece();
        if let Some(groups) = block {
            self.seal_block(output)?;
            let offset = self.spilled + self.bytes.len() as u64;
            BlockEntry { offset, ..part.entry }.encode(&mut self.block_index);
            groups.into_iter().for_each(|group| self.bytes.extend_from_slice(group));
            self.header.blocks += 1;
            self.spill(output)?;
        }
        if !self.page.has_cells {
            self.page.has_cells = true;
            self.page.strips.start =
                Position { block: self.header.blocks - 1, cell: part.first_cell, low_byte: part.low_byte };
        }
        self.strip.pieces.push(part.piece);
        self.place = Some(place_of(layer, 0));
        Ok(())
    }

    /// Says what the present strip has in all, part by part copied, taken over or not: what it had where it comes from.
    pub(super) fn keep_totals(&mut self, strip: &Strip, output: &mut Output<'_>) -> Result<(), SegmentError> {
        self.end_cell(output)?;
        (self.strip.cells, self.strip.rows) = (strip.cells, strip.rows);
        for (day, total) in (0..).zip(&mut self.strip.day_totals) {
            *total = strip.day_total(day);
        }
        Ok(())
    }

    /// Whether a page has begun and not ended.
    pub(super) fn in_page(&self) -> bool {
        !self.page.text.is_empty()
    }

    /// Ends the page. A page without rows and hours leaves no trace.
    pub(super) fn end_page(&mut self, site: SiteId, output: &mut Output<'_>) -> Result<(), SegmentError> {
        self.end_cell(output)?;
        self.end_strip();
        self.place = None;
        if self.page.has_cells || !self.page.hours.is_empty() {
            if !self.pages.push(&self.page.text) {
                return Err(SegmentError::TooManyPages { site });
            }
            self.header.pages += 1;
            self.strips.end_page(&mut self.page.strips, &mut self.packer);
            self.end_hours();
        }
        self.page.has_cells = false;
        self.page.text.clear();
        Ok(())
    }

    fn end_hours(&mut self) {
        let hours = &mut self.page.hours;
        hours.sort_unstable();
        hours.dedup_by(|next, kept| {
            let same = (next.kind, next.hour) == (kept.kind, kept.hour);
            if same {
                kept.count += next.count;
            }
            same
        });
        let days = self.month.days();
        for hour in &*hours {
            let day = hour.hour.day();
            assert!(days.from <= day && day < days.to, "hours are of the segment's month");
            self.header.hour_days |= 1 << (day.number() - days.from.number());
        }
        self.hours.end_page(hours, self.month, &mut self.packer);
        hours.clear();
    }

    fn seal_block(&mut self, output: &mut Output<'_>) -> Result<(), SegmentError> {
        if self.block.cells() == 0 {
            return Ok(());
        }
        let offset = self.spilled + self.bytes.len() as u64;
        let entry = self.block.seal(&mut self.packer, offset, &mut self.bytes);
        entry.encode(&mut self.block_index);
        self.header.blocks += 1;
        self.spill(output)
    }

    /// Once it is clear that the extent is not packed, its bytes go out as they come.
    fn spill(&mut self, output: &mut Output<'_>) -> Result<(), SegmentError> {
        if self.start.is_none() && self.bytes.len() as u64 > PACKED_EXTENT_BYTES {
            output.align(EXTENT_ALIGNMENT)?;
            self.start = Some(output.position());
        }
        if self.start.is_some() {
            output.put(&self.bytes)?;
            self.spilled += self.bytes.len() as u64;
            self.bytes.clear();
        }
        Ok(())
    }

    /// Ends the extent. `None` when the site has left nothing.
    pub(super) fn end_site(
        &mut self,
        site: SiteId,
        output: &mut Output<'_>,
    ) -> Result<Option<(IndexEntry, ExtentHeader)>, SegmentError> {
        if self.header.pages == 0 {
            self.reset();
            return Ok(None);
        }
        self.seal_block(output)?;
        self.header.blocks_bytes = self.spilled + self.bytes.len() as u64;
        self.put_sections();
        let header = self.header.encode();
        self.bytes.extend_from_slice(&header);
        self.spill(output)?;
        let start = self.start.unwrap_or(output.position());
        let length_bytes = self.spilled + self.bytes.len() as u64;
        output.put(&self.bytes)?;
        let entry = IndexEntry {
            site,
            offset: start,
            length_bytes,
            header_bytes: header.len() as u32,
            header_crc: crc32(&header),
        };
        Ok(Some((entry, self.reset())))
    }

    /// Appends what follows the blocks, in the order that the header states.
    fn put_sections(&mut self) {
        let totals = self.rollups.country_totals(self.countries.len());
        for section in Section::ALL {
            let start = self.bytes.len();
            match section {
                Section::BlockIndex => self.bytes.append(&mut self.block_index),
                Section::Countries => {
                    put_countries(
                        &mut self.bytes,
                        self.countries.iter().copied().zip(totals.iter().copied()),
                    );
                }
                Section::Pages => self.pages.end(&mut self.bytes),
                Section::StripIndex => self.bytes.append(&mut self.strips.chunks.index),
                Section::Rollups => self.rollups.end(&mut self.packer, &mut self.bytes),
                Section::HourIndex => self.bytes.append(&mut self.hours.chunks.index),
            }
            let bytes = &self.bytes[start..];
            self.header.section_bytes[section as usize] = bytes.len() as u64;
            self.header.section_crcs[section as usize] = crc32(bytes);
            // The chunks that the next section indexes.
            match section {
                Section::Pages => {
                    self.strips.end(&mut self.packer);
                    self.header.strips_bytes = self.strips.chunks.bytes.len() as u64;
                    self.bytes.append(&mut self.strips.chunks.bytes);
                }
                Section::Rollups if self.header.hour_days != 0 => {
                    self.hours.end(&mut self.packer);
                    self.header.hours_bytes = self.hours.chunks.bytes.len() as u64;
                    self.bytes.append(&mut self.hours.chunks.bytes);
                }
                _ => {}
            }
        }
    }

    /// Empties everything for the next site; gives the header of the one that was.
    fn reset(&mut self) -> ExtentHeader {
        self.bytes.clear();
        (self.spilled, self.start) = (0, None);
        if std::mem::take(&mut self.sums_known) {
            // They may be those of countries that only this site has.
            self.rollups = RollupBuilder::default();
        }
        self.last_page.clear();
        self.strips.clear();
        self.hours.clear();
        for country in self.countries.drain(..) {
            self.country_index[usize::from(country.code())] = NO_INDEX;
        }
        std::mem::take(&mut self.header)
    }
}

/// Where a row stands among those of its page: by layer, then by the code of its cell.
pub(super) fn place_of(layer: Layer, cell_code: u32) -> u64 {
    u64::from(layer.code()) << CELL_BITS | u64::from(cell_code)
}

fn layer_of(place: u64) -> Layer {
    Layer::from_code((place >> CELL_BITS) as u16).expect("rows have a layer")
}
