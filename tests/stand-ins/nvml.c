/* Answers like NVIDIA's management library NVML, as far as this project asks it, from a file named `state` in the
 * library's own folder. The file is read at every call, so a test changes what is said by writing it anew:
 *
 *   start CODE              what nvmlInit_v2 returns; 0 unless set
 *   driver VERSION
 *   gpu UUID BUS MAJOR.MINOR TOTAL USED NAME      a GPU, on that PCI bus; the lines below are about the last one
 *   closed CODE             what asking for its handle returns
 *   mig                     it is divided
 *   memory CODE             what asking for its memory returns
 *   lists CODE              what asking for its computing processes returns
 *   draws CODE              what asking for its drawing processes returns
 *   compute PID BYTES       a computing process; BYTES is `-` where the driver does not report
 *   graphics PID BYTES      a drawing one
 *   clocks SM MEMORY SM_MAX MEMORY_MAX            in MHz; without this line, as without the others below, the driver does
 *                           not know the question
 *   power MILLIWATTS        the limit in force
 *   heat DEGREES
 *   held BITS               the reasons that hold the clocks down
 *   ecc 0|1
 *   persistence 0|1
 *   energy MILLIJOULES      what it has taken since the driver was loaded
 *
 * Where there is a file named `calls` in that folder, each call adds a line with its name to it.
 *
 * Types and codes as in nvml.h. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
  SUCCESS = 0,
  INVALID_ARGUMENT = 2,
  NOT_SUPPORTED = 3,
  INSUFFICIENT_SIZE = 7,
  DRIVER_NOT_LOADED = 9,
  ARGUMENT_VERSION_MISMATCH = 25
};

typedef int Return;
typedef void *Device;

typedef struct {
  unsigned int version;
  unsigned long long total, reserved, free, used;
} Memory;

typedef struct {
  unsigned int pid;
  unsigned long long used;
  unsigned int gpu_instance, compute_instance;
} Process;

typedef struct {
  char legacy_id[16];
  unsigned int domain, bus, device, device_id, subsystem_id;
  char id[32];
} Pci;

_Static_assert(sizeof(Memory) == 40, "nvmlMemory_v2_t");
_Static_assert(sizeof(Process) == 24, "nvmlProcessInfo_t");
_Static_assert(sizeof(Pci) == 68, "nvmlPciInfo_t");

/* What the driver sets aside and counts as nobody's. */
#define RESERVED 500000000ull

typedef struct {
  Process all[8];
  unsigned int count;
  Return answer;
} List;

typedef struct {
  char uuid[96], name[96];
  unsigned int bus;
  int major, minor;
  unsigned long long total, used;
  Return closed, memory;
  unsigned int divided;
  /* SM and memory now, then at most. */
  unsigned int clocks[4], power, heat, ecc, persistence;
  unsigned long long held, energy;
  int has_clocks, has_power, has_heat, has_ecc, has_persistence, has_held, has_energy;
  List computing, drawing;
} Gpu;

typedef struct {
  Return start;
  char driver[80];
  Gpu gpus[4];
  unsigned int count;
} State;

static void add(List *list, const char *arguments) {
  char used[32] = "";
  Process process = {0, 0, 0xFFFFFFFFu, 0xFFFFFFFFu};
  if (sscanf(arguments, "%u %31s", &process.pid, used) == 2 && list->count < 8) {
    /* NVML_VALUE_NOT_AVAILABLE is all ones. */
    process.used = strcmp(used, "-") == 0 ? ~0ull : strtoull(used, NULL, 10);
    list->all[list->count++] = process;
  }
}

