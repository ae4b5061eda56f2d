//! Finding the smallest value of a function without its slopes.

/// Searches until this share of the value, and this length of every step, no longer matter.
const SETTLED: f64 = 1e-9;

/// Nelder and Mead's simplex (Computer Journal 1965) with coefficients that follow the number of dimensions (Gao and
/// Han, Computational Optimization and Applications 2012), started again from its best point until that gains nothing.
///
/// `steps` are the sizes of the first moves, one for each number of `start`; at most `limit` values are looked at.
/// Points where `of` is not finite are avoided. Gives the best point and its value.
pub fn minimise(start: &[f64], steps: &[f64], limit: usize, mut of: impl FnMut(&[f64]) -> f64) -> (Vec<f64>, f64) {
    let mut value_of = |point: &[f64]| {
        let value = of(point);
        if value.is_finite() { value } else { f64::INFINITY }
    };
    let mut best = (start.to_vec(), value_of(start));
    let (mut left, mut size) = (limit, 1.0);
    while left > start.len() + 1 {
        let scaled: Vec<f64> = steps.iter().map(|step| step * size).collect();
        let mut simplex = Simplex::around(&best, &scaled, &mut value_of);
        left = simplex.search(left - start.len(), &mut value_of);
        let found = simplex.corners.swap_remove(0);
        let gain = best.1 - found.1;
        if found.1 <= best.1 {
            best = found;
        }
        size *= 0.3;
        // no gain from an infinite value is NaN or infinite, and worth another try
        if gain <= SETTLED * (1.0 + best.1.abs()) {
            break;
        }
    }
    best
}

type Corner = (Vec<f64>, f64);

struct Simplex {
    /// The best first.
    corners: Vec<Corner>,
    expand: f64,
    contract: f64,
    shrink: f64,
}

impl Simplex {
    fn around(best: &Corner, steps: &[f64], of: &mut impl FnMut(&[f64]) -> f64) -> Self {
        let mut corners = vec![best.clone()];
        for (at, step) in steps.iter().enumerate() {
            let mut point = best.0.clone();
            point[at] += step;
            let value = of(&point);
            corners.push((point, value));
        }
        let dimensions = steps.len().max(2) as f64;
        Self {
            corners,
            expand: 1.0 + 2.0 / dimensions,
            contract: 0.75 - 0.5 / dimensions,
            shrink: 1.0 - 1.0 / dimensions,
        }
    }

    /// Gives the looks that are left of `left`.
    fn search(&mut self, mut left: usize, of: &mut impl FnMut(&[f64]) -> f64) -> usize {
        self.sort();
        while left > self.corners.len() && !self.settled() {
            left -= self.turn(of);
            self.sort();
        }
        left
    }

    fn sort(&mut self) {
        self.corners.sort_by(|a, b| a.1.total_cmp(&b.1));
    }

    fn settled(&self) -> bool {
        let (best, worst) = (&self.corners[0], &self.corners[self.corners.len() - 1]);
        let flat = worst.1 - best.1 <= SETTLED * (1.0 + best.1.abs());
        flat && best.0.iter().zip(&worst.0).all(|(a, b)| (a - b).abs() <= 1e-6 * (1.0 + a.abs()))
    }

    /// One move of the worst corner, or of all but the best; gives the number of looks.
    fn turn(&mut self, of: &mut impl FnMut(&[f64]) -> f64) -> usize {
        let last = self.corners.len() - 1;
        let mut centre = vec![0.0; last];
        for (point, _) in &self.corners[..last] {
            centre.iter_mut().zip(point).for_each(|(sum, value)| *sum += value / last as f64);
        }
        let worst = self.corners[last].clone();
        let mut at = |share: f64| {
            let point: Vec<f64> = centre.iter().zip(&worst.0).map(|(mid, far)| mid + share * (mid - far)).collect();
            let value = of(&point);
            (point, value)
        };
        let mirrored = at(1.0);
        if mirrored.1 < self.corners[0].1 {
            let further = at(self.expand);
            self.corners[last] = if further.1 < mirrored.1 { further } else { mirrored };
            return 2;
        }
        if mirrored.1 < self.corners[last - 1].1 {
            self.corners[last] = mirrored;
            return 1;
        }
        let nearer = if mirrored.1 < worst.1 { at(self.contract) } else { at(-self.contract) };
        if nearer.1 < worst.1.min(mirrored.1) {
            self.corners[last] = nearer;
            return 2;
        }
        let best = self.corners[0].0.clone();
        for (point, value) in &mut self.corners[1..] {
            point.iter_mut().zip(&best).for_each(|(value, best)| *value = best + self.shrink * (*value - best));
            *value = of(point);
        }
        2 + last
    }
}
