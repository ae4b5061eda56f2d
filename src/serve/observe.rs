//! What can be seen of the server from outside while it runs: one log line and a few figures for each request. Never
//! query strings, bodies or names: only route patterns, ids and times.

use std::time::Duration;

use metrics::{Label, counter, gauge, histogram};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusRecorder};

const SECONDS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

/// The figures of one server; not global, so that several may run in one process.
pub struct Metrics {
    recorder: PrometheusRecorder,
}

/// One finished request.
pub struct Seen<'a> {
    pub method: &'a str,
    /// the pattern, e.g. `/api/v1/records/{object}/{id}`
    pub route: &'a str,
    pub status: u16,
    pub took: Duration,
    pub request_id: &'a str,
    pub user: Option<aplomb_model::Id>,
}

impl Metrics {
    pub fn new() -> Metrics {
        let builder = PrometheusBuilder::new();
        let recorder = match builder.set_buckets(&SECONDS) {
            Ok(builder) => builder.build_recorder(),
            Err(_) => PrometheusBuilder::new().build_recorder(),
        };
        Metrics { recorder }
    }

    /// Counts and logs a request.
    pub fn request(&self, seen: &Seen) {
        let labels = vec![
            Label::new("method", method(seen.method)),
            Label::new("route", seen.route.to_owned()),
            Label::new("status", seen.status.to_string()),
        ];
        metrics::with_local_recorder(&self.recorder, || {
            histogram!("aplomb_http_request_seconds", "route" => seen.route.to_owned()).record(seen.took.as_secs_f64());
            counter!("aplomb_http_requests_total", labels).increment(1);
        });
        let (user, ms) = (seen.user.map(|id| id.to_string()), seen.took.as_micros() as f64 / 1_000.0);
        let (method, route, request_id) = (seen.method, seen.route, seen.request_id);
        match seen.status {
            // 503 is a state of the server, which is logged where it begins
            500..=502 | 504.. => tracing::warn!(method, route, status = seen.status, ms, request_id, user, "request"),
            _ => tracing::info!(method, route, status = seen.status, ms, request_id, user, "request"),
        }
    }

    /// Prometheus' text format, with the present state of the store.
    pub fn render(&self, ready: Option<&aplomb_crm::Readiness>) -> String {
        metrics::with_local_recorder(&self.recorder, || {
            gauge!("aplomb_unsealed").set(if ready.is_some() { 1.0 } else { 0.0 });
            if let Some(ready) = ready {
                gauge!("aplomb_store_seq").set(ready.seq as f64);
                gauge!("aplomb_search_seq").set(ready.search_seq as f64);
                gauge!("aplomb_store_writable").set(f64::from(u8::from(ready.writable)));
                gauge!("aplomb_search_rebuilding").set(f64::from(u8::from(ready.rebuilding)));
            }
            if let Some(bytes) = resident_bytes() {
                gauge!("process_resident_memory_bytes").set(bytes as f64);
            }
        });
        let handle = self.recorder.handle();
        handle.run_upkeep();
        handle.render()
    }
}

/// Unknown methods share a label: the caller must not choose how many series there are.
fn method(method: &str) -> &'static str {
    ["GET", "HEAD", "POST", "PATCH", "PUT", "DELETE", "OPTIONS"].into_iter().find(|m| *m == method).unwrap_or("other")
}

fn resident_bytes() -> Option<u64> {
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    statm.split_whitespace().nth(1)?.parse::<u64>().ok().map(|pages| pages * 4_096)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_counted_by_pattern() {
        let metrics = Metrics::new();
        for status in [200, 200, 404] {
            let (took, user) = (Duration::from_millis(3), None);
            let seen = Seen { method: "BREW", route: "/api/v1/records/{object}", status, took, request_id: "r", user };
            metrics.request(&seen);
        }
        let text = metrics.render(None);
        assert!(
            text.contains(
                r#"aplomb_http_requests_total{method="other",route="/api/v1/records/{object}",status="200"} 2"#
            )
        );
        assert!(text.contains("aplomb_http_request_seconds_bucket") && text.contains("aplomb_unsealed 0"), "{text}");
    }
}
