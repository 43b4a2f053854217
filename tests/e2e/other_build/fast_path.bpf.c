// The BPF programs as another build has them: other instructions, by the compiler's flags, and one
// map of another size.
#include "dataplane/linux/fast_path_abi.h"

#define SX_MAX_PREFIXES (SX_MAX_PREFIXES / 2)

#include "dataplane/linux/fast_path.bpf.c"
