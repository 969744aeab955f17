/* Records what a process does to the files below $TORTURE_ROOT, and what it sends to its clients, in order, in the file
   $TORTURE_TRACE. Preloaded; `recorder.py` reads the trace.

   A write is recorded before it is done, a sync before and after, a name's change after, and sent data before it is
   sent. So nothing counts as on the disk too early, or as promised too late.

   A record: kind u8 | synchronous u8 | number u64 | file u64 | offset i64 | text length u32 | data length u32 | text | data
   in the machine's own byte order, packed. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define REAL(name) static __typeof__(&name) real; if (!real) real = dlsym(RTLD_NEXT, #name)

struct __attribute__((packed)) head {
    uint8_t kind, synchronous;
    uint64_t number, file;
    int64_t offset;
    uint32_t text_length, data_length;
};

static int trace = -1;
static char root[PATH_MAX];
static size_t root_length;
static uint64_t counter;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static ssize_t (*put)(int, const struct iovec *, int);

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("TORTURE_TRACE"), *below = getenv("TORTURE_ROOT");
    if (!path || !below || !realpath(below, root)) return;
    root_length = strlen(root);
    int (*real_open)(const char *, int, ...) = dlsym(RTLD_NEXT, "open");
    put = dlsym(RTLD_NEXT, "writev");
    trace = real_open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static uint64_t note(char kind, int synchronous, uint64_t number, uint64_t file, int64_t offset, const char *text,
                     const struct iovec *data, int parts) {
    struct iovec all[64];
    struct head head = {kind, synchronous, number, file, offset, strlen(text), 0};
    if (trace < 0) return 0;
    if (parts > 62) abort(); /* LMDB gathers 64 at the most, and 16 as built here */
    all[0] = (struct iovec){&head, sizeof head};
    all[1] = (struct iovec){(void *)text, head.text_length};
    for (int i = 0; i < parts; i++) {
        all[i + 2] = data[i];
        head.data_length += data[i].iov_len;
    }
    int error = errno;
    sigset_t every, before;
    sigfillset(&every);
    /* Otherwise a signal handler that writes would wait here for a lock that its own thread holds. */
    pthread_sigmask(SIG_SETMASK, &every, &before);
    pthread_mutex_lock(&lock);
    if (!number) head.number = ++counter;
    ssize_t wanted = sizeof head + head.text_length + head.data_length;
    if (put(trace, all, parts + 2) != wanted) abort(); /* a trace with a hole would prove nothing */
    pthread_mutex_unlock(&lock);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = error;
    return head.number;
}

/* The path of an open file, relative to the root; NULL if it isn't below it. */
static const char *below_root(const char *path) {
    return strncmp(path, root, root_length) || path[root_length] != '/' ? NULL : path + root_length + 1;
}

static const char *path_of(int fd, char *into) {
    char link[64];
    if (trace < 0) return NULL;
    int error = errno;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, into, PATH_MAX - 1);
    errno = error;
    into[length > 0 ? length : 0] = 0;
    if (length <= 0) return NULL;
    if (!strcmp(into, root)) return ".";
    return below_root(into);
}

static const char *path_at(int folder, const char *name, char *into) {
    char base[PATH_MAX];
    if (trace < 0) return NULL;
    if (name[0] == '/') snprintf(into, PATH_MAX, "%s", name);
    else {
        if (folder == AT_FDCWD) {
            if (!getcwd(base, sizeof base)) return NULL;
        } else {
            char link[64];
            snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
            ssize_t length = readlink(link, base, sizeof base - 1);
            if (length <= 0) return NULL;
            base[length] = 0;
        }
        if (strlen(base) + strlen(name) + 2 > PATH_MAX) return NULL;
        strcpy(into, base);
        strcat(into, "/");
        strcat(into, name);
    }
    return below_root(into);
}

static uint64_t inode(int fd) {
    struct stat about;
    return fstat(fd, &about) ? 0 : about.st_ino;
}

static uint64_t note_write(int fd, int64_t offset, const struct iovec *data, int parts, int *synchronous) {
    char path[PATH_MAX];
    if (trace < 0) return 0;
    const char *name = path_of(fd, path);
    if (!name && !strncmp(path, "socket:", 7)) note('p', 0, 0, 0, 0, "", data, parts);
    if (!name) return 0;
    int flags = fcntl(fd, F_GETFL);
    if (offset < 0) offset = flags & O_APPEND ? lseek(fd, 0, SEEK_END) : lseek(fd, 0, SEEK_CUR);
    *synchronous = (flags & O_DSYNC) != 0;
    return note('w', *synchronous, 0, inode(fd), offset, name, data, parts);
}

static void note_done(int fd, uint64_t number, int synchronous) {
    if (number && synchronous) note('d', 1, number, inode(fd), 0, "", NULL, 0);
}

#define WRITING(fd, offset, data, parts, call)                            \
    int synchronous = 0;                                                  \
    uint64_t number = note_write(fd, offset, data, parts, &synchronous);  \
    ssize_t result = call;                                                \
    note_done(fd, number, synchronous);                                   \
    return result

ssize_t write(int fd, const void *data, size_t size) {
    REAL(write);
    struct iovec one = {(void *)data, size};
    WRITING(fd, -1, &one, 1, real(fd, data, size));
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t offset) {
    REAL(pwrite);
    struct iovec one = {(void *)data, size};
    WRITING(fd, offset, &one, 1, real(fd, data, size, offset));
}

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t offset) { return pwrite(fd, data, size, offset); }

