/**
 * Environment of a process that runs graphs, for glibc's allocator, which reads it only at start.
 *
 * Thresholds below what a run allocates and frees again map that memory anew in every run, and each first touch of a page
 * is a fault: 450 of them made a denoising step of the starter pack 27% longer. At 8 MiB large weights still go
 * back to the system with their pack, and 80 loads and releases of a 28 MB pack level out below 290 MB. Huge pages
 * spare what is mapped nonetheless, such as an up-scaler's activations, nine faults in ten (20% of its time). The larger
 * cache of small blocks takes 8% off the CPU time of a graph of some hundred tiny nodes, where allocation is what is left.
 */
export const GRAPH_PROCESS_ENVIRONMENT = {
  MALLOC_MMAP_THRESHOLD_: '8388608',
  MALLOC_TRIM_THRESHOLD_: '33554432',
  GLIBC_TUNABLES: 'glibc.malloc.tcache_count=1024:glibc.malloc.hugetlb=1',
} as const;