static void take(State *state, const char *line) {
  Gpu *last = state->count > 0 ? &state->gpus[state->count - 1] : NULL;
  char word[16] = "";
  int length = 0;
  if (sscanf(line, " %15s %n", word, &length) != 1) {
    return;
  }
  const char *rest = line + length;
  if (strcmp(word, "start") == 0) {
    state->start = atoi(rest);
  } else if (strcmp(word, "driver") == 0) {
    sscanf(rest, "%79s", state->driver);
  } else if (strcmp(word, "gpu") == 0 && state->count < 4) {
    Gpu *gpu = &state->gpus[state->count++];
    sscanf(rest, "%95s %u %d.%d %llu %llu %95[^\n]", gpu->uuid, &gpu->bus, &gpu->major, &gpu->minor, &gpu->total,
           &gpu->used, gpu->name);
  } else if (last == NULL) {
    return;
  } else if (strcmp(word, "closed") == 0) {
    last->closed = atoi(rest);
  } else if (strcmp(word, "mig") == 0) {
    last->divided = 1;
  } else if (strcmp(word, "clocks") == 0) {
    last->has_clocks = sscanf(rest, "%u %u %u %u", &last->clocks[0], &last->clocks[1], &last->clocks[2],
                              &last->clocks[3]) == 4;
  } else if (strcmp(word, "power") == 0) {
    last->has_power = sscanf(rest, "%u", &last->power) == 1;
  } else if (strcmp(word, "heat") == 0) {
    last->has_heat = sscanf(rest, "%u", &last->heat) == 1;
  } else if (strcmp(word, "held") == 0) {
    last->has_held = sscanf(rest, "%llu", &last->held) == 1;
  } else if (strcmp(word, "ecc") == 0) {
    last->has_ecc = sscanf(rest, "%u", &last->ecc) == 1;
  } else if (strcmp(word, "persistence") == 0) {
    last->has_persistence = sscanf(rest, "%u", &last->persistence) == 1;
  } else if (strcmp(word, "energy") == 0) {
    last->has_energy = sscanf(rest, "%llu", &last->energy) == 1;
  } else if (strcmp(word, "memory") == 0) {
    last->memory = atoi(rest);
  } else if (strcmp(word, "lists") == 0) {
    last->computing.answer = atoi(rest);
  } else if (strcmp(word, "draws") == 0) {
    last->drawing.answer = atoi(rest);
  } else if (strcmp(word, "compute") == 0) {
    add(&last->computing, rest);
  } else if (strcmp(word, "graphics") == 0) {
    add(&last->drawing, rest);
  }
}

/* Opens a file of the library's own folder. */
static FILE *open_own(const char *name, const char *mode) {
  Dl_info own;
  if (dladdr((void *)open_own, &own) == 0) {
    return NULL;
  }
  char path[4096];
  const char *slash = strrchr(own.dli_fname, '/');
  int folder = slash == NULL ? 0 : (int)(slash - own.dli_fname + 1);
  snprintf(path, sizeof path, "%.*s%s", folder, own.dli_fname, name);
  return fopen(path, mode);
}

/* Adds a line to the file of calls, if there is one. */
static void called(const char *name) {
  FILE *file = open_own("calls", "r+");
  if (file != NULL) {
    fseek(file, 0, SEEK_END);
    fprintf(file, "%s\n", name);
    fclose(file);
  }
}

/* The state now; without a file a machine without a driver. */
static State state_now(void) {
  State state;
  memset(&state, 0, sizeof state);
  state.start = DRIVER_NOT_LOADED;
  FILE *file = open_own("state", "r");
  if (file == NULL) {
    return state;
  }
  state.start = SUCCESS;
  char line[512];
  while (fgets(line, sizeof line, file) != NULL) {
    take(&state, line);
  }
  fclose(file);
  return state;
}

/* The state, for the call that asks for it. */
#define now() (called(__func__), state_now())

/* A handle is the index, one up so that none is null. */
static Return found_in(State state, Device device, Gpu *gpu) {
  memset(gpu, 0, sizeof *gpu);
  uintptr_t handle = (uintptr_t)device;
  if (handle == 0 || handle > state.count) {
    return INVALID_ARGUMENT;
  }
  *gpu = state.gpus[handle - 1];
  return SUCCESS;
}

