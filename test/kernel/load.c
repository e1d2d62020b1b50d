/*
 * Makes TCP connections and says how many: the ground truth of the tests beside it.
 *
 *   load [-c CGROUP] [-n] [-s] connect ADDRESS PORT COUNT   opens and resets COUNT connections, one after the other
 *   load [-c CGROUP] [-f]      hold ADDRESS PORT COUNT      opens COUNT connections, keeps them until stdin ends
 *   load [-c CGROUP]           retry ADDRESS PORT COUNT     the same as connect, after each socket failed at the next port
 *   load [-c CGROUP] [-n]      scan ADDRESS PORT COUNT      the same as connect, each at the next port
 *   load [-k]                  serve PORT                   accepts and closes, IPv4 and IPv6, until stdin ends
 *
 * -c enters a cgroup first. -n enters a network namespace of its own, with 127.0.0.1, 169.254.7.7 and 10.7.7.7.
 * -m connects by MPTCP. -o connects by TCP Fast Open, without a cookie: with the first byte.
 * -k sends 1 KiB and receives as much before it closes, on both sides. -r opens so many a second at most.
 * -s leaves its sockets no room for eBPF records (needs -n). -f sends as much as the peer takes. Prints "<established> <refused> <other>".
 */
#define _GNU_SOURCE
#include "../cgroup.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);
	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		die(path);
	close(fd);
}

static void set_address(int fd, const char *interface, const char *address)
{
	struct ifreq request = {};
	struct sockaddr_in *in = (void *)&request.ifr_addr;

	strncpy(request.ifr_name, interface, IFNAMSIZ - 1);
	if (address) {
		in->sin_family = AF_INET;
		inet_pton(AF_INET, address, &in->sin_addr);
		if (ioctl(fd, SIOCSIFADDR, &request))
			die(address);
	} else {
		request.ifr_flags = IFF_UP;
		if (ioctl(fd, SIOCSIFFLAGS, &request))
			die(interface);
	}
}

static void enter_namespace(void)
{
	if (unshare(CLONE_NEWNET))
		die("unshare");
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	set_address(fd, "lo", NULL);
	set_address(fd, "lo:1", "169.254.7.7");
	set_address(fd, "lo:2", "10.7.7.7");
	close(fd);
}

static socklen_t parse(const char *address, int port, struct sockaddr_storage *out)
{
	struct sockaddr_in *v4 = (void *)out;
	struct sockaddr_in6 *v6 = (void *)out;

	memset(out, 0, sizeof(*out));
	if (inet_pton(AF_INET, address, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		return sizeof(*v4);
	}
	if (inet_pton(AF_INET6, address, &v6->sin6_addr) != 1)
		die(address);
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(port);
	return sizeof(*v6);
}

static int multipath, fast_open, retry, scan, kilobyte;
static long rate;

static int new_socket(int family)
{
	int fd = socket(family, SOCK_STREAM, multipath ? 262 /* IPPROTO_MPTCP */ : 0), on = 1;

	if (fd < 0)
		die("socket");
	if (fast_open && (setsockopt(fd, IPPROTO_TCP, 34 /* TCP_FASTOPEN_NO_COOKIE */, &on, sizeof(on)) ||
			  setsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &on, sizeof(on))))
		die("TCP_FASTOPEN_CONNECT");
	return fd;
}

static int try_connect(int fd, struct sockaddr_storage *target, socklen_t length)
{
	if (connect(fd, (void *)target, length))
		return -1;
	if (!fast_open || send(fd, "", 1, MSG_NOSIGNAL) == 1)
		return 0;
	/* The peer has accepted and closed by now, with our byte unread: it was established. */
	return errno == ECONNRESET || errno == EPIPE ? 0 : -1;
}

/* Waits until the connection of this number is due. */
static void await_turn(long number)
{
	static struct timespec start;
	struct timespec due;

	if (!number)
		clock_gettime(CLOCK_MONOTONIC, &start);
	long ns = start.tv_nsec + number % rate * (1000000000L / rate);
	due.tv_sec = start.tv_sec + number / rate + ns / 1000000000L;
	due.tv_nsec = ns % 1000000000L;
	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL);
}

