/**
 * The typed door to the native addon. The addon moves bytes and holds descriptors; it knows no product words.
 *
 * Every error it throws or rejects with is an `Error` with `code` (errno name such as `EPERM`), `errno` (positive),
 * `syscall` (such as `bpf(BPF_PROG_LOAD)`) and, where there is one, `path` (file, object, program or map) and
 * `detail` (what libbpf or the addon has to say, a few lines). Arguments of a wrong type are EINVAL of `argument`.
 * Promises run on threads of the addon, never on the event loop.
 */
export interface Addon {
  /** Version of the linked libbpf as it tells it, such as `1.5`. */
  libbpfVersion(): string;

  /**
   * Reads many small files, each with its own deadline. A path that hangs (dead NFS) costs its own deadline
   * and one parked thread; the others go on. Parked threads are bounded: a path that still parks one fails at once
   * with EBUSY, and while 16 are parked so does every path on the mounts where they hang.
   */
  readFiles(paths: readonly string[], deadlineMs: number, maxBytesEach: number): Promise<FileBatch>;

  /**
   * statx(2) and statfs(2) of many paths as processes see them, each looked up without leaving the root directory of its
   * process and without following symbolic links; each with its own deadline, as with `readFiles`: a file system that
   * hangs costs one parked thread, and then answers EBUSY by its `place`.
   */
  statInside(paths: readonly InsidePath[], deadlineMs: number): Promise<InsideBatch>;

  /**
   * Opens regular files for reading, looked up like those of `statInside`; with `followsLinks` symbolic links lead to where they
   * do for the process. For each path a descriptor, which whoever asks closes, or the negative errno: what is neither a regular
   * file nor a link is EINVAL (22). Without `followsLinks` file systems that somebody else answers for, NFS and FUSE among
   * them, are refused (EOPNOTSUPP, 95).
   */
  openInside(paths: readonly InsidePath[], followsLinks: boolean, deadlineMs: number): Promise<Int32Array>;

  /**
   * One rtnetlink dump (netlink(7), rtnetlink(7)) inside the network namespace `nsPath` (null: our own), entered
   * on a thread of its own that ends afterwards. Answers the concatenated messages, headers included.
   * `messageType` is RTM_GETLINK (18) or RTM_GETADDR (22).
   */
  netlinkDump(nsPath: string | null, messageType: number, timeoutMs: number): Promise<Buffer>;

  /**
   * One request of netlink(7) inside the network namespace `nsPath`, as with `netlinkDump`. Answers all messages up to the
   * end of the dump or the acknowledgement; rejects with what the kernel answers.
   */
  netlinkRequest(nsPath: string | null, request: NetlinkRequest, timeoutMs: number): Promise<Buffer>;

  /**
   * A setting of the network namespace `nsPath`, by its path below /proc/sys/net such as `ipv4/ip_forward`; `value`, unless
   * it is null, is written. Answers what is there now, without the end of the line.
   */
  networkSetting(nsPath: string | null, name: string, value: string | null): Promise<string>;

  /**
   * Connects by TCP from inside the network namespace `nsPath` (null: our own) to an IP address, within `timeoutMs`, on a thread of
   * its own. Answers a descriptor that does not block, which whoever asks closes; what is sent through it leaves by that namespace.
   */
  connectIn(nsPath: string | null, address: string, port: number, timeoutMs: number): Promise<number>;

  /**
   * One ICMP echo request to each of `targets` (16 bytes each, IPv4 mapped; 65,536 at most) inside the network namespace
   * `nsPath` (null: our own), on a thread of its own. Waits until all have answered, `timeoutMs` at most. What cannot be sent
   * or does not answer costs nobody else. Needs CAP_NET_RAW there.
   */
  ping(nsPath: string | null, targets: Uint8Array, timeoutMs: number): Promise<PingBatch>;

  /**
   * Has the kernel stamp what it receives, for `ping`, from a moment later on until it is called with false. Idempotent. The
   * whole machine's packets are stamped meanwhile.
   */
  stampReceived(on: boolean): void;

  /**
   * Follows the journal files of systemd in `directory`, and in the directories of machines in it, through libsystemd (ELIBACC
   * where that is missing), on a thread of its own. Begins behind the entry that `cursor` names; where that is null or names
   * none of these files, behind the last one: whatever is written after the promise has resolved is read. A batch is read when
   * the last one was taken, that is when `onBatch`, which runs on the event loop, has returned. Files may come, be rotated,
   * vacuumed and damaged; a journal that fails is opened anew after 5 s at the place where it was. Does not keep the
   * process alive once it is open. Nothing is called after `close`.
   */
  openJournal(
    directory: string,
    cursor: string | null,
    onBatch: (batch: JournalBatch) => void,
  ): Promise<Journal>;