#define find(device, gpu) found_in(now(), device, gpu)

/* A number that the driver may not know. */
static Return number(Return found, int is_known, unsigned int from, unsigned int *to) {
  if (found == SUCCESS && !is_known) {
    return NOT_SUPPORTED;
  }
  if (found == SUCCESS) {
    *to = from;
  }
  return found;
}

static Return text(const char *from, char *to, unsigned int room) {
  if (strlen(from) >= room) {
    return INSUFFICIENT_SIZE;
  }
  strcpy(to, from);
  return SUCCESS;
}

/* As NVML: where there is not room for all, their count and an error. */
static Return processes(const List *list, unsigned int *count, Process *into) {
  if (list->answer != SUCCESS) {
    return list->answer;
  }
  unsigned int room = *count;
  *count = list->count;
  if (room < list->count) {
    return INSUFFICIENT_SIZE;
  }
  if (list->count > 0) {
    memcpy(into, list->all, list->count * sizeof *into);
  }
  return SUCCESS;
}

Return nvmlInit_v2(void) {
  return now().start;
}

Return nvmlShutdown(void) {
  return SUCCESS;
}

Return nvmlSystemGetDriverVersion(char *version, unsigned int room) {
  return text(now().driver, version, room);
}

Return nvmlDeviceGetCount_v2(unsigned int *count) {
  *count = now().count;
  return SUCCESS;
}

Return nvmlDeviceGetHandleByIndex_v2(unsigned int index, Device *device) {
  Gpu gpu;
  *device = (Device)(uintptr_t)(index + 1);
  Return found = find(*device, &gpu);
  return found == SUCCESS ? gpu.closed : found;
}

Return nvmlDeviceGetHandleByUUID(const char *uuid, Device *device) {
  State state = now();
  for (unsigned int index = 0; index < state.count; index++) {
    if (strcmp(state.gpus[index].uuid, uuid) == 0) {
      *device = (Device)(uintptr_t)(index + 1);
      return SUCCESS;
    }
  }
  return INVALID_ARGUMENT;
}

Return nvmlDeviceGetName(Device device, char *name, unsigned int room) {
  Gpu gpu;
  Return found = find(device, &gpu);
  return found == SUCCESS ? text(gpu.name, name, room) : found;
}

Return nvmlDeviceGetUUID(Device device, char *uuid, unsigned int room) {
  Gpu gpu;
  Return found = find(device, &gpu);
  return found == SUCCESS ? text(gpu.uuid, uuid, room) : found;
}

Return nvmlDeviceGetPciInfo_v3(Device device, Pci *pci) {
  Gpu gpu;
  Return found = find(device, &gpu);
  if (found == SUCCESS) {
    memset(pci, 0, sizeof *pci);
    pci->bus = gpu.bus;
    snprintf(pci->legacy_id, sizeof pci->legacy_id, "0000:%02X:00.0", gpu.bus);
    snprintf(pci->id, sizeof pci->id, "00000000:%02X:00.0", gpu.bus);
  }
  return found;
}

Return nvmlDeviceGetCudaComputeCapability(Device device, int *major, int *minor) {
  Gpu gpu;
  Return found = find(device, &gpu);
  if (found == SUCCESS) {
    *major = gpu.major;
    *minor = gpu.minor;
  }
  return found;
}

Return nvmlDeviceGetMigMode(Device device, unsigned int *current, unsigned int *pending) {
  Gpu gpu;
  Return found = find(device, &gpu);
  if (found == SUCCESS && gpu.major < 8) {
    return NOT_SUPPORTED;
  }
  if (found == SUCCESS) {
    *current = *pending = gpu.divided;
  }
  return found;
}