ssize_t writev(int fd, const struct iovec *data, int parts) {
    REAL(writev);
    WRITING(fd, -1, data, parts, real(fd, data, parts));
}

ssize_t pwritev(int fd, const struct iovec *data, int parts, off_t offset) {
    REAL(pwritev);
    WRITING(fd, offset, data, parts, real(fd, data, parts, offset));
}

ssize_t pwritev64(int fd, const struct iovec *data, int parts, off64_t offset) {
    return pwritev(fd, data, parts, offset);
}

int ftruncate(int fd, off_t size) {
    REAL(ftruncate);
    char path[PATH_MAX];
    const char *name = path_of(fd, path);
    if (name) note('t', 0, 0, inode(fd), size, name, NULL, 0);
    return real(fd, size);
}

int ftruncate64(int fd, off64_t size) { return ftruncate(fd, size); }

static uint64_t note_sync(int fd) {
    char path[PATH_MAX];
    const char *name = path_of(fd, path);
    return name ? note('s', 0, 0, inode(fd), 0, name, NULL, 0) : 0;
}

#define SYNCING(call)                                                     \
    uint64_t number = note_sync(fd);                                      \
    int result = call;                                                    \
    if (number && !result) note('e', 0, number, inode(fd), 0, "", NULL, 0); \
    return result

int fsync(int fd) {
    REAL(fsync);
    SYNCING(real(fd));
}

int fdatasync(int fd) {
    REAL(fdatasync);
    SYNCING(real(fd));
}

static int opened(int fd, int existed, int flags, const char *name) {
    if (fd >= 0 && name && !existed) note('c', 0, 0, inode(fd), 0, name, NULL, 0);
    else if (fd >= 0 && name && flags & O_TRUNC) note('t', 0, 0, inode(fd), 0, name, NULL, 0);
    return fd;
}

static int open_at(int folder, const char *name, int flags, mode_t mode) {
    int (*real)(int, const char *, int, ...) = dlsym(RTLD_NEXT, "openat");
    char path[PATH_MAX];
    const char *below = flags & (O_CREAT | O_TRUNC) ? path_at(folder, name, path) : NULL;
    int error = errno, existed = below && access(path, F_OK) == 0;
    errno = error;
    return opened(real(folder, name, flags, mode), existed, flags, below);
}

#define MODE va_list more; va_start(more, flags); mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(more, mode_t) : 0; va_end(more)

int open(const char *name, int flags, ...) { MODE; return open_at(AT_FDCWD, name, flags, mode); }
int open64(const char *name, int flags, ...) { MODE; return open_at(AT_FDCWD, name, flags, mode); }
int openat(int folder, const char *name, int flags, ...) { MODE; return open_at(folder, name, flags, mode); }
int openat64(int folder, const char *name, int flags, ...) { MODE; return open_at(folder, name, flags, mode); }

static int note_name(int result, char kind, int folder, const char *name) {
    char path[PATH_MAX];
    const char *below = result ? NULL : path_at(folder, name, path);
    if (below) note(kind, 0, 0, 0, 0, below, NULL, 0);
    return result;
}

int mkdir(const char *name, mode_t mode) { REAL(mkdir); return note_name(real(name, mode), 'm', AT_FDCWD, name); }
int mkdirat(int folder, const char *name, mode_t mode) {
    REAL(mkdirat);
    return note_name(real(folder, name, mode), 'm', folder, name);
}
int rmdir(const char *name) { REAL(rmdir); return note_name(real(name), 'u', AT_FDCWD, name); }
int unlink(const char *name) { REAL(unlink); return note_name(real(name), 'u', AT_FDCWD, name); }
int unlinkat(int folder, const char *name, int flags) {
    REAL(unlinkat);
    return note_name(real(folder, name, flags), 'u', folder, name);
}

static int note_rename(int result, int from_folder, const char *from, int to_folder, const char *to) {
    char a[PATH_MAX], b[PATH_MAX];
    const char *old = result ? NULL : path_at(from_folder, from, a), *new = result ? NULL : path_at(to_folder, to, b);
    if (old && new) {
        struct iovec one = {(void *)new, strlen(new)};
        note('r', 0, 0, 0, 0, old, &one, 1);
    }
    return result;
}

int rename(const char *from, const char *to) {
    REAL(rename);
    return note_rename(real(from, to), AT_FDCWD, from, AT_FDCWD, to);
}
int renameat(int from_folder, const char *from, int to_folder, const char *to) {
    REAL(renameat);
    return note_rename(real(from_folder, from, to_folder, to), from_folder, from, to_folder, to);
}

static void note_sent(const void *data, size_t size) {
    struct iovec one = {(void *)data, size};
    note('p', 0, 0, 0, 0, "", &one, 1);
}

ssize_t send(int fd, const void *data, size_t size, int flags) {
    REAL(send);
    note_sent(data, size);
    return real(fd, data, size, flags);
}

ssize_t sendto(int fd, const void *data, size_t size, int flags, const struct sockaddr *to, socklen_t length) {
    REAL(sendto);
    note_sent(data, size);
    return real(fd, data, size, flags, to, length);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags) {
    REAL(sendmsg);
    for (size_t i = 0; i < message->msg_iovlen; i++)
        note_sent(message->msg_iov[i].iov_base, message->msg_iov[i].iov_len);
    return real(fd, message, flags);
}
