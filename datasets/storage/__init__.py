"""Durable writing: staging, publishing, versions, checksums, verification."""
