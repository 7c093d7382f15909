/* A stand-in for NVIDIA's driver library, libcuda.so.1.

It has the functions of the CUDA driver API that frames need, under the names that the true library exports, and holds
its callers to the rules of that API: a current context, handles that are alive, copies that stay inside what was
allocated, no waiting and no allocating while a stream is being captured. */

#include "gpu.h"
#include "steering.h"

/* ---- the device and its context ---- */

int cuInit(unsigned flags) { BEGIN(0); return end(status_of_init); }
int cuDriverGetVersion(int *found) { BEGIN(0); *found = version; return end(0); }
int cuDeviceGetCount(int *found) { BEGIN(0); *found = devices; return end(0); }
int cuDeviceGet(int *device, int index) { BEGIN(0); *device = 0; return end(index < devices ? 0 : 101); }

int cuDeviceGetName(char *name, int size, int device) {
    BEGIN(0);
    snprintf(name, size, "Stand-in");
    return end(0);
}

int cuDeviceGetAttribute(int *value, int attribute, int device) {
    BEGIN(0);
    *value = attribute == 75 ? 8 : attribute == 76 ? 7 : attribute == 18 ? integrated : attribute == 16 ? 8 : 1;
    return end(0);
}

int cuDevicePrimaryCtxGetState(int device, unsigned *flags, int *active) {
    BEGIN(0);
    *flags = context_flags, *active = retained > 0;
    return end(0);
}

int cuDevicePrimaryCtxSetFlags_v2(int device, unsigned flags) {
    BEGIN(0);
    if (retained) return end(CONTEXT_ACTIVE);
    context_flags = flags;
    return end(0);
}

int cuDevicePrimaryCtxRetain(void **context, int device) {
    BEGIN(0);
    retained++, *context = &retained;
    return end(0);
}

int cuDevicePrimaryCtxRelease_v2(int device) { BEGIN(0); retained--; return end(0); }
int cuCtxPushCurrent_v2(void *context) { BEGIN(0); pushed++; return end(context == &retained ? 0 : INVALID_CONTEXT); }

int cuCtxPopCurrent_v2(void **context) {
    int code = begin(__func__, 1);
    if (pushed) pushed--, *context = &retained;
    return end(code);
}

int cuGetErrorName(int code, const char **name) {
    static const struct { int code; const char *name; } names[] = {
        {INVALID_VALUE, "CUDA_ERROR_INVALID_VALUE"}, {OUT_OF_MEMORY, "CUDA_ERROR_OUT_OF_MEMORY"},
        {NO_DEVICE, "CUDA_ERROR_NO_DEVICE"}, {INVALID_CONTEXT, "CUDA_ERROR_INVALID_CONTEXT"},
        {INVALID_HANDLE, "CUDA_ERROR_INVALID_HANDLE"}, {719, "CUDA_ERROR_LAUNCH_FAILED"}, {999, "CUDA_ERROR_UNKNOWN"},
        {700, "CUDA_ERROR_ILLEGAL_ADDRESS"}, {803, "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH"},
        {CAPTURE_UNSUPPORTED, "CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED"},
        {CAPTURE_INVALIDATED, "CUDA_ERROR_STREAM_CAPTURE_INVALIDATED"}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].code == code) { *name = names[i].name; return 0; }
    *name = NULL;
    return INVALID_VALUE;
}

/* ---- memory ---- */

static int allocate(void **at, size_t size, int kind) {
    if (!size) return INVALID_VALUE;
    if (size > (size_t)1 << 33) return OUT_OF_MEMORY;
    if (posix_memalign(at, 512, size)) return OUT_OF_MEMORY;
    memset(*at, 0xA5, size);
    keep(*at, kind, size);
    return 0;
}

static int give_back(void *at, int kind) {
    int code = drop(at, kind);
    if (!code) free(at);
    return code ? INVALID_VALUE : 0;
}

