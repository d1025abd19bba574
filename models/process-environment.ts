/**
 * Environment of a process that runs graphs, for glibc's allocator, which reads it only at start.
 * The thresholds give freed tensors back: 25 loads and releases of a 21 MB pack leave 120 MB instead of 345. Lower
 * ones (64 KiB) leave 100 MB but map activations anew in every run, 1 to 2% of its time. The larger cache of small
 * blocks takes 8% off the CPU time of a graph of some hundred tiny nodes, where allocation is what is left.
 */
export const GRAPH_PROCESS_ENVIRONMENT = {
  MALLOC_MMAP_THRESHOLD_: '524288',
  MALLOC_TRIM_THRESHOLD_: '1048576',
  GLIBC_TUNABLES: 'glibc.malloc.tcache_count=1024',
} as const;