  /** uname(2) inside the UTS namespace `nsPath` (null: our own), on a thread of its own. */
  utsname(nsPath: string | null): Promise<{ nodename: string; release: string; machine: string }>;

  /** statfs(2) magic number (`f_type`) of the file system that holds `path`. */
  fileSystemType(path: string): number;

  /** Opens a BPF object (ELF bytes). Nothing reaches the kernel before `load`. */
  openObject(elf: Uint8Array, name: string): BpfObject;

  /** Raises RLIMIT_MEMLOCK as far as it may; needed below Linux 5.11. */
  raiseMemlock(): void;
}

export interface FileBatch {
  /** Contents one behind the other. */
  readonly bytes: Buffer;
  /** File i is `bytes.subarray(offsets[i], offsets[i + 1])`; length = paths + 1. */
  readonly offsets: Uint32Array;
  /** 0, or the errno of file i; ETIMEDOUT (110) past the deadline, EFBIG (27) beyond maxBytesEach (contents cut). */
  readonly errors: Int32Array;
}

export interface InsidePath {
  readonly pid: number;
  /** Field 22 of /proc/<pid>/stat: a process that started at another time is not the one that is meant (ESRCH). */
  readonly startTicks: number;
  /** From the root directory of the process. */
  readonly path: string;
  /** Any name for the file system: what hangs, hangs for all paths with the same. */
  readonly place: string;
}

export interface InsideBatch {
  /** 0, or the errno of path i; ETIMEDOUT (110) past the deadline, ESRCH (3) without that process, ELOOP (40) for a link. */
  readonly errors: Int32Array;
  /**
   * Six for each path: mount id as in mountinfo, inode, device (major << 20 | minor), bytes of size, free, and free for those
   * who are not root.
   */
  readonly figures: Float64Array;
}

export interface PingBatch {
  /**
   * 0 for an answer; else the errno of socket(2) or sendto(2), ETIMEDOUT (110) without an answer in time, ENODATA (61) for one
   * without the kernel's stamps.
   */
  readonly errors: Int32Array;
  /** Between the stamps of the kernel. */
  readonly roundTripNs: Float64Array;
  /** Inode of the namespace that it was; 0 where that cannot be told. */
  readonly namespaceInode: number;
  /** CPU time of the thread. */
  readonly cpuNs: number;
}

export interface Journal {
  /** What it began behind; null where there was no entry. */
  readonly cursor: string | null;
  /**
   * Whether all behind the cursor that was asked for is read, or the journal ends before it, as it does while journald moves its
   * files: then what comes before the cursor in the same boot is passed over.
   */
  readonly foundCursor: boolean;
  /** Stops the thread. Idempotent. */
  close(): void;
}

/** Up to 1,000 entries and 1 MiB. */
export interface JournalBatch {
  /**
   * One behind the other, in the order of the journal, each padded to 8 bytes: u64 microseconds of CLOCK_REALTIME, u32 lengths of
   * five texts, u8 PRIORITY (255: none), u8 1 where the message is cut, u16 zero, then the texts: MESSAGE (64 KiB at most),
   * _SYSTEMD_UNIT, _SYSTEMD_USER_UNIT, _SYSTEMD_CGROUP, SYSLOG_IDENTIFIER (4 KiB at most), empty where there is none.
   */
  readonly records: Buffer;
  /** How many records. */
  readonly entries: number;
  /** Of these, those whose message is cut. */
  readonly cut: number;
  /** Entries that were passed over. */
  readonly withoutMessage: number;
  /** Damaged, and so passed over. What libsystemd passes over by itself, such as a file without a header, is not counted. */
  readonly unreadable: number;
  /** Behind the batch; null where that cannot be told. */
  readonly cursor: string | null;
  /** Why the journal had to be opened anew since the last batch, an error of the addon; null where it had not. */
  readonly failure: Error | null;
}

export interface NetlinkRequest {
  /** NETLINK_ROUTE (0), NETLINK_NETFILTER (12), ... */
  readonly protocol: number;
  readonly messageType: number;
  /** With NLM_F_DUMP; otherwise with NLM_F_ACK. */
  readonly isDump: boolean;
  /** What follows struct nlmsghdr. */
  readonly payload: Uint8Array;
}