/* A release that is made to fail has done its work: CUDA passes the errors of earlier work on in this way. */
#define RELEASE(release) int code = begin(__func__, 1), spoilt = code ? code : spoils_capture(); \
    if (code == INVALID_CONTEXT || (!code && spoilt)) return end(spoilt); \
    int released = release; return end(code ? code : released)

int cuMemAlloc_v2(void **at, size_t size) {
    BEGIN(1);
    return end((code = spoils_capture()) ? code : allocate(at, size, BYTES_ON_GPU));
}

int cuMemHostAlloc(void **at, size_t size, unsigned flags) {
    BEGIN(1);
    return end((code = spoils_capture()) ? code : allocate(at, size, flags & MAPPED ? BYTES_MAPPED : BYTES_PINNED));
}

int cuMemFree_v2(void *at) { RELEASE(give_back(at, BYTES_ON_GPU)); }
int cuMemFreeHost(void *at) { RELEASE(give_back(at, BYTES_PINNED) ? give_back(at, BYTES_MAPPED) : 0); }

int cuMemHostGetDevicePointer_v2(void **seen, void *at, unsigned flags) {
    BEGIN(1);
    *seen = at;
    return end(find(at, BYTES_MAPPED) ? 0 : INVALID_VALUE);
}

int cuMemcpyHtoDAsync_v2(void *to, const void *from, size_t size, stream *on) {
    BEGIN(1);
    if (!find(on, STREAM)) return end(INVALID_HANDLE);
    if (!inside(to, size, 1) || !inside(from, size, 0)) return end(INVALID_VALUE);
    return end(enqueue(on, (op){.kind = COPY, .to = to, .from = from, .size = size}));
}

int cuMemcpyDtoHAsync_v2(void *to, const void *from, size_t size, stream *on) {
    BEGIN(1);
    if (!find(on, STREAM)) return end(INVALID_HANDLE);
    if (!inside(to, size, 0) || !inside(from, size, 1)) return end(INVALID_VALUE);
    return end(enqueue(on, (op){.kind = COPY, .to = to, .from = from, .size = size}));
}

int cuMemcpyDtoDAsync_v2(void *to, const void *from, size_t size, stream *on) {
    BEGIN(1);
    if (!find(on, STREAM)) return end(INVALID_HANDLE);
    if (!inside(to, size, 1) || !inside(from, size, 1)) return end(INVALID_VALUE);
    return end(enqueue(on, (op){.kind = COPY, .to = to, .from = from, .size = size}));
}

/* ---- streams and events ---- */

int cuStreamCreate(stream **made, unsigned flags) {
    BEGIN(1);
    if (flags != NON_BLOCKING) return end(INVALID_VALUE); /* ours never wait for the default stream */
    *made = keep(calloc(1, sizeof **made), STREAM, 0);
    pthread_create(&(*made)->worker, NULL, work_off, *made);
    return end(0);
}

int cuStreamDestroy_v2(stream *on) {
    int code = begin(__func__, 1);
    if (code == INVALID_CONTEXT || drop(on, STREAM)) return end(code ? code : INVALID_HANDLE);
    on->ending = 1;
    pthread_cond_broadcast(&change);
    pthread_mutex_unlock(&lock);
    pthread_join(on->worker, NULL);
    return code; /* the struct stays: a handle that is used later is then found to be dead, not to be another's */
}

int cuStreamSynchronize(stream *on) {
    BEGIN(1);
    if (!find(on, STREAM)) return end(INVALID_HANDLE);
    return end((code = spoils_capture()) ? code : wait_for(on, on->queued));
}

int cuStreamWaitEvent(stream *on, event *awaited, unsigned flags) {
    BEGIN(1);
    if (!find(on, STREAM) || !find(awaited, EVENT)) return end(INVALID_HANDLE);
    if (awaited->captured) return end(CAPTURED_EVENT);
    return end(enqueue(on, (op){.kind = WAIT, .event = awaited, .number = awaited->marked}));
}

int cuEventCreate(event **made, unsigned flags) {
    BEGIN(1);
    *made = keep(calloc(1, sizeof **made), EVENT, 0);
    (*made)->flags = flags;
    return end(0);
}

