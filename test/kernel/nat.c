/*
 * What the tests of NAT need besides load.c.
 *
 *   nat [-c CGROUP] serve PORT...   accepts and closes, IPv4 and IPv6, until stdin ends; then prints "<address> <port> <count>" a line
 *   nat [-c CGROUP] keep PORT...    the same, but what it has accepted stays open
 *   nat send PID                    sends each line of stdin, a netlink message in hex, to the NETLINK_NETFILTER socket of PID
 */
#define _GNU_SOURCE
#include "../cgroup.h"

#include <arpa/inet.h>
#include <linux/netlink.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MOST 64

static struct end {
	struct in6_addr address;
	int port;
	long count;
} ends[MOST];

static void count(int fd)
{
	struct sockaddr_in6 own;
	socklen_t length = sizeof(own);

	if (getsockname(fd, (void *)&own, &length))
		die("getsockname");
	for (int i = 0; i < MOST; i++) {
		struct end *end = &ends[i];
		if (!end->port) {
			end->address = own.sin6_addr;
			end->port = ntohs(own.sin6_port);
		}
		if (end->port == ntohs(own.sin6_port) && !memcmp(&end->address, &own.sin6_addr, sizeof(own.sin6_addr))) {
			end->count++;
			return;
		}
	}
}

static int listen_at(int port)
{
	struct sockaddr_in6 any = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK, 0), on = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (void *)&any, sizeof(any)) || listen(fd, 4096))
		die("listen");
	return fd;
}

static void serve(int listeners, char **ports, int keeps)
{
	struct pollfd fds[MOST] = { { .fd = 0, .events = POLLIN } };
	char text[INET6_ADDRSTRLEN];

	for (int i = 0; i < listeners; i++)
		fds[i + 1] = (struct pollfd){ .fd = listen_at(atoi(ports[i])), .events = POLLIN };
	puts("ready");
	fflush(stdout);
	/* To the end of stdin, and then for what is still under way. */
	while (poll(fds, listeners + 1, fds[0].fd < 0 ? 500 : -1) > 0) {
		if (fds[0].revents)
			fds[0].fd = -1;
		for (int i = 1; i <= listeners; i++) {
			int fd;
			while (fds[i].revents && (fd = accept4(fds[i].fd, NULL, NULL, 0)) >= 0) {
				count(fd);
				if (!keeps)
					close(fd);
			}
		}
	}
	for (struct end *end = ends; end < ends + MOST && end->port; end++)
		printf("%s %d %ld\n", inet_ntop(AF_INET6, &end->address, text, sizeof(text)), end->port, end->count);
}

static void send_messages(int pid)
{
	struct sockaddr_nl to = { .nl_family = AF_NETLINK, .nl_pid = pid };
	int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER);
	char line[4096];

	while (fgets(line, sizeof(line), stdin)) {
		unsigned char message[sizeof(line) / 2];
		size_t bytes = 0;
		while (bytes < sizeof(message) && sscanf(line + 2 * bytes, "%2hhx", &message[bytes]) == 1)
			bytes++;
		if (sendto(fd, message, bytes, 0, (void *)&to, sizeof(to)) < 0)
			die("sendto");
	}
}

int main(int argc, char **argv)
{
	if (argc > 3 && !strcmp(argv[1], "-c")) {
		enter(argv[2]);
		argv += 2;
		argc -= 2;
	}
	int keeps = argc > 1 && !strcmp(argv[1], "keep");
	if (argc > 2 && argc < MOST && (keeps || !strcmp(argv[1], "serve")))
		serve(argc - 2, argv + 2, keeps);
	else if (argc == 3 && !strcmp(argv[1], "send"))
		send_messages(atoi(argv[2]));
	else
		return 2;
	return 0;
}
