//! heatgrid over HTTP: ingest, queries, operations.
