"""Judging graphs by shapes. Decides nothing about who may write what."""
