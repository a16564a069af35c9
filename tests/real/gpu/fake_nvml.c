/* A management library with two GPUs that does what the file at MODE_FILE says: n(ormal), f(ail), h(ang). Behind it may stand
 * the process that holds memory of the first.
 * Only the functions that are asked; signatures as in NVIDIA's nvml.h. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

typedef struct { unsigned index; } device;
typedef struct { unsigned version; unsigned long long total, reserved, free, used; } memory;
typedef struct { unsigned gpu, memory; } utilization;
typedef struct { unsigned pid; unsigned long long used; unsigned gpu_instance, compute_instance; } process;

enum { OK = 0, NOT_SUPPORTED = 3, INSUFFICIENT_SIZE = 7, GPU_LOST = 15 };

static device devices[2] = { { 0 }, { 1 } };

static char mode(void) {
    FILE *file = fopen(MODE_FILE, "r");
    int c = file ? fgetc(file) : 'n';
    if (file) fclose(file);
    return (char)c;
}

static unsigned holder(void) {
    FILE *file = fopen(MODE_FILE, "r");
    unsigned pid = 4242;
    if (file && fscanf(file, "%*c %u", &pid) != 1) pid = 4242;
    if (file) fclose(file);
    return pid;
}

static void hang(void) {
    while (mode() == 'h') usleep(20000);
}

int nvmlInit_v2(void) { return OK; }
int nvmlShutdown(void) { return OK; }
int nvmlSystemGetDriverVersion(char *text, unsigned length) { snprintf(text, length, "550.00"); return OK; }
const char *nvmlErrorString(int code) { (void)code; return "an error"; }
int nvmlDeviceGetCount_v2(unsigned *count) { hang(); *count = 2; return OK; }

int nvmlDeviceGetHandleByIndex_v2(unsigned index, device **handle) { *handle = &devices[index % 2]; return OK; }
int nvmlDeviceGetUUID(device *gpu, char *text, unsigned length) {
    snprintf(text, length, "GPU-0000000%u-AAAA-bbbb-cccc-dddddddddddd", gpu->index);
    return OK;
}
int nvmlDeviceGetName(device *gpu, char *text, unsigned length) { (void)gpu; snprintf(text, length, "Fake \"RTX\" 3060"); return OK; }

int nvmlDeviceGetComputeMode(device *gpu, int *mode) { *mode = gpu->index == 0 ? 3 : 0; return OK; }

int nvmlDeviceGetMemoryInfo_v2(device *gpu, memory *info) {
    info->total = 12ull << 30;
    info->reserved = 0;
    info->used = (gpu->index + 2ull) << 30;
    info->free = info->total - info->used;
    return OK;
}
/* The second GPU fails here in mode f: its series must go, and never be 0. */
int nvmlDeviceGetUtilizationRates(device *gpu, utilization *rates) {
    if (mode() == 'f' && gpu->index == 1) return GPU_LOST;
    rates->gpu = 37 + gpu->index;
    rates->memory = 11;
    return OK;
}
int nvmlDeviceGetTemperature(device *gpu, int sensor, unsigned *celsius) { (void)sensor; *celsius = 50 + gpu->index; return OK; }
int nvmlDeviceGetPowerUsage(device *gpu, unsigned *milliwatts) { (void)gpu; *milliwatts = 123456; return OK; }
int nvmlDeviceGetEnforcedPowerLimit(device *gpu, unsigned *milliwatts) { (void)gpu; *milliwatts = 170000; return OK; }
/* No fan: a property of the card, not a failure. */
int nvmlDeviceGetFanSpeed_v2(device *gpu, unsigned fan, unsigned *percent) { (void)gpu; (void)fan; (void)percent; return NOT_SUPPORTED; }
int nvmlDeviceGetPerformanceState(device *gpu, int *state) { (void)gpu; *state = 2; return OK; }
int nvmlDeviceGetClockInfo(device *gpu, int kind, unsigned *mhz) { (void)gpu; *mhz = 1000 + (unsigned)kind; return OK; }

static int list(unsigned count, const process *from, unsigned *room, process *into) {
    if (*room < count) { *room = count; return count ? INSUFFICIENT_SIZE : OK; }
    memcpy(into, from, count * sizeof *from);
    if (count) into[0].pid = holder();
    *room = count;
    return OK;
}
static const process compute[] = { { 4242, 1ull << 30, ~0u, ~0u }, { 77, 512ull << 20, ~0u, ~0u } };
int nvmlDeviceGetComputeRunningProcesses_v3(device *gpu, unsigned *count, process *into) {
    if (mode() == 'f' && gpu->index == 1) return GPU_LOST;
    return list(gpu->index == 0 ? 2 : 0, compute, count, into);
}
/* The first process also draws: one process, its memory counted once. */
int nvmlDeviceGetGraphicsRunningProcesses_v3(device *gpu, unsigned *count, process *into) {
    return list(gpu->index == 0 ? 1 : 0, compute, count, into);
}
