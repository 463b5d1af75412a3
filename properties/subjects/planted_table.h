// The texts of the planted defects, by area.
#ifndef MASKPROOF_PROPERTIES_SUBJECTS_PLANTED_TABLE_H_
#define MASKPROOF_PROPERTIES_SUBJECTS_PLANTED_TABLE_H_

#include <span>

#include "properties/subjects/planted_defect.h"

namespace maskproof::planted {

// Shows from so many heads and tokens on.
constexpr PlantedDefect From(int64_t heads, int64_t tokens, PlantedDefect defect) {
  defect.heads = heads;
  defect.tokens = tokens;
  return defect;
}

std::span<const DefectEntry> MaskDefects();     // masks and softmax
std::span<const DefectEntry> LayoutDefects();   // scores, layouts, threads, memory
std::span<const DefectEntry> ProductDefects();  // 8-bit products, refusals, the harness's own

}  // namespace maskproof::planted

#endif  // MASKPROOF_PROPERTIES_SUBJECTS_PLANTED_TABLE_H_
