#include "fuzz/coverage_counters.h"

#include <cstdint>

#include "properties/recipe/coverage.h"

namespace maskproof::fuzz {
namespace {

// More than there are bins; fixed, since the section is laid out by the linker.
constexpr size_t kCounters = 1024;

// libFuzzer sets them to zero before every input, and takes a value not seen before for a feature.
#if defined(__linux__)
[[gnu::section("__libfuzzer_extra_counters"), gnu::used]]
#endif
uint8_t counters[kCounters];

}  // namespace

void CountCoverage(const Recipe& recipe, const Case& expanded) {
  for (const uint16_t bin : CoveredBins(recipe, expanded)) {
    if (bin < kCounters) counters[bin] = 1;
  }
}

}  // namespace maskproof::fuzz
