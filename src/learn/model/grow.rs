//! The loop of boosting: a tree after another, each on what those before it left. forust bins the columns and grows each
//! tree; the loop is ours, because its own cannot be broken off.

use forust_ml::Matrix;
use forust_ml::binning::bin_matrix;
use forust_ml::data::JaggedMatrix;
use forust_ml::gradientbooster::GrowPolicy;
use forust_ml::objective::{ObjectiveType, calc_init_callables, gradient_hessian_callables};
use forust_ml::sampler::{RandomSampler, SampleMethod, Sampler};
use forust_ml::splitter::MissingImputerSplitter;
use forust_ml::tree::{Tree, split_bins};
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::IteratorRandom;
use rayon::prelude::*;

use super::GoOn;
use super::boost::{BoostConfig, MAX_DEPTH};
use super::encode::Link;
use crate::LearnError;

/// Rows from which growing trees in parallel pays.
const PARALLEL_ROWS: usize = 50_000;
/// Rows whose slopes one thread computes at a time.
const BLOCK: usize = 16_384;
/// Columns below which each tree sees all of them.
const FEW_COLUMNS: usize = 6;
const BINS: u16 = 255;
/// The bin of a missing number.
const MISSING_BIN: u16 = 0;

/// The trees on log loss or squared error for `target`, one for each row of `data`. `go_on` is asked before each and
/// while the columns are binned.
/// Errors: no tree can be grown; cancelled.
pub fn trees(
    config: &BoostConfig,
    link: Link,
    data: &Matrix<f64>,
    target: &[f64],
    go_on: GoOn,
) -> Result<Vec<Tree>, LearnError> {
    let parallel = config.threads > 1 && data.rows >= PARALLEL_ROWS;
    let grow = || Grower::new(config, link, target, parallel).grow(&Binned::of(data, config, parallel, go_on)?, go_on);
    if !parallel {
        return grow();
    }
    let pool = rayon::ThreadPoolBuilder::new().num_threads(config.threads).build();
    pool.map_err(|error| LearnError::Boosting(error.to_string()))?.install(grow)
}

/// Columns in bins of about equal count, and where these are cut.
struct Binned {
    bins: Vec<u16>,
    cuts: JaggedMatrix<f64>,
}

impl Binned {
    /// A few columns at a time, as binning many rows takes long.
    fn of(data: &Matrix<f64>, config: &BoostConfig, parallel: bool, go_on: GoOn) -> Result<Self, LearnError> {
        let weights = vec![1.0; data.rows];
        let (mut bins, mut cuts) = (Vec::with_capacity(data.rows * data.cols), Vec::with_capacity(data.cols));
        let together = if parallel { config.threads } else { 1 };
        for columns in data.data.chunks((together * data.rows).max(1)) {
            if !go_on() {
                return Err(LearnError::Cancelled);
            }
            let part = Matrix::new(columns, data.rows, columns.len() / data.rows.max(1));
            let binned = bin_matrix(&part, &weights, BINS, f64::NAN, parallel);
            let binned = binned.map_err(|error| LearnError::Boosting(error.to_string()))?;
            cuts.extend((0..part.cols).map(|column| binned.cuts.get_col(column).to_vec()));
            bins.extend(binned.binned_data);
        }
        Ok(Self { bins, cuts: JaggedMatrix::from_vecs(&cuts) })
    }
}

struct Grower<'a> {
    config: &'a BoostConfig,
    objective: ObjectiveType,
    target: &'a [f64],
    /// What the trees so far sum to, for each row.
    scores: Vec<f64>,
    /// First and second derivative of the loss there.
    slopes: Vec<f32>,
    curvatures: Vec<f32>,
    chance: StdRng,
    parallel: bool,
}

impl<'a> Grower<'a> {
    fn new(config: &'a BoostConfig, link: Link, target: &'a [f64], parallel: bool) -> Self {
        let objective = match link {
            Link::Logit => ObjectiveType::LogLoss,
            Link::Identity => ObjectiveType::SquaredLoss,
        };
        let rows = target.len();
        let base = calc_init_callables(&objective)(target, &vec![1.0; rows]);
        let (slopes, curvatures) = (vec![0.0; rows], vec![0.0; rows]);
        let chance = StdRng::seed_from_u64(config.seed);
        Self { config, objective, target, scores: vec![base; rows], slopes, curvatures, chance, parallel }
    }

