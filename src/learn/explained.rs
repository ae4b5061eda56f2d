//! Contributions of trees: against Shapley's formula over all subsets, and against the shap package.

use serde_json::{Value, json};

use crate::model::{BoostConfig, Boosted, Model, Tree, shapley_of};
use crate::table::Column;
use crate::tests::{BOOST, all, sample};

/// Shapley's formula over all subsets, with a tree's own covers for what is not known.
#[test]
fn tree_contributions_are_shapley_values() {
    let learn = sample(400, 6);
    let model = Boosted::fit(&BoostConfig { trees: 5, ..BOOST }, &learn, &all(&learn)).expect("fits");
    let slots = 5;
    for row in [0_u32, 7, 23] {
        let mut numbers = vec![0.0; slots];
        let known = [0, 1, 1, 2, 3];
        let columns: Vec<f64> = (0..4).map(|place| learn.column(place).number(row as usize)).collect();
        for (slot, place) in known.iter().enumerate() {
            numbers[slot] = columns[*place];
        }
        let text = learn.column(1).text(row as usize);
        let Column::Categories { levels, .. } = learn.column(1) else { panic!("a category") };
        for (slot, level) in [(1, 0), (2, 1)] {
            numbers[slot] = f64::from(u8::from(text.as_ref() == Some(&levels[level])));
        }
        let mut by_slot = vec![0.0; slots];
        for tree in model.trees() {
            shapley_of(tree, &numbers, &mut by_slot);
        }
        for (slot, ours) in by_slot.iter().enumerate() {
            let exact: f64 = model.trees().iter().map(|tree| brute_force(tree, &numbers, slot, slots)).sum();
            assert!((exact - ours).abs() < 1e-9, "slot {slot}: {exact} {ours}");
        }
    }
}

/// Trees that LightGBM grew on numbers with gaps and the flags of a category, as the shap package explains them.
#[test]
fn contributions_of_trained_trees_with_gaps_are_those_of_the_shap_package() {
    let made: Value = serde_json::from_str(include_str!("fixtures/shapley-trained.json")).expect("JSON");
    let trees: Vec<Tree> = made["trees"].as_array().expect("trees").iter().map(grown).collect();
    let rows: Vec<Vec<Option<f64>>> = serde_json::from_value(made["rows"].clone()).expect("rows");
    let values: Vec<Vec<f64>> = serde_json::from_value(made["values"].clone()).expect("values");
    assert!(rows.iter().flatten().filter(|cell| cell.is_none()).count() > 10, "gaps");
    for (place, theirs) in values.iter().enumerate() {
        let row: Vec<f64> = rows[place].iter().map(|cell| cell.unwrap_or(f64::NAN)).collect();
        let mut ours = vec![0.0; row.len()];
        let base: f64 = trees.iter().map(|tree| shapley_of(tree, &row, &mut ours)).sum();
        assert!((base - made["base"].as_f64().expect("a number")).abs() < 1e-5, "{base}");
        assert!(ours.iter().zip(theirs).all(|(ours, theirs)| (ours - theirs).abs() < 1e-5), "{ours:?} {theirs:?}");
        let raw = made["raw"][place].as_f64().expect("a number");
        assert!((base + ours.iter().sum::<f64>() - raw).abs() < 1e-6, "{place}: {base} {ours:?} {raw}");
    }
}

/// A tree of the fixture in our layout, where smaller goes left and an equal number right.
fn grown(made: &Value) -> Tree {
    let node = |at: usize| {
        let of = |key: &str| made[key][at].clone();
        let mut node = json!({"v": of("values"), "c": of("cover")});
        if of("children_left").as_i64() > Some(0) {
            let cut = of("thresholds").as_f64().expect("a number").next_up();
            let missing_left = of("children_default") == of("children_left");
            let (left, right) = (of("children_left"), of("children_right"));
            node["s"] = json!({"f": of("features"), "t": cut, "l": left, "r": right, "m": missing_left});
        }
        node
    };
    let nodes: Vec<Value> = (0..made["values"].as_array().map_or(0, Vec::len)).map(node).collect();
    serde_json::from_value(json!({ "nodes": nodes })).expect("a tree")
}

fn brute_force(tree: &Tree, row: &[f64], slot: usize, slots: usize) -> f64 {
    let factorial = |n: usize| (1..=n).product::<usize>() as f64;
    let subsets = (0..1_usize << slots).filter(|set| set & (1 << slot) == 0);
    subsets
        .map(|set| {
            let size = set.count_ones() as usize;
            let weight = factorial(size) * factorial(slots - size - 1) / factorial(slots);
            weight * (value_knowing(tree, row, set | 1 << slot, 0) - value_knowing(tree, row, set, 0))
        })
        .sum()
}

fn value_knowing(tree: &Tree, row: &[f64], set: usize, at: usize) -> f64 {
    let node = &tree.nodes[at];
    let Some(split) = &node.split else { return f64::from(node.value) };
    if set & (1 << split.slot) != 0 {
        return value_knowing(tree, row, set, split.child(row) as usize);
    }
    let cover = |child: u32| f64::from(tree.nodes[child as usize].cover);
    let value = |child: u32| value_knowing(tree, row, set, child as usize);
    let both = cover(split.left) + cover(split.right);
    (cover(split.left) * value(split.left) + cover(split.right) * value(split.right)) / both
}
