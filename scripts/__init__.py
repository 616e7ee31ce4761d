"""The programs: key ceremony, courier, offline desk, releases, demonstration and benchmarks."""
