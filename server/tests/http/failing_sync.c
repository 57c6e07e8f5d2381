/* Makes fdatasync fail as a broken disk does, from the moment on that the file of SYNCS_FAIL_WHEN_THERE_IS is there. */
#include <errno.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

int fdatasync(int fd)
{
    const char *marker = getenv("SYNCS_FAIL_WHEN_THERE_IS");
    if (marker != NULL && access(marker, F_OK) == 0) {
        errno = EIO;
        return -1;
    }
    return (int)syscall(SYS_fdatasync, fd);
}
