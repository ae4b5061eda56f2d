//! Functions beyond the standard library's.

/// Terms of a series before it is taken for what it is.
const TERMS: usize = 20_000;

/// ln Γ(x) for x > 0, to 1e-14 (Lanczos, SIAM Journal on Numerical Analysis 1964, with Godfrey's nine coefficients).
pub fn ln_gamma(x: f64) -> f64 {
    const COEFFICIENTS: [f64; 8] = [
        676.520_368_121_885_1,
        -1_259.139_216_722_402_8,
        771.323_428_777_653_1,
        -176.615_029_162_140_6,
        12.507_343_278_686_905,
        -0.138_571_095_265_720_12,
        9.984_369_578_019_572e-6,
        1.505_632_735_149_311_6e-7,
    ];
    if x < 0.5 {
        return (std::f64::consts::PI / (std::f64::consts::PI * x).sin()).ln() - ln_gamma(1.0 - x);
    }
    let x = x - 1.0;
    let sum = (0..)
        .zip(COEFFICIENTS)
        .fold(0.999_999_999_999_809_9, |sum, (at, coefficient)| sum + coefficient / (x + f64::from(at) + 1.0));
    let shifted = x + 7.5;
    0.5 * (2.0 * std::f64::consts::PI).ln() + (x + 0.5) * shifted.ln() - shifted + sum.ln()
}

/// ln B(a, b) for a, b > 0.
pub fn ln_beta(a: f64, b: f64) -> f64 {
    ln_gamma(a) + ln_gamma(b) - ln_gamma(a + b)
}

/// Gauss's hypergeometric function 2F1(a, b; c; z) for 0 <= z < 1 and c > 0 by its series, after Euler's
/// transformation where that converges faster (Abramowitz and Stegun, 15.1.1 and 15.3.3).
pub fn hypergeometric(a: f64, b: f64, c: f64, z: f64) -> f64 {
    if c - a - b < 0.0 {
        return (1.0 - z).powf(c - a - b) * series(c - a, c - b, c, z);
    }
    series(a, b, c, z)
}

fn series(a: f64, b: f64, c: f64, z: f64) -> f64 {
    let (mut term, mut sum) = (1.0, 1.0);
    for at in 0..TERMS {
        let at = at as f64;
        term *= (a + at) * (b + at) / ((c + at) * (at + 1.0)) * z;
        sum += term;
        if term.abs() <= 1e-15 * sum.abs() {
            break;
        }
    }
    sum
}

/// The value that a standard normal number stays below with probability `share` (0 to 1, neither included), to 4.5e-4
/// (Abramowitz and Stegun, Handbook of Mathematical Functions, 26.2.23).
pub fn normal_quantile(share: f64) -> f64 {
    let share = share.clamp(1e-12, 1.0 - 1e-12);
    let t = (-2.0 * share.min(1.0 - share).ln()).sqrt();
    let above = 2.515_517 + t * (0.802_853 + t * 0.010_328);
    let below = 1.0 + t * (1.432_788 + t * (0.189_269 + t * 0.001_308));
    let value = t - above / below;
    if share < 0.5 { -value } else { value }
}
