//! What can go wrong in the index.

#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    /// not one of our cursors, or one of another query
    #[error("the cursor belongs to another query")]
    BadCursor,
    /// the query names an object or a path that the index cannot answer
    #[error("the index cannot answer this: {0}")]
    BadQuery(&'static str),
    #[error("index file: {0}")]
    Io(#[from] std::io::Error),
    #[error("index: {0}")]
    Engine(#[from] tantivy::TantivyError),
}

impl SearchError {
    /// Whether the files are to blame and not the question: build the index anew.
    pub fn is_damage(&self) -> bool {
        matches!(self, SearchError::Io(_) | SearchError::Engine(_))
    }
}
