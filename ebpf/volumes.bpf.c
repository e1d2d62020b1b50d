/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which mounts processes write to: by a walk over all open files, and by the inodes that become dirty, which also finds
 * those who are gone before the next walk.
 *
 * What has been told stays in the map, so that it is not told again, until user space takes it out. Where user space knows
 * all there is to know of a device it settles it.
 */
#include "kernel.h"
#include "identity.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#define FMODE_WRITE 0x2 /* include/linux/fs.h */
#define S_IFMT 0170000
#define S_IFREG 0100000
#define MINOR_BITS 20
#define ZFS_SUPER_MAGIC 0x2fc12fc1 /* its devices have major 0 */

#define LEVELS 16 /* directories above a file that are looked at */
#define FILES 64 /* of the writer that are looked at */
#define BY_MOUNT (1ULL << 63)

/* In which way an inode becomes dirty. */
enum volume_change {
	PAGES,
	REST, /* such as the times, which whoever reads changes, too: those who have it open for writing count */
	CHANGES,
};

struct volume_device {
	__u64 cgroup_id;
	__u32 device; /* major << 20 | minor */
	__u32 unused;
};

struct volume_key {
	struct volume_device on;
	__u64 place; /* inode of the directory of the file, or id of the mount with BY_MOUNT: so that each is told once */
};

struct volume_use {
	__u32 mount_id; /* 0: not known */
	__u32 levels;
	__u64 above[LEVELS]; /* inodes of the directories above the file, nearest first; where the mount is known its root alone */
};

__u64 volume_uses_refused;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 2048);
	__type(key, struct volume_key);
	__type(value, struct volume_use);
} volume_uses SEC(".maps");

/* User space knows all about these. What is forgotten here is told once more. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 2048);
	__type(key, struct volume_device);
	__type(value, __u32);
} volume_settled SEC(".maps");

/* Who made what dirty last, in each way: most do so again and again. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, CHANGES);
	__type(key, enum volume_change);
	__type(value, __u64);
} volume_last SEC(".maps");

/* A regular file on something that is a volume? Answers its device, or 0. */
static __always_inline __u32 volume_of(struct inode *inode)
{
	if ((BPF_CORE_READ(inode, i_mode) & S_IFMT) != S_IFREG)
		return 0;
	struct super_block *sb = BPF_CORE_READ(inode, i_sb);
	__u32 device = BPF_CORE_READ(sb, s_dev);
	return device >> MINOR_BITS || BPF_CORE_READ(sb, s_magic) == ZFS_SUPER_MAGIC ? device : 0;
}

static __always_inline void name_mount(struct volume_use *use, struct file *file)
{
	struct vfsmount *vfsmount = BPF_CORE_READ(file, f_path.mnt);
	struct mount *mount = (void *)vfsmount - bpf_core_field_offset(struct mount, mnt);

	use->mount_id = BPF_CORE_READ(mount, mnt_id);
	use->levels = 1;
	use->above[0] = BPF_CORE_READ(vfsmount, mnt_root, d_inode, i_ino);
}

static __always_inline bool tell(const struct volume_key *key, const struct volume_use *use)
{
	if (!bpf_map_update_elem(&volume_uses, key, use, BPF_ANY))
		return true;
	__sync_fetch_and_add(&volume_uses_refused, 1);
	return false;
}

SEC("iter/task_file")
int volume_walk(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;

	if (!task || !file || !(BPF_CORE_READ(file, f_mode) & FMODE_WRITE))
		return 0;
	struct volume_key key = { .on.device = volume_of(BPF_CORE_READ(file, f_inode)) };
	struct volume_use use = {};
	if (!key.on.device)
		return 0;
	key.on.cgroup_id = task_cgroup_id(task);
	if (bpf_map_lookup_elem(&volume_settled, &key.on))
		return 0;
	name_mount(&use, file);
	key.place = BY_MOUNT | use.mount_id;
	tell(&key, &use);
	return 0;
}

static __always_inline struct dentry *name_of(struct inode *inode)
{
	struct hlist_node *alias = BPF_CORE_READ(inode, i_dentry.first);

	if (!alias)
		return NULL;
	if (bpf_core_field_exists(struct dentry, d_alias))
		return (void *)alias - bpf_core_field_offset(struct dentry, d_alias);
	return (void *)alias - bpf_core_field_offset(struct dentry___before_7, d_u.d_alias);
}

