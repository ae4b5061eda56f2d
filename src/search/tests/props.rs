use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::world::*;

/// Each case has its own index, and many filters and orders run on it.
#[test]
fn lists_mean_what_the_model_says() {
    let mut runner = TestRunner::new(Config { cases: 12, max_shrink_iters: 200, ..Config::default() });
    let queries = prop::collection::vec((pred(), sort()), 60);
    let case = (people(30), all_firms(), queries, 1usize..4);
    let result = runner.run(&case, |(people, firms, queries, commits)| {
        let dir = tempfile::tempdir().unwrap();
        let (index, _) = open(dir.path());
        fill(&index, &people, commits);
        fill(&index, &firms, 1);
        let world = World::new(&[&people, &firms]);
        for (pred, sort) in &queries {
            let page = index.list(&list(pred, sort, 100, None)).unwrap();
            let expect = world.expect(pred, sort);
            prop_assert_eq!(&page.ids, &expect, "{:?} {:?}", pred, sort);
            prop_assert_eq!(page.total.count, expect.len() as u64);
            prop_assert!(page.next.is_none());
        }
        Ok(())
    });
    if let Err(e) = result {
        panic!("{e}");
    }
}
