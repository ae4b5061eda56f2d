//! When segments are merged. While an import runs, merging would take the processor from it: it waits until the stream
//! of large commits ends, or until queries would notice so many segments.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tantivy::SegmentMeta;
use tantivy::indexer::{LogMergePolicy, MergeCandidate, MergePolicy};

/// Segments of about the same size that are merged together.
const MERGED: usize = 5;
/// Segments with fewer documents count as the same size.
const SMALL: u32 = 5_000;
/// A segment with a larger part of deleted documents is rewritten.
const DELETED: f32 = 0.3;
/// Segments with which merging waits no longer.
const MOST: usize = 20;

#[derive(Debug, Clone)]
pub(crate) struct Patience {
    usual: Arc<LogMergePolicy>,
    waits: Arc<AtomicBool>,
}

impl Default for Patience {
    fn default() -> Patience {
        let mut usual = LogMergePolicy::default();
        usual.set_min_num_segments(MERGED);
        usual.set_min_layer_size(SMALL);
        usual.set_del_docs_ratio_before_merge(DELETED);
        Patience { usual: Arc::new(usual), waits: Arc::default() }
    }
}

impl Patience {
    /// From now on; what it was before.
    pub fn waits(&self, waits: bool) -> bool {
        self.waits.swap(waits, Ordering::AcqRel)
    }
}

impl MergePolicy for Patience {
    fn compute_merge_candidates(&self, segments: &[SegmentMeta]) -> Vec<MergeCandidate> {
        match self.waits.load(Ordering::Acquire) && segments.len() < MOST {
            true => Vec::new(),
            false => self.usual.compute_merge_candidates(segments),
        }
    }
}

#[cfg(test)]
mod tests {
    use tantivy::schema::{STRING, Schema};
    use tantivy::{Index, IndexWriter, TantivyDocument, doc};

    use super::*;

    #[test]
    fn merging_waits_until_it_is_let_go() {
        let mut builder = Schema::builder();
        let field = builder.add_text_field("word", STRING);
        let index = Index::create_in_ram(builder.build());
        let mut writer: IndexWriter<TantivyDocument> = index.writer_with_num_threads(1, 15_000_000).unwrap();
        let patience = Patience::default();
        writer.set_merge_policy(Box::new(patience.clone()));
        let mut commits = |n: usize| {
            for _ in 0..n {
                writer.add_document(doc!(field => "a")).unwrap();
                writer.commit().unwrap();
            }
        };
        let segments = || index.searchable_segment_ids().unwrap().len();
        assert!(!patience.waits(true));
        commits(2 * MERGED);
        assert_eq!(segments(), 2 * MERGED);
        assert!(patience.waits(false));
        commits(1);
        writer.wait_merging_threads().unwrap();
        assert!(segments() < MERGED, "{} segments", segments());
    }
}
