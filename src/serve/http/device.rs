//! A short name for what a session was opened on, from the `User-Agent` header, for its owner to recognise: browser and
//! system, no versions. What the header claims is not to be relied on.

/// Longest name of a program that is no browser.
const MOST: usize = 40;

/// Marks, in the order they are looked for: browsers name those they come from as well.
const BROWSERS: [(&str, &str); 13] = [
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("Vivaldi/", "Vivaldi"),
    ("YaBrowser/", "Yandex Browser"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("FxiOS/", "Firefox"),
    ("Firefox/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("HeadlessChrome/", "Chrome"),
    ("Chromium/", "Chromium"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
    ("Trident/", "Internet Explorer"),
];

const SYSTEMS: [(&str, &str); 9] = [
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Macintosh", "macOS"),
    ("Linux", "Linux"),
    ("BSD", "BSD"),
];

/// `Chrome on Linux`, `curl`; empty when nothing is known.
pub fn describe(agent: &str) -> String {
    let find = |marks: &[(&str, &'static str)]| marks.iter().find(|(mark, _)| agent.contains(mark)).map(|(_, n)| *n);
    match (find(&BROWSERS), find(&SYSTEMS)) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(browser), None) => browser.to_owned(),
        (None, system) => {
            let sound = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ' ');
            let program = agent.split(['/', '(', ';']).next().unwrap_or_default();
            let program: String = program.chars().filter(sound).take(MOST).collect();
            match (program.trim(), system) {
                ("" | "Mozilla", system) => system.unwrap_or_default().to_owned(),
                (program, Some(system)) => format!("{program} on {system}"),
                (program, None) => program.to_owned(),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_told_apart() {
        let webkit = "AppleWebKit/537.36 (KHTML, like Gecko)";
        for (agent, expect) in [
            (format!("Mozilla/5.0 (X11; Linux x86_64) {webkit} Chrome/126.0.0.0 Safari/537.36"), "Chrome on Linux"),
            (format!("Mozilla/5.0 (Windows NT 10.0) {webkit} Chrome/126.0 Safari/537.36 Edg/126.0"), "Edge on Windows"),
            (format!("Mozilla/5.0 (Linux; Android 14; Pixel 8) {webkit} Chrome/126.0 Mobile Safari/537.36"), "Chrome on Android"),
            ("Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0".into(), "Firefox on Linux"),
            ("Mozilla/5.0 (Macintosh; Intel Mac OS X 14_5) AppleWebKit/605.1.15 Version/17.5 Safari/605.1.15".into(), "Safari on macOS"),
            ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 CriOS/126.0 Mobile Safari/604.1".into(), "Chrome on iPhone"),
            ("curl/8.5.0".into(), "curl"),
            ("Aplomb Sync/1.2 (Windows)".into(), "Aplomb Sync on Windows"),
            ("<script>alert(1)</script>".into(), "scriptalert"),
            ("x".repeat(10_000), &"x".repeat(MOST)),
            ("Mozilla/5.0".into(), ""),
            (String::new(), ""),
        ] {
            assert_eq!(describe(&agent), expect, "{agent}");
        }
    }
}
