/**
 * Where the host's kernel file systems are. Passed in everywhere, so that a captured machine is a test.
 * All are absolute, without a trailing slash.
 */
export interface HostPaths {
  /** procfs with the host's pids, `/proc`. */
  readonly proc: string;
  /** sysfs, `/sys`. */
  readonly sys: string;
  /** Root directory of the host: `/proc/1/root` where that may be read, otherwise `` (our own root). */
  readonly root: string;
  /** What `--cgroupfs-root` says, `/sys/fs/cgroup`. */
  readonly cgroup: string;
}
