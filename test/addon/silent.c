/* Mounts a file system that never answers, as a dead NFS server does, and waits to be killed: silent <directory>. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>
#include <unistd.h>

int main(int count, char **arguments)
{
	char options[128];
	int fuse = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (count != 2 || fuse < 0)
		return 1;
	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0", fuse);
	if (mount("silent", arguments[1], "fuse", 0, options) != 0)
		return 1;
	puts("mounted");
	fflush(stdout);
	pause();
	return 0;
}
