//! Requests one after another, and from many connections at once.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};

use crate::http::{Client, Request};
use crate::subject::Subject;

/// Milliseconds, sorted.
pub struct Times(Vec<f64>);

impl Times {
    pub fn of(times: impl IntoIterator<Item = Duration>) -> Times {
        let mut times: Vec<f64> = times.into_iter().map(|t| t.as_secs_f64() * 1e3).collect();
        times.sort_by(f64::total_cmp);
        Times(times)
    }

    /// `share` from 0 to 1.
    pub fn at(&self, share: f64) -> f64 {
        let at = (self.0.len().saturating_sub(1) as f64 * share).round() as usize;
        self.0.get(at).copied().unwrap_or(f64::NAN)
    }
}

/// Sends the requests in turn, `rounds` times, from one client, after one round that does not count.
pub fn times(subject: &dyn Subject, requests: &[Request], rounds: usize) -> Result<Times> {
    let mut client = subject.client()?;
    let mut times = Vec::new();
    for round in 0..=rounds {
        for request in requests {
            let started = Instant::now();
            client.send(request)?.ok(request)?;
            if round > 0 {
                times.push(started.elapsed());
            }
        }
    }
    Ok(Times::of(times))
}

/// Runs `work` on `clients` threads with a connection each for `time`; how many a second.
pub fn rate(
    subject: &dyn Subject,
    clients: usize,
    time: Duration,
    work: impl Fn(&mut Client, usize) -> Result<()> + Sync,
) -> Result<f64> {
    let failure = Mutex::new(None);
    let started = Instant::now();
    let run = |c: usize| -> Result<usize> {
        let mut client = subject.client()?;
        let mut n = 0;
        while started.elapsed() < time {
            work(&mut client, c * 10_000_000 + n)?;
            n += 1;
        }
        Ok(n)
    };
    let total: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..clients)
            .map(|c| {
                scope.spawn({
                    let run = &run;
                    move || run(c)
                })
            })
            .collect();
        let counts = threads.into_iter().map(|t| t.join().unwrap_or_else(|_| Err(anyhow!("a client panicked"))));
        counts
            .map(|count| {
                count.unwrap_or_else(|e| {
                    failure.lock().unwrap_or_else(|p| p.into_inner()).get_or_insert(e);
                    0
                })
            })
            .sum()
    });
    match failure.into_inner().unwrap_or_else(|p| p.into_inner()) {
        Some(e) => Err(e),
        None => Ok(total as f64 / started.elapsed().as_secs_f64()),
    }
}

/// The rate at which the requests are answered, each client beginning at another one.
pub fn reads(subject: &dyn Subject, requests: &[Request]) -> Result<f64> {
    rate(subject, 16, Duration::from_secs(5), |client, n| {
        let request = &requests[(n / 10_000_000 * 7 + n) % requests.len()];
        client.send(request)?.ok(request)?;
        Ok(())
    })
}