Return nvmlDeviceGetMemoryInfo_v2(Device device, Memory *memory) {
  Gpu gpu;
  Return found = find(device, &gpu);
  if (found != SUCCESS || gpu.memory != SUCCESS) {
    return found != SUCCESS ? found : gpu.memory;
  }
  if (memory->version != (sizeof *memory | 2u << 24)) {
    return ARGUMENT_VERSION_MISMATCH;
  }
  memory->total = gpu.total;
  memory->reserved = RESERVED;
  memory->used = gpu.used;
  memory->free = gpu.total - RESERVED - gpu.used;
  return SUCCESS;
}

Return nvmlDeviceGetComputeRunningProcesses_v3(Device device, unsigned int *count, Process *into) {
  Gpu gpu;
  Return found = find(device, &gpu);
  return found == SUCCESS ? processes(&gpu.computing, count, into) : found;
}

Return nvmlDeviceGetGraphicsRunningProcesses_v3(Device device, unsigned int *count, Process *into) {
  Gpu gpu;
  Return found = find(device, &gpu);
  return found == SUCCESS ? processes(&gpu.drawing, count, into) : found;
}

/* NVML_CLOCK_SM is 1, NVML_CLOCK_MEM 2. */
static Return clock_of(Return found, const Gpu *gpu, int kind, int most, unsigned int *mhz) {
  int place = kind == 1 ? 0 : kind == 2 ? 1 : -1;
  if (place < 0) {
    return INVALID_ARGUMENT;
  }
  return number(found, gpu->has_clocks, gpu->clocks[place + 2 * most], mhz);
}

Return nvmlDeviceGetClockInfo(Device device, int kind, unsigned int *mhz) {
  Gpu gpu;
  Return found = find(device, &gpu);
  return clock_of(found, &gpu, kind, 0, mhz);
}

Return nvmlDeviceGetMaxClockInfo(Device device, int kind, unsigned int *mhz) {
  Gpu gpu;
  Return found = find(device, &gpu);
  return clock_of(found, &gpu, kind, 1, mhz);
}

Return nvmlDeviceGetEnforcedPowerLimit(Device device, unsigned int *milliwatts) {
  Gpu gpu;
  Return found = find(device, &gpu);
  return number(found, gpu.has_power, gpu.power, milliwatts);
}

/* NVML_TEMPERATURE_GPU is 0. */
Return nvmlDeviceGetTemperature(Device device, int sensor, unsigned int *degrees) {
  Gpu gpu;
  Return found = sensor == 0 ? find(device, &gpu) : INVALID_ARGUMENT;
  return found == SUCCESS ? number(found, gpu.has_heat, gpu.heat, degrees) : found;
}

Return nvmlDeviceGetCurrentClocksThrottleReasons(Device device, unsigned long long *bits) {
  Gpu gpu;
  Return found = find(device, &gpu);
  if (found == SUCCESS && !gpu.has_held) {
    return NOT_SUPPORTED;
  }
  if (found == SUCCESS) {
    *bits = gpu.held;
  }
  return found;
}

Return nvmlDeviceGetTotalEnergyConsumption(Device device, unsigned long long *millijoules) {
  Gpu gpu;
  Return found = find(device, &gpu);
  if (found == SUCCESS && !gpu.has_energy) {
    return NOT_SUPPORTED;
  }
  if (found == SUCCESS) {
    *millijoules = gpu.energy;
  }
  return found;
}

Return nvmlDeviceGetEccMode(Device device, unsigned int *current, unsigned int *pending) {
  Gpu gpu;
  Return found = find(device, &gpu);
  Return answer = number(found, gpu.has_ecc, gpu.ecc, current);
  return answer == SUCCESS ? number(found, gpu.has_ecc, gpu.ecc, pending) : answer;
}

Return nvmlDeviceGetPersistenceMode(Device device, unsigned int *mode) {
  Gpu gpu;
  Return found = find(device, &gpu);
  return number(found, gpu.has_persistence, gpu.persistence, mode);
}