int cuEventDestroy_v2(event *gone) {
    int code = begin(__func__, 1);
    return end(code == INVALID_CONTEXT ? code : drop(gone, EVENT) ? INVALID_HANDLE : code);
}

int cuEventRecord(event *marker, stream *on) {
    BEGIN(1);
    if (!find(on, STREAM) || !find(marker, EVENT)) return end(INVALID_HANDLE);
    if ((marker->captured = on->graph != NULL)) return end(0);
    marker->on = on, marker->place = on->queued + 1;
    return end(enqueue(on, (op){.kind = MARK, .event = marker, .number = ++marker->marked}));
}

int cuEventSynchronize(event *awaited) {
    BEGIN(1);
    if (!find(awaited, EVENT)) return end(INVALID_HANDLE);
    if ((code = spoils_capture()) || (code = awaited->captured ? CAPTURED_EVENT : 0)) return end(code);
    spins += !(awaited->flags & BLOCKING_SYNC);
    return end(wait_for(awaited->on, awaited->place));
}

int cuEventElapsedTime(float *ms, const event *start, const event *stop) {
    BEGIN(1);
    if (!find(start, EVENT) || !find(stop, EVENT)) return end(INVALID_HANDLE);
    if ((start->flags | stop->flags) & DISABLE_TIMING) return end(INVALID_HANDLE);
    *ms = 1e3 * (stop->when_s - start->when_s);
    return end(start->happened == start->marked && stop->happened == stop->marked ? 0 : NOT_READY);
}

/* ---- graphs ---- */

int cuStreamBeginCapture_v2(stream *on, int mode) {
    BEGIN(1);
    if (!find(on, STREAM)) return end(INVALID_HANDLE);
    on->graph = keep(calloc(1, sizeof *on->graph), GRAPH, 0);
    on->stale = 0, on->captor = pthread_self();
    return end(0);
}

int cuStreamEndCapture(stream *on, graph **found) {
    int code = begin(__func__, 1);
    if (!find(on, STREAM) || !on->graph) return end(INVALID_HANDLE);
    *found = on->graph, on->graph = NULL;
    if (!code && on->stale) code = CAPTURE_INVALIDATED;
    if (code) drop(*found, GRAPH), *found = NULL;
    return end(code);
}

int cuGraphInstantiateWithFlags(graph **made, graph *from, unsigned long long flags) {
    BEGIN(1);
    if (!find(from, GRAPH)) return end(INVALID_HANDLE);
    *made = keep(calloc(1, sizeof **made), EXECUTABLE, 0);
    for (op *work = from->first; work; work = work->next) append(&(*made)->first, &(*made)->last, *work);
    return end(0);
}

int cuGraphLaunch(graph *recorded, stream *on) {
    BEGIN(1);
    if (!find(recorded, EXECUTABLE) || !find(on, STREAM)) return end(INVALID_HANDLE);
    for (op *work = recorded->first; work; work = work->next) enqueue(on, *work);
    return end(0);
}

int cuGraphDestroy(graph *gone) { RELEASE(drop(gone, GRAPH)); }
int cuGraphExecDestroy(graph *gone) { RELEASE(drop(gone, EXECUTABLE)); }

/* ---- what bindings find functions by: the newest form of each ---- */

int cuGetProcAddress_v2(const char *name, void **found, int wanted, uint64_t flags, int *status) {
    char newer[128];
    snprintf(newer, sizeof newer, strcmp(name, "cuGraphInstantiate") ? "%s_v2" : "%sWithFlags", name);
    Dl_info own;
    dladdr((void *)cuInit, &own);
    void *library = dlopen(own.dli_fname, RTLD_NOW | RTLD_NOLOAD);
    *found = dlsym(library, newer) ? dlsym(library, newer) : dlsym(library, name);
    if (status) *status = *found ? 0 : 1;
    return *found ? 0 : NOT_FOUND;
}

int cuGetProcAddress(const char *name, void **found, int wanted, uint64_t flags) {
    return cuGetProcAddress_v2(name, found, wanted, flags, NULL);
}