    fn grow(mut self, binned: &Binned, go_on: GoOn) -> Result<Vec<Tree>, LearnError> {
        let bins = Matrix::new(&binned.bins, self.target.len(), binned.cuts.cols);
        let all: Vec<usize> = (0..self.target.len()).collect();
        let mut trees = Vec::with_capacity(self.config.trees);
        for _ in 0..self.config.trees {
            if !go_on() {
                return Err(LearnError::Cancelled);
            }
            self.derive();
            trees.push(self.tree(&bins, binned, &all));
        }
        Ok(trees)
    }

    /// The derivatives of the loss at the present scores.
    fn derive(&mut self) {
        let derivatives = gradient_hessian_callables(&self.objective);
        let (target, scores) = (self.target, &self.scores);
        let fill = |(block, (slopes, curvatures)): (usize, (&mut [f32], &mut [f32]))| {
            let rows = block * BLOCK..block * BLOCK + slopes.len();
            let (first, second) = derivatives(&target[rows.clone()], &scores[rows], &vec![1.0; slopes.len()]);
            slopes.copy_from_slice(&first);
            curvatures.copy_from_slice(&second);
        };
        if self.parallel {
            let blocks = self.slopes.par_chunks_mut(BLOCK).zip(self.curvatures.par_chunks_mut(BLOCK));
            blocks.enumerate().for_each(fill);
        } else {
            self.slopes.chunks_mut(BLOCK).zip(self.curvatures.chunks_mut(BLOCK)).enumerate().for_each(fill);
        }
    }

    /// The next tree, on its share of rows and columns; its values are added to the scores of all rows.
    fn tree(&mut self, bins: &Matrix<u16>, binned: &Binned, all: &[usize]) -> Tree {
        let share = self.config.share.clamp(0.1, 1.0);
        let (method, (seen, unseen)) = if share < 1.0 {
            let mut sampler = RandomSampler::new(share);
            let sides = sampler.sample(&mut self.chance, all, &mut self.slopes, &mut self.curvatures);
            (SampleMethod::Random, sides)
        } else {
            (SampleMethod::None, (all.to_vec(), Vec::new()))
        };
        let columns = self.columns(bins.cols, share);
        let mut tree = Tree::new();
        let leaves = tree.fit(
            bins,
            seen,
            &columns,
            &binned.cuts,
            &self.slopes,
            &self.curvatures,
            &self.splitter(),
            self.config.leaves.max(2),
            MAX_DEPTH / 4,
            self.parallel,
            &method,
            &GrowPolicy::LossGuide,
        );
        let cuts = split_bins(&tree, &binned.cuts);
        let value =
            |row: usize| tree.predict_row_from_bins(|column| *bins.get(row, column), &cuts, MISSING_BIN, &f64::NAN);
        match leaves {
            Some(leaves) => {
                for (rows, value) in leaves.leaves(&tree) {
                    rows.iter().for_each(|row| self.scores[*row] += value);
                }
                let values: Vec<f64> = if self.parallel {
                    unseen.par_iter().map(|row| value(*row)).collect()
                } else {
                    unseen.iter().map(|row| value(*row)).collect()
                };
                unseen.iter().zip(values).for_each(|(row, value)| self.scores[*row] += value);
            }
            None => self.scores.iter_mut().enumerate().for_each(|(row, score)| *score += value(row)),
        }
        tree
    }

    fn columns(&mut self, count: usize, share: f32) -> Vec<usize> {
        if count < FEW_COLUMNS || share >= 1.0 {
            return (0..count).collect();
        }
        let amount = (count as f64 * f64::from(share)).floor().max(1.0) as usize;
        let mut columns = (0..count).choose_multiple(&mut self.chance, amount);
        columns.sort_unstable();
        columns
    }

    fn splitter(&self) -> MissingImputerSplitter {
        MissingImputerSplitter {
            l1: 0.0,
            l2: self.config.ridge,
            max_delta_step: 0.0,
            gamma: 0.0,
            min_leaf_weight: self.config.leaf_weight.max(1e-3),
            learning_rate: self.config.learning_rate,
            allow_missing_splits: true,
            constraints_map: Default::default(),
        }
    }
}
