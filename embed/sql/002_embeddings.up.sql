-- Schema 2 of the program that OpenKoi follows. OpenKoi keeps its own vectors elsewhere (004).
CREATE TABLE IF NOT EXISTS memory_embeddings (
  chunk_id TEXT PRIMARY KEY REFERENCES memory_chunks(id) ON DELETE CASCADE,
  embedding BLOB NOT NULL,
  dimensions INTEGER NOT NULL DEFAULT 1536,
  model TEXT NOT NULL DEFAULT 'text-embedding-3-small',
  created_at TEXT NOT NULL DEFAULT (datetime('now'))
);
CREATE INDEX IF NOT EXISTS idx_embeddings_model ON memory_embeddings(model);
