/*
 * Moves bytes over TCP in every way in which a connection can end, and says how many: a ground truth.
 *
 *   traffic [-c CGROUP] serve PORT                  answers until stdin ends, IPv4 and IPv6
 *   traffic [-c CGROUP] exchange ADDRESS PORT COUNT makes COUNT connections, one after the other
 *
 * Every connection sends up to 64 KiB each way and ends as its number says: by the client, by the server, half closed
 * first, reset by either side, or by SIGKILL. Both print "<connections> <bytes sent> <bytes received> <nanoseconds in connect()>",
 * the server "ready" before.
 */
#define _GNU_SOURCE
#include "../cgroup.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum ending { BY_CLIENT, BY_SERVER, HALF_CLOSED, RESET_BY_CLIENT, RESET_BY_SERVER, KILLED, ENDINGS };

struct request {
	uint32_t up;
	uint32_t down;
	uint32_t ending;
};

/* Shared with a child that is killed. */
static struct totals {
	atomic_ulong connections, sent, received, connecting_ns;
} *totals;

static void send_bytes(int fd, const void *start, size_t bytes)
{
	static char zeros[1 << 16];
	const char *from = start ? start : zeros;

	for (size_t done = 0; done < bytes;) {
		ssize_t count = send(fd, from + (start ? done : 0), bytes - done, MSG_NOSIGNAL);
		if (count <= 0)
			die("send");
		done += count;
		totals->sent += count;
	}
}

/* Answers how many there were before the end. */
static size_t receive_bytes(int fd, void *to, size_t bytes)
{
	static __thread char sink[1 << 16];
	size_t done = 0;

	while (done < bytes) {
		size_t most = bytes - done < sizeof(sink) ? bytes - done : sizeof(sink);
		ssize_t count = recv(fd, to ? (char *)to + done : sink, most, 0);
		if (count <= 0)
			break;
		done += count;
		totals->received += count;
	}
	return done;
}

static void reset(int fd)
{
	struct linger now = { .l_onoff = 1 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(fd);
}

static void *answer(void *argument)
{
	int fd = (intptr_t)argument;
	struct request request;

	totals->connections++;
	if (receive_bytes(fd, &request, sizeof(request)) != sizeof(request)) {
		close(fd); /* who asks for nothing only wants to be connected */
		return NULL;
	}
	if (receive_bytes(fd, NULL, request.up) != request.up)
		die("upload");
	if (request.ending == HALF_CLOSED)
		receive_bytes(fd, NULL, 1);
	send_bytes(fd, NULL, request.down);
	if (request.ending == RESET_BY_SERVER) {
		receive_bytes(fd, NULL, 1); /* the client has it all */
		reset(fd);
		return NULL;
	}
	if (request.ending != BY_SERVER && request.ending != HALF_CLOSED)
		receive_bytes(fd, NULL, 1);
	close(fd);
	return NULL;
}

static int serve(int port)
{
	int yes = 1, fd = socket(AF_INET6, SOCK_STREAM, 0), no = 0;
	struct sockaddr_in6 at = { .sin6_family = AF_INET6, .sin6_port = htons(port) };

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof(no));
	if (bind(fd, (void *)&at, sizeof(at)) || listen(fd, 1024))
		die("listen");
	puts("ready");
	fflush(stdout);
	for (;;) {
		struct pollfd waits[] = { { .fd = fd, .events = POLLIN }, { .fd = 0, .events = POLLIN } };
		poll(waits, 2, -1);
		if (waits[1].revents)
			break;
		pthread_t thread;
		if (pthread_create(&thread, NULL, answer, (void *)(intptr_t)accept(fd, NULL, NULL)))
			die("thread");
		pthread_detach(thread);
	}
	return 0;
}

static unsigned long now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000UL + now.tv_nsec;
}

static int connect_to(const char *address, int port)
{
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(port) };
	int is_v4 = inet_pton(AF_INET, address, &v4.sin_addr) == 1;

	if (!is_v4 && inet_pton(AF_INET6, address, &v6.sin6_addr) != 1)
		die(address);
	int fd = socket(is_v4 ? AF_INET : AF_INET6, SOCK_STREAM, 0);
	unsigned long start = now_ns();
	if (fd < 0 || connect(fd, is_v4 ? (void *)&v4 : (void *)&v6, is_v4 ? sizeof(v4) : sizeof(v6)))
		die("connect");
	totals->connecting_ns += now_ns() - start;
	return fd;
}

static void exchange_on(int fd, const struct request *request)
{
	totals->connections++;
	send_bytes(fd, request, sizeof(*request));
	send_bytes(fd, NULL, request->up);
	if (request->ending == HALF_CLOSED)
		shutdown(fd, SHUT_WR);
	if (receive_bytes(fd, NULL, request->down) != request->down)
		die("download");
	if (request->ending == RESET_BY_SERVER)
		send_bytes(fd, "!", 1);
	if (request->ending != BY_CLIENT && request->ending != RESET_BY_CLIENT && request->ending != KILLED)
		receive_bytes(fd, NULL, 1);
	if (request->ending == KILLED)
		kill(getpid(), SIGKILL);
	if (request->ending == RESET_BY_CLIENT)
		reset(fd);
	else
		close(fd);
}

static void exchange(const char *address, int port, int count)
{
	for (int number = 0; number < count; number++) {
		struct request request = { rand() % 65536, rand() % 65536, number % ENDINGS };
		if (request.ending != KILLED) {
			exchange_on(connect_to(address, port), &request);
			continue;
		}
		pid_t child = fork();
		if (!child) {
			exchange_on(connect_to(address, port), &request);
			_exit(1);
		}
		int status;
		if (waitpid(child, &status, 0) != child || !WIFSIGNALED(status))
			die("kill");
	}
}

int main(int argc, char **argv)
{
	if (argc > 3 && !strcmp(argv[1], "-c")) {
		enter(argv[2]);
		argv += 2;
		argc -= 2;
	}
	totals = mmap(NULL, sizeof(*totals), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (argc == 3 && !strcmp(argv[1], "serve"))
		serve(atoi(argv[2]));
	else if (argc == 5 && !strcmp(argv[1], "exchange"))
		exchange(argv[2], atoi(argv[3]), atoi(argv[4]));
	else
		die("usage");
	printf("%lu %lu %lu %lu\n", totals->connections, totals->sent, totals->received, totals->connecting_ns);
	return 0;
}
