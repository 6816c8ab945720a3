"""Everything that touches coded pictures and sound: reading, fragments, segments, snapshots."""
