DROP TABLE memory_embeddings;
