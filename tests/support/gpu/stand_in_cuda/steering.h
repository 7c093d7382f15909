/* What tests do with the stand-in: launch its engine, let it fail, and count what lives. */

/* Enqueues to = from XOR other, or their mean: (pixels, channels) with (pixels, 1). */
int stand_in_launch(stream *on, int averages, void *to, const void *from, const void *other, size_t pixels, int channels) {
    BEGIN(1);
    size_t size = pixels * channels;
    if (!find(on, STREAM)) return end(INVALID_HANDLE);
    if (!inside(to, size, 1) || !inside(from, size, 1) || !inside(other, pixels, 1)) return end(INVALID_VALUE);
    op work = {.kind = averages ? AVERAGE : XOR, .to = to, .from = from, .other = other, .size = size};
    work.channels = channels;
    return end(enqueue(on, work));
}

/* The same mean with the pixels of another of (height, width) where a table, x and y for each of to's, says they lie. */
int stand_in_launch_warped(stream *on, void *to, const void *from, const void *other, const float *table, size_t pixels,
                           int channels, int width, int height) {
    BEGIN(1);
    size_t size = pixels * channels;
    if (!find(on, STREAM)) return end(INVALID_HANDLE);
    if (!inside(to, size, 1) || !inside(from, size, 1) || !inside(other, (size_t)width * height, 1)) return end(INVALID_VALUE);
    if (!inside(table, pixels * 2 * sizeof *table, 1)) return end(INVALID_VALUE);
    op work = {.kind = AVERAGE, .to = to, .from = from, .other = other, .size = size, .table = table};
    work.channels = channels, work.width = width, work.height = height;
    return end(enqueue(on, work));
}

/* Makes the nth call from now of a function answer `code`; an empty name takes that back. */
void stand_in_fail(const char *call, int nth, int code) {
    pthread_mutex_lock(&lock);
    snprintf(fails, sizeof fails, "%s", call);
    fail_at = nth, fail_code = code;
    pthread_mutex_unlock(&lock);
}

/* Makes the nth copy or kernel from now fail while it runs: every call answers `code` from then on. */
void stand_in_fail_work(int nth, int code) { work_fails_at = nth, work_code = code; }

/* For processes that cannot call it: STAND_IN_FAIL names a function whose first call fails, as of a driver too old. */
__attribute__((constructor)) static void read_environment(void) {
    if (getenv("STAND_IN_FAIL")) stand_in_fail(getenv("STAND_IN_FAIL"), 1, 35);
}

/* As after a new start of the process: no context, no errors, nothing noted. What lives stays. */
void stand_in_reset(void) {
    pthread_mutex_lock(&lock);
    sticky = fail_at = work_fails_at = spins = retained = gate_shut = status_of_init = context_flags = integrated = 0;
    calls[0] = 0, noted = 0, kernel_us = works = 0, lazy = devices = 1;
    pthread_mutex_unlock(&lock);
}

void stand_in_set(const char *what, long value) {
    pthread_mutex_lock(&lock);
    if (!strcmp(what, "lazy")) lazy = value;
    if (!strcmp(what, "integrated")) integrated = value;
    if (!strcmp(what, "gate_shut")) gate_shut = value;
    if (!strcmp(what, "kernel_us")) kernel_us = value;
    if (!strcmp(what, "devices")) devices = value;
    if (!strcmp(what, "version")) version = value;
    if (!strcmp(what, "status_of_init")) status_of_init = value;
    pthread_cond_broadcast(&change);
    pthread_mutex_unlock(&lock);
}

/* Fills in how many of each kind live, in the order of the enumeration of gpu.h; then how often somebody waited without
   sleeping, the contexts on this thread's stack, the work done, and how many threads wait now. */
void stand_in_count(long *found) {
    pthread_mutex_lock(&lock);
    memset(found, 0, (KINDS + 4) * sizeof *found);
    for (thing *one = things; one; one = one->next) found[one->kind]++;
    found[KINDS] = spins, found[KINDS + 1] = pushed, found[KINDS + 2] = works;
    found[KINDS + 3] = waiting;
    pthread_mutex_unlock(&lock);
}

/* Copies out the names of the calls since the last time, each followed by a space, and forgets them. */
void stand_in_calls(char *to, size_t size) {
    pthread_mutex_lock(&lock);
    snprintf(to, size, "%s", calls);
    calls[0] = 0, noted = 0;
    pthread_mutex_unlock(&lock);
}