/* The file by which current writes to the inode, among its first ones; NULL where it has none, as with a mapping. */
static __always_inline struct file *file_of(struct inode *inode)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct fdtable *table = BPF_CORE_READ(task, files, fdt);
	struct file **files = BPF_CORE_READ(table, fd);
	__u32 count = BPF_CORE_READ(table, max_fds);

	for (__u32 i = 0; i < FILES; i++) {
		struct file *file = NULL;

		if (i >= count)
			break;
		bpf_probe_read_kernel(&file, sizeof(file), files + i);
		if (file && BPF_CORE_READ(file, f_inode) == inode && BPF_CORE_READ(file, f_mode) & FMODE_WRITE)
			return file;
	}
	return NULL;
}

static __always_inline void name_directories(struct volume_use *use, struct dentry *name)
{
	use->mount_id = 0;
	use->levels = 0;
	for (__u32 i = 0; i < LEVELS; i++) {
		struct dentry *parent = BPF_CORE_READ(name, d_parent);

		if (!parent || parent == name)
			break;
		use->above[i] = BPF_CORE_READ(parent, d_inode, i_ino);
		use->levels = i + 1;
		name = parent;
	}
}

/* Before it was an enumeration, of either name, the flag was 1 << 2, and 1 << 5 since 6.12. */
static __always_inline enum volume_change change_by(__u32 flags)
{
	__u32 pages = 1 << 2 | 1 << 5;

	if (bpf_core_enum_value_exists(enum inode_state_flags_enum, I_DIRTY_PAGES))
		pages = bpf_core_enum_value(enum inode_state_flags_enum, I_DIRTY_PAGES);
	else if (bpf_core_enum_value_exists(enum inode_state_flags_t, I_DIRTY_PAGES___in_6_18))
		pages = bpf_core_enum_value(enum inode_state_flags_t, I_DIRTY_PAGES___in_6_18);
	return flags & pages ? PAGES : REST;
}

/* False: it found no place, and is to be told the next time. */
static __always_inline bool dirtied(struct inode *inode, enum volume_change change)
{
	struct volume_key key = { .on.device = volume_of(inode) };
	struct volume_use use = {};

	if (!key.on.device)
		return true;
	key.on.cgroup_id = current_cgroup_id();
	if (bpf_map_lookup_elem(&volume_settled, &key.on))
		return true;
	struct dentry *name = name_of(inode);
	if (!name)
		return true;
	key.place = BPF_CORE_READ(name, d_parent, d_inode, i_ino);
	if (bpf_map_lookup_elem(&volume_uses, &key))
		return true;
	struct file *file = file_of(inode);
	if (file)
		name_mount(&use, file);
	else if (change == REST)
		return true;
	else
		name_directories(&use, name);
	return tell(&key, &use);
}

static __always_inline int changed(struct inode *inode, enum volume_change change)
{
	/*
	 * One word, so that it is whole whoever interrupts whom. Of numbers that do not come again soon: memory of a process or an
	 * inode that is gone is another's in a moment.
	 */
	__u64 who = (bpf_get_current_pid_tgid() >> 32) * 0x9e3779b97f4a7c15 + BPF_CORE_READ(inode, i_ino) * 31 +
		    (__u64)inode;
	__u64 *last = bpf_map_lookup_elem(&volume_last, &change);

	if (!last || *last == who)
		return 0;
	*last = who;
	if (!dirtied(inode, change))
		*last = 0;
	return 0;
}

SEC("raw_tp/writeback_mark_inode_dirty")
int volume_dirtied(struct bpf_raw_tracepoint_args *ctx)
{
	return changed((void *)ctx->args[0], change_by(ctx->args[1]));
}

/* XFS keeps times by itself: what is written past the page cache, or to a page that is dirty already, is seen here alone. */
SEC("raw_tp/xfs_update_time")
int volume_xfs_times(struct bpf_raw_tracepoint_args *ctx)
{
	if (!bpf_core_field_exists(struct xfs_inode, i_vnode))
		return 0;
	return changed((void *)ctx->args[0] + bpf_core_field_offset(struct xfs_inode, i_vnode), REST);
}

char LICENSE[] SEC("license") = "GPL";
