/**
 * Environment of a process that runs graphs, for glibc's allocator, which reads it only at start.
 *
 * Thresholds below what a run allocates and frees again map that memory anew in every run, and each first touch of a page
 * is a fault: 450 of them made a denoising step of the starter pack 27% longer, and with 8 and 32 MiB its up-scaler is
 * still 5% slower. These are where glibc would end by itself, sooner or later; what is larger, such as large weights, goes
 * back to the system with its pack. 25 loads and releases of a 28 MB pack leave 420 MB in use, with 8 and 32 MiB 300. Huge pages spare nine
 * faults in ten of what is mapped nonetheless. The larger cache of small blocks takes 8% off the CPU time of a graph of some
 * hundred tiny nodes, where allocation is what is left.
 */
export const GRAPH_PROCESS_ENVIRONMENT = {
  MALLOC_MMAP_THRESHOLD_: '33554432',
  MALLOC_TRIM_THRESHOLD_: '67108864',
  GLIBC_TUNABLES: 'glibc.malloc.tcache_count=1024:glibc.malloc.hugetlb=1',
} as const;
