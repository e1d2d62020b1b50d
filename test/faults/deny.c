/*
 * Starts a command to which the kernel refuses system calls.
 *
 *   deny ERRNO SYSCALL[:ARGUMENT],... COMMAND [ARGS...]
 *
 * ERRNO is a number. With ARGUMENT only calls with this first argument are refused: bpf:5 is BPF_PROG_LOAD. What the
 * command starts is refused the same, seccomp(2). Ends with 126 when the filter or the command cannot be had.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CALL(name) { #name, __NR_##name }

static const struct {
	const char *name;
	unsigned int number;
} calls[] = {
	CALL(bpf),	    CALL(clone3),	     CALL(fanotify_init), CALL(fanotify_mark), CALL(getdents64),
	CALL(getrandom),    CALL(inotify_add_watch), CALL(inotify_init1), CALL(io_uring_setup), CALL(mount),
	CALL(openat),	    CALL(perf_event_open),   CALL(pread64),	  CALL(prlimit64),	CALL(ptrace),
	CALL(readlinkat),   CALL(setns),	     CALL(socket),	  CALL(statfs),	CALL(statx),
	CALL(syslog),	    CALL(umount2),	     CALL(unshare),
};

#define MAX_RULES 16

static struct sock_filter filter[MAX_RULES * 6];
static unsigned short length;

static void emit(unsigned short code, unsigned int k, unsigned char otherwise)
{
	filter[length++] = (struct sock_filter)BPF_JUMP(code, k, 0, otherwise);
}

static void load(size_t offset)
{
	emit(BPF_LD | BPF_W | BPF_ABS, offset, 0);
}

static void fail(const char *what)
{
	fprintf(stderr, "deny: %s: %s\n", what, strerror(errno));
	exit(126);
}

static void refuse(const char *name, const char *argument, unsigned int error)
{
	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++) {
		if (strcmp(calls[i].name, name))
			continue;
		load(offsetof(struct seccomp_data, nr));
		emit(BPF_JMP | BPF_JEQ | BPF_K, calls[i].number, argument ? 3 : 1);
		if (argument) {
			load(offsetof(struct seccomp_data, args[0]));
			emit(BPF_JMP | BPF_JEQ | BPF_K, strtoul(argument, NULL, 0), 1);
		}
		emit(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error, 0);
		return;
	}
	errno = EINVAL;
	fail(name);
}

int main(int argc, char **argv)
{
	if (argc < 4) {
		errno = EINVAL;
		fail("arguments");
	}
	unsigned int error = strtoul(argv[1], NULL, 10);
	int rules = 0;
	for (char *rule = strtok(argv[2], ","); rule; rule = strtok(NULL, ",")) {
		if (rules++ == MAX_RULES) {
			errno = E2BIG;
			fail("system calls");
		}
		char *argument = strchr(rule, ':');
		if (argument)
			*argument++ = '\0';
		refuse(rule, argument, error);
	}
	emit(BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0);

	struct sock_fprog program = { length, filter };
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program)) {
		/* Without CAP_SYS_ADMIN a filter is for those who can gain no rights. */
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
			fail("seccomp");
	}
	execvp(argv[3], argv + 3);
	fail(argv[3]);
}
