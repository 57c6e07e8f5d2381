//! Progress on a terminal, and nothing anywhere else.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A spinner with the bytes done, until `length` makes a bar of it.
pub(crate) fn bytes(what: &'static str) -> ProgressBar {
    let target = match std::io::stderr().is_terminal() {
        true => ProgressDrawTarget::stderr(),
        false => ProgressDrawTarget::hidden(),
    };
    let bar = ProgressBar::no_length().with_message(what);
    bar.set_draw_target(target);
    bar.set_style(style("{msg} {spinner} {bytes} {bytes_per_sec}"));
    bar
}

/// Tells a bar how many bytes there will be.
pub(crate) fn length(bar: &ProgressBar, length_bytes: u64) {
    if bar.length() != Some(length_bytes) {
        bar.set_length(length_bytes);
        bar.set_style(style("{msg} {wide_bar} {bytes}/{total_bytes} {eta}"));
    }
}

/// A spinner that turns by itself, for work that does not say how far it is.
pub(crate) fn spinner(what: &'static str) -> ProgressBar {
    let bar = bytes(what);
    bar.set_style(style("{msg} {spinner} {elapsed}"));
    if !bar.is_hidden() {
        bar.enable_steady_tick(Duration::from_millis(100));
    }
    bar
}

fn style(template: &'static str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the templates of this file are valid")
}