static int send_kilobyte(int fd)
{
	char bytes[1024] = {};

	return send(fd, bytes, sizeof(bytes), MSG_NOSIGNAL) == sizeof(bytes);
}

static int receive_kilobyte(int fd)
{
	char bytes[1024];

	return recv(fd, bytes, sizeof(bytes), MSG_WAITALL) == sizeof(bytes);
}

/* Resetting leaves no TIME_WAIT behind, so that local ports never run out. */
static void open_connections(const char *address, int port, long count, int keep, int fill)
{
	struct sockaddr_storage target, other_target;
	socklen_t length = parse(address, port, &target);
	struct linger reset = { .l_onoff = 1 };
	long established = 0, refused = 0, other = 0;

	parse(address, port + 1, &other_target);
	for (long i = 0; i < count; i++) {
		if (rate)
			await_turn(i);
		int fd = new_socket(target.ss_family);
		if (scan)
			parse(address, port + i, &target);
		if (retry && (!connect(fd, (void *)&other_target, length) || errno != ECONNREFUSED))
			die("the next port");
		if (try_connect(fd, &target, length) == 0)
			established++;
		else if (errno == ECONNREFUSED)
			refused++;
		else
			other++;
		if (kilobyte && !(send_kilobyte(fd) && receive_kilobyte(fd)))
			die("exchange");
		static char zeros[65536];
		while (fill && send(fd, zeros, sizeof(zeros), MSG_DONTWAIT) > 0)
			;
		if (keep)
			continue;
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
		close(fd);
	}
	printf("%ld %ld %ld\n", established, refused, other);
	fflush(stdout);
	char end;
	if (keep && read(0, &end, 1) < 0)
		die("stdin");
}

static void serve(int port)
{
	struct sockaddr_storage any;
	socklen_t length = parse("::", port, &any);
	int listener = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK, 0), on = 1;

	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(listener, (void *)&any, length) || listen(listener, 4096))
		die("listen");
	puts("ready");
	fflush(stdout);

	struct pollfd fds[] = { { .fd = listener, .events = POLLIN }, { .fd = 0, .events = POLLIN } };
	while (poll(fds, 2, -1) > 0 && !fds[1].revents) {
		int fd;
		while ((fd = accept4(listener, NULL, NULL, 0)) >= 0) {
			if (kilobyte && receive_kilobyte(fd))
				send_kilobyte(fd);
			close(fd);
		}
	}
}

int main(int argc, char **argv)
{
	int option, fill = 0;

	while ((option = getopt(argc, argv, "+c:fkmnor:s")) != -1) {
		if (option == 'c')
			enter(optarg);
		else if (option == 'f')
			fill = 1;
		else if (option == 'k')
			kilobyte = 1;
		else if (option == 'r')
			rate = atol(optarg);
		else if (option == 'm')
			multipath = 1;
		else if (option == 'o')
			fast_open = 1;
		else if (option == 'n')
			enter_namespace();
		else if (option == 's')
			write_file("/proc/sys/net/core/optmem_max", "0");
		else
			return 2;
	}
	argc -= optind;
	argv += optind;
	if (argc == 2 && !strcmp(argv[0], "serve"))
		serve(atoi(argv[1]));
	else if (argc == 4 && !strcmp(argv[0], "connect"))
		open_connections(argv[1], atoi(argv[2]), atol(argv[3]), 0, fill);
	else if (argc == 4 && !strcmp(argv[0], "retry")) {
		retry = 1;
		open_connections(argv[1], atoi(argv[2]), atol(argv[3]), 0, fill);
	} else if (argc == 4 && !strcmp(argv[0], "scan")) {
		scan = 1;
		open_connections(argv[1], atoi(argv[2]), atol(argv[3]), 0, fill);
	} else if (argc == 4 && !strcmp(argv[0], "hold"))
		open_connections(argv[1], atoi(argv[2]), atol(argv[3]), 1, fill);
	else
		return 2;
	return 0;
}
