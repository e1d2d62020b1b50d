/*
 * Uses a known amount of something in its cgroups: the ground truth of the tests beside it.
 *
 *   work [-c CGROUP]... burn MS         uses MS milliseconds of CPU
 *   work [-c CGROUP]... crowd MS        the same on the first CPU, where others that do so wait for it
 *   work [-c CGROUP]... touch MB        has MB megabytes of anonymous memory
 *   work [-c CGROUP]... cache FILE MB   writes MB megabytes to FILE and leaves them in the page cache
 *   work [-c CGROUP]... sync FILE N     writes N blocks to FILE and waits for the device each time
 *   work [-c CGROUP]... fork N ...      the same by N processes at a time, which have ended then and are
 *                                       what is told of first
 *
 * The work is done by a process in the cgroups, which prints what it used there: nanoseconds of CPU, nanoseconds of waiting for
 * a CPU (/proc/self/schedstat), ticks of waiting for block devices (field 42 of /proc/self/stat); and how long it had waited
 * for a CPU before it came and when it was there. Then it stays until stdin ends. Another process outside waits for it, prints
 * the nanoseconds of CPU that it used from first to last, without and with its coming, and ends as it did.
 */
#define _GNU_SOURCE
#include "../cgroup.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct used {
	long long cpu_ns, run_delay_ns, disk_ticks;
};

static long long cpu_ns(void)
{
	struct timespec used;

	if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used))
		die("clock_gettime");
	return used.tv_sec * 1000000000LL + used.tv_nsec;
}

static void touch(size_t bytes)
{
	char *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
			    0);

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

static void sync_blocks(const char *file, long blocks)
{
	static char block[4096];
	int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_DSYNC, 0600);

	if (fd < 0)
		die(file);
	for (; blocks > 0; blocks--)
		if (write(fd, block, sizeof(block)) != sizeof(block))
			die(file);
	close(fd);
}

/* Since the process began; the CPU time before the files are read. */
static struct used used_now(void)
{
	struct used used = { .cpu_ns = cpu_ns() };
	char text[4096];
	FILE *file = fopen("/proc/self/stat", "r");

	if (!file || !fgets(text, sizeof(text), file))
		die("/proc/self/stat");
	fclose(file);
	char *field = strrchr(text, ')');
	for (int i = 2; i < 42 && field; i++)
		field = strchr(field + 1, ' ');
	used.disk_ticks = field ? atoll(field) : 0;

	file = fopen("/proc/self/schedstat", "r");
	if (!file || fscanf(file, "%*d %lld", &used.run_delay_ns) != 1)
		die("/proc/self/schedstat");
	fclose(file);
	return used;
}

static void add(struct used *to, struct used what, int sign)
{
	to->cpu_ns += sign * what.cpu_ns;
	to->run_delay_ns += sign * what.run_delay_ns;
	to->disk_ticks += sign * what.disk_ticks;
}

static void burn(long long ms)
{
	for (long long start = cpu_ns(); cpu_ns() - start < ms * 1000000;)
		;
}

static void stay_on_first_cpu(void)
{
	cpu_set_t allowed, first;
	int cpu = 0;

	if (sched_getaffinity(0, sizeof(allowed), &allowed))
		die("sched_getaffinity");
	while (!CPU_ISSET(cpu, &allowed))
		cpu++;
	CPU_ZERO(&first);
	CPU_SET(cpu, &first);
	if (sched_setaffinity(0, sizeof(first), &first))
		die("sched_setaffinity");
}

static int work(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[0], "burn")) {
		burn(atoll(argv[1]));
	} else if (argc == 2 && !strcmp(argv[0], "crowd")) {
		stay_on_first_cpu();
		burn(atoll(argv[1]));
	} else if (argc == 2 && !strcmp(argv[0], "touch")) {
		touch(atol(argv[1]) << 20);
	} else if (argc == 3 && !strcmp(argv[0], "cache")) {
		cache(argv[1], atol(argv[2]) << 20);
	} else if (argc == 3 && !strcmp(argv[0], "sync")) {
		sync_blocks(argv[1], atol(argv[2]));
	} else {
		return 2;
	}
	return 0;
}

/* Each of them works in a file of its own, should it need one. */
static struct used work_forked(int processes, int argc, char **argv)
{
	struct used *used = mmap(NULL, sizeof(*used) * processes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct used sum = { 0 };
	int status;

	if (used == MAP_FAILED)
		die("mmap");
	for (int i = 0; i < processes; i++) {
		pid_t pid = fork();
		if (pid < 0)
			die("fork");
		if (pid)
			continue;
		char file[4096];
		if (argc == 3) {
			snprintf(file, sizeof(file), "%s.%d", argv[1], i);
			argv[1] = file;
		}
		if (work(argc, argv))
			_exit(2);
		used[i] = used_now();
		_exit(0);
	}
	while (wait(&status) > 0)
		if (status)
			exit(1);
	for (int i = 0; i < processes; i++)
		add(&sum, used[i], 1);
	return sum;
}

/* `came` has what it used before it came, and when it was there. */
static int work_inside(int argc, char **argv, struct used came[2])
{
	struct used used;
	char end;

	came[0] = used_now();
	for (; argc > 2 && !strcmp(argv[1], "-c"); argc -= 2, argv += 2)
		enter(argv[2]);
	came[1] = used_now();
	int processes = 0;
	if (argc > 3 && !strcmp(argv[1], "fork")) {
		processes = atoi(argv[2]);
		argc -= 2, argv += 2;
	}
	if (processes) {
		used = work_forked(processes, argc - 1, argv + 1);
	} else {
		if (work(argc - 1, argv + 1))
			return 2;
		used = used_now();
		add(&used, came[1], -1);
	}
	printf("%lld %lld %lld %lld %lld\n", used.cpu_ns, used.run_delay_ns, used.disk_ticks, came[0].run_delay_ns,
	       came[1].run_delay_ns);
	fflush(stdout);
	while (read(0, &end, 1) > 0)
		;
	return 0;
}

int main(int argc, char **argv)
{
	struct used *came =
		mmap(NULL, 2 * sizeof(*came), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct rusage total;
	int status;

	if (came == MAP_FAILED)
		die("mmap");
	pid_t pid = fork();
	if (pid < 0)
		die("fork");
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		exit(work_inside(argc, argv, came));
	}
	if (wait4(pid, &status, 0, &total) != pid)
		die("wait4");
	if (WIFSIGNALED(status))
		raise(WTERMSIG(status));
	long long cpu = (total.ru_utime.tv_sec + total.ru_stime.tv_sec) * 1000000000LL +
			(total.ru_utime.tv_usec + total.ru_stime.tv_usec) * 1000LL;
	printf("%lld %lld\n", cpu - came[1].cpu_ns, cpu - came[0].cpu_ns);
	return WEXITSTATUS(status);
}
