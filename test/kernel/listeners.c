/*
 * Listens where it is told to, in a cgroup of its own.
 *
 *   listeners CGROUP ADDRESS,PORT,BACKLOG[,only] ...    `only`: IPV6_V6ONLY
 *
 * Prints "ready", and "done" after each line that it is sent:
 *
 *   close     closes all of them
 *   fill N    begins N connections to the first, and waits until the kernel has said what there is to say
 */
#define _GNU_SOURCE
#include "../cgroup.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

static socklen_t parse(const char *address, const char *port, struct sockaddr_storage *out)
{
	struct sockaddr_in *v4 = (void *)out;
	struct sockaddr_in6 *v6 = (void *)out;

	memset(out, 0, sizeof(*out));
	if (inet_pton(AF_INET, address, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(atoi(port));
		return sizeof(*v4);
	}
	if (inet_pton(AF_INET6, address, &v6->sin6_addr) != 1)
		die(address);
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(atoi(port));
	return sizeof(*v6);
}

static int listen_at(char *what, struct sockaddr_storage *at, socklen_t *length)
{
	const char *address = strtok(what, ","), *port = strtok(NULL, ","), *backlog = strtok(NULL, ",");
	int only = strtok(NULL, ",") != NULL, on = 1;

	*length = parse(address, port, at);
	int fd = socket(at->ss_family, SOCK_STREAM, 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (at->ss_family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof(only)))
		die("IPV6_V6ONLY");
	if (bind(fd, (void *)at, *length) || listen(fd, atoi(backlog)))
		die(address);
	return fd;
}

static void fill(const struct sockaddr_storage *to, socklen_t length, int count)
{
	for (int i = 0; i < count; i++) {
		int fd = socket(to->ss_family, SOCK_STREAM | SOCK_NONBLOCK, 0);
		connect(fd, (const void *)to, length);
		usleep(20000);
	}
	usleep(200000);
}

int main(int argc, char **argv)
{
	struct sockaddr_storage first, other;
	socklen_t length, ignored;
	int fds[16], count = 0;
	char line[64];

	if (argc < 3 || argc > 18)
		return 2;
	enter(argv[1]);
	for (int i = 2; i < argc; i++, count++)
		fds[count] = i == 2 ? listen_at(argv[i], &first, &length) : listen_at(argv[i], &other, &ignored);
	puts("ready");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		if (!strncmp(line, "fill ", 5))
			fill(&first, length, atoi(line + 5));
		else
			for (int i = 0; i < count; i++)
				close(fds[i]);
		puts("done");
		fflush(stdout);
	}
	return 0;
}
