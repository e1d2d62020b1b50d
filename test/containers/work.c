/*
 * Uses a known amount of something in its cgroups: the ground truth of the tests beside it.
 *
 *   work [-c CGROUP]... burn MS         uses MS milliseconds of CPU
 *   work [-c CGROUP]... touch MB        has MB megabytes of anonymous memory
 *   work [-c CGROUP]... cache FILE MB   writes MB megabytes to FILE and leaves them in the page cache
 *
 * Prints the nanoseconds of CPU that it used in the cgroups, then stays until stdin ends.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static long long cpu_ns(void)
{
	struct timespec used;

	if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used))
		die("clock_gettime");
	return used.tv_sec * 1000000000LL + used.tv_nsec;
}

static void enter(const char *cgroup)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/cgroup.procs", cgroup);
	int fd = open(path, O_WRONLY);
	if (fd < 0 || write(fd, "0", 1) != 1)
		die(path);
	close(fd);
}

static void touch(size_t bytes)
{
	char *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		die("mmap");
	memset(memory, 1, bytes);
}

static void cache(const char *file, size_t bytes)
{
	static char block[1 << 20];
	int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd < 0)
		die(file);
	for (size_t written = 0; written < bytes; written += sizeof(block))
		if (write(fd, block, sizeof(block)) != sizeof(block))
			die(file);
	close(fd);
}

int main(int argc, char **argv)
{
	char end;

	for (; argc > 2 && !strcmp(argv[1], "-c"); argc -= 2, argv += 2)
		enter(argv[2]);
	long long start = cpu_ns();
	if (argc == 3 && !strcmp(argv[1], "burn"))
		while (cpu_ns() - start < atoll(argv[2]) * 1000000)
			;
	else if (argc == 3 && !strcmp(argv[1], "touch"))
		touch(atol(argv[2]) << 20);
	else if (argc == 4 && !strcmp(argv[1], "cache"))
		cache(argv[2], atol(argv[3]) << 20);
	else
		return 2;
	printf("%lld\n", cpu_ns() - start);
	fflush(stdout);
	while (read(0, &end, 1) > 0)
		;
	return 0;
}
