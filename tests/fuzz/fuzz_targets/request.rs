//! What dashboards, owners and operators send: questions in a URL and in a body, settings of sites, tokens, certificates.
#![no_main]

use heatgrid_server::wire::erasure::CertificateJson;
use heatgrid_server::wire::question::Written;
use heatgrid_server::wire::site::{WrittenRotation, WrittenSite};
use heatgrid_server::wire::token::WrittenToken;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let asked = std::str::from_utf8(bytes).ok().and_then(|query| Written::from_query(query).ok());
    for written in asked.into_iter().chain(Written::from_body(bytes).ok()) {
        let _ = (written.format(), written.style(), written.compares());
        let again = Written::from_body(written.to_json().to_string().as_bytes()).map(|again| again.to_json());
        assert_eq!(again.ok(), Some(written.to_json()));
    }
    if let Ok(site) = WrittenSite::from_json(bytes) {
        let _ = (site.name(), site.region());
    }
    let _ = WrittenRotation::from_json(bytes).map(|rotation| rotation.overlap_days());
    if let Ok(token) = WrittenToken::from_json(bytes) {
        let _ = (token.name(), token.role(), token.sites(), token.expires_at(1), token.allow_from());
    }
    let _ = CertificateJson::verify(bytes, &[[7; 32]]);
});
