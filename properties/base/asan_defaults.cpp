// What AddressSanitizer does by default in programs that run campaigns: linked into them, not into
// tests. ASAN_OPTIONS has the last word.
#include "properties/subjects/sanitizers.h"

#if defined(MASKPROOF_ASAN)
extern "C" const char* __asan_default_options();  // NOLINT(bugprone-reserved-identifier): its name

// The blocks of a check live for microseconds. A megabyte of dead ones is that of hundreds of
// checks, and stays in the cache, which 256 of them do not; of where a block came from the nearest
// frames tell the most.
const char* __asan_default_options() {
  return "quarantine_size_mb=1:thread_local_quarantine_size_kb=64:malloc_context_size=8";
}
#endif
