//! Questions: what comes back is what HTTP would answer.

use clap::Args;
use heatgrid_server::ask::Route;
use heatgrid_server::wire::format::Format;
use heatgrid_server::wire::question::Written;

use super::question::{Form, Grid, Pages, Scroll, Series, Summary};
use crate::failure::{DONE, Failure};
use crate::output;
use crate::place::Where;

/// A question to a site.
#[derive(Args, Debug)]
pub(crate) struct Ask<Q: Question> {
    #[command(flatten)]
    place: Where,
    /// Name of the site
    #[arg(long)]
    site: String,
    #[command(flatten)]
    question: Q,
    #[command(flatten)]
    form: Form,
}

/// Options that make up a question.
pub(crate) trait Question: Args {
    /// Which question it is.
    const ROUTE: Route;

    /// The question as it was written.
    fn written(&self) -> Written;
}

impl<Q: Question> Ask<Q> {
    /// Asks, and prints the answer.
    pub(crate) fn run(self) -> Result<u8, Failure> {
        let place = self.place.existing()?;
        let ask = |form| place.ask(&self.site, Q::ROUTE, &self.question.written(), form);
        match self.form.chosen() {
            Some(form) => output::print(&ask(form)?)?,
            None if output::is_terminal() => {
                let csv = String::from_utf8_lossy(&ask(Format::Csv)?).into_owned();
                output::print(output::table_of_csv(&csv).as_bytes())?;
            }
            None => output::print(&ask(Format::Csv)?)?,
        }
        // Nothing was written, so there is nothing to close: what is in the log stays there.
        Ok(DONE)
    }
}

impl Question for Grid {
    const ROUTE: Route = Route::Grid;

    fn written(&self) -> Written {
        self.written()
    }
}

impl Question for Series {
    const ROUTE: Route = Route::Series;

    fn written(&self) -> Written {
        self.written()
    }
}

impl Question for Pages {
    const ROUTE: Route = Route::Pages;

    fn written(&self) -> Written {
        self.written()
    }
}

impl Question for Summary {
    const ROUTE: Route = Route::Summary;

    fn written(&self) -> Written {
        self.written()
    }
}

impl Question for Scroll {
    const ROUTE: Route = Route::Scroll;

    fn written(&self) -> Written {
        self.written()
    }
}