export interface BpfProgramInfo {
  readonly id: number;
  /** Runs and nanoseconds; 0 unless kernel.bpf_stats_enabled. */
  readonly runCount: number;
  readonly runTimeNs: number;
  /** 0 where the kernel has no such counter (5.10). */
  readonly recursionMisses: number;
  /** Instructions the verifier processed; 0 below Linux 5.16 unless `load` was asked for them. */
  readonly verifiedInstructions: number;
}

export interface BpfMapInfo {
  readonly id: number;
  readonly type: number;
  readonly keyBytes: number;
  readonly valueBytes: number;
  readonly maxEntries: number;
  /** `memlock` of /proc/self/fdinfo: what the kernel charges for the map. */
  readonly memoryBytes: number;
}

export interface BpfObject {
  readonly programs: readonly { readonly name: string; readonly section: string }[];
  /** Those of global data by their section (`.bss`). */
  readonly maps: readonly string[];
  /** Before load: leave a program out, so that a kernel that lacks its hook can load the others. */
  setAutoload(program: string, enabled: boolean): void;
  /** Before load: resize a map. */
  setMaxEntries(map: string, entries: number): void;
  /** Before load: overwrite bytes of the initial image of a global data map (`.rodata`, `.data`, `.bss`). */
  setInitial(section: string, offset: number, bytes: Uint8Array): void;
  /**
   * Loads maps and programs. Rejects with `verifierLog` (last 16 KiB) on the error when the verifier refused; not so with
   * `verifierStats`, which asks the verifier for its statistics instead of its reasons (Linux 5.2).
   */
  load(options?: { verifierStats?: boolean }): Promise<void>;
  /** Attaches by section name; answers a link id. `cgroupPath` for cgroup programs; `iterMap` names the map to iterate. */
  attach(program: string, target?: { cgroupPath?: string; iterMap?: string }): number;
  /**
   * Opens a netlink socket inside the network namespace `nsPath` (null: our own) with a loaded socket filter, and joins a
   * multicast group. Nobody reads from it: the filter has to let nothing through. `cookie` is SO_COOKIE, 8 bytes as a key of
   * a map. The socket holds on to the namespace until `detach` or `close`.
   */
  listen(
    program: string,
    nsPath: string | null,
    protocol: number,
    group: number,
  ): Promise<{ link: number; cookie: Buffer }>;
  detach(link: number): void;
  /** Runs an attached iterator to its end; answers what it wrote (bounded by maxBytes, then rejects EFBIG). */
  readIterator(link: number, maxBytes: number): Promise<Buffer>;
  /**
   * All entries in one buffer, keyBytes + valueBytes apart, unpadded. The value of a per-CPU map, here and in
   * `lookup`, `take` and `update`, is one for each possible CPU, each padded to 8 bytes. By BPF_MAP_LOOKUP_BATCH
   * where the kernel has it.
   */
  readMap(map: string): Promise<Buffer>;
  lookup(map: string, key: Uint8Array): Buffer | null;
  /** Looks up and deletes atomically where the kernel can (hash: 5.14), else one after the other. */
  take(map: string, key: Uint8Array): Buffer | null;
  update(map: string, key: Uint8Array, value: Uint8Array): void;
  remove(map: string, key: Uint8Array): boolean;
  /** Overwrites bytes of a loaded global data map (`.bss`, `.data`) through its memory map. */
  writeGlobal(section: string, offset: number, bytes: Uint8Array): void;
  /** Copies bytes of a loaded global data map. */
  readGlobal(section: string, offset: number, length: number): Buffer;
  programInfo(program: string): BpfProgramInfo;
  mapInfo(map: string): BpfMapInfo;
  /**
   * Drains a ring buffer on a thread of its own and hands over batches: records one behind the other, each as
   * u32 length, u32 zero, payload padded to 8. `onBatch` runs on the event loop. Batches are bounded to 256 KiB (a
   * larger record comes alone) and four are on their way at most; while the event loop is busy the records stay in the
   * ring. Does not keep the process alive. Nothing is called after `close`.
   */
  openRing(map: string, onBatch: (records: Buffer) => void): BpfRing;
  /**
   * Detaches all links, stops all rings and closes all descriptors; reads under way end well, a load rejects. Idempotent.
   * Later calls throw EBADF. An object that is garbage collected is closed, so hold on to it while it is to work.
   */
  close(): void;
}

export interface BpfRing {
  /** Stops the thread. Idempotent. */
  close(): void;
}
