/*
 * Does one thing with a file, in cgroups and a mount namespace: the ground truth of the tests beside it.
 *
 *   write [-c CGROUP]... [-n] [-j PID] [-b SOURCE TARGET]... [-r SOURCE TARGET]... ACT FILE [BYTES]
 *
 * -n has a mount namespace of its own, -j enters that of another process; -b binds a directory there, -r read-only. Acts:
 *
 *   create             makes the file                        map      writes a byte through a mapping
 *   write BYTES        writes to it                          truncate makes it empty by ftruncate
 *   direct BYTES       writes to it past the page cache      empty    makes it empty by O_TRUNC
 *   fetch BYTES        reads from it past the page cache     open     opens it for writing
 *   read               reads from it                         hold     opens it for writing and stays
 *   keep               opens it for reading and stays        stay     stays, without the file
 *
 * Those that stay print a line and end with stdin. The file must be there but for `create`.
 */
#define _GNU_SOURCE
#include "../cgroup.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <unistd.h>

static void join(const char *pid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%s/ns/mnt", pid);
	int fd = open(path, O_RDONLY);
	if (fd < 0 || setns(fd, CLONE_NEWNS))
		die(path);
	close(fd);
}

static void bind(const char *source, const char *target, int read_only)
{
	if (mount(source, target, NULL, MS_BIND, NULL) ||
	    (read_only && mount(NULL, target, NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL)))
		die(target);
}

static void transfer(int fd, size_t left, int writes)
{
	static char block[1 << 20] __attribute__((aligned(4096)));

	while (left > 0) {
		size_t bytes = left < sizeof(block) ? left : sizeof(block);
		ssize_t done = writes ? write(fd, block, bytes) : read(fd, block, bytes);
		if (done <= 0)
			die("transfer");
		left -= done;
	}
}

static int opened(const char *file, int flags)
{
	int fd = open(file, flags, 0600);

	if (fd < 0)
		die(file);
	return fd;
}

static void stay(void)
{
	char end;

	puts("here");
	fflush(stdout);
	while (read(0, &end, 1) > 0)
		;
	puts("gone");
}

int main(int argc, char **argv)
{
	for (; argc > 2 && argv[1][0] == '-'; argc--, argv++) {
		char option = argv[1][1];
		int words = option == 'n' ? 0 : option == 'c' || option == 'j' ? 1 : 2;

		if (option == 'c')
			enter(argv[2]);
		else if (option == 'j')
			join(argv[2]);
		else if (option == 'n' && (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL)))
			die("unshare");
		else if (words == 2)
			bind(argv[2], argv[3], option == 'r');
		argc -= words;
		argv += words;
	}
	if (argc < 3)
		return 2;
	const char *act = argv[1], *file = argv[2];
	size_t bytes = argc > 3 ? atoll(argv[3]) : 4096;

	if (!strcmp(act, "create"))
		opened(file, O_WRONLY | O_CREAT | O_EXCL);
	else if (!strcmp(act, "write"))
		transfer(opened(file, O_WRONLY), bytes, 1);
	else if (!strcmp(act, "direct"))
		transfer(opened(file, O_WRONLY | O_DIRECT), bytes, 1);
	else if (!strcmp(act, "fetch"))
		transfer(opened(file, O_RDONLY | O_DIRECT), bytes, 0);
	else if (!strcmp(act, "read"))
		transfer(opened(file, O_RDONLY), bytes, 0);
	else if (!strcmp(act, "truncate")) {
		if (ftruncate(opened(file, O_RDWR), 0))
			die(file);
	} else if (!strcmp(act, "empty"))
		opened(file, O_WRONLY | O_TRUNC);
	else if (!strcmp(act, "open"))
		opened(file, O_WRONLY);
	else if (!strcmp(act, "map")) {
		int fd = opened(file, O_RDWR);
		char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		close(fd);
		if (page == MAP_FAILED)
			die("mmap");
		*page = 1;
	} else if (!strcmp(act, "hold"))
		opened(file, O_RDWR);
	else if (!strcmp(act, "keep"))
		opened(file, O_RDONLY);
	else if (strcmp(act, "stay"))
		return 2;
	if (!strcmp(act, "hold") || !strcmp(act, "keep") || !strcmp(act, "stay"))
		stay();
	return 0;
}
