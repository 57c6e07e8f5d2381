//! Instants as text: RFC 3339, UTC, whole seconds.

use heatgrid_engine::model::Day;

/// An instant in Unix ms as `2026-01-02T12:00:00Z`. After 2149-06-06, it stays on that day.
#[must_use]
pub fn rfc3339(unix_ms: u64) -> String {
    let seconds = unix_ms / 1_000;
    let day = Day::from_number(u16::try_from(seconds / 86_400).unwrap_or(u16::MAX));
    let of_day = seconds % 86_400;
    format!("{day}T{:02}:{:02}:{:02}Z", of_day / 3_600, of_day / 60 % 60, of_day % 60)
}

#[cfg(test)]
mod tests {
    use super::rfc3339;

    #[test]
    fn instants_are_cut_to_the_second() {
        for (ms, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (1_767_355_199_999, "2026-01-02T11:59:59Z"),
            (1_767_355_200_000, "2026-01-02T12:00:00Z"),
        ] {
            assert_eq!(rfc3339(ms), text);
        }
    }
}
