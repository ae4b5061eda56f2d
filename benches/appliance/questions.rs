//! What is asked of a server: lists with two filters and an order, and names, spelt right and wrong.

/// Rows of a list's page.
pub const ROWS: usize = 50;

/// A list: two of the conditions are given, and it is sorted by a third field.
#[derive(Clone, Copy, Debug)]
pub struct Question {
    pub country: Option<&'static str>,
    pub lifecycle: Option<&'static str>,
    /// of a custom field
    pub segment: Option<&'static str>,
    /// at least, of a custom field
    pub seats: Option<u32>,
    pub order: Order,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Order {
    /// last, then first name
    Name,
    /// by a custom amount
    ValueFalling,
    /// by a custom date
    Renewal,
}

/// Standard fields only, a custom filter and order, a custom range and order; each with several values.
pub fn lists() -> Vec<Question> {
    let nothing = Question { country: None, lifecycle: None, segment: None, seats: None, order: Order::Name };
    let countries = ["Germany", "France", "United States", "Japan", "Brazil", "Kenya"];
    let mut all = Vec::new();
    for (at, country) in countries.into_iter().enumerate() {
        let lifecycle = ["lead", "qualified", "customer"][at % 3];
        let segment = ["smallBusiness", "midMarket", "enterprise"][at % 3];
        let seats = [50, 250, 1_000][at / 2];
        all.push(Question { country: Some(country), lifecycle: Some(lifecycle), ..nothing });
        all.push(Question { country: Some(country), segment: Some(segment), order: Order::ValueFalling, ..nothing });
        all.push(Question { lifecycle: Some(lifecycle), seats: Some(seats), order: Order::Renewal, ..nothing });
    }
    all
}

/// A search as it is typed, and the first and last name of a person it means.
pub struct Typo {
    pub typed: &'static str,
    pub first: &'static str,
    pub last: &'static str,
}

const fn typo(typed: &'static str, first: &'static str, last: &'static str) -> Typo {
    Typo { typed, first, last }
}

pub const ONE_WORD: &[Typo] = &[
    typo("fetherstone", "", "Featherstone"),
    typo("castelanos", "", "Castellanos"),
    typo("wisniewsky", "", "Wiśniewski"),
    typo("lewellyn", "", "Llewellyn"),
    typo("pembertn", "", "Pemberton"),
    typo("okaffor", "", "Okafor"),
    typo("schnieder", "", "Schneider"),
    typo("vilanueva", "", "Villanueva"),
];

pub const TWO_WORDS: &[Typo] = &[
    typo("stephnie fetherstone", "Stephanie", "Featherstone"),
    typo("jonathn pembertn", "Jonathan", "Pemberton"),
    typo("christoper okaffor", "Christopher", "Okafor"),
    typo("elizabth fitzgerld", "Elizabeth", "Fitzgerald"),
    typo("agnieska wisniewsky", "Agnieszka", "Wiśniewski"),
];

/// Two words of which nobody has the second.
pub const HALF_KNOWN: &[Typo] = &[
    typo("fetherstone xqzvbnkt", "", "Featherstone"),
    typo("okaffor qqqwwwzzz", "", "Okafor"),
    typo("wisniewsky vvbbkkxx", "", "Wiśniewski"),
];

/// Last names spelt right, as people type them.
pub const NAMES: &[&str] = &["okafor", "garcia", "virtanen", "schneider", "tanaka", "featherstone", "müller", "silva"];
