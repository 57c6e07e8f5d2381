//! Options of questions: they bear the names of the query parameters, with `-` for `_`.

use clap::Args;
use heatgrid_server::wire::format::Format;
use heatgrid_server::wire::question::Written;

/// Which events.
#[derive(Args, Debug)]
pub(crate) struct Selection {
    /// Page: a URL, or host/path
    #[arg(long, value_name = "URL")]
    page: Option<String>,
    /// Pages: `*` is any run of characters
    #[arg(long, value_name = "PATTERN")]
    page_pattern: Option<String>,
    /// First day (default: 30 days with today)
    #[arg(long, value_name = "YYYY-MM-DD")]
    from: Option<String>,
    /// Day after the last one
    #[arg(long, value_name = "YYYY-MM-DD")]
    to: Option<String>,
    /// mobile, tablet, desktop, unknown
    #[arg(long, value_name = "DEVICE,..")]
    device: Option<String>,
    /// Width of the window in px, both ends in it
    #[arg(long, value_name = "MIN-MAX")]
    viewport: Option<String>,
    /// Two letters each
    #[arg(long, value_name = "DE,..")]
    country: Option<String>,
    /// false, true or any
    #[arg(long, value_name = "FIXED")]
    fixed: Option<String>,
}

/// What was done.
#[derive(Args, Debug)]
pub(crate) struct Kinds {
    /// view, click, rage_click, dead_click, move, touch, scroll, attention, attention_end, conversion,
    /// converted_click
    #[arg(long, value_name = "KIND,..")]
    kind: Option<String>,
}

/// Form of the answer.
#[derive(Args, Debug)]
pub(crate) struct Form {
    /// json, csv or ndjson, of grids also points, png or bin (default: a table on a terminal, else csv)
    #[arg(long, value_name = "FORM")]
    format: Option<Format>,
    /// The same as --format json
    #[arg(long, conflicts_with = "format")]
    json: bool,
}

impl Form {
    /// The form that was asked for, if one was.
    pub(crate) fn chosen(&self) -> Option<Format> {
        if self.json { Some(Format::Json) } else { self.format }
    }
}

/// A grid.
#[derive(Args, Debug)]
pub(crate) struct Grid {
    #[command(flatten)]
    selection: Selection,
    #[command(flatten)]
    kinds: Kinds,
    /// Side of a cell in px: 8, 16, 32 or 64
    #[arg(long, value_name = "PX")]
    cell: Option<String>,
    /// none, center or scale: lays windows of different widths over each other
    #[arg(long, value_name = "ALIGN")]
    align: Option<String>,
    /// Width to align to
    #[arg(long, value_name = "PX")]
    width: Option<String>,
    /// First day of a comparison
    #[arg(long, value_name = "YYYY-MM-DD")]
    compare_from: Option<String>,
    /// Day after the last one of a comparison
    #[arg(long, value_name = "YYYY-MM-DD")]
    compare_to: Option<String>,
}

/// Counts over time.
#[derive(Args, Debug)]
pub(crate) struct Series {
    #[command(flatten)]
    selection: Selection,
    #[command(flatten)]
    kinds: Kinds,
    /// hour, day or month
    #[arg(long, value_name = "STEP")]
    step: Option<String>,
}

/// The pages with the most events.
#[derive(Args, Debug)]
pub(crate) struct Pages {
    #[command(flatten)]
    selection: Selection,
    #[command(flatten)]
    kinds: Kinds,
    /// Most pages
    #[arg(long, value_name = "N")]
    limit: Option<String>,
}

/// Totals by kind, device, country, weekday and hour.
#[derive(Args, Debug)]
pub(crate) struct Summary {
    #[command(flatten)]
    selection: Selection,
    #[command(flatten)]
    kinds: Kinds,
}

/// How far down pages were seen, and how long.
#[derive(Args, Debug)]
pub(crate) struct Scroll {
    #[command(flatten)]
    selection: Selection,
}

impl Selection {
    fn written(&self) -> Written {
        Written {
            page: self.page.clone(),
            page_pattern: self.page_pattern.clone(),
            from: self.from.clone(),
            to: self.to.clone(),
            device: self.device.clone(),
            viewport: self.viewport.clone(),
            country: self.country.clone(),
            fixed: self.fixed.clone(),
            ..Written::default()
        }
    }
}

impl Grid {
    /// The question as it was written.
    pub(crate) fn written(&self) -> Written {
        Written {
            kind: self.kinds.kind.clone(),
            cell: self.cell.clone(),
            align: self.align.clone(),
            width: self.width.clone(),
            compare_from: self.compare_from.clone(),
            compare_to: self.compare_to.clone(),
            ..self.selection.written()
        }
    }
}

impl Series {
    /// The question as it was written.
    pub(crate) fn written(&self) -> Written {
        Written { kind: self.kinds.kind.clone(), step: self.step.clone(), ..self.selection.written() }
    }
}

impl Pages {
    /// The question as it was written.
    pub(crate) fn written(&self) -> Written {
        Written { kind: self.kinds.kind.clone(), limit: self.limit.clone(), ..self.selection.written() }
    }
}

impl Summary {
    /// The question as it was written.
    pub(crate) fn written(&self) -> Written {
        Written { kind: self.kinds.kind.clone(), ..self.selection.written() }
    }
}

impl Scroll {
    /// The question as it was written.
    pub(crate) fn written(&self) -> Written {
        self.selection.written()
    }
}
