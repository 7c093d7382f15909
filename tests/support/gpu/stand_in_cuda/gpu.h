/* The GPU of the stand-in: memory of the host, and one worker thread per stream.

Lazy, its default, a stream does nothing before somebody waits for it, and then only what that needs: an order that was
left out shows every time and not only now and then. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <math.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { INVALID_VALUE = 1, OUT_OF_MEMORY = 2, NO_DEVICE = 100, INVALID_CONTEXT = 201, INVALID_HANDLE = 400,
       NOT_FOUND = 500, NOT_READY = 600, CONTEXT_ACTIVE = 708, CAPTURE_UNSUPPORTED = 900, CAPTURE_INVALIDATED = 901,
       CAPTURED_EVENT = 907 };
enum { BLOCKING_SYNC = 1, DISABLE_TIMING = 2, MAPPED = 2, NON_BLOCKING = 1 };
enum { BYTES_ON_GPU, BYTES_PINNED, BYTES_MAPPED, STREAM, EVENT, GRAPH, EXECUTABLE, KINDS };
enum { COPY, MARK, WAIT, XOR, AVERAGE };

typedef struct op { int kind; uint8_t *to; const uint8_t *from, *other; size_t size; int channels;
                    const float *table; int width, height; struct event *event; long number; struct op *next; } op;
typedef struct stream { op *first, *last; long queued, done, wanted; int ending, stale; pthread_t worker, captor;
                        struct graph *graph; } stream;
typedef struct event { unsigned flags; long marked, happened, place; stream *on; int captured; double when_s; } event;
typedef struct graph { op *first, *last; } graph;
typedef struct thing { void *handle; int kind; size_t size; struct thing *next; } thing;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t change = PTHREAD_COND_INITIALIZER;
static thing *things;
static char calls[1 << 20], fails[64];
static size_t noted;
static int fail_at, fail_code, work_fails_at, work_code, sticky, lazy = 1, integrated, gate_shut, spins, waiting, retained;
static int context_flags = 0, devices = 1, version = 12060, status_of_init;
static long works, kernel_us;
static __thread int pushed;

/* Notes a call, and tells what it has to answer without doing anything: 0 for nothing. Takes the lock. */
static int begin(const char *call, int needs_context) {
    pthread_mutex_lock(&lock);
    if (noted + strlen(call) + 2 < sizeof calls) noted += sprintf(calls + noted, "%s ", call);
    if (fail_at && !strcmp(call, fails) && --fail_at == 0) return fail_code;
    if (sticky) return sticky;
    return needs_context && !pushed ? INVALID_CONTEXT : 0;
}

static int end(int code) { pthread_mutex_unlock(&lock); return code; }

#define BEGIN(needs_context) int code = begin(__func__, needs_context); if (code) return end(code)

static void *keep(void *handle, int kind, size_t size) {
    thing *made = malloc(sizeof *made);
    *made = (thing){handle, kind, size, things};
    things = made;
    return handle;
}

static thing *find(const void *handle, int kind) {
    for (thing *one = things; one; one = one->next) if (one->handle == handle && one->kind == kind) return one;
    return NULL;
}

static int drop(void *handle, int kind) {
    for (thing **link = &things; *link; link = &(*link)->next)
        if ((*link)->handle == handle && (*link)->kind == kind) {
            thing *gone = *link;
            *link = gone->next;
            free(gone);
            return 0;
        }
    return INVALID_HANDLE;
}

/* Whether bytes lie inside one allocation that the GPU, or the other end of a copy, may touch. */
static int inside(const void *at, size_t size, int on_gpu) {
    for (thing *one = things; one; one = one->next) {
        int right = on_gpu ? one->kind == BYTES_ON_GPU || one->kind == BYTES_MAPPED
                           : one->kind == BYTES_PINNED || one->kind == BYTES_MAPPED;
        if (right && (char *)at >= (char *)one->handle && (char *)at + size <= (char *)one->handle + one->size) return 1;
    }
    return 0;
}

/* As in CUDA, a call that allocates, frees or waits spoils what its own thread is capturing. */
static int spoils_capture(void) {
    int found = 0;
    for (thing *one = things; one; one = one->next)
        if (one->kind == STREAM) {
            stream *on = one->handle;
            if (on->graph && pthread_equal(on->captor, pthread_self())) found = on->stale = 1;
        }
    return found ? CAPTURE_UNSUPPORTED : 0;
}

static void want(stream *on, long place) {
    if (on && on->wanted < place) on->wanted = place;
    pthread_cond_broadcast(&change);
}

static double now_s(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec + now.tv_nsec * 1e-9;
}

/* The level of the other picture at a pixel; with a table, of the pixel nearest to where that says, 0 outside. */
static uint8_t other_level(const op *work, size_t pixel) {
    if (!work->table) return work->other[pixel];
    long x = lrintf(work->table[2 * pixel]), y = lrintf(work->table[2 * pixel + 1]);
    return x < 0 || y < 0 || x >= work->width || y >= work->height ? 0 : work->other[y * work->width + x];
}

static void compute(const op *work) {
    if (kernel_us && work->kind != COPY) usleep(kernel_us);
    if (work->kind == COPY) memcpy(work->to, work->from, work->size);
    for (size_t i = 0; work->kind >= XOR && i < work->size; i++) {
        uint8_t other = other_level(work, i / work->channels);
        work->to[i] = work->kind == XOR ? work->from[i] ^ other : work->from[i] / 2 + other / 2;
    }
}

/* Does one piece of work; called with the lock, which it lets go of for what takes long. */
static void run(stream *on, op *work) {
    if (work->kind == WAIT) {
        want(work->event->on, work->event->place);
        while (work->event->happened < work->number && !sticky) pthread_cond_wait(&change, &lock);
    } else if (work->kind == MARK) {
        work->event->happened = work->number;
        work->event->when_s = now_s();
    } else {
        double until_s = now_s() + 20; /* a gate that nobody opens must not hold a process for ever */
        while (work->kind != COPY && gate_shut && now_s() < until_s) {
            pthread_mutex_unlock(&lock);
            usleep(200);
            pthread_mutex_lock(&lock);
        }
        pthread_mutex_unlock(&lock);
        compute(work);
        pthread_mutex_lock(&lock);
        works++;
        if (work_fails_at && --work_fails_at == 0) sticky = work_code;
    }
    on->done++;
    pthread_cond_broadcast(&change);
}

static void *work_off(void *argument) {
    stream *on = argument;
    pthread_mutex_lock(&lock);
    for (;;) {
        while (!on->first || (lazy && on->done >= on->wanted && !on->ending)) {
            if (!on->first && on->ending) { pthread_mutex_unlock(&lock); return NULL; }
            pthread_cond_wait(&change, &lock);
        }
        op *work = on->first;
        on->first = work->next;
        if (!on->first) on->last = NULL;
        if (sticky) on->done++; else run(on, work);
        free(work);
    }
}

static void append(op **first, op **last, op work) {
    op *made = malloc(sizeof *made);
    *made = work;
    made->next = NULL;
    if (*last) (*last)->next = made; else *first = made;
    *last = made;
}

static int enqueue(stream *on, op work) {
    if (on->graph) {
        append(&on->graph->first, &on->graph->last, work);
    } else {
        append(&on->first, &on->last, work);
        on->queued++;
        pthread_cond_broadcast(&change);
    }
    return 0;
}

static int wait_for(stream *on, long place) {
    want(on, place);
    waiting++;
    while (on && on->done < place && !sticky) pthread_cond_wait(&change, &lock);
    waiting--;
    return sticky;
}
