/*
 * Connects that fail in one way, and says how many did: a ground truth.
 *
 *   failures -c CGROUP refused ADDRESS PORT COUNT      nobody listens there
 *   failures -c CGROUP cancelled ADDRESS PORT COUNT    given up after 100 ms
 *   failures -c CGROUP pending ADDRESS PORT COUNT      given up when stdin ends; prints "ready" before
 *   failures -c CGROUP given-up ADDRESS PORT COUNT     given up after 1.3 s, as a dial time-out does
 *   failures -c CGROUP timeout ADDRESS PORT COUNT      ended by the kernel (TCP_USER_TIMEOUT)
 *   failures -c CGROUP unreachable ADDRESS PORT COUNT  by what routers say
 *   failures -c CGROUP no-port ADDRESS PORT COUNT      all own ports are taken, by connections to itself
 *   failures deaf PORT                                 listens with a full queue, so that SYNs get no answer
 *
 * Prints "<count> <SYNs that were sent again>", or "ready".
 */
#define _GNU_SOURCE
#include "../cgroup.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct sockaddr_in target(const char *address, const char *port)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(atoi(port)) };

	if (inet_pton(AF_INET, address, &to.sin_addr) != 1)
		die(address);
	return to;
}

static int begin(const struct sockaddr_in *to, unsigned int patience_ms)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	if (patience_ms && setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &patience_ms, sizeof(patience_ms)))
		die("TCP_USER_TIMEOUT");
	if (!connect(fd, (void *)to, sizeof(*to)) || errno != EINPROGRESS)
		die("connect");
	return fd;
}

static unsigned int sent_again(int fd)
{
	struct tcp_info info;
	socklen_t length = sizeof(info);

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length))
		die("TCP_INFO");
	return info.tcpi_total_retrans;
}

/* Opens all at once and closes them after a while. */
static unsigned int give_up(const struct sockaddr_in *to, int count, int after_ms)
{
	int fds[count];
	unsigned int again = 0;

	for (int i = 0; i < count; i++)
		fds[i] = begin(to, 0);
	usleep(after_ms * 1000);
	for (int i = 0; i < count; i++) {
		again += sent_again(fds[i]);
		close(fds[i]);
	}
	return again;
}

/* Opens all, and ends with them when stdin does. */
static void keep_pending(const struct sockaddr_in *to, int count)
{
	char end;

	for (int i = 0; i < count; i++)
		begin(to, 0);
	puts("ready");
	fflush(stdout);
	if (read(0, &end, 1) < 0)
		die("stdin");
}

static int is_closed(int fd)
{
	struct tcp_info info;
	socklen_t length = sizeof(info);

	return !getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length) && info.tcpi_state == TCP_CLOSE;
}

/* Waits until the kernel has ended each with this error. */
static unsigned int fail(const struct sockaddr_in *to, int count, int expected, unsigned int patience_ms)
{
	int fds[count];
	unsigned int again = 0;

	for (int i = 0; i < count; i++)
		fds[i] = begin(to, patience_ms);
	for (int i = 0; i < count; i++) {
		int error = 0;
		socklen_t length = sizeof(error);
		while (!is_closed(fds[i])) /* what poll() tells may be a first complaint of a router */
			usleep(1000);
		again += sent_again(fds[i]);
		getsockopt(fds[i], SOL_SOCKET, SO_ERROR, &error, &length);
		if (error != expected && !(expected == EHOSTUNREACH && error == ENETUNREACH)) {
			errno = error;
			die("another error");
		}
		close(fds[i]);
	}
	return again;
}

static void exhaust(const struct sockaddr_in *to, int count)
{
	int listener = socket(AF_INET, SOCK_STREAM, 0);

	if (bind(listener, (void *)to, sizeof(*to)) || listen(listener, 100))
		die("listen");
	while (count > 0) {
		int fd = socket(AF_INET, SOCK_STREAM, 0);
		if (!connect(fd, (void *)to, sizeof(*to)))
			continue;
		if (errno != EADDRNOTAVAIL)
			die("connect");
		close(fd);
		count--;
	}
}

static void be_deaf(const char *port)
{
	struct sockaddr_in at = target("127.0.0.1", port);
	int listener = socket(AF_INET, SOCK_STREAM, 0), on = 1;
	char end;

	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(listener, (void *)&at, sizeof(at)) || listen(listener, 0))
		die("listen");
	for (int i = 0; i < 2; i++)
		begin(&at, 0);
	usleep(100000);
	puts("ready");
	fflush(stdout);
	if (read(0, &end, 1) < 0)
		die("stdin");
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "deaf")) {
		be_deaf(argv[2]);
		return 0;
	}
	if (argc != 7)
		return 2;
	enter(argv[2]);
	const char *how = argv[3];
	struct sockaddr_in to = target(argv[4], argv[5]);
	int count = atoi(argv[6]);
	unsigned int again;

	if (!strcmp(how, "refused"))
		again = fail(&to, count, ECONNREFUSED, 0);
	else if (!strcmp(how, "cancelled"))
		again = give_up(&to, count, 100);
	else if (!strcmp(how, "pending"))
		keep_pending(&to, count), again = 0;
	else if (!strcmp(how, "given-up"))
		again = give_up(&to, count, 1300);
	else if (!strcmp(how, "timeout"))
		again = fail(&to, count, ETIMEDOUT, 700);
	else if (!strcmp(how, "unreachable"))
		again = fail(&to, count, EHOSTUNREACH, 0);
	else if (!strcmp(how, "no-port"))
		exhaust(&to, count), again = 0;
	else
		return 2;
	printf("%d %u\n", count, again);
	return 0;
}
