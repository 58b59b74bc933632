/* A disk with faults, laid between a program and its spool files by LD_PRELOAD: write() on *.spool files, and syncfs().
 *
 * SPOOL_DISK_ORDERS names a file that is read at every call, one order a line: CALL PATH-PART FAULT NUMBER. A call on a
 * path that holds PATH-PART then
 *     delay N     takes N ms longer
 *     full 0      writes a third of it, and the rest fails with ENOSPC
 *     tear 0      writes a third of it, and never returns
 *     lose 0      (syncfs) fails with EIO, and what no earlier one covered is gone from the files
 * SPOOL_DISK_NOTES is where every syncfs that succeeded writes: BEGAN ENDED (Unix s), then NAME=BYTES of every spool as
 * it was when it began: what a power cut would leave from then on.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define MAX_FILES 64
#define MAX_PATH 512

struct kept {
    char path[MAX_PATH];
    off_t bytes;
};

/* What the last sync of each file covered; every disk has a thread that syncs it. */
static pthread_mutex_t keeping = PTHREAD_MUTEX_INITIALIZER;
static struct kept kept[MAX_FILES];
static int n_kept;
static int is_full;

static void nap(long ms) {
    struct timespec rest = {ms / 1000, (ms % 1000) * 1000000L};
    while (nanosleep(&rest, &rest) && errno == EINTR) {
    }
}

static double now(void) {
    struct timespec at;
    clock_gettime(CLOCK_REALTIME, &at);
    return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

/* The fault ordered for this call on this path, and its number; empty: none. */
static long ordered(const char *call, const char *path, char *fault) {
    char a_call[16], part[MAX_PATH], a_fault[16];
    long number = 0, found = 0;
    const char *orders = getenv("SPOOL_DISK_ORDERS");
    FILE *file = orders ? fopen(orders, "r") : NULL;
    fault[0] = 0;
    while (file && fscanf(file, "%15s %511s %15s %ld", a_call, part, a_fault, &number) == 4) {
        if (!strcmp(a_call, call) && strstr(path, part)) {
            strcpy(fault, a_fault);
            found = number;
        }
    }
    if (file)
        fclose(file);
    return found;
}

static int path_of(int fd, char *path) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, MAX_PATH - 1);
    path[length > 0 ? length : 0] = 0;
    return length > 0;
}

static int is_spool(const char *path) {
    size_t length = strlen(path);
    return length > 6 && !strcmp(path + length - 6, ".spool");
}

ssize_t write(int fd, const void *bytes, size_t count) {
    char path[MAX_PATH], fault[16] = "";
    int saved = errno;
    if (fd > 2 && path_of(fd, path) && is_spool(path)) {
        long number = ordered("write", path, fault);
        if (!strcmp(fault, "delay"))
            nap(number);
        if (!strcmp(fault, "full") && is_full) {
            errno = ENOSPC;
            return -1;
        }
        if (!strcmp(fault, "full") || !strcmp(fault, "tear")) {
            ssize_t written = syscall(SYS_write, fd, bytes, count / 3);
            while (!strcmp(fault, "tear"))
                pause();
            is_full = 1;
            return written;
        }
    }
    errno = saved;
    return syscall(SYS_write, fd, bytes, count);
}

static int look(const char *directory, struct kept *files) {
    int count = 0;
    DIR *listing = opendir(directory);
    struct dirent *entry;
    while (listing && (entry = readdir(listing)) && count < MAX_FILES) {
        struct stat seen;
        if (!is_spool(entry->d_name))
            continue;
        if (snprintf(files[count].path, MAX_PATH, "%s/%s", directory, entry->d_name) < MAX_PATH &&
            !stat(files[count].path, &seen))
            files[count++].bytes = seen.st_size;
    }
    if (listing)
        closedir(listing);
    return count;
}

/* What is known of a file; it is noted when it is new. */
static struct kept *known(const char *path) {
    for (int k = 0; k < n_kept; k++)
        if (!strcmp(kept[k].path, path))
            return &kept[k];
    if (n_kept == MAX_FILES)
        abort();
    strcpy(kept[n_kept].path, path);
    return &kept[n_kept++];
}

static void lose(const struct kept *files, int count) {
    pthread_mutex_lock(&keeping);
    for (int i = 0; i < count; i++)
        if (truncate(files[i].path, known(files[i].path)->bytes))
            abort();
    pthread_mutex_unlock(&keeping);
}

static void keep(const struct kept *files, int count) {
    pthread_mutex_lock(&keeping);
    for (int i = 0; i < count; i++)
        known(files[i].path)->bytes = files[i].bytes;
    pthread_mutex_unlock(&keeping);
}

static void take_note(double began, const struct kept *files, int count) {
    const char *notes = getenv("SPOOL_DISK_NOTES");
    FILE *file = notes ? fopen(notes, "a") : NULL;
    if (!file)
        return;
    fprintf(file, "%.6f %.6f", began, now());
    for (int i = 0; i < count; i++)
        fprintf(file, " %s=%lld", files[i].path, (long long)files[i].bytes);
    fprintf(file, "\n");
    fclose(file);
}

int syncfs(int fd) {
    char path[MAX_PATH], fault[16];
    struct kept files[MAX_FILES];
    if (!path_of(fd, path))
        return (int)syscall(SYS_syncfs, fd);
    long number = ordered("syncfs", path, fault);
    double began = now();
    int count = look(path, files);
    if (!strcmp(fault, "lose")) {
        lose(files, count);
        errno = EIO;
        return -1;
    }
    if (!strcmp(fault, "delay"))
        nap(number);
    int result = (int)syscall(SYS_syncfs, fd);
    if (!result) {
        keep(files, count);
        take_note(began, files, count);
    }
    return result;
}
