/*
 * Answers ICMP and ICMPv6 echo requests that leave through a TUN device, in ways of its own: echo DEVICE DELAY_MS.
 * Prints "ready" and goes on until it is killed. By the last byte of the address that is asked, if the byte before is 0:
 *
 *   2 after the delay   3 not at all   4 with another identifier   5 with other contents   6 cut short   7 from another address
 *   8 in all these ways, then right   9 twice   10 with another sequence number; any other at once
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

typedef unsigned char byte;

static int tun;

static unsigned sum(const byte *data, int length, unsigned start)
{
	for (int i = 0; i < length; i++)
		start += i % 2 ? data[i] : data[i] << 8;
	return start;
}

static void put_checksum(byte *at, unsigned total)
{
	while (total >> 16)
		total = (total & 0xffff) + (total >> 16);
	at[0] = ~total >> 8;
	at[1] = ~total;
}

/* Sends the reply to a request, changed in one way. */
static void answer(const byte *request, int length, int way)
{
	byte reply[2048];
	int six = request[0] >> 4 == 6, header = six ? 40 : 4 * (request[0] & 15);
	int address = six ? 16 : 4, source = six ? 8 : 12;

	memcpy(reply, request, length);
	memcpy(reply + source, request + source + address, address);
	memcpy(reply + source + address, request + source, address);
	byte *echo = reply + header;
	echo[0] = six ? 129 : 0;
	if (way == 4)
		echo[5] ^= 1;
	if (way == 10)
		echo[7] ^= 1;
	if (way == 5)
		echo[8] ^= 1;
	if (way == 6)
		length = header + 16;
	if (way == 7)
		reply[source + address - 1] ^= 0x40;
	echo[2] = echo[3] = 0;
	if (six) {
		reply[4] = 0;
		reply[5] = length - header;
		put_checksum(echo + 2, sum(echo, length - header, sum(reply + 8, 32, 58 + length - header)));
	} else {
		reply[2] = length >> 8;
		reply[3] = length;
		reply[10] = reply[11] = 0;
		put_checksum(reply + 10, sum(reply, header, 0));
		put_checksum(echo + 2, sum(echo, length - header, 0));
	}
	if (write(tun, reply, length) != length)
		perror("write");
}

int main(int argc, char **argv)
{
	struct ifreq request = { .ifr_flags = IFF_TUN | IFF_NO_PI };
	byte packet[2048];
	int length;

	strncpy(request.ifr_name, argv[1], IFNAMSIZ - 1);
	tun = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	if (argc != 3 || tun < 0 || ioctl(tun, TUNSETIFF, &request)) {
		perror("tun");
		return 1;
	}
	signal(SIGCHLD, SIG_IGN);
	puts("ready");
	fflush(stdout);
	while ((length = read(tun, packet, sizeof(packet))) > 0) {
		int six = packet[0] >> 4 == 6, header = six ? 40 : 4 * (packet[0] & 15);
		if (length < header + 8 || packet[six ? 6 : 9] != (six ? 58 : 1) || packet[header] != (six ? 128 : 8))
			continue;
		byte *to = packet + (six ? 38 : 18);
		int way = to[0] == 0 ? to[1] : 1;
		if (way == 3)
			continue;
		if (way == 2 && fork() == 0) {
			usleep(1000 * atoi(argv[2]));
			answer(packet, length, way);
			_exit(0);
		}
		for (int wrong = 4; way == 8 && wrong <= 7; wrong++)
			answer(packet, length, wrong);
		if (way != 2)
			answer(packet, length, way);
		if (way == 9)
			answer(packet, length, way);
	}
	return 0;
}
