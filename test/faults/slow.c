/*
 * Mounts a file system that is one file over a file, and answers for it late: slow FILE CONTENTS DELAY_MS.
 *
 * Contents are those of the file CONTENTS when the server starts, 64 KiB at most. Every read(2) waits DELAY_MS.
 * While the server is stopped (SIGSTOP) nothing is answered, as by a dead NFS server. Prints a line when it is mounted.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

static char contents[64 * 1024];
static size_t contents_bytes;

static void answer(int fuse, unsigned long unique, int error, const void *body, size_t bytes)
{
	static char message[sizeof(struct fuse_out_header) + sizeof(contents)];
	struct fuse_out_header header = { .len = sizeof(header) + bytes, .error = -error, .unique = unique };

	memcpy(message, &header, sizeof(header));
	if (bytes)
		memcpy(message + sizeof(header), body, bytes);
	/* ENOENT: whoever asked has given up. */
	if (write(fuse, message, header.len) < 0 && errno != ENOENT)
		exit(1);
}

static void answer_read(int fuse, unsigned long unique, const struct fuse_read_in *read)
{
	size_t start = read->offset < contents_bytes ? read->offset : contents_bytes;
	size_t bytes = contents_bytes - start < read->size ? contents_bytes - start : read->size;

	answer(fuse, unique, 0, contents + start, bytes);
}

static void serve(int fuse, const struct fuse_in_header *request, useconds_t delay_us)
{
	const void *body = request + 1;

	switch (request->opcode) {
	case FUSE_INIT: {
		struct fuse_init_out init = {
			.major = FUSE_KERNEL_VERSION,
			.minor = FUSE_KERNEL_MINOR_VERSION,
			.max_readahead = ((const struct fuse_init_in *)body)->max_readahead,
			.max_write = 4096,
		};
		answer(fuse, request->unique, 0, &init, sizeof(init));
		return;
	}
	case FUSE_GETATTR: {
		struct fuse_attr_out attributes = {
			.attr = { .ino = FUSE_ROOT_ID, .size = contents_bytes, .mode = S_IFREG | 0444, .nlink = 1 },
		};
		answer(fuse, request->unique, 0, &attributes, sizeof(attributes));
		return;
	}
	case FUSE_OPEN: {
		struct fuse_open_out open = { .open_flags = FOPEN_DIRECT_IO };
		answer(fuse, request->unique, 0, &open, sizeof(open));
		return;
	}
	case FUSE_READ:
		usleep(delay_us);
		answer_read(fuse, request->unique, body);
		return;
	case FUSE_FLUSH:
	case FUSE_RELEASE:
		answer(fuse, request->unique, 0, NULL, 0);
		return;
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT:
		return;
	default:
		answer(fuse, request->unique, ENOSYS, NULL, 0);
	}
}

int main(int count, char **arguments)
{
	static char request[FUSE_MIN_READ_BUFFER + 4096];
	char options[128];
	int fuse = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	int source = count == 4 ? open(arguments[2], O_RDONLY) : -1;

	if (fuse < 0 || source < 0) {
		perror("slow");
		return 1;
	}
	for (ssize_t got; (got = read(source, contents + contents_bytes, sizeof(contents) - contents_bytes)) > 0;)
		contents_bytes += got;
	snprintf(options, sizeof(options), "fd=%d,rootmode=100444,user_id=0,group_id=0,allow_other", fuse);
	if (mount("slow", arguments[1], "fuse", MS_NOSUID | MS_NODEV, options)) {
		perror(arguments[1]);
		return 1;
	}
	puts("mounted");
	fflush(stdout);
	for (;;) {
		if (read(fuse, request, sizeof(request)) < 0) {
			if (errno == ENODEV)
				return 0;
			if (errno != EINTR && errno != ENOENT)
				return 1;
			continue;
		}
		serve(fuse, (const struct fuse_in_header *)request, atoi(arguments[3]) * 1000);
	}
}
