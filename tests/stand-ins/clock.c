/* A wall clock that goes backwards: each look at it gives a time an hour before the last one, from ten years ago on.
 * The monotonic clock is the system's. */
#define _GNU_SOURCE
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static long looks;

static time_t backwards(void) {
    return 1400000000 - 3600 * __sync_add_and_fetch(&looks, 1);
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE) {
        now->tv_sec = backwards();
        now->tv_nsec = 0;
        return 0;
    }
    return (int)syscall(SYS_clock_gettime, clock, now);
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    (void)zone;
    now->tv_sec = backwards();
    now->tv_usec = 0;
    return 0;
}

time_t time(time_t *now) {
    time_t seconds = backwards();
    if (now) *now = seconds;
    return seconds;
}
