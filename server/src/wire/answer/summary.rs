//! Totals by kind, device, country, weekday and hour.

use heatgrid_engine::query::Summary;
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use utoipa::ToSchema;

use super::Head;
use super::text::{Csv, json_line, ndjson};
use crate::wire::format::{Format, NoSuchForm};

const WEEKDAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// Totals, each broken down by one thing.
#[derive(Clone, Debug)]
pub struct SummaryAnswer<'a> {
    /// What was asked.
    pub head: Head<'a>,
    /// The answer.
    pub summary: &'a Summary,
    /// The answer that hours are taken from: it is of all viewports, countries and fixed marks.
    pub hours: Option<&'a Summary>,
}

/// One number of a summary, as a row: `group` is kind, device, country, weekday or hour (`mon-13`).
#[derive(Serialize)]
struct Item {
    group: &'static str,
    name: String,
    count: u64,
}

impl SummaryAnswer<'_> {
    /// The answer as bytes.
    ///
    /// # Errors
    /// When it has no such form.
    pub fn write(&self, format: Format) -> Result<Vec<u8>, NoSuchForm> {
        match format {
            Format::Json => Ok(self.json()),
            Format::Ndjson => Ok(ndjson(self.items())),
            Format::Csv => {
                let mut csv = Csv::with_header("group,name,count");
                self.items().for_each(|item| csv.text(item.group).text(&item.name).number(item.count).end());
                Ok(csv.into_bytes())
            }
            Format::Png | Format::Points | Format::Bin => Err(NoSuchForm(format)),
        }
    }

    fn json(&self) -> Vec<u8> {
        let summary = self.summary;
        let hours = self.hours.filter(|hours| hours.hours.is_some());
        json_line(&SummaryBody {
            head: &self.head,
            total: summary.total,
            kinds: Map(summary.kinds.iter().map(|(kind, count)| (kind.to_string(), *count)).collect()),
            devices: Map(summary
                .devices
                .iter()
                .map(|(device, count)| (device.name().into(), *count))
                .collect()),
            countries: Map(summary
                .countries
                .iter()
                .map(|(country, count)| (country.to_string(), *count))
                .collect()),
            weekdays: Map(named_weekdays(&summary.weekdays).collect()),
            hours: hours.and_then(|hours| hours.hours.as_ref()).map(|hours| {
                Map(WEEKDAYS.iter().zip(hours.iter()).map(|(day, hours)| ((*day).into(), hours)).collect())
            }),
            hours_from: hours.map(|hours| hours.hour_days.from.min(hours.hour_days.to).to_string()),
            hours_to: hours.map(|hours| hours.hour_days.to.to_string()),
        })
    }

    fn items(&self) -> impl Iterator<Item = Item> {
        let summary = self.summary;
        let item = |group, name, count| Item { group, name, count };
        let hours = self.hours.and_then(|hours| hours.hours.as_deref()).into_iter().flat_map(|hours| {
            WEEKDAYS.iter().zip(hours).flat_map(|(day, hours)| {
                hours.iter().enumerate().map(move |(hour, count)| (format!("{day}-{hour:02}"), *count))
            })
        });
        let kinds = summary.kinds.iter().map(move |(kind, count)| item("kind", kind.to_string(), *count));
        let devices =
            summary.devices.iter().map(move |(device, count)| item("device", device.name().into(), *count));
        let countries = summary
            .countries
            .iter()
            .map(move |(country, count)| item("country", country.to_string(), *count));
        let weekdays = named_weekdays(&summary.weekdays).map(move |(day, count)| item("weekday", day, count));
        kinds
            .chain(devices)
            .chain(countries)
            .chain(weekdays)
            .chain(hours.map(move |(name, count)| item("hour", name, count)))
    }
}

fn named_weekdays(counts: &[u64; 7]) -> impl Iterator<Item = (String, u64)> {
    WEEKDAYS.into_iter().map(String::from).zip(*counts)
}

/// Totals as JSON.
#[derive(Serialize, ToSchema)]
#[schema(as = Summary)]
pub struct SummaryBody<'a> {
    #[serde(flatten)]
    head: &'a Head<'a>,
    total: u64,
    #[schema(value_type = BTreeMap<String, u64>)]
    kinds: Map<u64>,
    #[schema(value_type = BTreeMap<String, u64>)]
    devices: Map<u64>,
    #[schema(value_type = BTreeMap<String, u64>)]
    countries: Map<u64>,
    #[schema(value_type = BTreeMap<String, u64>)]
    weekdays: Map<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<BTreeMap<String, Vec<u64>>>)]
    hours: Option<Map<&'a [u64; 24]>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hours_from: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hours_to: Option<String>,
}

/// An object whose members keep their order.
struct Map<V>(Vec<(String, V)>);

impl<V: Serialize> Serialize for Map<V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}
